"""Theme days and lectures: rules, drafts, publishing, changing, calling off. Each in one transaction of the caller, with its audit entry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4, uuid5

from schedules.core import lectures, public_events, themes
from schedules.core.explain import Language, Words
from schedules.core.model import CHINA, Interval, SiteId, local
from schedules.core.public_events import Content, EventKind, EventState, PublicEvent
from schedules.core.themes import OnHoliday
from schedules.days import shipped_calendar
from schedules.store import events, registrations, releases
from schedules.store.events import RoomTaken, Screening, TooFewSeats
from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_site, require_site_by_slug
from server.errors import Conflict, NotFound
from server.events import announcing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from schedules.store.events import Series, ThemeRule
    from server.access.core import Actor
    from server.access.require import SiteRef
    from server.db import Connection

AHEAD_MONTHS = 12  # drafts of a rule: as far as feeds reach
_IDENTITY = UUID("0a6f5a34-0b0e-5c2d-9d39-6b8a8c9d1e21")


@dataclass(frozen=True, slots=True)
class Progressed:
    """A series with where it stands."""

    series: Series
    progress: lectures.Progress


async def add_rule(
    conn: Connection, actor: Actor, slug: str, make: Callable[[SiteId], ThemeRule], now: datetime
) -> tuple[str, int]:
    """A new rule, and a draft for each month that it leads to; their number. Raises NotFound, NotAllowed."""
    site = await require_site_by_slug(conn, actor, Action.EDIT_EVENTS, slug)
    rule = make(SiteId(site.id))
    await events.add_rule(conn, rule, actor.id, now)
    made = await draft_rule(conn, rule, now)
    await audit.append(conn, actor, "add_theme_rule", "theme_rule", rule.id, now, {"drafts": made})
    return rule.id, made


async def draft_rule(conn: Connection, rule: ThemeRule, now: datetime) -> int:
    """Drafts of the coming months that are not there yet; again and again without harm."""
    first = max(rule.first_month, now.astimezone(CHINA).date().replace(day=1))
    months = 1 if isinstance(rule.when, themes.OneDate) else AHEAD_MONTHS
    if isinstance(rule.when, themes.OneDate):
        first = rule.when.on.replace(day=1)
    made = 0
    for on in themes.theme_dates(rule.when, rule.holiday, shipped_calendar(), first, months):
        draft = None if on.held is None else _draft(rule, on, on.held, now)
        if draft is not None and draft.content.during.end > now:
            made += await events.add_event(conn, draft)
    return made


def _draft(rule: ThemeRule, on: themes.ThemeDate, held: date, now: datetime) -> PublicEvent:
    month = on.planned.replace(day=1)
    content = Content(
        site=rule.site,
        title=rule.title,
        title_en=rule.title_en,
        says=rule.says,
        during=Interval(local(held, rule.starts), local(held, rule.ends)),
        services=rule.services,
        teams=rule.teams,
        materials=rule.materials,
        why=Words(
            *(themes.why_words(rule.when, rule.holiday, on, language) for language in (Language.ZH, Language.EN))
        ),
    )
    identifier = str(uuid5(_IDENTITY, f"{rule.id}/{month}"))
    return PublicEvent(
        identifier, EventKind.THEME_DAY, content, EventState.DRAFT, 1, 0, now, now, rule=rule.id, month=month
    )


async def retire_rule(conn: Connection, actor: Actor, slug: str, rule: str, now: datetime) -> None:
    """End a rule. What it made stays, and can be called off one by one."""
    site = await require_site_by_slug(conn, actor, Action.EDIT_EVENTS, slug)
    if not await events.retire_rule(conn, SiteId(site.id), str(as_uuid(rule)), now):
        raise NotFound()
    await audit.append(conn, actor, "retire_theme_rule", "theme_rule", rule, now)


async def add_event(
    conn: Connection,
    actor: Actor,
    slug: str,
    kind: EventKind,
    make: Callable[[SiteId], Content],
    series: str | None,
    now: datetime,
) -> PublicEvent:
    """A new draft."""
    site = await require_site_by_slug(conn, actor, Action.EDIT_EVENTS, slug)
    if series is not None and str(as_uuid(series)) not in {
        s.id for s in await events.list_series(conn, SiteId(site.id))
    }:
        raise NotFound()
    event = PublicEvent(str(uuid4()), kind, make(SiteId(site.id)), EventState.DRAFT, 1, 0, now, now, series=series)
    await events.add_event(conn, event)
    await audit.append(conn, actor, "draft_event", "event", event.id, now)
    return event


async def change_event(
    conn: Connection,
    actor: Actor,
    identifier: str,
    revision: int,
    change: Callable[[PublicEvent], PublicEvent],
    base_url: str,
    now: datetime,
) -> PublicEvent:
    """Apply a change to the event that was looked at, and everything that follows for calendars and people.

    revision  of the state that was looked at
    Raises    Conflict('stale_event', 'room_taken', 'too_few_seats', 'draft_not_cancelled'), NotFound, NotAllowed
    """
    await releases.lock_publishing(conn)
    before, site = await _require_event(conn, actor, identifier)
    if before.revision != revision:
        raise Conflict("stale_event")
    try:
        after = change(before)
    except ValueError as error:
        raise Conflict("draft_not_cancelled") from error
    if after is before:
        return before
    await _save(conn, after, revision)
    moved = await registrations.move_up(conn, after.id, now) if after.is_on and after.content.capacity else ()
    if after.sequence != before.sequence or after.state is not before.state:
        await announcing.save_event_feeds(conn, site, after.kind, base_url, now)
        if before.is_on:
            await announcing.tell_registered(conn, after, now)
    await announcing.tell_moved_up(conn, after, moved, now)
    detail = {"revision": after.revision, "sequence": after.sequence, "state": after.state.value}
    await audit.append(conn, actor, "change_event", "event", after.id, now, detail)
    return after


async def _save(conn: Connection, event: PublicEvent, seen: int) -> None:
    try:
        saved = await events.save_event(conn, event, seen)
    except RoomTaken as error:
        raise Conflict("room_taken", field="venue") from error
    except TooFewSeats as error:
        raise Conflict("too_few_seats", field="capacity") from error
    if not saved:
        raise Conflict("stale_event")


async def _require_event(conn: Connection, actor: Actor, identifier: str) -> tuple[PublicEvent, SiteRef]:
    event = await events.load_event(conn, str(as_uuid(identifier)), locked=True)
    if event is None:
        raise NotFound()
    return event, await require_site(conn, actor, Action.EDIT_EVENTS, event.content.site)


def to_publish(now: datetime) -> Callable[[PublicEvent], PublicEvent]:
    """Make it public."""
    return lambda event: public_events.publish(event, now)


def to_cancel(reason: str, now: datetime) -> Callable[[PublicEvent], PublicEvent]:
    """Call it off."""
    return lambda event: public_events.cancel(event, reason, now)


def to_edit(make: Callable[[SiteId, Content], Content], now: datetime) -> Callable[[PublicEvent], PublicEvent]:
    """Another content; the site stays."""
    return lambda event: public_events.edit(event, make(event.content.site, event.content), now)


async def remove_draft(conn: Connection, actor: Actor, identifier: str, revision: int, now: datetime) -> None:
    """Throw a draft away."""
    event, _ = await _require_event(conn, actor, identifier)
    if not await events.remove_draft(conn, event.id, revision):
        raise Conflict("stale_event")
    await audit.append(conn, actor, "remove_draft", "event", event.id, now)


async def add_series(
    conn: Connection, actor: Actor, slug: str, series: Series, quotas: Mapping[str, int], now: datetime
) -> Series:
    """A year's series with what each site (by slug) owes. Raises NotFound for a site that is not there."""
    site = await require_site_by_slug(conn, actor, Action.EDIT_EVENTS, slug)
    owed = {}
    for name, quota in quotas.items():
        owed[SiteId((await require_site_by_slug(conn, actor, Action.EDIT_EVENTS, name)).id)] = quota
    made = replace(series, id=str(uuid4()), site=SiteId(site.id), topics=series.topics or tuple(lectures.TOPICS))
    await events.add_series(conn, made, owed, now)
    await audit.append(conn, actor, "add_series", "series", made.id, now, {"sites": len(owed)})
    return made


async def list_progress(conn: Connection, site: SiteId, now: datetime) -> list[Progressed]:
    """The series that concern a site, each with its 96/96."""
    found = []
    for series in await events.list_series(conn, site):
        quotas = await events.load_quotas(conn, series.id)
        facts = await events.series_lectures(conn, series.id)
        found.append(Progressed(series, lectures.progress(quotas, series.topics, facts, now)))
    return found


async def list_screenings(conn: Connection, site: SiteId, now: datetime) -> list[Screening]:
    """This month's task first, also before anybody wrote in it; then the past ones."""
    kept = await events.list_screenings(conn, site)
    month = now.astimezone(CHINA).date().replace(day=1)
    if any(task.month == month for task in kept):
        return list(kept)
    return [Screening(month, screening_due(month), {}), *kept]


def screening_due(month: date) -> date:
    """The 18th, or the next working day."""
    found = themes.theme_date(themes.SCREENING, OnHoliday.NEXT_WORKING_DAY, shipped_calendar(), month)
    assert found is not None
    assert found.held is not None  # this policy always finds a day
    return found.held


async def save_screening(conn: Connection, actor: Actor, slug: str, task: Screening, now: datetime) -> None:
    """Keep what was found. Raises Conflict('screening_done') once it is finished."""
    site = await require_site_by_slug(conn, actor, Action.EDIT_EVENTS, slug)
    if task.event is not None and await events.load_event(conn, str(as_uuid(task.event))) is None:
        raise NotFound()
    if not await events.save_screening(conn, SiteId(site.id), task, actor.id):
        raise Conflict("screening_done")
    await audit.append(conn, actor, "save_screening", "site", site.id, now, {"month": task.month.isoformat()})
