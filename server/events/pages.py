"""Pages of theme days and lectures: what takes place, one's own registration, the coordinator's board, the door."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import segno

from schedules.core import event_feeds, lectures, themes
from schedules.core.explain import Language, local_day
from schedules.core.model import SiteId
from schedules.core.public_events import EventKind, EventState
from schedules.store import events, inputs, registrations
from schedules.store.feeds import list_public_slugs
from server.access.core import Action
from server.access.rates import Rate
from server.access.require import as_uuid, require_own, require_site, require_site_by_slug
from server.api import Call, add_operations
from server.errors import NotAllowed, NotFound
from server.events import registering, reminding, service, streaming, streaming_http
from server.events.announcing import feed_slug
from server.events.api import OPERATIONS, REGISTRATIONS, base_url
from server.events.views import event_view
from server.feeds.links import subscription
from server.i18n import language_of
from server.pages import Page, add_pages, page

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from aiohttp import web

    from schedules.core.public_events import PublicEvent
    from server.access.require import SiteRef
    from server.db import Connection
    from server.events.views import EventView

AHEAD = timedelta(days=366)
NEAR = timedelta(hours=12)  # a village room looks for what it can hear today
LOOK_BACK = timedelta(days=60)  # on the board: what is just over wants its recording link and its attendance


async def views_of(
    conn: Connection, found: Iterable[PublicEvent], base: str, language: Language, now: datetime
) -> list[EventView]:
    """Events in words, with the names of their sites."""
    listed = list(found)
    places = await inputs.name_sites(conn, {event.content.site for event in listed}, base)
    return [event_view(event, places, language, now) for event in listed]


def _language(call: Call[None]) -> Language:
    return Language(language_of(call.request))


async def events_page(call: Call[None]) -> web.StreamResponse:
    """Everything that is coming, of one site (`?site=`) or of all."""
    language, slug = _language(call), call.request.query.get("site")
    async with call.connection() as conn:
        site = await require_site_by_slug(conn, call.actor, Action.SEE_PUBLIC, slug) if slug else None
        found = await events.list_events(conn, SiteId(site.id) if site else None, None, call.now, call.now + AHEAD)
        shown = await views_of(conn, found, base_url(call), language, call.now)
        slugs = set(await list_public_slugs(conn))
    feeds = [
        (name, subscription(base_url(call), feed, language.value))
        for name, feed in _feeds(site.slug if site else None)
        if feed in slugs
    ]
    return page(call, "events/events.html", site=site, events=shown, subscriptions=feeds, language=language)


def _feeds(slug: str | None) -> list[tuple[str, str]]:
    own = [(kind.value, feed_slug(kind, slug)) for kind in (EventKind.THEME_DAY, EventKind.LECTURE)]
    return own if slug else [*own, ("holidays", "days.statutory-holidays"), ("makeup_days", "days.makeup-workdays")]


async def event_page(call: Call[None]) -> web.StreamResponse:
    """One event: when, where, why on this day, and registration."""
    language = _language(call)
    async with call.connection() as conn:
        event = await _public_event(conn, call.path("event"))
        room = await streaming_http.room_of(conn, call, event)
        [view] = await views_of(conn, [event], base_url(call), language, call.now)
    open_now = lectures.place_for(registering.facts_of(event), call.now)
    url = f"{base_url(call)}/events/{event.id}"
    return page(
        call,
        "events/event.html",
        event=view,
        room=room,
        place=open_now,
        Place=lectures.Place,
        page_url=url,
        language=language,
    )


async def _public_event(conn: Connection, identifier: str) -> PublicEvent:
    event = await events.load_event(conn, str(as_uuid(identifier)))
    if event is None or event.published_at is None:
        raise NotFound()
    return event


async def registration_page(call: Call[None]) -> web.StreamResponse:
    """One's own registration, by personal link: where it stands, the code for the door, giving it back, feedback."""
    language, secret = _language(call), call.path("secret")
    async with call.connection() as conn:
        held = await registering.held_by(conn, secret)
        [view] = await views_of(conn, [held.event], base_url(call), language, call.now)
    facts = registering.facts_of(held.event)
    door = f"{base_url(call)}/check-in/{held.registration.id}"
    return page(
        call,
        "events/registration.html",
        held=held,
        event=view,
        place=held.registration.place.value,
        feedback_open=lectures.may_give_feedback(facts, held.registration.place, call.now) is None,
        door_qr=segno.make(door, error="m", micro=False).svg_data_uri(scale=5, border=4, dark="#000", light="#fff"),
        secret=secret,
        language=language,
    )


async def check_in_page(call: Call[None]) -> web.StreamResponse:
    """What the helper at the door sees after scanning somebody's code."""
    language = _language(call)
    async with call.connection() as conn:
        found = await registrations.load(conn, str(as_uuid(call.path("registration"))))
        if found is None:
            raise NotFound()
        event, _ = await registering.attendees(conn, call.actor, found.event)
        [view] = await views_of(conn, [event], base_url(call), language, call.now)
    refusal = lectures.may_check_in(registering.facts_of(event), found.place, call.now)
    return page(call, "events/check_in.html", who=found, event=view, refusal=refusal, language=language)


async def people_page(call: Call[None]) -> web.StreamResponse:
    """Everybody who registered, with a button for each at the door."""
    language = _language(call)
    async with call.connection() as conn:
        event, people = await registering.attendees(conn, call.actor, call.path("event"))
        rooms = await streaming.rooms_that_listened(conn, event.id)
        [view] = await views_of(conn, [event], base_url(call), language, call.now)
    ratings = [who.rating for who in people if who.rating]
    count = {place.value: sum(who.place is place for who in people) for place in lectures.Place}
    return page(
        call,
        "events/people.html",
        event=view,
        people=people,
        rooms=rooms,
        count=count,
        rating=round(sum(ratings) / len(ratings), 1) if ratings else None,
        ratings=len(ratings),
        language=language,
    )


# ---------------------------------------------------------------- the coordinator's board


async def board_page(call: Call[None]) -> web.StreamResponse:
    """Rules, drafts, public events, the year's quota and the monthly screening of one site."""
    language, slug = _language(call), call.request.query.get("site")
    async with call.connection() as conn:
        sites = await _own_sites(conn, call)
        if not slug and sites:
            slug = sites[0].slug
        site = await require_site_by_slug(conn, call.actor, Action.EDIT_EVENTS, slug or "")
        values = await _board(conn, call, site, language)
    return page(call, "events/board.html", site=site, sites=sites, language=language, local_day=local_day, **values)


async def _own_sites(conn: Connection, call: Call[None]) -> list[SiteRef]:
    rows = await conn.fetch("select id::text from site order by parent_id nulls first, slug")
    found = []
    for row in rows:
        with contextlib.suppress(NotAllowed):
            found.append(await require_site(conn, call.actor, Action.EDIT_EVENTS, row["id"]))
    return found


async def _board(conn: Connection, call: Call[None], site: SiteRef, language: Language) -> dict[str, Any]:
    here = SiteId(site.id)
    found = await events.list_events(conn, here, None, call.now - LOOK_BACK, call.now + 2 * AHEAD, drafts=True)
    shown = await views_of(conn, found, base_url(call), language, call.now)
    progress = await service.list_progress(conn, here, call.now)
    names = await inputs.name_sites(conn, {line.site for entry in progress for line in entry.progress.lines})
    return {
        "rules": [(rule, themes.rule_words(rule.when, language)) for rule in await events.list_rules(conn, here)],
        "drafts": [view for view in shown if view.state == EventState.DRAFT.value],
        "events": [view for view in shown if view.state != EventState.DRAFT.value],
        "series": progress,
        "site_names": {site_id: place.name[language] for site_id, place in names.items()},
        "topic_name": event_feeds.topic_name,
        "topics": lectures.TOPICS,
        "screenings": await service.list_screenings(conn, here, call.now),
    }


async def edit_page(call: Call[None]) -> web.StreamResponse:
    """The form of a lecture or theme day: a new one (`?site=&kind=`) or one that is there (`?id=`)."""
    language, query = _language(call), call.request.query
    async with call.connection() as conn:
        event = await events.load_event(conn, str(as_uuid(query["id"]))) if query.get("id") else None
        if query.get("id") and event is None:
            raise NotFound()
        if event is not None:
            site = await require_site(conn, call.actor, Action.EDIT_EVENTS, event.content.site)
        else:
            site = await require_site_by_slug(conn, call.actor, Action.EDIT_EVENTS, query.get("site", ""))
        [view] = await views_of(conn, [event], base_url(call), language, call.now) if event else [None]
        series = await events.list_series(conn, SiteId(site.id))
    kind = event.kind.value if event else ("theme_day" if query.get("kind") == "theme_day" else "lecture")
    return page(
        call,
        "events/edit.html",
        site=site,
        event=event,
        view=view,
        kind=kind,
        series=series,
        topics=lectures.TOPICS,
        language=language,
    )


async def listen_page(call: Call[None]) -> web.StreamResponse:
    """For a village room: the lectures of the coming hours, and those whose room is open."""
    endpoint = call.path("endpoint")
    require_own(call.actor, Action.ATTEND_LECTURE, endpoint)
    async with call.connection() as conn:
        found = await events.list_events(conn, None, EventKind.LECTURE, call.now, call.now + NEAR)
        near = [event for event in found if event.is_on]
        running = [await streaming.running_room(conn, event.id) for event in near]
        shown = await views_of(conn, near, base_url(call), _language(call), call.now)
    return page(call, "events/listen.html", endpoint=endpoint, lectures=list(zip(shown, running, strict=True)))


PAGES = [
    Page("/kiosk/{endpoint}/lectures", listen_page, Action.ATTEND_LECTURE),
    Page("/events", events_page, Action.SEE_PUBLIC),
    Page("/events/{event}", event_page, Action.SEE_PUBLIC),
    Page("/events/{event}/people", people_page, Action.CHECK_IN_ATTENDEE),
    Page("/my-registration/{secret}", registration_page, Action.REGISTER),
    Page("/check-in/{registration}", check_in_page, Action.CHECK_IN_ATTENDEE),
    Page("/events-board", board_page, Action.EDIT_EVENTS),
    Page("/events-board/edit", edit_page, Action.EDIT_EVENTS),
]


def add(app: web.Application) -> None:
    """Plug in."""
    app[REGISTRATIONS] = Rate(burst=20, every_s=3.0)  # a family on one line registers at once; a script does not
    add_operations(app, OPERATIONS + streaming_http.OPERATIONS)
    add_pages(app, PAGES)
    app.cleanup_ctx.append(reminding.keep_going)
