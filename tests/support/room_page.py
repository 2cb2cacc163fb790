"""A page in a room, played over a real WebSocket: says, hears, and explains what it has not heard yet."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType

from tests.support.eventually import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import ClientWebSocketResponse
    from aiohttp.test_utils import TestClient

SUBPROTOCOL = "laizuo.room.1"


@dataclass(slots=True)
class RoomPage:
    """One socket. `heard` holds every message since the start, `closed_with` the close code once it is over."""

    socket: ClientWebSocketResponse
    heard: list[dict[str, Any]] = field(default_factory=list)
    closed_with: int | None = None
    pongs_unanswered: bool = False
    _taken: int = 0
    _reader: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, client: TestClient[Any, Any], **headers: str) -> RoomPage:
        socket = await client.ws_connect("/ws/room", protocols=(SUBPROTOCOL,), headers=headers, max_msg_size=0)
        page = cls(socket)
        page._reader = asyncio.create_task(page._read())
        return page

    @classmethod
    async def joined(
        cls, client: TestClient[Any, Any], token: str, *, resume: bool = False, media: bool = True
    ) -> RoomPage:
        """A page that has been welcomed."""
        page = await cls.open(client)
        await page.say({"type": "join", "resume" if resume else "token": token, "media": media})
        await page.hears("welcome")
        return page

    async def say(self, message: dict[str, Any] | str) -> None:
        await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def hears(
        self, kind: str, is_it: Callable[[dict[str, Any]], bool] = lambda _: True, timeout_s: float = PATIENCE_S
    ) -> dict[str, Any]:
        """The next message of this kind for which `is_it` is true; what came before it is passed over."""

        def missing() -> str | None:
            if any(self._fits(message, kind, is_it) for message in self.heard[self._taken :]):
                return None
            return f"no {kind} among {self.heard[self._taken :]} (closed with {self.closed_with})"

        await eventually(missing, timeout_s)
        for at in range(self._taken, len(self.heard)):
            if self._fits(self.heard[at], kind, is_it):
                self._taken = at + 1
                return self.heard[at]
        raise AssertionError("unreachable")

    async def recording_is(self, state: str) -> None:
        """Wait until the newest word about the recording is this; a room that was quicker than the page says it in the welcome."""

        def other() -> str | None:
            told = [
                m["recording"] if m["type"] == "welcome" else m
                for m in self.heard
                if m["type"] in ("welcome", "recording")
            ]
            return None if told and told[-1]["state"] == state else f"told of the recording: {told}"

        await eventually(other)

    async def is_closed(self, timeout_s: float = PATIENCE_S) -> int:
        """Wait until the server has ended the line; its close code."""
        await eventually(
            lambda: None if self.closed_with is not None else f"the line is open; heard {self.heard[self._taken :]}",
            timeout_s,
        )
        assert self.closed_with is not None
        return self.closed_with

    def pass_over(self) -> None:
        """What has been heard so far does not count for `hears`."""
        self._taken = len(self.heard)

    async def close(self) -> None:
        """The page goes away."""
        await self.socket.close()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    @staticmethod
    def _fits(message: dict[str, Any], kind: str, is_it: Callable[[dict[str, Any]], bool]) -> bool:
        return message["type"] == kind and is_it(message)

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                self.heard.append(json.loads(message.data))
        self.closed_with = self.socket.close_code if self.socket.close_code is not None else 1006


def person(seat: str, **facts: Any) -> Callable[[dict[str, Any]], bool]:
    """For `hears("person", ...)`: about this seat, with these facts."""
    return lambda message: (
        message["person"]["seat"] == seat and all(message["person"][key] == value for key, value in facts.items())
    )
