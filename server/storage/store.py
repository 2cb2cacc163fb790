"""Rows about storage. The caller owns the transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.db.statements import load_statements
from server.storage.core import Planned, Space

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

SQL = load_statements(__package__)


async def set_space(conn: Connection, space: Space, now: datetime) -> None:
    """Keep what was measured, for every process."""
    await conn.execute(SQL["set_space"], space.free, space.total, now)


async def space(conn: Connection) -> tuple[Space, datetime] | None:
    """What was measured last, and when; None: never."""
    row = await conn.fetchrow(SQL["space"])
    return (Space(row["free_bytes"], row["total_bytes"]), row["measured_at"]) if row else None


async def recording_sessions(conn: Connection) -> list[Planned]:
    return [Planned(**row) for row in await conn.fetch(SQL["recording_sessions"])]
