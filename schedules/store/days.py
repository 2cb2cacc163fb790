"""The calendar of days: the files that ship with the package and the notices that were imported since."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from schedules.core.calendar_days import Calendar, YearOfDays, parse_year
from schedules.days import shipped_calendar
from schedules.store.statements import QUERIES, Connection


async def load_calendar(conn: Connection) -> Calendar:
    """All versions of all years; of several of a year the highest counts."""
    texts = [row["text"] for row in await conn.fetch(QUERIES["load_notices"])]
    return _calendar(tuple(texts))


@lru_cache(maxsize=8)
def _calendar(texts: tuple[str, ...]) -> Calendar:
    imported = {(year.year, year.version): year for year in map(parse_year, texts)}
    shipped = {(year.year, year.version): year for year in shipped_calendar().years}
    return Calendar(tuple(year for _, year in sorted((shipped | imported).items())))


async def save_notice(conn: Connection, year: YearOfDays, text: str, now: datetime, by: str | None) -> bool:
    """Keep a notice; False if this version of the year is there already."""
    return await conn.fetchval(QUERIES["save_notice"], year.year, year.version, text, now, by) is not None


async def list_published_sites(conn: Connection) -> tuple[str, ...]:
    """Sites with a public roster."""
    return tuple(row["site_id"] for row in await conn.fetch(QUERIES["list_published_sites"]))
