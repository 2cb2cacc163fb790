"""What a session and its seats can be and become, and what each role may say in a room. Pure: no clock, no database."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

Procedure = Literal["notarization", "mediation", "legal_aid", "legal_advice"]
EndReason = Literal["completed", "no_show", "technical", "refused", "withdrawn"]
END_REASONS: Final = frozenset({"completed", "no_show", "technical", "refused", "withdrawn"})


class SeatRole(StrEnum):
    """What somebody is in one session."""

    IN_CHARGE = "in_charge"  # the professional who leads; admits, removes, ends
    STAFF = "staff"  # another professional or an assistant
    APPLICANT = "applicant"  # the citizen whose ticket was called
    PARTY = "party"  # the other side, a relative, a contractor
    SITE_WORKER = "site_worker"  # helps the citizen in the village room
    INTERPRETER = "interpreter"
    SUPPORTER = "supporter"
    WITNESS = "witness"


INVITABLE: Final = frozenset(
    {SeatRole.PARTY, SeatRole.SITE_WORKER, SeatRole.INTERPRETER, SeatRole.SUPPORTER, SeatRole.WITNESS}
)
OF_STAFF: Final = frozenset({SeatRole.IN_CHARGE, SeatRole.STAFF, SeatRole.SITE_WORKER})  # see everybody's line quality


class SeatState(StrEnum):
    """How far a seat is. The room protocol's `connected`, `reconnecting` ... are about the line, not about the seat."""

    INVITED = "invited"  # has a link, has never come
    WAITING = "waiting"  # came; the person in charge has not said yes
    ADMITTED = "admitted"  # may be in the room, whether here or not
    REFUSED = "refused"  # sent away before entering; the link is dead
    REMOVED = "removed"  # sent away from the room; the link is dead
    LEFT = "left"  # the session is over


class SessionState(StrEnum):
    """How far a session is."""

    OPEN = "open"  # called, not both here yet
    LIVE = "live"  # the person in charge and somebody else have been in the room together
    ENDED = "ended"


SEAT_MOVES: Final[dict[SeatState, frozenset[SeatState]]] = {
    SeatState.INVITED: frozenset({SeatState.WAITING, SeatState.REFUSED, SeatState.LEFT}),
    SeatState.WAITING: frozenset({SeatState.ADMITTED, SeatState.REFUSED, SeatState.LEFT}),
    # back to waiting keeps the place (lesson C-4)
    SeatState.ADMITTED: frozenset({SeatState.WAITING, SeatState.REMOVED, SeatState.LEFT}),
    SeatState.REFUSED: frozenset(),
    SeatState.REMOVED: frozenset(),
    SeatState.LEFT: frozenset(),
}

# Client messages beyond one's own (join, offer, mute, leave, report, ping) that a role may send: the `may` of the room protocol's `welcome`.
# Who brings a matter shows its papers; a screen, on which anything may stand, is for who is on duty. Witness, supporter, interpreter show nothing.
MAY_SAY: Final[dict[SeatRole, tuple[str, ...]]] = {
    SeatRole.IN_CHARGE: (
        "admit",
        "refuse",
        "remove",
        "wait",
        "silence",
        "end",
        "name",
        "show_document",
        "share_screen",
    ),
    SeatRole.STAFF: ("name", "show_document", "share_screen"),
    SeatRole.SITE_WORKER: ("name", "show_document", "share_screen"),
    SeatRole.APPLICANT: ("show_document",),
    SeatRole.PARTY: ("show_document",),
}


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """What the caller of a ticket gets: both seats are admitted, the tokens exist only here."""

    session_id: str
    room_id: str
    staff_token: str
    citizen_token: str
    citizen_seat: str
    staff_seat: str


@dataclass(frozen=True, slots=True)
class Citizen:
    """Who was called: the device they sit at (None: reached in another way) and the name they gave, which may be empty."""

    endpoint_id: str | None
    name: str = ""


def can_move(seat: SeatState, to: SeatState) -> bool:
    """Whether a seat in this state can go to the other."""
    return to in SEAT_MOVES[seat]


def may_say(role: str) -> tuple[str, ...]:
    """The client messages a role may send beyond one's own."""
    return MAY_SAY.get(SeatRole(role), ())


def ticket_outcome(reason: EndReason) -> Literal["done", "no_show"]:
    """What becomes of the ticket when its session ends."""
    return "no_show" if reason == "no_show" else "done"
