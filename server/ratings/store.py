"""Ratings, cases and opinions in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from server.db.statements import load_statements
from server.ratings.core import BAD_UP_TO, GOOD_FROM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from server.db import Connection

SQL = load_statements(__package__)


@dataclass(frozen=True, slots=True)
class Rateable:
    """A matter that was handled."""

    ticket: str
    site_id: str
    service: str
    person: str | None


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A bad rating on its way to being put right."""

    id: str
    due_on: date
    closed_at: datetime | None
    outcome: str
    level: int
    comment: str
    service: str
    rated_at: datetime
    site_id: str
    site_name_zh: str
    site_name_en: str
    number: str
    citizen_name: str
    callbacks: int
    reached: int


@dataclass(frozen=True, slots=True)
class OpinionRow:
    """What somebody put into the box."""

    id: str
    site_id: str
    site_name_zh: str
    site_name_en: str
    text: str
    contact: str
    given_at: datetime
    answered_at: datetime | None
    answer: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What was done in a period. `mean_wait_s` without appointments; `good` levels 4 and 5, `bad` 1 and 2."""

    tickets: int
    served: int
    no_shows: int
    abandoned: int
    mean_wait_s: float
    ratings: int
    good: int
    bad: int
    put_right: int


async def rateable(
    conn: Connection, ticket_id: UUID | None, endpoint_id: str | None, holder: bytes | None
) -> Rateable | None:
    """A served ticket of this device or this personal link."""
    endpoint = UUID(endpoint_id) if endpoint_id else None
    row = await conn.fetchrow(SQL["rateable"], ticket_id, endpoint, holder)
    return Rateable(**dict(row)) if row else None


async def rate(conn: Connection, matter: Rateable, level: int, comment: str, channel: str, now: datetime) -> str:
    """The rating's id. Raises asyncpg.UniqueViolationError for a second one."""
    person = UUID(matter.person) if matter.person else None
    values = (UUID(matter.ticket), UUID(matter.site_id), matter.service, person, level, comment, channel, now)
    rating_id: str = await conn.fetchval(SQL["rate"], *values)
    return rating_id


async def working_days(conn: Connection, site_id: str) -> int | None:
    """What the nearest site upwards has set."""
    days: int | None = await conn.fetchval(SQL["working_days"], UUID(site_id))
    return days


async def cases(conn: Connection, site_ids: Sequence[str], closed_since: datetime) -> list[CaseRow]:
    """Open cases by their day, then those closed lately."""
    rows = await conn.fetch(SQL["cases"], [UUID(site) for site in site_ids], closed_since)
    return [CaseRow(**dict(row)) for row in rows]


async def opinions(conn: Connection, site_ids: Sequence[str]) -> list[OpinionRow]:
    """What is in the boxes, unanswered ones first."""
    return [OpinionRow(**dict(row)) for row in await conn.fetch(SQL["opinions"], [UUID(site) for site in site_ids])]


async def figures(conn: Connection, site_id: str, since: datetime) -> tuple[Figures, dict[str, int]]:
    """(figures, served by service) at and below a site."""
    row = await conn.fetchrow(SQL["figures"], UUID(site_id), since, GOOD_FROM, BAD_UP_TO)
    assert row is not None
    by_service = await conn.fetch(SQL["figures_by_service"], UUID(site_id), since)
    return Figures(**dict(row)), {one["service"]: one["served"] for one in by_service}
