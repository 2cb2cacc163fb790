"""A worker's reply and the event behind it arrive in one read: who asked must have the reply before the event is told.

Seen as a black picture: the event `slots` (somebody is now in your slot) was told before the reply of `join`, meant nothing yet to
the session, and the older list of the reply stood.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from media.control import codec
from media.control.frames import FrameReader, frame
from media.control.messages import (
    PROTOCOL,
    AnyEvent,
    MediaAddresses,
    Ping,
    Pong,
    Request,
    RoomClosed,
    UdpAddress,
    WorkerState,
)
from server.mediaplane.link import Link

STATE = WorkerState(
    protocol=PROTOCOL,
    worker="w0",
    incarnation="a1",
    pid=1,
    draining=False,
    media=MediaAddresses(udp=[UdpAddress(host="127.0.0.1", port=40000)], fingerprint="sha-256 AB"),
    rooms=[],
)


class Listener:
    """Notes in which order it hears things."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.up = asyncio.Event()

    def worker_up(self, link: Link, state: WorkerState) -> None:
        self.up.set()

    def worker_down(self, link: Link) -> None:
        self.heard.append("down")

    def worker_says(self, link: Link, event: AnyEvent) -> None:
        self.heard.append(f"event {event.room if isinstance(event, RoomClosed) else event}")


class TalkativeWorker:
    """Writes each reply and an event in one piece."""

    def __init__(self) -> None:
        self.is_over = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(b"".join(self._answer(body) for body in frames.receive(data)))
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        self.is_over.set()

    def _answer(self, body: bytes) -> bytes:
        envelope = codec.read_envelope(body)
        ok = STATE if envelope.op == "hello" else Pong(at=1.0)
        event = RoomClosed(at=1.0, room=f"r{envelope.id}", epoch=1, reason="ended")
        return frame(codec.write_ok(envelope.id, ok)) + frame(codec.write(event))


def ping(number: int) -> Request:
    return Ping(id=number)


async def test_a_reply_is_taken_before_the_event_behind_it(tmp_path: Path) -> None:
    listener, worker = Listener(), TalkativeWorker()
    path = tmp_path / "w0.sock"
    server = await asyncio.start_unix_server(worker.serve, path)
    link = Link("w0", str(path), "test", listener)
    keeping = asyncio.create_task(link.keep())

    async with asyncio.timeout(30):
        await listener.up.wait()
        for _ in range(3):
            await link.request(ping)
            listener.heard.append("reply")
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
        await worker.is_over.wait()
        server.close()
        await server.wait_closed()

    heard = [word.split()[0] for word in listener.heard]
    assert heard[:6] == ["event", "reply", "event", "reply", "event", "reply"]  # the last event may come before the end
