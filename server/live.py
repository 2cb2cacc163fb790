"""Server-sent events: a page subscribes, gets the state at once, and again whenever a notice says that it may have changed.

What is sent is always the whole state, read anew from the database: a lost notice or a restart can delay it, never falsify it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
from aiohttp import web

from server.db.notify import Missed, Notifications
from server.db.pool import DatabaseAway, open_pool
from server.keys import POOL, SETTINGS
from server.tasks import end

if TYPE_CHECKING:
    from server.api import Call

HEARTBEAT_S = 15.0  # proxies drop a silent connection after 30 to 60 s
SETTLE_S = 0.05  # a burst of notices becomes one read
RETRY_MS = 1000  # what the browser waits before it comes back

Notice = dict[str, str]
Wanted = Callable[[Notice], bool]


class Notices:
    """Notices of the database, handed to whoever listens in this process."""

    def __init__(self) -> None:
        self._listeners: set[tuple[Wanted, asyncio.Event]] = set()
        self.closing = asyncio.Event()

    def tell(self, notice: Notice) -> None:
        """Wake those who want this notice."""
        for wanted, event in self._listeners:
            if wanted(notice):
                event.set()

    def tell_all(self) -> None:
        """Wake everybody: notices may have been missed while the database was away."""
        for _, event in self._listeners:
            event.set()

    def close(self) -> None:
        """End all streams: the process stops."""
        self.closing.set()
        self.tell_all()

    @contextlib.contextmanager
    def listen(self, wanted: Wanted) -> Iterator[asyncio.Event]:
        """An event that is set whenever a wanted notice came."""
        entry = (wanted, asyncio.Event())
        self._listeners.add(entry)
        try:
            yield entry[1]
        finally:
            self._listeners.discard(entry)


NOTICES: web.AppKey[Notices] = web.AppKey("notices", Notices)
State = Callable[[], Awaitable[object]]
CHANNEL = "laizuo"  # of pg_notify; the payload is a JSON object with `kind`


def add(app: web.Application) -> None:
    """Open the pool and the listening connection; both close with the application, streams end before them."""
    app[NOTICES] = Notices()
    app.cleanup_ctx.append(_database)
    app.on_shutdown.append(_end_streams)


async def _database(app: web.Application) -> AsyncIterator[None]:
    url = app[SETTINGS].database_url
    app[POOL] = await open_pool(url)
    notifications = Notifications(url)
    await notifications.start()
    follower = asyncio.create_task(_follow(app, notifications), name="notices")
    yield
    await end(follower)
    await notifications.close()
    await app[POOL].close()


async def _follow(app: web.Application, notifications: Notifications) -> None:
    async with notifications.subscribe(CHANNEL) as events:
        async for event in events:
            if isinstance(event, Missed):
                app[NOTICES].tell_all()
            else:
                app[NOTICES].tell(json.loads(event))


async def _end_streams(app: web.Application) -> None:
    app[NOTICES].close()


class StreamOver(Exception):
    """Raised by a `state` function: whom the stream was for may not listen any more; it ends, and the next request is refused."""


def nothing(_notice: Notice) -> bool:
    """No notice at all."""
    return False


async def stream(
    call: Call[Any], name: str, state: State, wanted: Wanted, urgent: Wanted = nothing
) -> web.StreamResponse:
    """Answer with an event stream of `state` under the event name `name` until the page goes away.

    urgent  which of the wanted notices are read at once, without waiting for the rest of a burst
    """
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    await response.prepare(call.request)
    with contextlib.suppress(ConnectionError, asyncio.CancelledError, StreamOver):
        async for chunk in _chunks(call.app[NOTICES], name, state, wanted, urgent):
            await response.write(chunk)
    return response


async def _chunks(notices: Notices, name: str, state: State, wanted: Wanted, urgent: Wanted) -> AsyncIterator[bytes]:
    yield f"retry: {RETRY_MS}\n\n".encode()
    sent = b""
    with notices.listen(wanted) as changed, notices.listen(urgent) as hurried:
        while not notices.closing.is_set():
            changed.clear()
            hurried.clear()
            body = await _read(state)
            if body is None:
                yield b"event: away\ndata: {}\n\n"
            elif body != sent:
                yield b"event: " + name.encode() + b"\ndata: " + body + b"\n\n"
                sent = body
            else:
                yield b"event: ping\ndata: {}\n\n"
            await _next(changed, hurried, HEARTBEAT_S if body is not None else RETRY_MS / 1000)


async def _read(state: State) -> bytes | None:
    """The state as JSON, or None while the database is away."""
    try:
        return msgspec.json.encode(await state())
    # InternalClientError: what asyncpg says when a statement's answer was cut in the middle
    except (DatabaseAway, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        return None


async def _next(changed: asyncio.Event, hurried: asyncio.Event, longest_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(changed.wait(), longest_s)
        await asyncio.wait_for(hurried.wait(), SETTLE_S)
