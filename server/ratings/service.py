"""Rating a matter, putting a bad one right, the opinion box. Each in one transaction with its audit entry."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from schedules.core.calendar_days import add_working_days
from schedules.days import shipped_calendar
from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_site
from server.errors import Conflict, NotFound
from server.ratings import core, store

if TYPE_CHECKING:
    from datetime import datetime

    from server.access.core import Actor
    from server.db import Connection


async def rate(
    conn: Connection, actor: Actor, matter: store.Rateable | None, level: int, comment: str, channel: str, now: datetime
) -> None:
    """One tap. A bad one opens a case, due after the site's working days. Raises NotFound('nothing_to_rate'), Conflict('already_rated')."""
    if matter is None:
        raise NotFound("nothing_to_rate")
    try:
        async with conn.transaction():
            rating_id = await store.rate(conn, matter, level, comment.strip(), channel, now)
            if core.is_bad(level):
                days = await store.working_days(conn, matter.site_id) or core.WORKING_DAYS
                due = add_working_days(shipped_calendar(), now.astimezone(core.CITY_TIME).date(), days).end
                await conn.execute(store.SQL["open_case"], UUID(rating_id), due)
            await audit.append(conn, actor, "rate_matter", "rating", rating_id, now, {"level": level})
    except asyncpg.UniqueViolationError as error:
        raise Conflict("already_rated") from error


async def call_back(conn: Connection, actor: Actor, rating_id: str, reached: bool, note: str, now: datetime) -> None:
    """Somebody was called back, or tried to. Raises NotFound, NotAllowed, Conflict('case_closed')."""
    key = await _require_case(conn, actor, rating_id)
    async with conn.transaction():
        values = (key, now, as_uuid(str(actor.id)), reached, note.strip())
        if await conn.fetchval(store.SQL["call_back"], *values) is None:
            raise Conflict("case_closed")
        await audit.append(conn, actor, "call_back", "rating", rating_id, now, {"reached": reached})


async def close_case(conn: Connection, actor: Actor, rating_id: str, outcome: str, now: datetime) -> None:
    """It was put right. Raises NotFound, NotAllowed, Conflict('callback_missing')."""
    key = await _require_case(conn, actor, rating_id)
    async with conn.transaction():
        closed = await conn.fetchval(store.SQL["close_case"], key, now, as_uuid(str(actor.id)), outcome.strip())
        if closed is None:
            raise Conflict("callback_missing")
        await audit.append(conn, actor, "close_case", "rating", rating_id, now)


async def _require_case(conn: Connection, actor: Actor, rating_id: str) -> UUID:
    key = as_uuid(rating_id)
    site_id = await conn.fetchval(store.SQL["case_site"], key)
    if site_id is None:
        raise NotFound()
    await require_site(conn, actor, Action.HANDLE_RATING, site_id)
    return key


async def set_rule(conn: Connection, actor: Actor, site_id: str, working_days: int, now: datetime) -> None:
    """How many working days a bad rating may take, at a site and below. Raises NotFound, NotAllowed."""
    site = await require_site(conn, actor, Action.HANDLE_RATING, site_id)
    async with conn.transaction():
        await conn.execute(store.SQL["set_rule"], UUID(site.id), working_days)
        await audit.append(conn, actor, "set_rating_rule", "site", site.id, now, {"working_days": working_days})


async def give_opinion(conn: Connection, actor: Actor, site_id: str, text: str, contact: str, now: datetime) -> None:
    """Something for the box."""
    async with conn.transaction():
        values = (UUID(site_id), text.strip(), contact.strip(), now)
        opinion_id = await conn.fetchval(store.SQL["give_opinion"], *values)
        await audit.append(conn, actor, "give_opinion", "opinion", opinion_id, now)


async def answer_opinion(conn: Connection, actor: Actor, opinion_id: str, answer: str, now: datetime) -> None:
    """What came of it. Raises NotFound, NotAllowed, Conflict('case_closed')."""
    key = as_uuid(opinion_id)
    site_id = await conn.fetchval(store.SQL["opinion_site"], key)
    if site_id is None:
        raise NotFound()
    await require_site(conn, actor, Action.HANDLE_RATING, site_id)
    async with conn.transaction():
        values = (key, now, as_uuid(str(actor.id)), answer.strip())
        if await conn.fetchval(store.SQL["answer_opinion"], *values) is None:
            raise Conflict("case_closed")
        await audit.append(conn, actor, "answer_opinion", "opinion", opinion_id, now)
