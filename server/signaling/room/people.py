"""The people of one session as the room knows them: seat, line, media, and the one word that others see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from server.sessions.core import OF_STAFF, SeatState, may_say
from server.signaling.messages import PersonState, You

if TYPE_CHECKING:
    from datetime import datetime

    from server.signaling.messages import Report, Slot
    from server.signaling.relay import IceServers
    from server.signaling.room.effects import LineId

# The worker's connection number of a seat's peer: the socket's number, then the peers made over that socket. Both only rise.
PEERS_PER_CONNECTION = 1000

Phase = Literal["connecting", "connected", "reconnecting"]
StateWord = Literal[
    "waiting", "expected", "connecting", "connected", "reconnecting", "out", "left", "removed", "refused"
]
_CLOSED: dict[SeatState, StateWord] = {
    SeatState.REMOVED: "removed",
    SeatState.REFUSED: "refused",
    SeatState.LEFT: "left",
}


@dataclass(frozen=True, slots=True)
class SeatFacts:
    """A seat as the database tells it."""

    seat: str
    room: str
    role: str
    name: str
    site: str
    state: SeatState
    connection: int = 0
    person_id: str | None = None


@dataclass(slots=True)
class Peer:
    """One peer connection of a person at the worker. `peer` is the page's own number; None after this process was restarted."""

    number: int
    peer: int | None
    revision: int
    phase: Phase = "connecting"
    slots: tuple[Slot, ...] = ()
    short: int = 0
    extra: bool = False  # a document or a screen is, or may be, among what it was last asked to send


@dataclass(slots=True)
class Person:
    """Somebody with a seat."""

    facts: SeatFacts
    name: str
    state: SeatState
    connection: int = 0  # of the newest line
    resume: str = ""  # what the newest line may come back with
    ice: IceServers = ()  # RTCConfiguration.iceServers of that line
    line: LineId | None = None
    away_since: datetime | None = None  # was here, the line is gone
    went_out: bool = False  # left by their own will; the seat is kept
    wants_media: bool = True
    peer: Peer | None = None
    offered: Peer | None = None  # asked of the worker, not answered
    last_number: int = 0
    going: str | None = None  # the room that this person is being moved to
    muted: set[str] = field(default_factory=set)
    silenced: set[str] = field(default_factory=set)
    shows: str = ""  # document or screen, while the person shows it
    stopped: set[str] = field(default_factory=set)  # of these: ended by the person in charge, and not forwarded since
    report: Report | None = None
    losses: tuple[float, ...] = ()  # of the last windows (quality.py)

    @property
    def seat(self) -> str:
        return self.facts.seat

    @property
    def is_seated(self) -> bool:
        """Admitted and here: hears the room."""
        return self.state is SeatState.ADMITTED and self.line is not None

    @property
    def is_staff(self) -> bool:
        return self.facts.role in OF_STAFF

    def may(self) -> tuple[str, ...]:
        """Client messages beyond one's own."""
        return may_say(self.facts.role)

    def next_number(self) -> int:
        """The worker's number for a new peer: above all before it, whichever line they came over."""
        self.last_number = max(self.last_number, self.connection * PEERS_PER_CONNECTION) + 1
        return self.last_number

    def has_standing_media(self) -> bool:
        """Whether the page's peer connection can go on after its line was gone."""
        return self.peer is not None and self.peer.phase != "connecting"

    def word(self) -> StateWord:
        """What others see of this person."""
        if self.state in _CLOSED:
            return _CLOSED[self.state]
        if self.state is SeatState.WAITING:
            return "waiting" if self.line is not None else "left"
        if self.line is None:
            return "reconnecting" if self.away_since else "out" if self.went_out else "expected"
        if not self.wants_media:
            return "connected"
        return self.peer.phase if self.peer else "connecting"

    def as_others_see(self, private: bool = False) -> PersonState:
        """`private`: not in the joint room, so it is told which."""
        return PersonState(
            seat=self.seat,
            role=self.facts.role,
            name=self.name,
            site=self.facts.site,
            state=self.word(),
            muted=sorted(self.muted),
            silenced=sorted(self.silenced),
            room=self.facts.room if private else "",
            shows=self.shows,
        )

    def as_you(self, may: tuple[str, ...]) -> You:
        return You(seat=self.seat, role=self.facts.role, name=self.name, may=list(may))

    def as_you_waiting(self) -> You:
        return You(seat=self.seat, role=self.facts.role, name=self.name)


def person_of(facts: SeatFacts) -> Person:
    """Somebody known from the database, not here yet."""
    return Person(facts, facts.name, facts.state, facts.connection)
