"""Rows of anchors. The caller owns the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from server.db.statements import load_statements

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

_SQL = load_statements(__package__)


@dataclass(frozen=True, slots=True)
class RoomWritten:
    """A room with a journal; block and noticed_at of its last anchor, None before the first."""

    room: str
    session: str
    block: int | None
    noticed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """A digest that waits for its time stamp."""

    id: int
    session: str
    room: str | None  # None: of an access journal, whose entry is `block`
    kind: str
    block: int
    imprint: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Stamped:
    """A digest with its time stamp."""

    session: str
    room: str
    kind: str
    block: int
    imprint: str
    token: bytes


@dataclass(frozen=True, slots=True)
class AboutRow:
    """What the report says of a session."""

    procedure: str
    opened_at: datetime
    ended_at: datetime | None
    end_reason: str
    name_zh: str
    name_en: str
    number: str


async def session_about(conn: Connection, session: str) -> AboutRow:
    return AboutRow(**dict(await conn.fetchrow(_SQL["session_about"], session) or {}))


async def rooms_written(conn: Connection) -> list[RoomWritten]:
    return [RoomWritten(**row) for row in await conn.fetch(_SQL["rooms_written"])]


async def notice(
    conn: Connection, session: str, room: str | None, kind: str, block: int, imprint: str, now: datetime
) -> None:
    """From now on the digest waits for its stamp; twice the same is one."""
    await conn.execute(_SQL["notice"], session, room, kind, block, imprint, now)


async def notice_head(
    conn: Connection, session: str, room: str, block: int, head: str, since: datetime, now: datetime
) -> None:
    """The same for a live journal, unless one of its heads was noticed after `since`."""
    await conn.execute(_SQL["one_notices"], room)
    await conn.execute(_SQL["notice_head"], session, room, block, head, now, since)


async def take_due(conn: Connection, until: datetime, now: datetime) -> Due | None:
    """The next that waits, ours until then."""
    row = await conn.fetchrow(_SQL["take_due"], now, until)
    return Due(**row) if row else None


async def set_stamp(conn: Connection, anchor: int, token: bytes, authority: str, now: datetime) -> bool:
    """False: another process was faster."""
    return await conn.fetchval(_SQL["stamped"], anchor, token, authority, now) is not None


async def put_off(conn: Connection, anchor: int, error: str, run_after: datetime) -> None:
    await conn.execute(_SQL["put_off"], anchor, error, run_after)


async def anchors(conn: Connection, session: str) -> list[Stamped]:
    return [_stamped({**row, "kind": "head"}) for row in await conn.fetch(_SQL["anchors"], session)]


async def mark_packed(conn: Connection, session: str, until: datetime) -> None:
    await conn.execute(_SQL["packed"], session, until)


async def sessions_with_late(conn: Connection) -> list[str]:
    return [row["session"] for row in await conn.fetch(_SQL["sessions_with_late"])]


async def late(conn: Connection, session: str) -> list[Stamped]:
    return [_stamped(dict(row)) for row in await conn.fetch(_SQL["late"], session)]


async def last_access(conn: Connection, session: str) -> tuple[int, bytes] | None:
    """(entry, token) of the newest stamp of the session's access journal."""
    row = await conn.fetchrow(_SQL["last_access"], session)
    return (row["block"], row["token"]) if row else None


def _stamped(row: dict[str, Any]) -> Stamped:
    return Stamped(**row)
