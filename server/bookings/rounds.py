"""Every half minute: reminders of tomorrow's appointments, and tickets for those whose time is near."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from server.bookings import service
from server.keys import CLOCK
from server.rounds import rounds

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

EVERY_S = 30.0  # a ticket is made ten minutes before its time: half a minute is nothing
REMIND: web.AppKey[service.Remind] = web.AppKey(
    "remind"
)  # who sends messages puts this in; nobody has: reminders are only marked


async def make_round(conn: Connection, now: datetime, remind: service.Remind | None = None) -> None:
    """One round, inside the caller's transaction; rows are locked, so several web processes share the work."""
    await service.into_line(conn, now)
    await service.send_reminders(conn, now, remind)


async def _make_round(app: web.Application, conn: Connection) -> None:
    await make_round(conn, app[CLOCK](), app.get(REMIND))


keep_going = rounds("bookings", EVERY_S, _make_round)  # from the application's start until its end
