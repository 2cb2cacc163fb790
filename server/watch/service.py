"""Calls for help, leaving a kiosk for good, taking over an alert, being away: each in one transaction, audited and announced."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from server import audit
from server.access.core import Action, Actor
from server.access.require import as_uuid, require_own
from server.db.statements import load_statements
from server.errors import NotFound
from server.waiting import service as waiting
from server.waiting import store as line_store

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from server.db import Connection

SQL = load_statements(__package__)
HELP_LASTS = timedelta(
    minutes=15
)  # an answered call is shown at the kiosk so long, an old unanswered one is no longer news
WITH_SOMEBODY = ("called", "serving")


def sites_of(actor: Actor) -> list[UUID]:
    """The sites at which somebody has a role; everything below them is theirs to look after."""
    return [UUID(site) for site in sorted({grant.site_id for grant in actor.grants})]


async def raise_help(conn: Connection, actor: Actor, kind: str, now: datetime) -> None:
    """Somebody presses for a person."""
    require_own(actor, Action.SEE_OWN_TICKET, actor.id)
    async with conn.transaction():
        call = await conn.fetchval(SQL["raise_help"], as_uuid(str(actor.id)), kind, now)
        await audit.append(conn, actor, "ask_help", "help_call", str(call), now, {"kind": kind})
        await line_store.announce(conn, "alert", endpoint=actor.id)


async def newest_help(conn: Connection, actor: Actor, now: datetime) -> asyncpg.Record | None:
    """The device's latest call, while it is news."""
    require_own(actor, Action.SEE_OWN_TICKET, actor.id)
    return await conn.fetchrow(SQL["newest_help"], as_uuid(str(actor.id)), now - HELP_LASTS)


async def take_help(conn: Connection, actor: Actor, call_id: int, now: datetime) -> None:
    """I go there. Raises NotFound: taken by another, or not of one's sites."""
    async with conn.transaction():
        endpoint = await conn.fetchval(SQL["take_help"], call_id, as_uuid(str(actor.id)), now, sites_of(actor))
        if endpoint is None:
            raise NotFound()
        await audit.append(conn, actor, "take_help", "help_call", str(call_id), now)
        await line_store.announce(conn, "alert", endpoint=endpoint)


async def go_from_device(conn: Connection, actor: Actor, now: datetime) -> None:
    """Nobody sits at this device any more: the next person must not find the last one's ticket.

    Who waits leaves the line. Who is called or served leaves the device only: session and ticket stay for the person in charge to end, or to
    put back into the line (place kept; called to this kiosk again).
    """
    require_own(actor, Action.LEAVE_QUEUE, actor.id)
    device = as_uuid(str(actor.id))
    async with conn.transaction():
        ticket = await conn.fetchrow(SQL["live_at_device"], device)
        if ticket is not None and ticket["state"] in WITH_SOMEBODY:
            await _free(conn, actor, device, ticket, now)
            return
    await waiting.leave_queue(conn, actor, now)


async def _free(conn: Connection, actor: Actor, device: UUID, ticket: asyncpg.Record, now: datetime) -> None:
    seat = await conn.fetchrow(SQL["free_seat"], as_uuid(ticket["id"]), device)
    await conn.execute(SQL["free_device"], as_uuid(ticket["id"]))
    await line_store.tell_story(conn, ticket["id"], "go_from_device", actor, now)
    await audit.append(conn, actor, "go_from_device", "ticket", ticket["id"], now)
    if seat is not None:
        await line_store.announce(conn, "session", session=seat["session_id"])
    await line_store.announce(conn, "queue", area=ticket["area_id"])
    await line_store.announce(conn, "ticket", ticket=ticket["id"], endpoint=str(device))


async def take_over(conn: Connection, actor: Actor, session: str, kind: str, seat: str | None, now: datetime) -> None:
    """I see to it, by name. Raises NotFound: no such session at one's sites."""
    session_id = as_uuid(session)
    if not await conn.fetchval(SQL["may_watch"], session_id, sites_of(actor)):
        raise NotFound()
    async with conn.transaction():
        where = as_uuid(seat) if seat else None
        await conn.execute(SQL["take_over"], session_id, kind, where, as_uuid(str(actor.id)), now)
        await audit.append(conn, actor, "take_over", "session", session, now, {"kind": kind})
        await line_store.announce(conn, "alert", session=session)


async def set_away(conn: Connection, actor: Actor, is_away: bool, now: datetime) -> None:
    """Away from the desk, or back."""
    require_own(actor, Action.SEE_DESK, actor.id)
    person = as_uuid(str(actor.id))
    async with conn.transaction():
        if is_away:
            await conn.execute(SQL["go_away"], person, now)
        else:
            await conn.execute(SQL["come_back"], person)
        await audit.append(conn, actor, "go_away" if is_away else "come_back", "person", str(actor.id), now)
        await line_store.announce(conn, "alert", person=actor.id)
