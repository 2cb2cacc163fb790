"""What follows from a public change of an event, in its transaction: calendars made anew, and messages to who registered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from schedules.core import event_feeds, ical
from schedules.core.explain import Language, Words, clock, day_name, local_day
from schedules.core.feeds import Place
from schedules.core.lectures import Place as Standing
from schedules.core.model import SiteId
from schedules.core.public_events import EventKind, EventState
from schedules.store import events, inputs, registrations
from schedules.store.feeds import FeedOf, save_feed
from server.messages import store as outbox
from server.messages.core import Message
from server.messages.people import way_to

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from schedules.core.public_events import PublicEvent
    from schedules.store.registrations import MovedUp, Newcomer, Registration
    from server.access.require import SiteRef
    from server.db import Connection

SLUGS = {EventKind.THEME_DAY: "theme-days", EventKind.LECTURE: "law-lectures"}
EVERY_SITE = "every-site"


def feed_slug(kind: EventKind, site_slug: str | None) -> str:
    """The address of a calendar of events; of every site where no site is named."""
    return f"{site_slug or EVERY_SITE}.{SLUGS[kind]}"


async def save_event_feeds(conn: Connection, site: SiteRef, kind: EventKind, base_url: str, now: datetime) -> None:
    """Make the site's calendar and that of every site anew. The caller holds the publish lock: each writes what all others read."""
    since, until = now - event_feeds.KEPT, now + 2 * event_feeds.HORIZON
    shown = await events.list_events(conn, None, kind, since, until)
    places = await inputs.name_sites(conn, {event.content.site for event in shown}, base_url)
    here = places.get(_id(site), Place(Words(site.name_zh, site.name_en)))
    page = f"{base_url}/events/"
    for about, chosen, where in (
        (FeedOf(site=_id(site), about=_kind(kind), slug=feed_slug(kind, site.slug)), _of(site, shown), here.name),
        (FeedOf(about=_kind(kind), slug=feed_slug(kind, None)), shown, Words("", "")),
    ):
        bodies = {
            language.value: ical.render(
                event_feeds.events_feed(kind, chosen, places, page, language, now, where[language])
            )
            for language in Language
        }
        await save_feed(conn, about, bodies, now)
    await conn.execute("select pg_notify('laizuo', $1)", json.dumps({"kind": "roster", "site": site.id}))


def _id(site: SiteRef) -> SiteId:
    return SiteId(site.id)


def _kind(kind: EventKind) -> str:
    return "theme_days" if kind is EventKind.THEME_DAY else "lectures"


def _of(site: SiteRef, shown: Iterable[PublicEvent]) -> list[PublicEvent]:
    return [event for event in shown if event.content.site == site.id]


# ---------------------------------------------------------------- messages

_CONFIRMED = Words("报名成功", "You are registered")
_IN_LINE = Words("您在候补名单上，有空位会自动递补并通知您", "You wait for a seat; we tell you when you move up")
_MOVED_UP = Words("您已从候补转为报名成功", "You have a seat now")
_CANCELLED = Words("活动取消", "The event is called off")
_CHANGED = Words("活动有变动", "The event has changed")


async def tell_confirmed(
    conn: Connection, event: PublicEvent, who: Newcomer, place: Standing, link: str, now: datetime
) -> None:
    """Confirm a registration to whoever left a way; the link is how they come back to it. It is erased once it was sent."""
    if who.mail or who.phone:
        words = _CONFIRMED if place is Standing.REGISTERED else _IN_LINE
        await _tell(conn, event, "registration_confirmed", words, who, now, link)


async def tell_moved_up(conn: Connection, event: PublicEvent, moved: Iterable[MovedUp], now: datetime) -> None:
    """Tell those who waited."""
    for who in moved:
        await _tell(conn, event, "moved_up", _MOVED_UP, who, now)


async def tell_registered(conn: Connection, event: PublicEvent, now: datetime) -> None:
    """Tell everybody who has or wants a seat that it changed or was called off."""
    off = event.state is EventState.CANCELLED
    kind, words = ("event_cancelled", _CANCELLED) if off else ("event_changed", _CHANGED)
    for who in await registrations.list_of(conn, event.id):
        if who.place in (Standing.REGISTERED, Standing.WAITING):
            await _tell(conn, event, kind, words, who, now)


async def _tell(
    conn: Connection,
    event: PublicEvent,
    kind: str,
    words: Words,
    who: MovedUp | Newcomer | Registration,
    now: datetime,
    link: str = "",
) -> None:
    language = Language(who.language)
    content = event.content
    title = event_feeds.title_of(event, language)
    when = f"{day_name(local_day(content.during.start), language)} {clock(content.during.start)}-{clock(content.during.end)}"
    body = "\n".join(part for part in (words[language], title, when, content.venue, event.reason, link) if part)
    channel, address = way_to(who.mail, who.phone)
    await outbox.put(conn, Message(channel, address, kind, f"{words[language]}: {title}"[:200], body), now)
