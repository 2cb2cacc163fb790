"""The steward's rounds: every few seconds one web process looks whether somebody was forgotten.

1. overflow      waited too long where nobody answers: another line may call (server/lines: overflow_to, overflow_after_s)
2. alerts        nobody calls: those on duty after alert_after_s, the next on duty after alert_next_after_s
3. put back      called, and the caller never came into the room: back into the line with the place kept, after return_after_s
4. end of day    a line that is not kept overnight lets go of who came yesterday
5. portraits     of tickets that ended a day ago are forgotten

Each is one transaction under one advisory lock: several web processes make the same round once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from server.access.core import Actor
from server.access.require import as_uuid
from server.errors import Conflict
from server.keys import CLOCK
from server.rounds import rounds
from server.tickets import portraits, service, store
from server.waiting import core
from server.waiting import store as line_store
from server.waiting.core import Move

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

STEWARD = Actor("system", "steward")
EVERY_S = 5.0  # the shortest limit a line can have is 10 s

# How people are told who do not look at their desk (SMS, e-mail): (connection, people, alert level, area, ticket), inside the transaction
# that raises the alert, so that an outbox row is there exactly when the alert is. Nobody has put one in: the desk's stream is all there is.
TellPeople = Callable[["Connection", Sequence[str], int, str, str], Awaitable[None]]
TELL_PEOPLE: web.AppKey[TellPeople] = web.AppKey("tell_people")
Step = Callable[["Connection", "datetime"], Awaitable[None]]


async def make_round(conn: Connection, now: datetime, tell_people: TellPeople | None = None) -> bool:
    """One whole round, inside the caller's transaction; False when another process is making one."""
    if not await conn.fetchval(store.SQL["try_round"]):
        return False
    await overflow(conn, now)
    await raise_alerts(conn, now, tell_people)
    await put_back_unanswered(conn, now)
    await end_day(conn, now)
    await portraits.forget(conn, now)
    return True


async def overflow(conn: Connection, now: datetime) -> None:
    """Case 1."""
    states = sorted(core.TRANSITIONS[Move.OVERFLOW][0])
    for row in await conn.fetch(store.SQL["overflow"], now, states):
        moved = store.Moved(row["area_id"], row["endpoint_id"])
        await service.tell(conn, STEWARD, row["id"], Move.OVERFLOW, moved, now)
        await line_store.announce(conn, "queue", area=row["from_area"])


async def raise_alerts(conn: Connection, now: datetime, tell_people: TellPeople | None) -> None:
    """Case 2."""
    for name in ("raise_first", "raise_next"):
        for row in await conn.fetch(store.SQL[name], now):
            await line_store.announce(conn, "alert", area=row["area_id"])
            if tell_people:
                await tell_people(conn, row["people"], row["level"], row["area_id"], row["ticket_id"])


async def put_back_unanswered(conn: Connection, now: datetime) -> None:
    """Case 3."""
    for row in await conn.fetch(store.SQL["unanswered"], now):
        facts = await store.facts(conn, as_uuid(row["ticket"]))
        assert facts is not None
        with contextlib.suppress(Conflict):  # the caller came, or ended the session, a moment ago
            await service.leave_room(conn, STEWARD, facts, Move.PUT_BACK, now)


async def end_day(conn: Connection, now: datetime) -> None:
    """Case 4."""
    states = sorted(core.TRANSITIONS[Move.END_DAY][0])
    gone = await conn.fetch(store.SQL["end_day"], now, states, core.day_of(now), now - core.STAYS_AFTER_MIDNIGHT)
    for row in gone:
        await service.tell(conn, STEWARD, row["id"], Move.END_DAY, store.Moved(row["area_id"], row["endpoint_id"]), now)


async def _make_round(app: web.Application, conn: Connection) -> None:
    await make_round(conn, app[CLOCK](), app.get(TELL_PEOPLE))


keep_going = rounds("steward", EVERY_S, _make_round)  # from the application's start until its end
