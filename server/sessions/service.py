"""Sessions: opened by calling a ticket, ended by the person in charge.

`open_session`, `citizen_token_for` and `session_of_person` run inside the caller's transaction; the others own theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_session
from server.db.pool import in_transaction
from server.errors import Conflict, NotFound
from server.recordings.core import records_from_start
from server.sessions import core, store
from server.sessions.core import Citizen, EndReason, OpenedSession, Procedure, SeatRole
from server.sessions.store import CurrentSession
from server.storage.space import require_space

if TYPE_CHECKING:
    from datetime import datetime

    from server.access.core import Actor
    from server.db import Connection, Pool

__all__ = [
    "Citizen",
    "CurrentSession",
    "OpenedSession",
    "citizen_token_for",
    "end_session",
    "go_live",
    "invite",
    "open_session",
    "own_token",
    "session_of_person",
    "write_end",
]


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
    Raises   Conflict `session_running`: the person leads another session, or the device sits in one (the transaction is lost);
             Conflict `no_space`: a recording of it could not be stored in full.
    """
    if records_from_start(procedure):
        await require_space(conn, procedure, now)
    try:
        session_id = await store.insert_session(conn, procedure, site_id, ticket_id, in_charge, now)
        room_id = await store.insert_room(conn, session_id, records_from_start(procedure), now)
        room = (session_id, room_id)
        staff = await store.insert_admitted_seat(
            conn, room, SeatRole.IN_CHARGE, (in_charge, None), in_charge_name, in_charge, now
        )
        guest = await store.insert_admitted_seat(
            conn, room, SeatRole.APPLICANT, (None, citizen.endpoint_id), citizen.name, in_charge, now
        )
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


async def end_session(pool: Pool, session_id: str, by: Actor, reason: EndReason, now: datetime) -> None:
    """End a session for all, at the wish of the person in charge; ending an ended session changes nothing.

    The room hears of it by the notice (server/signaling/rooms.py): its people are told, its media stops, its journal closes.
    Raises  NotFound, NotAllowed (END_SESSION; MARK_NO_SHOW for the reason `no_show`), DatabaseAway.
    """
    action = Action.MARK_NO_SHOW if reason == "no_show" else Action.END_SESSION

    async def end(conn: Connection) -> None:
        await require_session(conn, by, action, session_id)
        await write_end(conn, session_id, by, reason, now)

    await in_transaction(pool, end)


async def write_end(conn: Connection, session_id: str, by: Actor, reason: EndReason, now: datetime) -> None:
    """The end, inside the caller's transaction: session, rooms, owners, seats, tokens, ticket, event, audit, notices."""
    session = await store.lock_session(conn, session_id)
    if session.state == "ended":
        return
    await store.end_session(conn, session_id, reason, now)
    await store.insert_event(conn, session_id, None, None, "ended", now, {"reason": reason})
    await audit.append(conn, by, "end_session", "session", session_id, now, {"reason": reason})
    if session.ticket_id:
        endpoint = await store.close_ticket(conn, session.ticket_id, core.ticket_outcome(reason), now)
        await store.announce(conn, "ticket", ticket=session.ticket_id, endpoint=endpoint)
    await store.announce(conn, "session", session=session_id)


async def go_live(conn: Connection, session_id: str, now: datetime) -> None:
    """Both are in the room: the session is live, its ticket is being served. Inside the caller's transaction; twice changes nothing."""
    moved = await store.go_live(conn, session_id, now)
    if moved is None:
        return
    await store.insert_event(conn, session_id, None, None, "live", now)
    if moved[0]:
        await store.announce(conn, "ticket", ticket=moved[0], endpoint=moved[1])
    await store.announce(conn, "session", session=session_id)


async def invite(
    conn: Connection, by: Actor, session_id: str, role: SeatRole, name: str, now: datetime
) -> tuple[str, str]:
    """A seat for a third person, and the token of the personal link: shown once, kept as a hash, good until the session ends.

    Inside the caller's transaction. Raises NotFound, NotAllowed, Conflict('session_ended').
    """
    session = await require_session(conn, by, Action.INVITE_PERSON, session_id)
    room = await store.joint_room(conn, session_id)
    if session.state == "ended" or room is None:
        raise Conflict("session_ended")
    seat = await store.insert_invited_seat(conn, (session_id, room), role, name, now)
    token = await store.issue_token(conn, seat, "seat", now)
    await store.insert_event(conn, session_id, room, seat, "invited", now, {"role": role})
    await audit.append(conn, by, "invite_person", "seat", seat, now, {"session": session_id, "role": role})
    return seat, token


async def own_token(conn: Connection, by: Actor, session_id: str, now: datetime) -> str:
    """The staff's own seat token again (a reloaded page, another device). Raises NotFound: no seat here, or the session is over."""
    seat = await store.seat_of_person(conn, str(as_uuid(session_id)), str(by.id))
    if seat is None:
        raise NotFound()
    return await store.issue_token(conn, seat, "seat", now)
