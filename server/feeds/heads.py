"""What a feed is now, asked for many requests at once: who asks while a statement is under way shares the next one.

Nothing is remembered from one statement to the next. A statement is sent after everybody whom it answers has asked, so each answer is as
new as if its request had asked alone: what was published or revoked before the question is seen. Under load one statement answers many,
and a connection is taken and given back once for all of them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from schedules.store.feeds import find_feeds
from server.db.pool import connection
from server.keys import POOL
from server.tasks import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from schedules.store.feeds import FeedHead, FeedName
    from server.db import Pool

    Waiting = dict[FeedName, list[asyncio.Future[FeedHead | None]]]


class Heads:
    """One statement at a time; `answer` runs as a task beside the requests."""

    def __init__(self) -> None:
        self._waiting: Waiting = {}
        self._asked = asyncio.Event()
        self.statements = 0

    async def find(self, name: FeedName) -> FeedHead | None:
        """The feed's state at a moment after this call. Raises DatabaseAway."""
        answer: asyncio.Future[FeedHead | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append(answer)
        self._asked.set()
        return await answer

    async def answer(self, pool: Pool) -> None:
        """Answer who asks, for ever."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            waiting, self._waiting = self._waiting, {}
            await self._ask_for(pool, waiting)

    def let_go(self) -> None:
        """Nobody answers any more: whoever waits waits no longer."""
        _end(self._waiting, None)

    async def _ask_for(self, pool: Pool, waiting: Waiting) -> None:
        try:
            await self._ask(pool, waiting)
        except asyncio.CancelledError:
            _end(waiting, None)
            raise
        except Exception as error:
            _end(waiting, error)

    async def _ask(self, pool: Pool, waiting: Waiting) -> None:
        async with connection(pool) as conn:
            self.statements += 1
            found = await find_feeds(conn, list(waiting))
        for futures, head in zip(waiting.values(), found, strict=True):
            for future in futures:
                if not future.done():  # its request may be gone
                    future.set_result(head)


def _end(waiting: Waiting, error: Exception | None) -> None:
    """Nobody waits for an answer that will not come."""
    for future in (future for futures in waiting.values() for future in futures if not future.done()):
        if error is None:
            future.cancel()
        else:
            future.set_exception(error)


HEADS: web.AppKey[Heads] = web.AppKey("feed_heads", Heads)


async def answered(app: web.Application) -> AsyncIterator[None]:
    """The task that answers, for as long as the application runs."""
    app[HEADS] = Heads()
    async with running("feed heads", app[HEADS].answer(app[POOL])):
        yield
    app[HEADS].let_go()
