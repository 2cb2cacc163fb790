"""A media worker without media: speaks media/CONTROL.md on a unix socket and does what the test tells it."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from media.control.codec import read_envelope, read_request, write_error, write_ok
from media.control.frames import FrameReader, frame
from media.control.messages import (
    CloseRoom,
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
    RecordStatus,
    Request,
    RoomOpened,
    RoomShut,
    RoomSummary,
    Sealed,
    SeatSummary,
    SetRecord,
    SlotState,
    UdpAddress,
    WorkerState,
)
from tests.support.core_stage import SLOT
from tests.support.transcripts import ANSWER

RECORDING = RecordStatus(state="recording", head="00", block=0)


class Refuse(Exception):
    """Answer with this error."""

    def __init__(self, code: Any) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class ScriptedWorker:
    """`start`, then look at `asked` and `rooms`; `tell` sends an event; `die` and `start` again make a new incarnation."""

    path: Path
    name: str = "w0"
    incarnation: str = ""
    asked: list[Request] = field(default_factory=list)
    rooms: dict[str, OpenRoom] = field(default_factory=dict)
    seats: dict[tuple[str, str], int] = field(default_factory=dict)
    refuse_open: str | None = None
    silent: bool = False  # takes requests and answers nothing
    mute_open: bool = False  # opens rooms, and does not say so
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self, *, keep_rooms: bool = False) -> None:
        """Listen; a new incarnation unless the rooms are kept (then only its socket was gone)."""
        if not keep_rooms:
            self.incarnation = secrets.token_hex(4)
            self.rooms.clear()
            self.seats.clear()
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, path=str(self.path))

    async def die(self) -> None:
        """The process is gone: no socket, no connection."""
        assert self._server is not None
        self._server.close()
        self.path.unlink(missing_ok=True)
        self.hang_up()
        await self._server.wait_closed()

    def hang_up(self) -> None:
        """All connections break, and nothing else."""
        for writer in list(self._writers):
            writer.transport.abort()

    def tell(self, event: dict[str, Any]) -> None:
        """One event to all controllers."""
        body = frame(msgspec.json.encode({"event": event["event"], "at": time.time(), **event}))
        for writer in self._writers:
            writer.write(body)

    def requests(self, kind: type[Any]) -> list[Any]:
        """What was asked of one kind."""
        return [request for request in self.asked if isinstance(request, kind)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader()
        self._writers.add(writer)
        try:
            while data := await reader.read(65536):
                for body in frames.receive(data):
                    self._answer(writer, body)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    def _answer(self, writer: asyncio.StreamWriter, body: bytes) -> None:
        envelope = read_envelope(body)
        request = read_request(envelope.op, body)
        if not isinstance(request, Ping):
            self.asked.append(request)
        if self.silent:
            return
        try:
            done = self._do(request)
            if not (self.mute_open and isinstance(request, OpenRoom)):
                writer.write(frame(write_ok(envelope.id, done)))
        except Refuse as no:
            writer.write(frame(write_error(envelope.id, no.code, "as the test wants")))

    def _do(self, request: Request) -> Message:
        match request:
            case Hello():
                return self._state()
            case OpenRoom():
                return self._open(request)
            case CloseRoom():
                return RoomShut(closed=self.rooms.pop(request.room, None) is not None)
            case SetRecord():
                return self._record(request)
            case Join():
                return self._join(request)
            case Leave():
                return Left(left=self.seats.pop((request.room, request.seat), None) is not None)
            case Move():
                self.seats[request.to_room, request.seat] = self.seats.pop((request.room, request.seat))
                return Moved(moved=True)
            case Pause():
                return Paused(paused=request.paused)
            case Note():
                return Noted(block=1)
        return Pong(at=time.time())

    def _state(self) -> WorkerState:
        media = MediaAddresses(udp=[UdpAddress(host="127.0.0.1", port=40000)], fingerprint="sha-256 AB")
        rooms = [self._summary(opened) for opened in self.rooms.values()]
        return WorkerState(
            protocol=1, worker=self.name, incarnation=self.incarnation, pid=1, draining=False, media=media, rooms=rooms
        )

    def _summary(self, opened: OpenRoom) -> RoomSummary:
        seats = [
            SeatSummary(seat=seat, connection=connection, state="connected", up=[])
            for (room, seat), connection in self.seats.items()
            if room == opened.room
        ]
        record = RECORDING if opened.record else None
        return RoomSummary(room=opened.room, session=opened.session, epoch=opened.epoch, record=record, seats=seats)

    def _open(self, request: OpenRoom) -> RoomOpened:
        if self.refuse_open is not None:
            raise Refuse(self.refuse_open)
        created = request.room not in self.rooms
        self.rooms[request.room] = request
        return RoomOpened(room=request.room, created=created, record=RECORDING if request.record else None)

    def _record(self, request: SetRecord) -> Sealed:
        state = "recording" if request.record else "closed"
        self.rooms[request.room] = msgspec.structs.replace(self.rooms[request.room], record=request.record)
        self.tell(
            {"event": "record_state", "room": request.room, "state": state, "head": "00", "block": 1, "cause": None}
        )
        return Sealed(record=RECORDING if request.record else None)

    def _join(self, request: Join) -> Joined:
        verb, _, code = request.offer.partition(" ")
        if verb == "refuse":
            raise Refuse(code)
        if request.room not in self.rooms:
            raise Refuse("unknown_room")
        self.seats[request.room, request.seat] = request.connection
        return Joined(answer=ANSWER, up=[], slots=[SlotState(**SLOT)])
