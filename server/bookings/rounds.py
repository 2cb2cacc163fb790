"""Every half minute: reminders of tomorrow's appointments, and tickets for those whose time is near."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import asyncpg
from aiohttp import web

from server.bookings import service
from server.db.pool import CommitUnknown, DatabaseAway, in_transaction
from server.keys import CLOCK, POOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from server.db import Connection

EVERY_S = 30.0  # a ticket is made ten minutes before its time: half a minute is nothing
REMIND: web.AppKey[service.Remind] = web.AppKey(
    "remind"
)  # who sends messages puts this in; nobody has: reminders are only marked
log = logging.getLogger("laizuo.bookings")


async def make_round(conn: Connection, now: datetime, remind: service.Remind | None = None) -> None:
    """One round, inside the caller's transaction; rows are locked, so several web processes share the work."""
    await service.into_line(conn, now)
    await service.send_reminders(conn, now, remind)


async def keep_going(app: web.Application) -> AsyncIterator[None]:
    """Rounds from the application's start until its end."""
    task = asyncio.create_task(_rounds(app), name="bookings")
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _rounds(app: web.Application) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await in_transaction(app[POOL], lambda conn: make_round(conn, app[CLOCK](), app.get(REMIND)))
        except (DatabaseAway, CommitUnknown):
            continue  # the next round finds the same
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            log.exception("a round of the appointments failed")
