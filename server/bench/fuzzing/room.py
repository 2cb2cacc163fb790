"""A session with people in it, for hostile words of its pages: whoever leads, a citizen, and somebody at the door."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from server.sessions.core import SeatRole, SeatState
from server.signaling import messages
from server.signaling.room import dispatch
from server.signaling.room.effects import LineId
from server.signaling.room.people import SeatFacts
from server.signaling.room.session import Arrival, Session, SessionFacts, open_session_state

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
# Named as in the examples of PROTOCOL.md, so that those of the corpus mean somebody here.
PEOPLE: Final = (
    ("a1", SeatRole.IN_CHARGE, SeatState.ADMITTED),
    ("b2", SeatRole.APPLICANT, SeatState.ADMITTED),
    ("d4", SeatRole.PARTY, SeatState.WAITING),
)
MOST_SAID: Final = 20
MOST_EFFECTS: Final = 40  # of one message among three people


def crowded() -> Session:
    """A recorded mediation; line 1 is of who leads, and so on."""
    facts = SessionFacts("s", "mediation", "站", "李婉清", NOW, {"r1": True})
    seats = [SeatFacts(seat, "r1", role.value, seat, "站", state) for seat, role, state in PEOPLE]
    session = open_session_state(facts, seats, "open")
    for number, seat in enumerate(seats, 1):
        session.arrive(LineId(number), Arrival(seat, f"resume-{number}", resumed=False, media=True), NOW)
    return session


def say_all(data: bytes) -> bool:
    """One message on each line of text, the people taking turns; whether any was one. Raises whatever a session does not bear."""
    session, taken = crowded(), False
    for number, said in enumerate(data.split(b"\n")[:MOST_SAID]):
        try:
            message = messages.parse(said.decode("utf-8", "surrogateescape"))
        except messages.BadMessage:
            continue
        taken = True
        effects = dispatch.receive(session, LineId(number % len(PEOPLE) + 1), message, NOW)
        assert len(effects) <= MOST_EFFECTS, "one message makes much work"
    return taken
