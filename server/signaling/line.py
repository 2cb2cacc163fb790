"""One WebSocket of a person: what is said on it goes through a bounded queue, and a page that does not read is dropped."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import WSCloseCode, web

from server.signaling.messages import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.signaling.messages import ServerMessage
    from server.signaling.room.effects import LineId

QUEUE: Final = 100  # messages; a room of twelve says less than ten a second
DEADLINE_S: Final = 0.5  # for one message to leave: a page behind a dead line must not hold the words of a living room

# For the page to answer our farewell: to close before its last words are read resets the line, and what we said last is lost with it.
FAREWELL_S: Final = 1.5


class RoomLine(Protocol):
    """What a session says things to: a page's socket, or a device over HTTP (whip/visit.py)."""

    @property
    def number(self) -> LineId: ...

    def say(self, message: ServerMessage) -> None: ...

    def hang(self) -> None: ...


class Line:
    """A writer with a queue. `run` ends when the socket is closed, by either side."""

    def __init__(self, number: LineId, socket: web.WebSocketResponse, cut: Callable[[], None]) -> None:
        """cut  ends the connection under the socket, without waiting for anything."""
        self.number = number
        self.is_dead = False
        self._socket = socket
        self._cut = cut
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE)
        self._code: int | None = None  # of the farewell; None: nobody has hung up

    def say(self, message: ServerMessage) -> None:
        """Queue a message. A full queue means that the page does not read: the line is dead from here."""
        if self.is_dead:
            return
        try:
            self._queue.put_nowait(render(message))
        except asyncio.QueueFull:
            self.cut()

    def hang(self, code: int = WSCloseCode.OK) -> None:
        """Close once everything said so far is out. The first word about why is the one."""
        if self.is_dead or self._code is not None:
            return
        self._code = code
        try:
            self._queue.put_nowait(None)
        except asyncio.QueueFull:
            self.cut()

    async def run(self) -> None:
        """Write until told to hang, or until the page does not take a message in time."""
        try:
            while (text := await self._queue.get()) is not None:
                async with asyncio.timeout(DEADLINE_S):
                    await self._socket.send_str(text)
        except (
            TimeoutError,
            ConnectionError,
            RuntimeError,
        ):  # RuntimeError: aiohttp's word for a socket that is closing
            self.cut()
            return
        self.is_dead = True
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(FAREWELL_S):
                await self._socket.close(code=self._code or WSCloseCode.OK)

    def cut(self) -> None:
        """Cut the connection without a farewell: the reader ends, and with it the line."""
        self.is_dead = True
        self._cut()
