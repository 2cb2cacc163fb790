"""Rows about storage. The caller owns the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.db.claims import Claim, claim, give_back
from server.db.statements import load_statements
from server.storage.core import Planned, Space

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection
    from server.storage.s3 import Kept

SQL = load_statements(__package__)
# The claims of long work; `due_copy` and `due_check` ask for them too
COPY, CHECK = "copy", "check"


async def set_space(conn: Connection, space: Space, now: datetime) -> None:
    """Keep what was measured, for every process."""
    await conn.execute(SQL["set_space"], space.free, space.total, now)


async def space(conn: Connection) -> tuple[Space, datetime] | None:
    """What was measured last, and when; None: never."""
    row = await conn.fetchrow(SQL["space"])
    return (Space(row["free_bytes"], row["total_bytes"]), row["measured_at"]) if row else None


async def recording_sessions(conn: Connection) -> list[Planned]:
    return [Planned(**row) for row in await conn.fetch(SQL["recording_sessions"])]


async def recorded_now(conn: Connection) -> list[tuple[str, str]]:
    """(session, room) of what is recorded now."""
    return [(row["session"], row["room"]) for row in await conn.fetch(SQL["recorded_now"])]


@dataclass(frozen=True, slots=True)
class DueCopy:
    """A pack that is ours to copy. path is below the data directory; attempts counts this one too."""

    film: str
    session: str
    path: str
    attempts: int
    claim: Claim


@dataclass(frozen=True, slots=True)
class DueCheck:
    """A recording whose turn it is, and which is ours to look at. damage: what the look before found."""

    session: str
    state: str
    wrapped_key: str
    damage: list[str] | None
    claim: Claim


async def take_copy(conn: Connection, now: datetime) -> DueCopy | None:
    """The next pack without its copy; copy it inside `claims.hold`."""
    while found := await conn.fetchrow(SQL["due_copy"], now, None):
        if ours := await claim(conn, COPY, found["film"], now):
            # Whoever had it may have copied it since we looked
            row = await conn.fetchrow(SQL["due_copy"], now, found["film"])
            if row and (attempts := await conn.fetchval(SQL["begin_copy"], row["film"], now)):
                return DueCopy(**row, attempts=attempts, claim=ours)
            await give_back(conn, ours)
    return None


async def copied(conn: Connection, due: DueCopy, name: str, version: str, kept: Kept, now: datetime) -> bool:
    """Keep which version is the copy; False: another copies it by now, and its version will be the one."""
    if not await give_back(conn, due.claim):
        return False
    await conn.execute(SQL["copied"], due.film, name, version, kept.sha256, kept.retain_until, now)
    return True


async def not_copied(conn: Connection, due: DueCopy, error: str, again: datetime) -> None:
    """Try it again then, unless another is at it by now."""
    if await give_back(conn, due.claim):
        await conn.execute(SQL["not_copied"], due.film, error[:200], again)


async def take_check(
    conn: Connection, checked_before: datetime, made_before: datetime, now: datetime
) -> DueCheck | None:
    """The recording whose turn it is; look at it inside `claims.hold`."""
    while row := await conn.fetchrow(SQL["due_check"], checked_before, made_before, now):
        if ours := await claim(conn, CHECK, row["session"], now):
            return DueCheck(**row, claim=ours)
    return None


async def film_paths(conn: Connection, session: str) -> list[str]:
    return [row["path"] for row in await conn.fetch(SQL["films_of"], session)]


async def checked(conn: Connection, due: DueCheck, size: int, damage: list[str], now: datetime) -> bool:
    """Keep what was found; False: another looks at it by now, and will say what it finds."""
    if not await give_back(conn, due.claim):
        return False
    await conn.execute(SQL["checked"], due.session, now, size, damage)
    return True


async def may_tell(conn: Connection, kind: str, not_since: datetime, now: datetime) -> bool:
    """Whether administrators have not had this news lately; from now on they have."""
    return await conn.fetchval(SQL["may_tell"], kind, now, not_since) is not None


async def administrators(conn: Connection) -> list[str]:
    return [row["person"] for row in await conn.fetch(SQL["administrators"])]
