"""Lines, their hours and closures in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from server.db.statements import load_statements
from server.lines.core import Closure, Hours, Rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from server.db import Connection

_SQL = load_statements(__package__)


@dataclass(frozen=True, slots=True)
class LineSettings:
    """What a coordinator sets for a line; times in seconds."""

    keeps_overnight: bool
    overflow_to: str | None
    overflow_after_s: int
    alert_after_s: int
    alert_next_after_s: int
    return_after_s: int
    message_zh: str
    message_en: str


@dataclass(frozen=True, slots=True)
class LineRow(LineSettings):
    """A line with its settings."""

    id: str
    site_id: str
    service: str
    site_name_zh: str
    site_name_en: str
    closed: bool


@dataclass(frozen=True, slots=True)
class ClosureRow(Closure):
    """A closure that can be taken back."""

    id: str = ""


async def rules_of(conn: Connection, area_id: str, today: date) -> Rules:
    """All that decides whether a line is open."""
    row = await conn.fetchrow(_SQL["rules_of_line"], UUID(area_id))
    assert row is not None
    hours = await conn.fetch(_SQL["hours_of_line"], UUID(area_id), row["site_id"])
    closures = await conn.fetch(_SQL["closures_of_line"], UUID(area_id), row["site_id"], today)
    return Rules(
        tuple(Hours(**dict(one)) for one in hours),
        tuple(Closure(**dict(one)) for one in closures),
        row["by_hand"],
        row["message_zh"],
        row["message_en"],
    )


async def line(conn: Connection, area_id: UUID) -> LineRow | None:
    """One line."""
    row = await conn.fetchrow(_SQL["line"], area_id)
    return LineRow(**dict(row)) if row else None


async def lines_below(conn: Connection, site_id: str) -> list[LineRow]:
    """All lines at or below a site."""
    return [LineRow(**dict(row)) for row in await conn.fetch(_SQL["lines_below"], UUID(site_id))]


async def save(conn: Connection, area_id: str, settings: LineSettings) -> None:
    """Raises asyncpg.CheckViolationError where the numbers contradict each other."""
    to = UUID(settings.overflow_to) if settings.overflow_to else None
    values = (settings.keeps_overnight, to, settings.overflow_after_s, settings.alert_after_s)
    more = (settings.alert_next_after_s, settings.return_after_s, settings.message_zh, settings.message_en)
    await conn.execute(_SQL["save_line"], UUID(area_id), *values, *more)


async def close(conn: Connection, area_id: str, at: datetime | None) -> None:
    """Close a line by hand, or open it again (None)."""
    await conn.execute(_SQL["close_line"], UUID(area_id), at)


async def own_hours(conn: Connection, site_id: str, area_id: str | None) -> list[Hours]:
    """The hours set for a site (area None) or for one line of it."""
    rows = await conn.fetch(_SQL["own_hours"], UUID(site_id), UUID(area_id) if area_id else None)
    return [Hours(**dict(row)) for row in rows]


async def set_hours(conn: Connection, site_id: str, area_id: str | None, hours: Sequence[Hours]) -> None:
    """Raises asyncpg.CheckViolationError, UniqueViolationError."""
    where = (UUID(site_id), UUID(area_id) if area_id else None)
    await conn.execute(_SQL["clear_hours"], *where)
    await conn.executemany(_SQL["add_hours"], [(*where, one.weekday, one.opens, one.closes) for one in hours])


async def own_closures(conn: Connection, site_id: str, area_id: str | None, today: date) -> list[ClosureRow]:
    """Closures from today on."""
    rows = await conn.fetch(_SQL["own_closures"], UUID(site_id), UUID(area_id) if area_id else None, today)
    return [ClosureRow(**dict(row)) for row in rows]


async def add_closure(conn: Connection, site_id: str, area_id: str | None, new: Closure) -> str:
    """The new closure's id. Raises asyncpg.CheckViolationError."""
    where = (UUID(site_id), UUID(area_id) if area_id else None)
    values = (new.first_day, new.last_day, new.message_zh, new.message_en)
    closure_id: str = await conn.fetchval(_SQL["add_closure"], *where, *values)
    return closure_id


async def closure_site(conn: Connection, closure_id: UUID) -> str | None:
    """Whose closure it is."""
    site_id: str | None = await conn.fetchval(_SQL["closure_site"], closure_id)
    return site_id


async def drop_closure(conn: Connection, closure_id: UUID) -> None:
    """Take a closure back."""
    await conn.execute(_SQL["drop_closure"], closure_id)
