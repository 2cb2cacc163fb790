"""The worker of a village room: who has a number here, and sitting in beside a citizen, admitted and shown like everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from server import audit
from server.access.core import Action, Actor, Role
from server.access.require import as_uuid
from server.api import Call, Operation
from server.errors import NotFound
from server.i18n import language_of
from server.sessions import store as sessions
from server.sessions.core import SeatRole
from server.tickets import store

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection


class TicketHere(msgspec.Struct):
    """A number taken at one's own site. `session`: the running one, if called. Times in unix seconds."""

    ticket: str
    number: str
    service: str
    state: str
    citizen_name: str
    endpoint_name: str
    taken_at: float
    session: str | None


class Here(msgspec.Struct):
    """Who has a number at one's sites, in the order of taking; `is_beside`: whether one works in a village room at all."""

    is_beside: bool
    tickets: list[TicketHere]


class SittingIn(msgspec.Struct):
    """The page on which one waits for the person in charge to open the door."""

    url: str


def sites_beside(actor: Actor) -> list[UUID]:
    """The village rooms somebody works in."""
    return [UUID(site) for site in sorted({grant.site_id for grant in actor.grants if grant.role is Role.SITE_WORKER})]


async def here(call: Call[None]) -> Here:
    """Who has a number at my site."""
    english = language_of(call.request) == "en"
    sites = sites_beside(call.actor)
    async with call.connection() as conn:
        rows = await conn.fetch(store.SQL["here"], sites) if sites else []
    return Here(
        bool(sites),
        [
            TicketHere(
                row["id"], row["number"], row["service"], row["state"], row["citizen_name"],
                row["endpoint_en" if english else "endpoint_zh"], row["taken_at"].timestamp(), row["session"],
            )
            for row in rows
        ],
    )  # fmt: skip


async def sit_in(call: Call[None]) -> SittingIn:
    """A seat beside the citizen of my village room; the person in charge opens the door, and all see who sits there."""
    async with call.connection() as conn, conn.transaction():
        token = await take_seat(conn, call.actor, call.path("session"), call.now)
    return SittingIn(f"/join/{token}")


async def take_seat(conn: Connection, actor: Actor, session: str, now: datetime) -> str:
    """The token of one's seat as room worker, made when there is none. Raises NotFound: not a session of one's own room."""
    person = as_uuid(str(actor.id))
    row = await conn.fetchrow(store.SQL["session_beside"], as_uuid(session), sites_beside(actor), person)
    if row is None:
        raise NotFound()
    seat: str = row["seat"] or await _new_seat(conn, actor, row["room"], session, now)
    return await sessions.issue_token(conn, seat, "seat", now)


async def _new_seat(conn: Connection, actor: Actor, room: str, session: str, now: datetime) -> str:
    values = (as_uuid(session), as_uuid(room), SeatRole.SITE_WORKER.value, as_uuid(str(actor.id)))
    seat: str = await conn.fetchval(store.SQL["seat_beside"], *values, now, now + sessions.SEAT_LIFE)
    await sessions.insert_event(conn, session, room, seat, "invited", now, {"role": SeatRole.SITE_WORKER.value})
    await audit.append(conn, actor, "sit_in", "seat", seat, now, {"session": session})
    return seat


_MAY = Action.HANDLE_TICKET
OPERATIONS = [
    Operation("GET", "/api/desk/here", here, _MAY, "Who has a number at my site", reply=Here),
    Operation("POST", "/api/sessions/{session}/sit-in", sit_in, _MAY, "A seat beside the citizen", reply=SittingIn),
]
