"""Sessions: opened by calling a ticket, ended by the person in charge.

`open_session`, `citizen_token_for` and `session_of_person` run inside the caller's transaction; the others own theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from server.errors import Conflict
from server.sessions import core, store
from server.sessions.core import Citizen, EndReason, OpenedSession, Procedure, SeatRole
from server.sessions.store import CurrentSession

if TYPE_CHECKING:
    from datetime import datetime

    from aiohttp import web

    from server.access.core import Actor
    from server.db import Connection

__all__ = ["Citizen", "CurrentSession", "OpenedSession", "citizen_token_for", "end_session", "open_session", "session_of_person"]


async def open_session(
    conn: Connection,
    *,
    procedure: Procedure,
    site_id: str,
    in_charge: str,
    in_charge_name: str,
    ticket_id: str | None,
    citizen: Citizen,
    now: datetime,
) -> OpenedSession:
    """Open the session of a called ticket, inside the caller's transaction; both seats are admitted by the call.

    site_id  the site of those who serve
    Raises   Conflict `session_running`: the person leads another session, or the device sits in one (the transaction is lost).
    """
    try:
        session_id = await store.insert_session(conn, procedure, site_id, ticket_id, in_charge, now)
        room_id = await store.insert_room(conn, session_id, core.is_recorded(procedure), now)
        room = (session_id, room_id)
        staff = await store.insert_admitted_seat(conn, room, SeatRole.IN_CHARGE, (in_charge, None), in_charge_name, in_charge, now)
        guest = await store.insert_admitted_seat(conn, room, SeatRole.APPLICANT, (None, citizen.endpoint_id), citizen.name, in_charge, now)
    except asyncpg.UniqueViolationError as error:
        raise Conflict("session_running") from error
    staff_token = await store.issue_token(conn, staff, "seat", now)
    citizen_token = await store.issue_token(conn, guest, "seat", now)
    await store.insert_event(conn, session_id, room_id, None, "opened", now, {"by": staff})
    for seat in (staff, guest):
        await store.insert_event(conn, session_id, room_id, seat, "admitted", now, {"by": staff})
    await store.announce(conn, "session", session=session_id)
    return OpenedSession(session_id, room_id, staff_token, citizen_token, guest, staff)


async def citizen_token_for(conn: Connection, ticket_id: str, endpoint_id: str, now: datetime) -> str | None:
    """A fresh seat token for the kiosk that holds the ticket, or None when there is no room for it.

    Only hashes are kept, so each call makes a new token; the one before it dies within a minute (a page may just be joining with it).
    """
    seat = await store.citizen_seat(conn, ticket_id, endpoint_id)
    return await store.issue_token(conn, seat, "seat", now) if seat else None


async def session_of_person(conn: Connection, person_id: str) -> CurrentSession | None:
    """The session this person leads now."""
    return await store.session_of_person(conn, person_id)


async def end_session(app: web.Application, session_id: str, by: Actor, reason: EndReason, now: datetime) -> None:
    """End a session for all: seats, rooms, ticket and audit in one transaction, then the room closes.

    Ending an ended session changes nothing.
    Raises  NotFound, NotAllowed (END_SESSION; MARK_NO_SHOW for the reason `no_show`).
    """
    raise NotImplementedError
