"""Who is shown in which slot of one seat's peer. Pure: the old table and who is present give the new table.

Rules, in this order:
1. An occupant that is still present keeps its slot. Nothing ever jumps.
2. `voice` and `face` of one seat are one occupant, a *person*, in one slot; `document` and `screen` are occupants of
   their own and take only a slot's video half.
3. Persons are seated before extra pictures, each in the order given (arrival). A person takes a slot with both halves,
   else one that has the half he needs; an extra picture takes a slot without an audio half first, to leave whole slots
   to persons.
4. Among equals the slot goes that has been free longest: a late packet or a face on screen is then least likely
   mistaken.
5. Whoever finds no slot counts as `short`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

VOICE, FACE, DOCUMENT, SCREEN = "voice", "face", "document", "screen"
SOURCES = {VOICE: "audio", FACE: "video", DOCUMENT: "video", SCREEN: "video"}
EXTRA_PICTURES = (DOCUMENT, SCREEN)


@dataclass(frozen=True, slots=True)
class Occupant:
    """`source` is face for a person (whether or not he has a camera), else the extra picture's source."""

    seat: str
    source: str


@dataclass(frozen=True, slots=True)
class Slot:
    """audio, video: whether the peer offered that half. `freed`: smaller was freed earlier, 0 never used."""

    index: int
    audio: bool
    video: bool
    occupant: Occupant | None = None
    freed: int = 0


@dataclass(frozen=True, slots=True)
class Assignment:
    slots: tuple[Slot, ...]
    short: int


def make_slots(audio: int, video: int, before: Sequence[Slot] = ()) -> tuple[Slot, ...]:
    """The table for so many recvonly audio and video lines; occupants of `before` stay.

    A slot that a renegotiation took away is dropped with its occupant, who is then seated anew.
    """
    return tuple(
        replace(before[i], audio=i < audio, video=i < video) if i < len(before) else Slot(i, i < audio, i < video)
        for i in range(max(audio, video))
    )


def occupants(streams: Iterable[tuple[str, str]]) -> list[Occupant]:
    """(seat, source) of the up streams in order of arrival -> whom to seat, each once."""
    found = (Occupant(seat, source if source in EXTRA_PICTURES else FACE) for seat, source in streams)
    return list(dict.fromkeys(found))


def assign_slots(slots: Sequence[Slot], present: Sequence[Occupant]) -> Assignment:
    """The new table. `present` does not hold the seat itself: nobody is sent his own picture."""
    here = set(present)
    last = max((slot.freed for slot in slots), default=0)
    table: list[Slot] = []
    for slot in slots:
        if slot.occupant is None or slot.occupant in here:
            table.append(slot)
        else:
            last += 1
            table.append(replace(slot, occupant=None, freed=last))
    seated = {slot.occupant for slot in table}
    waiting = [o for o in present if o not in seated]
    waiting.sort(key=lambda o: o.source in EXTRA_PICTURES)  # stable: arrival within each
    return Assignment(*_seat(table, waiting))


def _seat(table: list[Slot], waiting: list[Occupant]) -> tuple[tuple[Slot, ...], int]:
    short = 0
    for occupant in waiting:
        free = [slot for slot in table if slot.occupant is None and _fits(slot, occupant)]
        if not free:
            short += 1
            continue
        best = min(free, key=lambda slot: _preference(slot, occupant))
        table[best.index] = replace(best, occupant=occupant)
    return tuple(table), short


def _fits(slot: Slot, occupant: Occupant) -> bool:
    return slot.video if occupant.source in EXTRA_PICTURES else slot.audio


def _preference(slot: Slot, occupant: Occupant) -> tuple[int, int, int]:
    whole = slot.audio and slot.video
    wanted = not slot.audio if occupant.source in EXTRA_PICTURES else whole
    return (0 if wanted else 1, slot.freed, slot.index)


def shown_source(occupant: Occupant, sources: Iterable[str]) -> str:
    """What the `slots` event says: voice for a person without a camera."""
    if occupant.source == FACE and FACE not in set(sources):
        return VOICE
    return occupant.source
