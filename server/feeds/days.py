"""The calendars of days off and of make-up workdays: saved when the application starts, and when a new notice comes in."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from schedules.core import event_feeds, ical
from schedules.core.calendar_days import DayKind
from schedules.core.explain import Language
from schedules.store.days import load_calendar
from schedules.store.feeds import FeedOf, save_feed
from schedules.store.releases import lock_publishing
from server.db.pool import CommitUnknown, DatabaseAway, in_transaction
from server.keys import CLOCK, POOL
from server.tasks import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from aiohttp import web

    from schedules.core.calendar_days import Calendar
    from server.db import Connection

RETRY_S = 5.0
FEEDS = (
    ("holidays", "days.statutory-holidays", DayKind.HOLIDAY),
    ("makeup_days", "days.makeup-workdays", DayKind.MAKEUP),
)

log = logging.getLogger("laizuo.feeds")


async def save_day_feeds(conn: Connection, calendar: Calendar, now: datetime) -> None:
    """Both calendars in both languages; nothing changes where the days did not."""
    await lock_publishing(conn)
    for about, slug, kind in FEEDS:
        bodies = {language.value: ical.render(event_feeds.days_feed(kind, calendar, language)) for language in Language}
        await save_feed(conn, FeedOf(about=about, slug=slug), bodies, now)


async def kept(app: web.Application) -> AsyncIterator[None]:
    """Save them once the database is there; the application does not wait for it."""
    async with running("day feeds", _save_once(app)):
        yield


async def _save_once(app: web.Application) -> None:
    async def work(conn: Connection) -> None:
        await save_day_feeds(conn, await load_calendar(conn), app[CLOCK]())

    while True:
        try:
            return await in_transaction(app[POOL], work)
        except (DatabaseAway, CommitUnknown):
            log.warning("the calendars of days wait for the database")
            await asyncio.sleep(RETRY_S)
