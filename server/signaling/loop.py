"""The shell around one session: hands it its inputs, performs its effects, brings back what became of them.

Everything here runs on the event loop between two awaits, so the session's state has one owner and no lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from server import errors
from server.access.core import Actor
from server.db.pool import CommitUnknown, DatabaseAway, in_transaction
from server.mediaplane import requests
from server.mediaplane.hold import CannotRecord, RoomSpec
from server.mediaplane.link import WorkerAway, WorkerRefused
from server.recordings.consent import Answer, ReceiptKey, write_answer
from server.recordings.store import set_recorded
from server.sessions import caucus, seats, service
from server.sessions.events import EventWriter, SessionEvent
from server.signaling.messages import Error
from server.signaling.room import consent, dispatch, media, voices
from server.signaling.room.effects import (
    Act,
    AdmitSeat,
    AnswerConsent,
    Answered,
    Ask,
    Done,
    DropRoom,
    Effect,
    EndSession,
    Finish,
    GoLive,
    Hang,
    HoldRoom,
    JoinMedia,
    LeaveMedia,
    LineId,
    Log,
    MoveMedia,
    MoveSeat,
    NameSeat,
    OpenCaucus,
    Outcome,
    PauseMedia,
    Recall,
    Refused,
    RefuseSeat,
    RemoveSeat,
    Say,
    SendBackSeat,
    SetRecorded,
    StoreAct,
)
from server.signaling.room.session import Recording, Session
from server.tasks import end

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import datetime

    from server.db import Connection, Pool
    from server.mediaplane.facts import Measured, RecordFacts, SlotFacts, StandingPeer
    from server.mediaplane.plane import MediaPlane
    from server.signaling.line import RoomLine
    from server.signaling.messages import AnyClientMessage

log = logging.getLogger("laizuo.signaling")

# A journal that failed is begun again, at first soon (a line to a disk that blinked), then at the pace of somebody who makes space.
RESTORE_AFTER_S = (1.0, 2.0, 5.0)
STAND_S = 4.0  # a room that people are in is taken over within a fraction of it
ACT_PATIENCE_S = 3.0  # then the person is told to try again; a page waits no longer for a press


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every session's shell works with."""

    pool: Pool
    plane: MediaPlane
    events: EventWriter
    clock: Callable[[], datetime]
    finished: Callable[[str], None]  # a session is over and its shell may go
    receipts: ReceiptKey


class SessionLoop:
    """One session's shell; also the listener of its rooms."""

    def __init__(self, session: Session, around: Surroundings) -> None:
        self.session = session
        self._around = around
        self._lines: dict[LineId, RoomLine] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._restoring: dict[str, asyncio.Task[None]] = {}
        self.is_over = False

    def open_rooms(self) -> None:
        """Want the session's rooms; recorded ones are recorded from now on."""
        facts = self.session.facts
        for room, recorded in facts.rooms.items():
            self._around.plane.hold(RoomSpec(room, facts.id, facts.procedure, recorded), self)

    async def rooms_stand(self) -> None:
        """Wait a moment until the rooms have their workers: who is in them already is known then, and goes on."""
        for room in list(self.session.facts.rooms):
            with contextlib.suppress(WorkerAway):
                await self._around.plane.epoch_of(room, STAND_S)

    async def close(self) -> None:
        """Let go of everything without ending the session: this process stops."""
        self.is_over = True
        await end(*self._tasks)

    async def give_up(self) -> None:
        """Another web process leads the session now: to it people come back by themselves."""
        self.is_over = True
        for line in list(self._lines.values()):
            line.hang()
        for room in self.session.facts.rooms:
            self._around.plane.let_go(room)
        await end(*self._tasks)

    # ------------------------------------------------------------ inputs

    def take(self, happened: Callable[[Session, datetime], list[Effect]], line: LineId | None = None) -> None:
        """Bring one input and perform its effects. A defect of ours is told to the line it came from and changes nothing for others."""
        if self.is_over:
            return
        try:
            effects = happened(self.session, self._around.clock())
        except Exception as error:
            reference = errors.log_unexpected(error)
            if line is not None and line in self._lines:
                self._lines[line].say(Error(code="unexpected", field=reference))
            return
        for effect in effects:
            self._perform(effect)

    def add_line(self, line: RoomLine) -> None:
        """A socket that is about to arrive."""
        self._lines[line.number] = line

    def drop_line(self, line: RoomLine) -> None:
        """A socket is gone."""
        self._lines.pop(line.number, None)
        self.take(lambda session, now: session.drop(line.number, now))

    def receive(self, line: RoomLine, message: AnyClientMessage) -> None:
        """A message of a page."""
        self.take(lambda session, now: dispatch.receive(session, line.number, message, now), line.number)

    def tick(self) -> None:
        """Once a second."""
        self.take(lambda session, now: session.tick(now))

    def ended(self, reason: str) -> None:
        """The session was ended elsewhere."""
        self.take(lambda session, now: session.ended(reason, now))

    # ------------------------------------------------------------ the listener of rooms

    def room_ready(self, room: str, record: RecordFacts | None, is_replacement: bool) -> None:
        self.take(lambda session, now: session.set_recording(room, self._recording(room, record, now)))
        if is_replacement:
            self.take(lambda session, now: session.room_replaced(room, now))

    def room_adopted(self, room: str, record: RecordFacts | None, peers: list[StandingPeer]) -> None:
        self.take(lambda session, now: media.adopt(session, room, peers, now))
        self.take(lambda session, now: session.set_recording(room, self._recording(room, record, now)))
        if record is not None and record.state == "failed":
            self._restore(room)

    def room_lost(self, room: str) -> None:
        self.take(lambda session, now: session.room_lost(room, now))

    def room_failed(self, room: str) -> None:
        if self.session.facts.rooms.get(room):
            self.take(
                lambda session, _: session.set_recording(room, Recording("failed", None, "recording_cannot_start"))
            )

    def recording_agreed(self, room: str, recorded: bool) -> None:
        if recorded:
            self.take(lambda session, _: consent.recording_began(session, room))

    def peer_changed(self, room: str, seat: str, number: int, state: str, cause: str | None) -> None:
        self.take(lambda session, now: media.on_peer_state(session, seat, number, state, cause, now))

    def slots_changed(self, room: str, seat: str, number: int, short: int, slots: tuple[SlotFacts, ...]) -> None:
        said = tuple(media.slot_message(slot) for slot in slots)
        self.take(lambda session, now: media.on_slots(session, seat, number, short, said, now))

    def layers_wanted(self, room: str, seat: str, number: int, source: str, send: tuple[str, ...]) -> None:
        self.take(lambda session, _: media.on_layers(session, seat, number, source, send))

    def voices_heard(self, room: str, seats: tuple[str, ...]) -> None:
        self.take(lambda session, _: voices.on_speaking(session, room, seats))

    def lines_measured(self, room: str, lines: Mapping[str, Measured]) -> None:
        self.take(lambda session, now: media.on_measured(session, room, lines, now))

    def record_changed(self, room: str, record: RecordFacts) -> None:
        self.take(lambda session, now: session.set_recording(room, self._recording(room, record, now)))
        if record.state == "failed" and not self.is_over:
            self._restore(room)

    def space_is_low(self, is_low: bool) -> None:
        """Whether the recordings have ten minutes of space left."""
        self.take(lambda session, _: session.space_is_low(is_low))

    def _restore(self, room: str) -> None:
        """Begin the room's journal again until it goes on, at most one task a room."""
        if (running := self._restoring.get(room)) is None or running.done():
            self._restoring[room] = self._spawn(self._begin_again(room))

    async def _begin_again(self, room: str) -> None:
        for wait_s in itertools.chain(RESTORE_AFTER_S, itertools.repeat(RESTORE_AFTER_S[-1])):
            await asyncio.sleep(wait_s)
            if not self.session.facts.rooms.get(room) or self.session.recording_of(room).state != "failed":
                return
            try:
                await self._around.plane.set_recorded(room, True, "restored")
            except (WorkerAway, WorkerRefused, CannotRecord, DatabaseAway, CommitUnknown) as error:
                log.warning("the recording of room %s does not go on yet: %s", room, error)

    def _recording(self, room: str, record: RecordFacts | None, now: datetime) -> Recording:
        before = self.session.recording_of(room)
        if record is None:
            return Recording("none") if not self.session.facts.rooms.get(room) else before
        if record.state == "failed":
            return Recording("failed", before.since, _cause(record.cause))
        if record.state == "closed":
            return Recording("stopped", before.since)
        return Recording("recording", before.since or now.timestamp())

    # ------------------------------------------------------------ effects

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Say():
                if line := self._lines.get(effect.line):
                    line.say(effect.message)
            case Hang():
                if line := self._lines.pop(effect.line, None):
                    line.hang()
            case Ask():
                self._spawn(self._ask(effect))
            case Act():
                self._spawn(self._act(effect))
            case Log():
                self._log(effect)
            case SetRecorded():
                self._spawn(self._set_recorded(effect))
            case HoldRoom():
                facts = self.session.facts
                self._around.plane.hold(RoomSpec(effect.room, facts.id, facts.procedure, False), self)
            case DropRoom():
                self._spawn(self._around.plane.drop(effect.room, "recalled"))
            case Finish():
                self._spawn(self._finish(effect.reason))

    async def _ask(self, ask: Ask) -> None:
        outcome: Outcome
        try:
            outcome = await _ask_worker(self._around.plane, ask)
        except WorkerRefused as error:
            outcome = Refused(error.code)
        except WorkerAway:
            outcome = Refused("away")
        self.take(lambda session, now: dispatch.answered(session, ask, outcome, now), ask.line)

    async def _act(self, act: Act) -> None:
        now = self._around.clock()

        async def work(conn: Connection) -> dict[str, Any]:
            if isinstance(act.act, AnswerConsent):
                return await write_answer(conn, self._around.receipts, self._answer_of(act.act), now)
            return await _write(conn, self.session.facts.id, act.act, now)

        outcome: Outcome
        try:
            outcome = Done(await in_transaction(self._around.pool, work, ACT_PATIENCE_S))
        except (DatabaseAway, CommitUnknown):
            outcome = Refused("away")
        except errors.UserError as error:
            outcome = Refused(error.code)
        except Exception as error:
            errors.log_unexpected(error)
            outcome = Refused("unexpected")
        self.take(lambda session, now: dispatch.acted(session, act, outcome, now), act.line)

    def _answer_of(self, act: AnswerConsent) -> Answer:
        return Answer(self.session.facts.id, act.room, act.seat, act.name, act.role, act.purpose, act.given)

    async def _set_recorded(self, effect: SetRecorded) -> None:
        """Keep it in the database, so that a successor of ours holds the room alike; then tell the worker."""
        room, plane = effect.room, self._around.plane
        try:
            await in_transaction(self._around.pool, lambda conn: set_recorded(conn, room, effect.recorded))
            await plane.set_recorded(room, effect.recorded, effect.reason)
        except (WorkerAway, WorkerRefused, CannotRecord, DatabaseAway, CommitUnknown) as error:
            log.error("the recording of room %s is not as agreed: %s", room, error)
            self.room_failed(room)
            return
        if effect.recorded:
            self.take(lambda session, _: consent.recording_began(session, room))

    def _log(self, entry: Log) -> None:
        facts = self.session.facts
        rooms = [self.session.people[entry.seat].facts.room] if entry.seat in self.session.people else list(facts.rooms)
        if not entry.journal_only:
            now = self._around.clock()
            self._around.events.put(
                SessionEvent(facts.id, rooms[0] if rooms else None, entry.seat, now, entry.kind, entry.data)
            )
        for room in rooms:
            if facts.rooms.get(room):
                self._spawn(self._note(room, entry))

    async def _note(self, room: str, entry: Log) -> None:
        try:
            await requests.note(self._around.plane, room, entry.kind, entry.seat, entry.data)
        except (WorkerAway, WorkerRefused) as error:
            log.warning("the journal of room %s has no note %s: %s", room, entry.kind, error)

    async def _finish(self, reason: str) -> None:
        """Close the rooms after everything that was asked before; then this shell is done."""
        await end(*self._restoring.values())
        others = [task for task in self._tasks if task is not asyncio.current_task()]
        if others:
            await asyncio.wait(others, timeout=ACT_PATIENCE_S)
        for room in self.session.facts.rooms:
            await self._around.plane.drop(room, reason)
        self.is_over = True
        self._around.finished(self.session.facts.id)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"session-{self.session.facts.id}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            errors.log_unexpected(error if isinstance(error, Exception) else RuntimeError(repr(error)))


async def _ask_worker(plane: MediaPlane, ask: Ask) -> Outcome:
    match ask.request:
        case JoinMedia(seat, number, _, _, sdp, sources, label):
            joined = await requests.join(plane, ask.room, seat, number, sdp, sources, label)
            return Answered(joined.answer, tuple(media.slot_message(slot) for slot in joined.slots))
        case LeaveMedia(seat, number, reason):
            said = "left" if reason in ("waiting", "moving") else reason
            await requests.leave(plane, ask.room, seat, number, said)
        case MoveMedia(seat, _, to_room):
            await requests.move(plane, ask.room, seat, to_room)
        case PauseMedia(seat, source, paused):
            await requests.pause(plane, ask.room, seat, source, paused)
    return Done()


def _cause(cause: str | None) -> str:
    """The worker's words as the key of a sentence; the words themselves are in the worker's log."""
    return "recording_disk_full" if cause and "space" in cause.lower() else "recording_write_failed"


async def _write(conn: Connection, session_id: str, act: StoreAct, now: datetime) -> dict[str, Any]:
    """What an act gave back."""
    match act:
        case AdmitSeat():
            await seats.admit(conn, session_id, act.seat, act.by, now)
        case RefuseSeat():
            await seats.refuse(conn, session_id, act.seat, act.by, now)
        case SendBackSeat():
            await seats.send_back(conn, session_id, act.seat, act.by, now)
        case RemoveSeat():
            await seats.remove(conn, session_id, act.seat, act.by, now)
        case NameSeat():
            await seats.name(conn, session_id, act.seat, act.name, act.by, now)
        case EndSession():
            actor = Actor("person", await seats.leader_of(conn, session_id, act.by))
            await service.write_end(conn, session_id, actor, act.reason, now)
        case GoLive():
            await service.go_live(conn, session_id, now)
        case OpenCaucus():
            return {"room": await caucus.open_room(conn, session_id, act.seats, act.by, now)}
        case MoveSeat():
            await caucus.move(conn, session_id, act.seat, act.room, act.by, now)
        case Recall():
            await caucus.recall(conn, session_id, act.by, now)
    return {}
