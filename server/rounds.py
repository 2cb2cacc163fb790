"""Rounds: work that a web process does every so often, as long as it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from server.db import Connection
from server.db.pool import CommitUnknown, DatabaseAway, in_transaction
from server.keys import POOL
from server.tasks import running

Context = Callable[[web.Application], AsyncIterator[None]]
Round = Callable[[web.Application, Connection], Awaitable[None]]

log = logging.getLogger("laizuo.rounds")


def rounds(name: str, every_s: float, make: Round) -> Context:
    """A cleanup context that makes a round every so often, each in one transaction; the next one finds what a failed one left."""

    async def run(app: web.Application) -> None:
        while True:
            await asyncio.sleep(every_s)
            try:
                await in_transaction(app[POOL], lambda conn: make(app, conn))
            except (DatabaseAway, CommitUnknown):
                continue
            except Exception:
                log.exception("a round of %s failed", name)  # a task root: it must outlive one bad row

    async def keep_going(app: web.Application) -> AsyncIterator[None]:
        async with running(name, run(app)):
            yield

    return keep_going
