"""PostgreSQL's notifications, on a connection of their own outside of the pool.

A subscriber gets every payload of its channel, and `MISSED` whenever some may have been lost (after a reconnect, or when the subscriber was
too slow): it then reads the state anew instead of trusting what it heard. The first thing it gets is `MISSED` too: read once, then follow.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

import asyncpg

from server.tasks import end

MAX_WAITING = 256  # payloads a subscriber may lag behind; then it gets MISSED instead of all of them
CONNECT_TIMEOUT_S = 5.0
CHECK_EVERY_S = 10.0  # an idle connection that died without a word (a pulled cable) is noticed after that
RETRY_S = (0.05, 0.2, 0.5, 1.0, 2.0)  # between attempts to connect; the last one repeats


class Missed:
    """Some notifications may have been lost: read the state anew."""

    def __repr__(self) -> str:
        return "MISSED"


MISSED: Final = Missed()

log = logging.getLogger("laizuo.notify")


class Notifications:
    """One LISTEN connection for a whole process, kept alive from `start` until `close`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._subscriptions: dict[str, set[Subscription]] = {}
        self._listening: set[str] = set()
        self._wake = asyncio.Event()  # something changed: a new channel, or the connection is gone
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep_connected(), name="notifications")

    async def close(self) -> None:
        if self._task:
            await end(self._task)

    @contextlib.asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[Subscription]:
        """Follow a channel: `async with notifications.subscribe("tickets") as events: async for event in events: ...`"""
        subscription = Subscription()
        self._subscriptions.setdefault(channel, set()).add(subscription)
        if channel in self._listening:
            subscription.put(MISSED)
        else:
            self._wake.set()
        try:
            yield subscription
        finally:
            self._subscriptions[channel].discard(subscription)

    async def _keep_connected(self) -> None:
        attempt = 0
        while True:
            try:
                connection = await asyncpg.connect(self._url, timeout=CONNECT_TIMEOUT_S)
                attempt = 0
                await self._follow(connection)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                self._listening.clear()
                if attempt == 0:
                    log.warning("the notification connection is gone (%s); connecting again", type(error).__name__)
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1

    async def _follow(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Hear notifications until the connection is lost, which is raised."""
        connection.add_termination_listener(lambda _: self._wake.set())
        try:
            while True:
                self._wake.clear()
                await self._listen_to_new(connection)
                await self._wait_or_check(connection)
        finally:
            self._listening.clear()
            connection.terminate()

    async def _listen_to_new(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        for channel in sorted(self._subscriptions.keys() - self._listening):
            await connection.add_listener(channel, self._hear)
            self._listening.add(channel)
            self._put(channel, MISSED)

    async def _wait_or_check(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        try:
            async with asyncio.timeout(CHECK_EVERY_S):
                await self._wake.wait()
        except TimeoutError:
            await connection.execute("SELECT 1", timeout=CONNECT_TIMEOUT_S)
        if connection.is_closed():
            raise ConnectionResetError

    def _hear(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        self._put(channel, str(payload))

    def _put(self, channel: str, event: str | Missed) -> None:
        for subscription in self._subscriptions.get(channel, ()):
            subscription.put(event)


class Subscription:
    """One follower of one channel; an async iterator of payloads and MISSED."""

    def __init__(self) -> None:
        self._waiting: deque[str | Missed] = deque()
        self._filled = asyncio.Event()

    def put(self, event: str | Missed) -> None:
        if isinstance(event, Missed) or len(self._waiting) >= MAX_WAITING:
            self._waiting.clear()  # what is read anew covers all of them
            event = MISSED
        self._waiting.append(event)
        self._filled.set()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> str | Missed:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.popleft()
