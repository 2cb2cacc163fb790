"""The worker's side of the control socket: frames in, one handler per request, every event to every controller.

Requests of one connection are performed in order; connections do not wait for each other. A controller that does not read
its events is ended, so that it cannot fill the worker's memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from media.control.codec import BadMessage, Unparsable, read_envelope, read_request, write, write_error, write_ok
from media.control.frames import FrameReader, FrameTooLarge, frame
from media.control.messages import AnyEvent, Hello, Message, Request

log = logging.getLogger(__name__)

READ_BYTES: Final = 1 << 16
# A web process that stands still for so much is dead or stopped; it gets the whole state again with `hello`.
MAX_UNREAD_BYTES: Final = 4 << 20

Handler = Callable[[Request], Awaitable[Message]]


class ControlServer:
    """Listens on a unix socket. `handle` performs a request and raises BadMessage to refuse it."""

    def __init__(self, path: Path, handle: Handler) -> None:
        self._path = path
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._controllers: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._greeted: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Raises OSError when the socket cannot be made. A left-over socket file is replaced."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        before = os.umask(0o177)  # nobody but our user may command the worker
        try:
            self._server = await asyncio.start_unix_server(self._serve, path=str(self._path))
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Stop listening, end all connections."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._controllers.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def tell(self, event: AnyEvent) -> None:
        """One event to every controller that has said hello."""
        body = frame(write(event))
        for writer in list(self._greeted):
            self._send(writer, body)

    def _send(self, writer: asyncio.StreamWriter, framed: bytes) -> None:
        if writer.is_closing():
            return  # the controller went away while its request was being answered; uvloop would raise
        if writer.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            log.warning("a controller does not read; ending its connection")
            self._greeted.discard(writer)
            writer.transport.abort()
            return
        writer.write(framed)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._controllers[writer] = task
        try:
            await self._read_all(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the controller went away, or we close: both are the end of this task
        except (FrameTooLarge, Unparsable) as error:
            log.warning("control connection ended: %s", error)
        except Exception:
            log.exception("control connection broke")
        finally:
            self._greeted.discard(writer)
            del self._controllers[writer]
            writer.close()

    async def _read_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader()
        while data := await reader.read(READ_BYTES):
            for body in frames.receive(data):
                self._send(writer, frame(await self._answer(body, writer)))
            await writer.drain()

    async def _answer(self, body: bytes, writer: asyncio.StreamWriter) -> bytes:
        reply, is_hello = await answer(body, writer in self._greeted, self._handle)
        if is_hello:
            self._greeted.add(writer)
        return reply


async def answer(body: bytes, is_greeted: bool, handle: Handler) -> tuple[bytes, bool]:
    """Perform the request of one body; its reply, and whether it was a `hello` that was taken. Raises Unparsable."""
    number: int | None = None
    try:
        envelope = read_envelope(body)
        number = envelope.id
        request = read_request(envelope.op, body)
        if not isinstance(request, Hello) and not is_greeted:
            raise BadMessage("bad_request", "op: hello must come first")
        ok = await handle(request)
    except BadMessage as refusal:
        return write_error(number, refusal.code, refusal.message), False
    except Unparsable:
        raise
    except Exception:
        log.exception("request %s broke", number)
        return write_error(number, "internal", "the worker failed; its log says why"), False
    return write_ok(envelope.id, ok), isinstance(request, Hello)
