"""Private talks in the database, each act inside one transaction of the caller's: the room, where each seat is, the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from server import audit
from server.access.core import Actor
from server.access.require import as_uuid
from server.errors import NotAllowed, NotFound
from server.sessions import seats, store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from server.db import Connection


async def open_room(conn: Connection, session_id: str, who: Sequence[str], by: str, now: datetime) -> str:
    """A private room with these seats in it; never recorded (online mediation rules art. 18). Returns the room.

    Raises NotAllowed (not who leads; there is a private room already), NotFound.
    """
    person = await seats.leader_of(conn, session_id, by)
    room: str | None = await conn.fetchval(store.SQL["open_caucus"], UUID(session_id), now)
    if room is None:
        raise NotAllowed()
    await _move(conn, session_id, who, room)
    for seat in who:
        await store.insert_event(conn, session_id, room, seat, "moved", now, {"by": by, "private": True})
    await _tell(conn, person, "open_caucus", session_id, now, room)
    return room


async def move(conn: Connection, session_id: str, seat: str, room: str, by: str, now: datetime) -> None:
    """One seat into another room of the session. Raises NotAllowed, NotFound."""
    person = await seats.leader_of(conn, session_id, by)
    await _move(conn, session_id, [seat], room)
    await store.insert_event(conn, session_id, room, seat, "moved", now, {"by": by})
    await _tell(conn, person, "move_seat", session_id, now, room)


async def recall(conn: Connection, session_id: str, by: str, now: datetime) -> None:
    """Everybody together again; private rooms are over. Raises NotAllowed."""
    person = await seats.leader_of(conn, session_id, by)
    session = UUID(session_id)
    await conn.execute(store.SQL["recall_seats"], session)
    await conn.execute(store.SQL["release_caucuses"], session, now)
    for row in await conn.fetch(store.SQL["close_caucuses"], session, now):
        await store.insert_event(conn, session_id, row["id"], None, "caucus_closed", now, {"by": by})
    await _tell(conn, person, "recall_all", session_id, now, None)


async def _move(conn: Connection, session_id: str, who: Sequence[str], room: str) -> None:
    wanted = [as_uuid(seat) for seat in who]
    moved = await conn.fetch(store.SQL["move_seats"], UUID(session_id), wanted, as_uuid(room))
    if len(moved) != len(wanted):
        raise NotFound()


async def _tell(conn: Connection, person: str, what: str, session_id: str, now: datetime, room: str | None) -> None:
    await audit.append(conn, Actor("person", person), what, "session", session_id, now, {"room": room or ""})
    await store.announce(conn, "session", session=session_id)
