"""Rows of room ownership. The caller owns the transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.db.statements import load_statements
from server.mediaplane.placement import Owner

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

_SQL = load_statements(__package__)


async def take_room(conn: Connection, room_id: str, worker: str, incarnation: str, now: datetime) -> int | None:
    """Give a room to a worker; the owner before it is fenced off by the higher epoch, which is returned. None: the room has been closed."""
    if await conn.fetchval(_SQL["lock_room"], room_id) is None:
        return None
    await conn.execute(_SQL["release_room"], room_id, now)
    epoch: int = await conn.fetchval(_SQL["take_room"], room_id, worker, incarnation, now)
    return epoch


async def release_room(conn: Connection, room_id: str, now: datetime) -> None:
    """Nobody owns the room any more."""
    await conn.execute(_SQL["release_room"], room_id, now)


async def owner_of(conn: Connection, room_id: str) -> Owner | None:
    """Who owns a room now."""
    row = await conn.fetchrow(_SQL["owner_of"], room_id)
    return Owner(row["worker"], row["incarnation"], row["epoch"]) if row else None


async def current_owners(conn: Connection) -> dict[str, Owner | None]:
    """Every room of a running session, with its owner."""
    rows = await conn.fetch(_SQL["current_owners"])
    return {
        row["room_id"]: Owner(row["worker"], row["incarnation"], row["epoch"]) if row["worker"] else None
        for row in rows
    }
