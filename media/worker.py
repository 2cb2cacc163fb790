"""A media worker: the rooms it holds, and what each control message does to them (media/CONTROL.md)."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from media.control.bus import Bus
from media.control.bus_server import Announcement, BusServer
from media.control.codec import BadMessage
from media.control.messages import (
    PROTOCOL,
    AnyEvent,
    CloseRoom,
    Drain,
    Draining,
    Hello,
    Join,
    Joined,
    Leave,
    Left,
    MediaAddresses,
    Message,
    Move,
    Moved,
    Note,
    Noted,
    OpenRoom,
    Pause,
    Paused,
    Ping,
    Pong,
    Record,
    RecordStatus,
    Request,
    RoomClosed,
    RoomOpened,
    RoomShut,
    Seal,
    Sealed,
    SetRecord,
    Stats,
    UdpAddress,
    WorkerState,
    WorkerStats,
)
from media.control.server import ControlServer
from media.engine import Engine
from media.recorder import Recorder, open_recorder
from media.room import Room
from media.seat import Seat
from media.turns import take_turns

log = logging.getLogger(__name__)

# Epochs of rooms long closed are kept so that a late message of an old owner is refused; so many fit a few megabytes.
MAX_EPOCHS: Final = 20_000


class Worker:
    """Made inside its loop. `start` binds the control socket, `close` ends all rooms and journals."""

    def __init__(self, name: str, engine: Engine, control: Path | None, data: Path, bus: str = "") -> None:
        """control, bus  where controllers come: a unix socket, the URL of a broker, or both.
        data          the directory that journals must lie in.

        Raises BusMissing.
        """
        self.name = name
        self.incarnation = secrets.token_hex(8)
        self._engine = engine
        self._data = data.resolve()
        self._rooms: dict[str, Room] = {}
        self._epochs: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._draining = False
        self._retired: asyncio.Event | None = None
        self._seen_at = _standing_clock()
        self._round = 0
        self._timers: list[asyncio.Task[None]] = []
        self._servers: list[ControlServer | BusServer] = [ControlServer(control, self._perform)] if control else []
        if bus:
            place = Bus(bus, f"{name}-{self.incarnation}")
            self._servers.append(BusServer(place, self._perform, lambda: self._announcement(place.me)))
        self._verbs: dict[type[Request], Callable[[Any], Awaitable[Message]]] = {
            Hello: self._hello,
            OpenRoom: self._open_room,
            CloseRoom: self._close_room,
            SetRecord: self._set_record,
            Join: self._join,
            Leave: self._leave,
            Pause: self._pause,
            Move: self._move,
            Note: self._note,
            Seal: self._seal,
            Stats: self._stats,
            Drain: self._drain,
            Ping: self._ping,
        }

    async def start(self) -> None:
        """Raises OSError when the control socket cannot be made."""
        timing = self._engine.timing
        self._timers = [
            asyncio.create_task(take_turns(timing.tick_s, self._begin_round, self._watch, begin=self._begin_step)),
            asyncio.create_task(take_turns(timing.quality_s, self._all_rooms, self._tell_quality, at_once=1)),
        ]
        for server in self._servers:
            await server.start()

    def retire(self, ended: asyncio.Event) -> None:
        """Take no new rooms; `ended` is set when the last one is over."""
        log.info("retiring: %d rooms to go", len(self._rooms))
        self._draining, self._retired = True, ended

    async def close(self) -> None:
        """End all peers, close all journals, then stop listening."""
        for timer in self._timers:
            timer.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)
        rooms = list(self._rooms)
        await asyncio.gather(*(self._end_room(room, "worker_stopped") for room in rooms))
        for server in self._servers:
            await server.close()
        await self._engine.close()

    def _tell(self, event: AnyEvent) -> None:
        for server in self._servers:
            server.tell(event)

    # --- timers -----------------------------------------------------------------------------------------------------

    def _begin_round(self) -> list[tuple[Room, Seat]]:
        """What is looked at once a round; returns whose turn comes in it: each seat's in every second one, two tenths of a second apart."""
        now = time.monotonic()
        self._engine.feedback.tick(now)
        self._engine.tcp.watch(now)
        if self._retired is not None and not self._rooms:
            self._retired.set()
        self._round += 1
        return [(room, seat) for room in self._rooms.values() for seat in room.seats.values()][self._round % 2 :: 2]

    def _begin_step(self, step: int, steps: int) -> None:
        """Oftener than a round begins: where others leave us little of a processor, a round of many people takes its time."""
        before, self._seen_at = self._seen_at, _standing_clock()
        if self._seen_at - before > self._engine.timing.stood_s:
            self._give_up(self._seen_at - before, time.monotonic())
        self._engine.path.tell_arrivals(step, steps)

    def _watch(self, one: tuple[Room, Seat]) -> None:
        room, seat = one
        room.watch(seat, time.monotonic())

    def _give_up(self, stood_s: float, now: float) -> None:
        """Our rooms may be another's by now: nothing of them is sent from here on, then their journals are closed."""
        if self._rooms:
            log.warning("stood still for %.1f s: %d rooms are given up", stood_s, len(self._rooms))
        for room in [self._take_out(name, now) for name in list(self._rooms)]:
            self._engine.spawn(self._shut_journal(room))

    async def _shut_journal(self, room: Room) -> None:
        async with self._lock(room.name):  # who opens it anew meanwhile waits for its journal
            await self._finish(room, "stood_still")

    def _all_rooms(self) -> list[Room]:
        return list(self._rooms.values())

    def _tell_quality(self, room: Room) -> None:
        if self._rooms.get(room.name) is room:
            room.tell_quality(time.monotonic())

    # --- requests ---------------------------------------------------------------------------------------------------

    async def _perform(self, request: Request) -> Message:
        return await self._verbs[type(request)](request)

    async def _hello(self, request: Hello) -> WorkerState:
        if request.protocol != PROTOCOL:
            raise BadMessage("unsupported", f"protocol: this worker speaks {PROTOCOL}")
        return WorkerState(
            protocol=PROTOCOL,
            worker=self.name,
            incarnation=self.incarnation,
            pid=os.getpid(),
            draining=self._draining,
            media=self._media(),
            rooms=[room.summary() for room in self._rooms.values()],
        )

    def _media(self) -> MediaAddresses:
        host_ports = [UdpAddress(host=c.host, port=c.port) for c in self._engine.candidates if c.protocol == "udp"]
        return MediaAddresses(udp=host_ports, fingerprint=f"sha-256 {self._engine.certificate.sha256}")

    def _announcement(self, address: str) -> Announcement:
        return Announcement(
            worker=self.name,
            incarnation=self.incarnation,
            address=address,
            draining=self._draining,
            seats=sum(len(room.seats) for room in self._rooms.values()),
            rooms=len(self._rooms),
            media=self._media(),
        )

    async def _open_room(self, request: OpenRoom) -> RoomOpened:
        async with self._lock(request.room):
            self._fence(request.room, request.epoch)
            room = self._rooms.get(request.room)
            if room is not None:
                return self._confirm(room, request)
            if self._draining and not self._has_session(request.session):
                raise BadMessage("draining", f"worker {self.name} takes no new rooms")
            room = Room(self._engine, self._tell, request)
            if request.record is not None:
                room.recorder = await self._record(room, request.record)
            self._rooms[request.room] = room
            return RoomOpened(room=room.name, created=True, record=_status(room))

    def _has_session(self, session: str) -> bool:
        """A private talk of people who are here is no new room."""
        return any(room.session == session for room in self._rooms.values())

    async def _set_record(self, request: SetRecord) -> Sealed:
        async with self._lock(request.room):
            room = self._room(request.room, request.epoch)
            running = room.recorder is not None and room.recorder.status.state == "recording"
            if request.record is None and room.recorder is not None:
                room.end_streams()
                await room.recorder.close(request.reason)
                room.tell_record()
                status, room.recorder = room.recorder.status, None
                return Sealed(record=status)
            if request.record is not None and not running:
                room.begin_recording(await self._record(room, request.record))
                room.tell_record()
            return Sealed(record=_status(room))

    async def _record(self, room: Room, record: Record) -> Recorder:
        journal = await asyncio.to_thread(Path(record.journal).resolve)
        if not journal.is_relative_to(self._data):
            raise BadMessage("bad_request", "record.journal: must lie in the worker's data directory")
        return await open_recorder(room.session, room.name, record, room.on_record_failed, room.epoch)

    def _confirm(self, room: Room, request: OpenRoom) -> RoomOpened:
        if room.session != request.session:
            raise BadMessage("bad_request", f"session: room {room.name} is of session {room.session}")
        room.epoch = request.epoch
        room.capacity = request.capacity
        return RoomOpened(room=room.name, created=False, record=_status(room))

    async def _close_room(self, request: CloseRoom) -> RoomShut:
        async with self._lock(request.room):
            self._fence(request.room, request.epoch)
            if request.room not in self._rooms:
                return RoomShut(closed=False)
            record = await self._end_room(request.room, request.reason)
            return RoomShut(closed=True, record=record)

    async def _end_room(self, name: str, reason: str) -> RecordStatus | None:
        return await self._finish(self._take_out(name, time.monotonic()), reason)

    def _take_out(self, name: str, now: float) -> Room:
        room = self._rooms.pop(name)
        room.close(now)
        return room

    async def _finish(self, room: Room, reason: str) -> RecordStatus | None:
        record = None
        if room.recorder is not None:
            record = await room.recorder.close(reason)
            room.tell_record()
        self._tell(RoomClosed(at=time.time(), room=room.name, epoch=room.epoch, reason=reason))
        return record

    async def _join(self, request: Join) -> Joined:
        room = self._room(request.room, request.epoch)
        seat, answer = room.join(request, time.monotonic())
        if seat.short or any(slot.occupant for slot in seat.table):
            self._engine.loop.call_soon(room.tell_slots, seat)  # an event like any other change, behind the reply
        return Joined(answer=answer, up=seat.up_mids(), slots=seat.slot_states(room.seats))

    async def _leave(self, request: Leave) -> Left:
        room = self._room(request.room, request.epoch)
        room.check_connection(request.seat, request.connection)
        cause: Any = "removed" if request.reason == "removed" else "left"
        return Left(left=room.leave(request.seat, cause, request.reason, time.monotonic()))

    async def _pause(self, request: Pause) -> Paused:
        self._room(request.room, request.epoch).pause(request.seat, request.source, request.paused)
        return Paused(paused=request.paused)

    async def _move(self, request: Move) -> Moved:
        room = self._room(request.room, request.epoch)
        to = self._room(request.to_room, request.to_epoch)
        if to is room or to.session != room.session:
            raise BadMessage("bad_request", "to_room: must be another room of the same session")
        room.give(request.seat, to)
        return Moved(moved=True)

    async def _note(self, request: Note) -> Noted:
        recorder = self._room(request.room, request.epoch).recorder
        if recorder is None:
            return Noted(block=None)
        recorder.event(request.kind, request.seat, request.data)
        return Noted(block=(await recorder.seal()).block)

    async def _seal(self, request: Seal) -> Sealed:
        recorder = self._room(request.room, request.epoch).recorder
        return Sealed(record=None if recorder is None else await recorder.seal())

    async def _stats(self, request: Stats) -> WorkerStats:
        if request.room is not None and request.room not in self._rooms:
            raise BadMessage("unknown_room", f"no room {request.room}")
        names = list(self._rooms) if request.room is None else [request.room]
        path = self._engine.path
        return WorkerStats(
            packets_in=path.packets_in,
            packets_out=path.packets_out,
            dropped=dict(self._engine.dropped),
            rooms={name: self._rooms[name].stats() for name in names},
        )

    async def _drain(self, request: Drain) -> Draining:
        self._draining = request.on
        return Draining(draining=self._draining, rooms=len(self._rooms))

    async def _ping(self, request: Ping) -> Pong:
        return Pong(at=time.time())

    # --- fencing ----------------------------------------------------------------------------------------------------

    def _room(self, name: str, epoch: int) -> Room:
        """The room, if the message comes from its owner. Raises BadMessage stale_epoch, unknown_room."""
        self._fence(name, epoch)
        room = self._rooms.get(name)
        if room is None:
            raise BadMessage("unknown_room", f"no room {name}")
        room.epoch = epoch
        return room

    def _fence(self, name: str, epoch: int) -> None:
        highest = self._epochs.get(name, 0)
        if epoch < highest:
            raise BadMessage("stale_epoch", f"room {name} is owned at epoch {highest}")
        self._epochs[name] = epoch
        if len(self._epochs) > MAX_EPOCHS:
            oldest = next(known for known in self._epochs if known not in self._rooms)
            del self._epochs[oldest]

    def _lock(self, name: str) -> asyncio.Lock:
        """Opening and closing wait for the disk; of one room they happen one after the other."""
        if len(self._locks) > MAX_EPOCHS:
            self._locks = {known: lock for known, lock in self._locks.items() if lock.locked()}
        return self._locks.setdefault(name, asyncio.Lock())


def _standing_clock() -> float:
    """Seconds that go on while the process is stopped and while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _status(room: Room) -> RecordStatus | None:
    return None if room.recorder is None else room.recorder.status


async def run_worker(
    name: str, engine: Engine, control: Path | None, data: Path, stop: asyncio.Event, bus: str = ""
) -> None:
    """Serve until `stop` is set, or after SIGUSR1 until the last room is over. Prints `ready` when both sockets listen."""
    worker = Worker(name, engine, control, data, bus)
    await worker.start()
    engine.loop.add_signal_handler(signal.SIGUSR1, worker.retire, stop)
    print("ready", flush=True)
    await stop.wait()
    await worker.close()
