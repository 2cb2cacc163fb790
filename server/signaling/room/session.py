"""One session's room life, sans-IO: who is here, who hears what, what is asked of the worker and the database.

Every method takes what happened and returns the effects it has; nothing here waits, sees a socket or reads a clock. One loop owns
a session and brings it one input after the other, so a whole session replays from a transcript (tests/vectors/signaling).

Nothing changes before the database or the worker said yes: a refusal leaves everything as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from server.recordings.core import may_ask_consent
from server.sessions.core import SeatRole, SeatState, can_move
from server.signaling.messages import Closed, Outside, RecordingState, Rejoin, Slots, Waiting, Welcome
from server.signaling.messages import Person as PersonMessage
from server.signaling.messages import Recording as RecordingMessage
from server.signaling.messages import SessionState as SessionMessage
from server.signaling.room import consent, showing, voices
from server.signaling.room.effects import Act, Effect, Finish, GoLive, Hang, LineId, Log, Say
from server.signaling.room.people import Person, SeatFacts, person_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from server.signaling.messages import PersonState, ServerMessage
    from server.signaling.relay import IceServers

FIRST_SLOTS: Final = 3  # a citizen, a second party and a helper: most sessions need no second offer
# As long as the worker keeps a silent peer (RFC 7675 consent); then the person is no longer shown as coming back.
AWAY: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What does not change while a session lasts."""

    id: str
    procedure: str
    site: str
    in_charge: str  # name
    opened_at: datetime
    rooms: dict[str, bool]  # room -> recorded
    private: set[str] = field(default_factory=set)  # those of `rooms` that are private talks


LOW_SPACE = "low_space"  # a recording's cause while it goes on


@dataclass(frozen=True, slots=True)
class Recording:
    """What everybody sees of a room's recording. `since` in unix seconds; `cause` names a sentence."""

    state: str
    since: float | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody's line was let in: the seat as the database has it, and the token for coming back."""

    seat: SeatFacts
    resume: str
    resumed: bool  # came with a resume token
    media: bool
    ice: IceServers = ()  # for this seat, from now on


@dataclass(slots=True)
class Session:
    """The state of one session; see the module."""

    facts: SessionFacts
    people: dict[str, Person]
    state: str = "open"
    recordings: dict[str, Recording] = field(default_factory=dict)
    lines: dict[LineId, str] = field(default_factory=dict)
    going_live: bool = False
    answers: dict[str, Literal["asked", "given", "refused"]] = field(default_factory=dict)  # to be recorded, by seat
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)  # the newest signed answer of each seat
    speaking: dict[str, list[str]] = field(default_factory=dict)  # room -> seats, as its people were told
    closing: set[str] = field(default_factory=set)  # private rooms that end when the last one has left

    @property
    def joint(self) -> str:
        """The room where everybody is together."""
        return next(room for room in self.facts.rooms if room not in self.facts.private)

    # ------------------------------------------------------------ coming and going

    def arrive(self, line: LineId, arrival: Arrival, now: datetime) -> list[Effect]:
        """A line whose token the database accepted. The newest line of a seat is the one; older ones are told so."""
        person = self.people.setdefault(arrival.seat.seat, person_of(arrival.seat))
        if self.state == "ended" or person.state in (SeatState.REMOVED, SeatState.REFUSED, SeatState.LEFT):
            return close(line, _why_closed(person.state))
        if arrival.seat.connection <= person.connection and person.line is not None:
            return close(line, "replaced")
        effects = self._replace_line(person, line)
        if person.state is SeatState.INVITED:
            person.state = SeatState.WAITING
        was_away = person.away_since is not None
        person.connection, person.line, person.away_since = arrival.seat.connection, line, None
        person.wants_media, person.resume, person.went_out = arrival.media, arrival.resume, False
        person.ice = arrival.ice
        if person.state is SeatState.WAITING:
            return [*effects, Say(line, self._outside(person)), *self.tell(person), Log("waiting", person.seat)]
        log = Log("returned" if was_away else "joined", person.seat, {"connection": person.connection})
        kept = arrival.resumed and person.has_standing_media()
        if not kept:
            effects += showing.put_away(person)
            person.peer = person.offered = (
                None  # the page has none; what the worker still holds ends with the next offer or by consent
            )
        return [*effects, *self._welcome(person, kept), *self.tell(person, but=person), log, *self.look_live()]

    def drop(self, line: LineId, now: datetime) -> list[Effect]:
        """A line is gone: the seat stays, and for a while the others see that the person is coming back."""
        person = self._of(line)
        if person is None:
            return []
        del self.lines[line]
        person.line = None
        if person.state is not SeatState.ADMITTED:
            return self.tell(person)
        person.away_since = now
        return [*self.tell(person), Log("reconnecting", person.seat, {"why": "line"})]

    def tick(self, now: datetime) -> list[Effect]:
        """Once a second: who has been away too long is no longer coming back by himself."""
        effects: list[Effect] = []
        if self.state == "ended":
            return effects
        for person in self.people.values():
            gone = person.line is None and person.away_since is not None and now - person.away_since >= AWAY
            if gone and person.peer is None:
                person.away_since = None
                effects += [*showing.put_away(person), *self.tell(person), Log("away", person.seat)]
        return [*effects, *self.look_live()]

    def ended(self, reason: str, now: datetime) -> list[Effect]:
        """The session is over, whoever said so and wherever: everybody is told and the rooms close."""
        if self.state == "ended":
            return []
        self.state = "ended"
        effects = [effect for person in self.people.values() for effect in showing.put_away(person)]
        effects.append(Log("ended", None, {"reason": reason}, journal_only=True))
        for line in list(self.lines):
            effects += close(line, "ended")
        self.lines.clear()
        for person in self.people.values():
            person.line = None
            if can_move(person.state, SeatState.LEFT):
                person.state = SeatState.LEFT
        return [*effects, Finish(reason)]

    # ------------------------------------------------------------ who hears what

    def of_line(self, line: LineId) -> Person | None:
        """Whose line this is; None for one that was replaced or closed."""
        return self._of(line)

    def seated(self, room: str) -> Iterator[Person]:
        """Everybody who hears a room."""
        return (person for person in self.people.values() if person.is_seated and person.facts.room == room)

    def hear(self, room: str, message: ServerMessage, *, but: Person | None = None) -> list[Effect]:
        """Say something to everybody in a room."""
        return [
            Say(person.line, message) for person in self.seated(room) if person is not but and person.line is not None
        ]

    def everybody(self, message: ServerMessage, *, but: Person | None = None) -> list[Effect]:
        """Say something to all who are seated, in whichever room."""
        return [effect for room in self.facts.rooms for effect in self.hear(room, message, but=but)]

    def shown(self, about: Person, room: str) -> PersonState:
        """Somebody as the people of a room see them, with the room where they are: who is where is no secret, what is shown there is."""
        seen = about.as_others_see(about.facts.room in self.facts.private)
        return seen if about.facts.room == room else msgspec.structs.replace(seen, shows="")

    def tell(self, about: Person, *, but: Person | None = None) -> list[Effect]:
        """Show a person's state to those who may know: somebody not admitted is shown to the person in charge only."""
        if about.state in (SeatState.WAITING, SeatState.REFUSED):
            return [Say(line, PersonMessage(person=self.shown(about, ""))) for line in self._lines_in_charge()]
        rooms = self.facts.rooms
        said = [self.hear(room, PersonMessage(person=self.shown(about, room)), but=but) for room in rooms]
        return [effect for effects in said for effect in effects]

    def close_person(self, person: Person, why: str) -> list[Effect]:
        """The last words to a person's line."""
        line, person.line, person.away_since = person.line, None, None
        if line is None:
            return []
        self.lines.pop(line, None)
        return close(line, why)

    def show_door(self, person: Person) -> list[Effect]:
        """Somebody who was in the room waits again: the page shows the door, and nothing of the room."""
        return [] if person.line is None else [Say(person.line, self._outside(person, "sent_back"))]

    def seat_in_room(self, person: Person) -> list[Effect]:
        """Somebody who waited has been admitted while here: the same words as for one who comes admitted."""
        return [] if person.line is None else [*self._welcome(person, kept=False), *self.look_live()]

    def welcome_again(self, person: Person, kept: bool) -> list[Effect]:
        """Somebody who is here has come into another room."""
        return self._welcome(person, kept)

    def look_live(self) -> list[Effect]:
        """The session is live once the person in charge and somebody else are here together."""
        if self.state != "open" or self.going_live:
            return []
        here = {person.facts.role == SeatRole.IN_CHARGE for person in self.people.values() if person.is_seated}
        if here != {True, False}:
            return []
        self.going_live = True
        return [Act(GoLive())]

    # ------------------------------------------------------------ the worker's room

    def room_lost(self, room: str, now: datetime) -> list[Effect]:
        """The worker that owned the room is gone; another is being looked for."""
        effects = voices.on_speaking(self, room, ())
        for person in self.in_room(room):
            person.offered = None
            if person.peer is not None:
                person.peer.phase = "reconnecting"
                effects += self.tell(person)
        recording = self.recording_of(room)
        if recording.state == "recording":
            effects += self.set_recording(room, Recording("starting", recording.since))
        return effects

    def room_replaced(self, room: str, now: datetime) -> list[Effect]:
        """A worker has the room, and knows nothing of the peers of the one before: everybody makes a new one."""
        effects: list[Effect] = []
        for person in self.in_room(room):
            before = person.word()
            person.peer = person.offered = None
            if person.is_seated and person.wants_media and person.line is not None:
                effects.append(Say(person.line, Rejoin(why="worker_replaced")))
            if person.word() != before:
                effects += self.tell(person)
        return [*effects, Log("worker_replaced")]

    def recording_of(self, room: str) -> Recording:
        """The recording of a room as everybody sees it."""
        return self.recordings.get(room, Recording("starting" if self.facts.rooms.get(room) else "none"))

    def set_recording(self, room: str, recording: Recording) -> list[Effect]:
        """Show a change of the recording to all in the room; no change, no words."""
        before = self.recording_of(room)
        if before == recording:
            return []
        self.recordings[room] = recording
        message = RecordingMessage(state=recording.state, since=recording.since, cause=recording.cause)  # type: ignore[arg-type]
        return [
            *self.hear(room, message),
            Log(f"recording_{recording.state}", None, {"cause": recording.cause} if recording.cause else {}),
        ]

    def space_is_low(self, is_low: bool) -> list[Effect]:
        """Whether what is being recorded has ten minutes of space left: shown to all lines, a page tells it to staff. No change, no words."""
        effects: list[Effect] = []
        for room, before in self.recordings.items():
            cause = LOW_SPACE if is_low else None
            if before.state != "recording" or before.cause == cause:
                continue
            now = self.recordings[room] = Recording(before.state, before.since, cause)
            effects += self.hear(room, RecordingMessage(state="recording", since=now.since, cause=now.cause))
            effects += [Log(LOW_SPACE)] if is_low else []
        return effects

    # ------------------------------------------------------------ inside

    def _of(self, line: LineId) -> Person | None:
        seat = self.lines.get(line)
        return self.people[seat] if seat is not None else None

    def in_room(self, room: str) -> list[Person]:
        """Everybody whose seat is in a room, here or not."""
        return [person for person in self.people.values() if person.facts.room == room]

    def _lines_in_charge(self) -> list[LineId]:
        people = self.people.values()
        return [
            person.line
            for person in people
            if person.facts.role == SeatRole.IN_CHARGE and person.is_seated and person.line is not None
        ]

    def _replace_line(self, person: Person, line: LineId) -> list[Effect]:
        old = person.line
        self.lines[line] = person.seat
        if old is None:
            return []
        self.lines.pop(old, None)
        return close(old, "replaced")

    def _outside(self, person: Person, why: Literal["admission", "sent_back"] = "admission") -> Waiting:
        facts = self.facts
        return Waiting(
            why=why,
            session=Outside(procedure=facts.procedure, site=facts.site, in_charge=facts.in_charge),
            you=person.as_you_waiting(),
        )

    def _welcome(self, person: Person, kept: bool) -> list[Effect]:
        assert person.line is not None
        room = person.facts.room
        recording = self.recording_of(room)
        others = [other for other in self.in_room(room) if other is not person and other.state is SeatState.ADMITTED]
        message = Welcome(
            resume=person.resume,
            connection=person.connection,
            media="kept" if kept else "new",
            ice=list(person.ice),
            slots=max(FIRST_SLOTS, len(others)),
            you=person.as_you(self.may(person)),
            session=self._session_message(),
            recording=RecordingState(state=recording.state, since=recording.since, cause=recording.cause),  # type: ignore[arg-type]
            people=[self.shown(other, room) for other in self._visible_to(person)],
        )
        effects: list[Effect] = [Say(person.line, message)]
        if kept and person.peer is not None and person.peer.slots:
            effects.append(Say(person.line, Slots(short=person.peer.short, slots=list(person.peer.slots))))
        return [*effects, *voices.tell_again(self, person), *consent.welcome(self, person)]

    def may(self, person: Person) -> tuple[str, ...]:
        """Client messages that this person may say here beyond his own."""
        asks = person.facts.role == SeatRole.IN_CHARGE and may_ask_consent(self.facts.procedure)
        return (*person.may(), "ask_consent", "caucus", "move", "recall") if asks else person.may()

    def _session_message(self) -> SessionMessage:
        facts = self.facts
        opened = facts.opened_at.timestamp()
        return SessionMessage(
            id=facts.id, procedure=facts.procedure, state=self.state, opened_at=opened, site=facts.site
        )

    def _visible_to(self, person: Person) -> list[Person]:
        """All who are admitted, in whichever room; to the person in charge also who waits at the door."""
        leads = person.facts.role == SeatRole.IN_CHARGE
        return [
            other
            for other in self.people.values()
            if other.state is SeatState.ADMITTED
            or (leads and other.state is SeatState.WAITING and other.line is not None)
        ]


def open_session_state(facts: SessionFacts, seats: Iterable[SeatFacts], state: str) -> Session:
    """A session as the database has it, nobody here yet."""
    return Session(facts, {seat.seat: person_of(seat) for seat in seats}, state)


def close(line: LineId, why: str) -> list[Effect]:
    """The last message of a line, and its end."""
    return [Say(line, Closed(why=why)), Hang(line)]  # type: ignore[arg-type]  # the callers' words are the protocol's


def _why_closed(state: SeatState) -> str:
    return {SeatState.REMOVED: "removed", SeatState.REFUSED: "refused"}.get(state, "ended")
