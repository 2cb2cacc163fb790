"""Plays a transcript against the sans-IO session alone: the stage is its database, its worker and its clock."""

from __future__ import annotations

import datetime as dt
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from server.mediaplane.facts import Measured
from server.recordings.core import records_from_start
from server.sessions.core import SeatState
from server.signaling import messages
from server.signaling.room import consent, dispatch, media, voices
from server.signaling.room.effects import (
    Act,
    Answered,
    Ask,
    Done,
    DropRoom,
    Effect,
    Finish,
    Hang,
    HoldRoom,
    JoinMedia,
    LineId,
    Log,
    OpenCaucus,
    Outcome,
    Refused,
    Say,
    SetRecorded,
)
from server.signaling.room.people import SeatFacts
from server.signaling.room.session import Arrival, Recording, Session, SessionFacts, open_session_state
from tests.support.transcripts import ANSWER, Transcript, check

ROOM = "r1"
PRIVATE = "r2"  # of a private talk
START = dt.datetime(2026, 9, 21, 1, 0, tzinfo=dt.UTC)
SLOT = {"slot": 0, "audio_mid": "2", "video_mid": "3", "seat": None, "source": None}


@dataclass(slots=True)
class CoreStage:
    """State around one session. `play` runs a whole transcript."""

    transcript: Transcript
    session: Session = field(init=False)
    now: dt.datetime = START
    database_is_away: bool = False
    finished: str | None = None
    log: list[Log] = field(default_factory=list)
    held: list[str] = field(default_factory=list)  # private rooms, as the shell was asked for them
    asked: list[Ask] = field(default_factory=list)
    heard: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _lines: dict[str, LineId] = field(default_factory=dict)
    _names: dict[LineId, str] = field(default_factory=dict)
    _seats: dict[str, SeatState] = field(default_factory=dict)
    _connections: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        procedure = "notarization" if self.transcript.recorded else "mediation"
        assert records_from_start(procedure) is self.transcript.recorded
        facts = SessionFacts("s1", procedure, "中心", "李婉清", START, {ROOM: self.transcript.recorded})
        self._seats = {seat: SeatState(given.get("state", "admitted")) for seat, given in self.transcript.seats.items()}
        known = [self._facts(seat) for seat in self._seats]
        self.session = open_session_state(
            facts, [seat for seat in known if seat.state is not SeatState.INVITED], "open"
        )
        if self.transcript.recorded:
            self._perform(self.session.set_recording(ROOM, Recording("recording", START.timestamp())))

    def play(self) -> None:
        """All steps; raises AssertionError naming the line that is not as written."""
        for step in self.transcript.steps:
            self.heard = {}
            self.stimulate(step.stimulus)
            check(self.transcript, step, self.heard)

    def stimulate(self, stimulus: dict[str, Any]) -> None:
        """Perform one stimulus and all effects it has."""
        match stimulus:
            case {"from": who, "say": message}:
                self._say(who, json.dumps(message))
            case {"raw": who, "text": text}:
                self._say(who, text)
            case {"drop": who}:
                line = self._lines.pop(who)
                self._perform(self.session.drop(line, self.now))
            case {"worker": event}:
                self._perform(self._event(event))
            case {"lost": True}:
                self._perform(self.session.room_lost(ROOM, self.now))
            case {"replaced": True}:
                if self.transcript.recorded:
                    self._perform(
                        self.session.set_recording(ROOM, Recording("recording", self.session.recording_of(ROOM).since))
                    )
                self._perform(self.session.room_replaced(ROOM, self.now))
            case {"after_s": seconds}:
                self.now += dt.timedelta(seconds=seconds)
                self._perform(self.session.tick(self.now))
            case {"database": word}:
                self.database_is_away = word == "away"
            case _:
                raise AssertionError(f"no such stimulus: {stimulus}")

    # ------------------------------------------------------------ what the shell does

    def _say(self, who: str, text: str) -> None:
        try:
            message = messages.parse(text)
        except messages.BadMessage as error:
            self._hear(who, messages.Error(code="bad_message", field=error.field))
            return
        line = self._lines.get(who)
        if line is not None and line in self.session.lines:
            self._perform(dispatch.receive(self.session, line, message, self.now))
        elif isinstance(message, messages.Join):
            self._join(who, message)
        else:
            self._hear(who, messages.Error(code="not_joined", rid=message.rid))

    def _join(self, who: str, message: messages.Join) -> None:
        kind, _, seat = (message.token or message.resume or "").partition(":")
        if (
            kind not in ("seat", "resume")
            or seat not in self._seats
            or (kind == "resume") != (message.resume is not None)
        ):
            self._turn_away(who, messages.Error(code="bad_token", rid=message.rid))
            return
        dead = {SeatState.REMOVED: "removed", SeatState.REFUSED: "refused", SeatState.LEFT: "ended"}.get(
            self._seats[seat]
        )
        if dead:
            self._turn_away(who, messages.Closed(why=dead))  # type: ignore[arg-type]
            return
        if self._seats[seat] is SeatState.INVITED:
            self._seats[seat] = SeatState.WAITING
        self._connections[seat] = self._connections.get(seat, 0) + 1
        line = LineId(len(self._names) + 1)
        self._lines[who], self._names[line] = line, who
        arrival = Arrival(self._facts(seat), f"resume:{seat}", kind == "resume", message.media)
        self._perform(self.session.arrive(line, arrival, self.now))

    def _turn_away(self, who: str, message: messages.ServerMessage) -> None:
        self._hear(who, message)
        self.heard[who].append({"hangs": True})

    def _facts(self, seat: str) -> SeatFacts:
        given = self.transcript.seats[seat]
        return SeatFacts(
            seat, ROOM, given["role"], given["name"], "", self._seats[seat], self._connections.get(seat, 0)
        )

    def _event(self, event: dict[str, Any]) -> list[Effect]:
        number = self._number(event["seat"]) if "seat" in event else 0
        match event["event"]:
            case "peer_state":
                return media.on_peer_state(
                    self.session, event["seat"], number, event["state"], event.get("cause"), self.now
                )
            case "slots":
                slots = tuple(messages.Slot(**slot) for slot in event["slots"])
                return media.on_slots(self.session, event["seat"], number, event["short"], slots, self.now)
            case "layers":
                return media.on_layers(self.session, event["seat"], number, event["source"], tuple(event["send"]))
            case "speaking":
                return voices.on_speaking(self.session, ROOM, tuple(event["seats"]))
            case "quality":
                lines = {seat: Measured(*(line[key] for key in _MEASURED)) for seat, line in event["seats"].items()}
                return media.on_measured(self.session, ROOM, lines, self.now)
            case "record_state":
                since = self.session.recording_of(ROOM).since
                cause = "recording_disk_full" if "space" in (event["cause"] or "") else "recording_write_failed"
                return self.session.set_recording(ROOM, Recording("failed", since, cause))
        raise AssertionError(f"no such event: {event}")

    def _number(self, seat: str) -> int:
        person = self.session.people[seat]
        peer = person.offered or person.peer
        return peer.number if peer else 0

    def _perform(self, effects: list[Effect]) -> None:
        waiting = deque(effects)
        while waiting:
            waiting.extend(self._perform_one(waiting.popleft()))

    def _perform_one(self, effect: Effect) -> list[Effect]:
        match effect:
            case Say():
                self._hear(self._names[effect.line], effect.message)
            case Hang():
                name = self._names[effect.line]
                self.heard.setdefault(name, []).append({"hangs": True})
                if self._lines.get(name) == effect.line:
                    del self._lines[name]
            case Ask():
                self.asked.append(effect)
                return dispatch.answered(self.session, effect, _worker(effect), self.now)
            case Act():
                return dispatch.acted(self.session, effect, self._database(effect), self.now)
            case Log():
                self.log.append(effect)
            case SetRecorded():
                return self._record(effect)
            case HoldRoom():
                self.held.append(effect.room)
            case DropRoom():
                self.held.remove(effect.room)
            case Finish():
                self.finished = effect.reason
        return []

    def _record(self, effect: SetRecorded) -> list[Effect]:
        since = self.session.recording_of(ROOM).since or self.now.timestamp()
        said = self.session.set_recording(ROOM, Recording("recording" if effect.recorded else "stopped", since))
        return [*said, *(consent.recording_began(self.session, ROOM) if effect.recorded else [])]

    def _database(self, act: Act) -> Outcome:
        if self.database_is_away:
            return Refused("away")
        to = {
            "AdmitSeat": SeatState.ADMITTED,
            "RefuseSeat": SeatState.REFUSED,
            "RemoveSeat": SeatState.REMOVED,
            "SendBackSeat": SeatState.WAITING,
        }.get(type(act.act).__name__)
        if to is not None:
            self._seats[act.act.seat] = to  # type: ignore[union-attr]
        return Done({"room": PRIVATE} if isinstance(act.act, OpenCaucus) else {})

    def _hear(self, who: str, message: messages.ServerMessage) -> None:
        self.heard.setdefault(who, []).append(json.loads(messages.render(message)))


_MEASURED = ("loss_up", "loss_down", "rtt_ms", "up_bps", "silent_s")


def _worker(ask: Ask) -> Outcome:
    if not isinstance(ask.request, JoinMedia):
        return Done()
    verb, _, code = ask.request.sdp.partition(" ")
    return Refused(code) if verb == "refuse" else Answered(ANSWER, (messages.Slot(**SLOT),))
