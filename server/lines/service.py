"""Lines: open or not, and their settings by those who look after the site."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import asyncpg

from schedules.days import shipped_calendar
from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_site
from server.errors import BadInput, Conflict, NotFound
from server.lines import core, store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from server.access.core import Actor
    from server.db import Connection


def kind_of(on: date) -> core.DayKind:
    """What a day is by the shipped calendar."""
    return shipped_calendar().day(on).kind.value


async def opening(conn: Connection, area_id: str, now: datetime) -> core.Opening:
    """Whether a line is open now."""
    rules = await store.rules_of(conn, area_id, now.astimezone(core.CITY_TIME).date())
    return core.opening_of(rules, kind_of, now)


async def refuse_closed(conn: Connection, area_id: str, now: datetime) -> None:
    """Raises Conflict('line_closed') whose detail is what people are told."""
    state = await opening(conn, area_id, now)
    if not state.is_open:
        raise Conflict("line_closed", detail=state.message_zh)


async def require_line(conn: Connection, actor: Actor, area_id: str) -> store.LineRow:
    """A line that the actor looks after. Raises NotFound, NotAllowed."""
    line = await store.line(conn, as_uuid(area_id))
    if line is None:
        raise NotFound()
    await require_site(conn, actor, Action.MANAGE_LINES, line.site_id)
    return line


async def save_settings(
    conn: Connection, actor: Actor, area_id: str, settings: store.LineSettings, now: datetime
) -> None:
    """Overnight, overflow, alerts, message. Raises NotFound, NotAllowed, BadInput('bad_line')."""
    line = await require_line(conn, actor, area_id)
    if settings.overflow_to:
        target = await store.line(conn, as_uuid(settings.overflow_to))
        if target is None or target.service != line.service:
            raise BadInput("bad_line", field="overflow_to")
    try:
        async with conn.transaction():
            await store.save(conn, line.id, settings)
            await _tell(conn, actor, "set_line", line.id, now)
    except asyncpg.CheckViolationError as error:
        raise BadInput("bad_line", detail=str(error.constraint_name)) from error


async def close_line(conn: Connection, actor: Actor, area_id: str, closed: bool, now: datetime) -> None:
    """Close a line by hand, or open it; who waits stays. Raises NotFound, NotAllowed."""
    line = await require_line(conn, actor, area_id)
    async with conn.transaction():
        await store.close(conn, line.id, now if closed else None)
        await _tell(conn, actor, "close_line" if closed else "open_line", line.id, now)


async def _tell(conn: Connection, actor: Actor, what: str, area_id: str, now: datetime) -> None:
    await audit.append(conn, actor, what, "waiting_area", area_id, now)
    await conn.execute("select pg_notify('laizuo', $1)", json.dumps({"kind": "queue", "area": area_id}))


async def set_hours(
    conn: Connection, actor: Actor, site_id: str, area_id: str | None, hours: Sequence[core.Hours], now: datetime
) -> None:
    """Replace the hours of a site or of one line. Raises NotFound, NotAllowed, BadInput('bad_hours')."""
    site = await _site_of(conn, actor, site_id, area_id)
    try:
        async with conn.transaction():
            await store.set_hours(conn, site, area_id, hours)
            await audit.append(conn, actor, "set_hours", "site", site, now, {"area": area_id, "rows": len(hours)})
    except (asyncpg.CheckViolationError, asyncpg.UniqueViolationError) as error:
        raise BadInput("bad_hours", detail=str(error.constraint_name)) from error


async def add_closure(
    conn: Connection, actor: Actor, site_id: str, area_id: str | None, new: core.Closure, now: datetime
) -> str:
    """Close a site, or one line of it, on some days. Raises NotFound, NotAllowed, BadInput('bad_hours')."""
    site = await _site_of(conn, actor, site_id, area_id)
    try:
        async with conn.transaction():
            closure_id = await store.add_closure(conn, site, area_id, new)
            await audit.append(conn, actor, "add_closure", "site", site, now, {"closure": closure_id})
            return closure_id
    except asyncpg.CheckViolationError as error:
        raise BadInput("bad_hours", detail=str(error.constraint_name)) from error


async def drop_closure(conn: Connection, actor: Actor, closure_id: str, now: datetime) -> None:
    """Take a closure back. Raises NotFound, NotAllowed."""
    key = as_uuid(closure_id)
    site_id = await store.closure_site(conn, key)
    if site_id is None:
        raise NotFound()
    await require_site(conn, actor, Action.MANAGE_LINES, site_id)
    async with conn.transaction():
        await store.drop_closure(conn, key)
        await audit.append(conn, actor, "drop_closure", "site", site_id, now, {"closure": closure_id})


async def _site_of(conn: Connection, actor: Actor, site_id: str, area_id: str | None) -> str:
    site = await require_site(conn, actor, Action.MANAGE_LINES, site_id)
    if area_id is not None and (await require_line(conn, actor, area_id)).site_id != site.id:
        raise NotFound()
    return site.id
