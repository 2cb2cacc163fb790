"""Theme days, lectures, their rules and series, and the monthly screening."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import asyncpg
import msgspec

from schedules.core.explain import Words
from schedules.core.lectures import LectureFact
from schedules.core.model import Interval, SiteId
from schedules.core.public_events import Content, EventKind, EventState, PublicEvent
from schedules.core.themes import FixedDay, NthWeekday, OneDate, OnHoliday, When
from schedules.store.statements import EVENT_QUERIES as QUERIES
from schedules.store.statements import Connection


class RoomTaken(Exception):
    """Another published event has this room at this time."""


class TooFewSeats(Exception):
    """More people are registered than the new number of seats."""


@dataclass(frozen=True, slots=True)
class ThemeRule:
    """A theme day of each month. `first_month` is the first day of the first month it holds for."""

    id: str
    site: SiteId
    when: When
    holiday: OnHoliday
    starts: time
    ends: time
    title: str
    title_en: str
    says: str
    services: tuple[str, ...]
    teams: tuple[str, ...]
    materials: tuple[str, ...]
    first_month: date


@dataclass(frozen=True, slots=True)
class Series:
    """Lectures of a year with the number each site owes."""

    id: str
    year: int
    title: Words
    site: SiteId
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Screening:
    """The month's proactive screening at a site (product row 004-21). `sources`: code -> (count, note)."""

    month: date
    due: date
    sources: dict[str, tuple[int, str]]
    needs: str = ""
    plan: str = ""
    event: str | None = None
    done_at: datetime | None = None


async def load_event(conn: Connection, identifier: str, *, locked: bool = False) -> PublicEvent | None:
    """One event; `locked` until the transaction ends."""
    if locked:  # a statement of its own: the row read afterwards is what the lock's holder left behind
        await conn.execute(QUERIES["lock_event"], identifier)
    row = await conn.fetchrow(QUERIES["load_event"], identifier)
    return None if row is None else _event(row)


async def list_events(
    conn: Connection,
    site: SiteId | None,
    kind: EventKind | None,
    since: datetime,
    until: datetime,
    *,
    drafts: bool = False,
) -> tuple[PublicEvent, ...]:
    """Events of a site (None: of all) that touch this span, in order of time."""
    rows = await conn.fetch(QUERIES["list_events"], site, kind and kind.value, since, until, drafts)
    return tuple(_event(row) for row in rows)


def _event(row: Mapping[str, Any]) -> PublicEvent:
    why = msgspec.json.decode(row["why"], type=dict[str, str])
    content = Content(
        site=SiteId(row["site_id"]),
        during=Interval(row["starts"].astimezone(UTC), row["ends"].astimezone(UTC)),
        why=Words(why.get("zh", ""), why.get("en", "")),
        **_fields(row, ("title", "title_en", "says", "topic", "venue", "room_link", "recording_link", "capacity")),
        **_fields(row, ("speakers", "services", "teams", "materials"), tuple),
    )
    return PublicEvent(
        id=row["id"],
        kind=EventKind(row["kind"]),
        content=content,
        state=EventState(row["state"]),
        rule=row["rule_id"],
        series=row["series_id"],
        **{name: row[name] for name in ("revision", "sequence", "reason", "taken", "month")},
        made_at=row["made_at"].astimezone(UTC),
        changed_at=row["changed_at"].astimezone(UTC),
        published_at=row["published_at"] and row["published_at"].astimezone(UTC),
    )


def _fields(row: Mapping[str, Any], names: tuple[str, ...], kind: Callable[[Any], Any] = lambda value: value) -> Any:
    """Columns that are named like the fields they fill."""
    return {name: kind(row[name]) for name in names}


async def add_event(conn: Connection, event: PublicEvent) -> bool:
    """Store a new draft; False where this identity (or this month of this rule) is there already."""
    c = event.content
    values = (c.title, c.title_en, c.says, c.topic, c.during.start, c.during.end, c.venue, *_lists(c), _why(c))
    links = (c.room_link, c.recording_link, c.capacity)
    about = (event.id, event.kind.value, c.site, event.rule, event.month, event.series)
    return bool(await conn.fetchval(QUERIES["add_event"], *about, *values, *links, event.made_at))


async def save_event(conn: Connection, event: PublicEvent, seen_revision: int) -> bool:
    """Replace an event; False where somebody else was faster. Raises RoomTaken, TooFewSeats."""
    c = event.content
    values = (c.title, c.title_en, c.says, c.topic, c.during.start, c.during.end, c.venue, *_lists(c), _why(c))
    links = (c.room_link, c.recording_link, c.capacity)
    state = (event.state.value, event.reason, event.revision, event.sequence, event.changed_at, event.published_at)
    try:
        return bool(
            await conn.fetchval(QUERIES["save_event"], event.id, seen_revision, c.site, *values, *links, *state)
        )
    except asyncpg.ExclusionViolationError as error:
        raise RoomTaken from error
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "event_never_overbooked":
            raise TooFewSeats from error
        raise


def _lists(c: Content) -> tuple[list[str], ...]:
    return list(c.speakers), list(c.services), list(c.teams), list(c.materials)


def _why(c: Content) -> str:
    return msgspec.json.encode({"zh": c.why.zh, "en": c.why.en}).decode()


async def remove_draft(conn: Connection, identifier: str, seen_revision: int) -> bool:
    """Throw a draft away; False where it is public by now or was edited."""
    return bool(await conn.fetchval(QUERIES["remove_draft"], identifier, seen_revision))


# ---------------------------------------------------------------- rules


async def add_rule(conn: Connection, rule: ThemeRule, by: str | None, now: datetime) -> None:
    """Store a new rule."""
    when = rule.when
    nth, weekday = (when.nth, when.weekday) if isinstance(when, NthWeekday) else (None, None)
    day = when.day if isinstance(when, FixedDay) else None
    on = when.on if isinstance(when, OneDate) else None
    kind = "nth_weekday" if nth is not None else "fixed_day" if day is not None else "one_date"
    words = (rule.title, rule.title_en, rule.says, list(rule.services), list(rule.teams), list(rule.materials))
    times = (rule.holiday.value, rule.starts, rule.ends)
    await conn.execute(
        QUERIES["add_rule"], rule.id, rule.site, kind, nth, weekday, day, on, *times, *words, rule.first_month, now, by
    )


async def list_rules(conn: Connection, site: SiteId) -> tuple[ThemeRule, ...]:
    """A site's rules in the order they were made."""
    return tuple(_rule(row) for row in await conn.fetch(QUERIES["list_rules"], site))


def _rule(row: Mapping[str, Any]) -> ThemeRule:
    return ThemeRule(
        id=row["id"],
        site=SiteId(row["site_id"]),
        when=_when(row),
        holiday=OnHoliday(row["holiday"]),
        **_fields(row, ("starts", "ends", "title", "title_en", "says", "first_month")),
        **_fields(row, ("services", "teams", "materials"), tuple),
    )


def _when(row: Mapping[str, Any]) -> When:
    if row["kind"] == "nth_weekday":
        return NthWeekday(row["nth"], row["weekday"])
    return FixedDay(row["day"]) if row["kind"] == "fixed_day" else OneDate(row["on_date"])


async def retire_rule(conn: Connection, site: SiteId, identifier: str, now: datetime) -> bool:
    """End a rule; its events stay."""
    return bool(await conn.fetchval(QUERIES["retire_rule"], site, identifier, now))


# ---------------------------------------------------------------- series


async def add_series(conn: Connection, series: Series, quotas: Mapping[SiteId, int], now: datetime) -> None:
    """Store a series with what each site owes."""
    await conn.execute(
        QUERIES["add_series"],
        series.id,
        series.year,
        series.title.zh,
        series.title.en,
        series.site,
        list(series.topics),
        now,
    )
    await conn.executemany(QUERIES["add_quota"], [(series.id, site, quota) for site, quota in sorted(quotas.items())])


async def list_series(conn: Connection, site: SiteId) -> tuple[Series, ...]:
    """Series that concern a site, the newest first."""
    rows = await conn.fetch(QUERIES["list_series"], site)
    return tuple(
        Series(
            r["id"], r["year"], Words(r["title"], r["title_en"] or r["title"]), SiteId(r["site_id"]), tuple(r["topics"])
        )
        for r in rows
    )


async def load_quotas(conn: Connection, series: str) -> dict[SiteId, int]:
    return {SiteId(row["site_id"]): row["quota"] for row in await conn.fetch(QUERIES["load_quotas"], series)}


async def series_lectures(conn: Connection, series: str) -> tuple[LectureFact, ...]:
    """The lectures of a series that are or were public."""
    rows = await conn.fetch(QUERIES["series_lectures"], series)
    return tuple(
        LectureFact(SiteId(r["site_id"]), r["topic"], Interval(r["starts"], r["ends"]), r["cancelled"]) for r in rows
    )


# ---------------------------------------------------------------- screening


async def save_screening(conn: Connection, site: SiteId, task: Screening, by: str | None) -> bool:
    """Keep the month's screening; False where it is finished already."""
    sources = msgspec.json.encode(task.sources).decode()
    values = (
        task.month,
        task.due,
        sources,
        task.needs,
        task.plan,
        task.event,
        task.done_at,
        by if task.done_at else None,
    )
    return bool(await conn.fetchval(QUERIES["save_screening"], site, *values))


async def list_screenings(conn: Connection, site: SiteId, limit: int = 12) -> tuple[Screening, ...]:
    """The newest months first."""
    rows = await conn.fetch(QUERIES["list_screenings"], site, limit)
    return tuple(
        Screening(
            r["month"],
            r["due"],
            msgspec.json.decode(r["sources"], type=dict[str, tuple[int, str]]),
            r["needs"],
            r["plan"],
            r["event_id"],
            r["done_at"],
        )
        for r in rows
    )
