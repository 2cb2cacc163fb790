"""Which times can be booked. Pure.

1. A shift is cut into slots of the service's length, from its beginning; what is left over at its end is no slot.
2. Every fourth slot of a shift is kept for people who just come; staff may give it away, the public page does not offer it.
3. A slot is offered from LEAD before it begins, and while the professional has nothing else at that time.
4. Who will sit in a village room is offered what that room is free for, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTES = {
    "notarization": 30,
    "mediation": 45,
    "legal_aid": 30,
    "legal_advice": 15,
}  # the usual length, rounded up to quarters
KEPT_FOR_WALK_INS = 4  # one slot in so many
LEAD = timedelta(minutes=30)  # nobody books what begins in a minute: come and take a ticket
REMIND_BEFORE = timedelta(hours=24)
LONGEST_AHEAD = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody's duty."""

    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """A time with one professional. `kept`: for walk-ins unless staff decide otherwise."""

    person: str
    start: datetime
    end: datetime
    kept: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """A time at which somebody has an appointment; `person` None: the village room that is asked for."""

    person: str | None
    start: datetime
    end: datetime


def cut(shift: Shift, service: str) -> Iterator[Slot]:
    """Rules 1 and 2."""
    length = timedelta(minutes=MINUTES[service])
    start, count = shift.start, 1
    while start + length <= shift.end:
        yield Slot(shift.person, start, start + length, count % KEPT_FOR_WALK_INS == 0)
        start, count = start + length, count + 1


def free_slots(shifts: Sequence[Shift], taken: Sequence[Taken], service: str, now: datetime) -> list[Slot]:
    """All slots that can still be booked, in order of time; rules 3 and 4."""
    return sorted(
        (
            slot
            for shift in shifts
            for slot in cut(shift, service)
            if slot.start >= now + LEAD and not any(_meets(slot, one) for one in taken)
        ),
        key=lambda slot: (slot.start, slot.person),
    )


def _meets(slot: Slot, taken: Taken) -> bool:
    return taken.person in (None, slot.person) and slot.start < taken.end and taken.start < slot.end
