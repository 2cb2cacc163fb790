"""The public duty page of a site: who is on duty now, today, this week, this month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from schedules.core.model import CHINA, SiteId, Window
from schedules.store import days, inputs, releases
from schedules.store.feeds import list_public_feeds
from server.access.core import Action
from server.access.require import require_site_by_slug
from server.duty.views import DayView, SlotView, day_views, released_view

if TYPE_CHECKING:
    from schedules.core.explain import Language
    from schedules.core.release import Release
    from schedules.store.releases import OnDuty
    from server.access.core import Actor
    from server.access.require import SiteRef
    from server.db import Connection

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PublicDuty:
    """Everything the page shows. `feeds` are (slug, service or None)."""

    site: SiteRef
    version: int | None
    published_at: datetime | None
    now: tuple[OnDuty, ...]
    next: SlotView | None
    today: DayView
    week: list[DayView]
    month: list[DayView]
    month_first: date
    months: list[date]
    feeds: tuple[tuple[str, str | None], ...]


async def load_public_duty(
    conn: Connection, actor: Actor, slug: str, month: date | None, language: Language, now: datetime
) -> PublicDuty:
    """A site's published roster as of now; `month` is any day of the month to show. Raises NotFound."""
    site = await require_site_by_slug(conn, actor, Action.SEE_PUBLIC, slug)
    release = await releases.load_release(conn, SiteId(site.id))
    people = await inputs.name_people(conn, releases.people_of(release)) if release else {}
    slots = [released_view(entry, people, language) for entry in release.slots] if release else []
    calendar = await days.load_calendar(conn)
    today = now.astimezone(CHINA).date()
    first = (month or today).replace(day=1)
    week, whole_month = _week(today), _month(first)
    return PublicDuty(
        site=site,
        version=release.version if release else None,
        published_at=release.published_at if release else None,
        now=await releases.on_duty(conn, site.id, None, now),
        next=next((slot for slot in slots if slot.start > now and slot.state == "on"), None),
        today=day_views(slots, week, Window(today, today), language, calendar)[0],
        week=day_views(slots, week, week, language, calendar),
        month=day_views(slots, whole_month, _whole_weeks(whole_month), language, calendar),
        month_first=first,
        months=_months(release, today),
        feeds=await list_public_feeds(conn, SiteId(site.id)),
    )


def _week(day: date) -> Window:
    monday = day - timedelta(days=day.isoweekday() - 1)
    return Window(monday, monday + 6 * ONE_DAY)


def _month(first: date) -> Window:
    return Window(first, (first + 31 * ONE_DAY).replace(day=1) - ONE_DAY)


def _whole_weeks(window: Window) -> Window:
    return Window(_week(window.first).first, _week(window.last).last)


def _months(release: Release | None, today: date) -> list[date]:
    """First days of this month and of the later months that are published."""
    last = max((entry.slot.day for entry in release.slots), default=today) if release else today
    found = [today.replace(day=1)]
    while (found[-1] + 31 * ONE_DAY).replace(day=1) <= last and len(found) < 14:
        found.append((found[-1] + 31 * ONE_DAY).replace(day=1))
    return found
