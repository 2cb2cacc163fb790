"""The coordinator's board, the public duty pages, one's own duties."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from schedules.core import explain
from schedules.core.explain import Language
from schedules.core.model import CHINA, PersonId, SiteId
from schedules.core.release import State
from schedules.store import drafts, inputs, releases, shifts
from schedules.store import people as people_store
from schedules.store.feeds import feed_token_since
from server.access.core import Action
from server.access.rates import Rate
from server.access.require import as_uuid, require_site_by_slug
from server.api import Call, add_operations
from server.duty import editing, publishing
from server.duty.api import OPERATIONS, names_for
from server.duty.planning import board, offers, people, site_pages
from server.duty.planning import http as planning_http
from server.duty.planning.running import PLANNERS, Planners
from server.duty.public import load_public_duty
from server.duty.shifts import absence
from server.duty.shifts import http as shifts_http
from server.duty.views import preview_view, released_view
from server.endpoints import store as endpoints
from server.errors import BadInput, NotFound
from server.feeds.links import subscription
from server.i18n import language_of
from server.keys import SETTINGS
from server.messages import store as outbox
from server.pages import Page, add_pages, page
from server.sites import places

if TYPE_CHECKING:
    from schedules.core.feeds import Places
    from schedules.store.drafts import Roster, StoredOverride
    from schedules.store.releases import OnDuty
    from server.access.require import SiteRef
    from server.db import Connection


def _language(call: Call[None]) -> Language:
    return Language(language_of(call.request))


# ---------------------------------------------------------------- the board


async def roster_page(call: Call[None]) -> web.StreamResponse:
    """The board of one site; `?preview=1` adds what would be published."""
    language = _language(call)
    async with call.connection() as conn:
        lines = [line for line in await editing.list_rosters(conn, call.now) if editing.can_edit(call.actor, line)]
        if not lines:
            raise NotFound()
        site = await require_site_by_slug(
            conn, call.actor, Action.SEE_ROSTER_BOARD, call.request.query.get("site", lines[0].slug)
        )
        roster = await editing.load_or_start(conn, SiteId(site.id), call.now)
        values = await _board(conn, call, site, roster, language)
        values["silent"] = await endpoints.silent_below(conn, [site.id], call.now)
        if "preview" in call.request.query:
            values["preview"] = await _preview(conn, call, site, language)
    return page(call, "duty/roster.html", lines=lines, site=site, roster=roster, language=language, **values)


async def _board(
    conn: Connection, call: Call[None], site: SiteRef, roster: Roster, language: Language
) -> dict[str, Any]:
    staff = await editing.list_staff(conn, roster.site)
    names = {member.id: member.name for member in staff}
    span = inputs.span_of(roster.window)
    return {
        "staff": staff,
        "names": names,
        "rotations": await drafts.load_rotations(conn, roster.site),
        "overrides": [
            _override_line(entry, names, language) for entry in await drafts.load_overrides(conn, roster.site)
        ],
        "leave": [
            {
                "id": e.id,
                "name": names[e.leave.person][language],
                **_leave_days(e.leave.during.start, e.leave.during.end),
            }
            for e in await drafts.load_leave(conn, list(names), span)
        ],
        "versions": await releases.list_versions(conn, roster.site, 5),
        "subscriptions": [],
        "preview": None,
        "published": call.request.query.get("published"),
        "explain": explain,
    }


def _leave_days(start: datetime, end: datetime) -> dict[str, date]:
    return {"first": start.astimezone(CHINA).date(), "last": (end - timedelta(microseconds=1)).astimezone(CHINA).date()}


def _override_line(entry: StoredOverride, names: explain.People, language: Language) -> dict[str, Any]:
    override = entry.override
    _, _, day = override.slot.rpartition("/")
    name = explain.name_of(names, override.person, language) if override.person else ""
    return {"id": entry.id, "kind": override.kind.value, "day": day, "name": name, "reason": override.reason}


async def _preview(conn: Connection, call: Call[None], site: SiteRef, language: Language) -> Any:
    _, prepared = await publishing.preview(conn, call.actor, site.id, call.now)
    return preview_view(prepared, await names_for(conn, prepared), language, call.now)


async def rotation_page(call: Call[None]) -> web.StreamResponse:
    """The form of a new rotation, or of the one named by `id`."""
    language = _language(call)
    async with call.connection() as conn:
        site = await require_site_by_slug(conn, call.actor, Action.EDIT_ROSTER, call.request.query.get("site", ""))
        roster = await editing.load_or_start(conn, SiteId(site.id), call.now)
        staff = await editing.list_staff(conn, roster.site)
        rotations = {rotation.id: rotation for rotation in await drafts.load_rotations(conn, roster.site)}
        teams = await people_store.list_teams(conn, explain.local_day(call.now))
    wanted = call.request.query.get("id")
    rotation = next((r for key, r in rotations.items() if wanted and key == str(as_uuid(wanted))), None)
    if wanted and rotation is None:
        raise NotFound()
    return page(
        call,
        "duty/rotation.html",
        site=site,
        roster=roster,
        staff=staff,
        rotation=rotation,
        teams=teams,
        language=language,
        explain=explain,
    )


# ---------------------------------------------------------------- public


async def sites_page(call: Call[None]) -> web.StreamResponse:
    """All sites, and where somebody is on duty now."""
    async with call.connection() as conn:
        lines = await editing.list_rosters(conn, call.now)
    return page(call, "public/sites.html", lines=lines, language=_language(call))


async def site_page(call: Call[None]) -> web.StreamResponse:
    """The duty page of a site: now, today, week, month, and how to subscribe."""
    language = _language(call)
    month = _month(call.request.query.get("month"))
    async with call.connection() as conn:
        duty = await load_public_duty(conn, call.actor, call.path("slug"), month, language, call.now)
        opening = await site_pages.opening_of(conn, SiteId(duty.site.id), call.now)
        place = await places.show(conn, duty.site.slug)
    base_url = call.app[SETTINGS].public_url
    links = [
        {
            "name": explain.service_name(service, language) if service else "",
            "links": subscription(base_url, slug, language.value),
        }
        for slug, service in duty.feeds
    ]
    return page(
        call,
        "public/site.html",
        duty=duty,
        opening=opening,
        place=place,
        address=place.address_en if language is Language.EN and place.address_en else place.address_zh,
        site_name=duty.site.name_en if language is Language.EN else duty.site.name_zh,
        serving=[_serving(entry, language) for entry in duty.now],
        subscriptions=links,
        language=language,
        explain=explain,
        public_url=base_url.rstrip("/"),
        page_url=f"{base_url.rstrip('/')}/sites/{duty.site.slug}",
    )


def _serving(entry: OnDuty, language: Language) -> dict[str, str]:
    return {
        "name": entry.name[language],
        "service": explain.service_name(entry.service, language),
        "role": explain.role_name(entry.role, language),
        "until": explain.clock(entry.until),
        "until_iso": entry.until.isoformat(),
    }


def _month(text: str | None) -> date | None:
    """The first day of `YYYY-MM`. Raises BadInput."""
    if text is None:
        return None
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise BadInput("bad_query", field="month") from error
    if not 1992 <= month.year <= 2200:
        raise BadInput("bad_query", field="month")
    return month


# ---------------------------------------------------------------- one's own


async def own_duty_page(call: Call[None]) -> web.StreamResponse:
    """The coming duties of the signed-in person, why they are theirs, and their private calendar."""
    language = _language(call)
    me = PersonId(call.actor.id or "")
    async with call.connection() as conn:
        mine = await releases.load_releases_of(conn, [me])
        names = await inputs.name_people(conn, {person for r in mine for person in releases.people_of(r)})
        places = await inputs.name_sites(conn, {r.site for r in mine})
        since = await feed_token_since(conn, me)
        offers = await _offers(conn, me, places, call.now, language)
        phone = (await outbox.phone_of(conn, [me])).get(me, "")
    entries = [
        e for r in mine for e in r.slots if me in e.slot.people and e.slot.during.end > call.now and e.state is State.ON
    ]
    entries.sort(key=lambda e: e.slot.during.start)
    duties = [(places[e.slot.site].name[language], e.slot.site, released_view(e, names, language)) for e in entries]
    return page(
        call,
        "duty/own.html",
        duties=duties,
        offers=offers,
        phone=phone,
        feed_since=since,
        me=me,
        language=language,
        explain=explain,
    )


async def _offers(
    conn: Connection, me: PersonId, places: Places, now: datetime, language: Language
) -> list[dict[str, Any]]:
    """Swaps at the sites where one serves: one's own, those one has taken, and those one could take."""
    swaps = await shifts.list_swaps(conn, list(places), me, now)
    names = await inputs.name_people(conn, {swap.asker for swap in swaps})
    sites = {**await inputs.name_sites(conn, {swap.site for swap in swaps}), **places}
    return [
        {
            "id": swap.id,
            "slot": swap.slot,
            "post": swap.post,
            "state": swap.state.value,
            "is_mine": swap.asker == me,
            "is_taken_by_me": swap.taker == me,
            "asker": names[swap.asker][language],
            "place": sites[swap.site].name[language],
            "day": explain.local_day(swap.during.start),
            "times": f"{explain.clock(swap.during.start)}-{explain.clock(swap.during.end)}",
            "reason": swap.reason,
        }
        for swap in swaps
    ]


PAGES = [
    Page("/roster", roster_page, Action.SEE_ROSTER_BOARD),
    Page("/roster/rotation", rotation_page, Action.EDIT_ROSTER),
    Page("/my-duty", own_duty_page, Action.OWN_FEED),
    Page("/sites", sites_page, Action.SEE_PUBLIC),
    Page("/sites/{slug}", site_page, Action.SEE_PUBLIC),
]


def add(app: web.Application) -> None:
    """Plug in."""
    app[PLANNERS] = Planners()
    app[shifts_http.CHECK_IN_RATE] = Rate(burst=5, every_s=60.0)  # six digits are not guessed at one a minute
    add_operations(
        app, OPERATIONS + planning_http.OPERATIONS + board.OPERATIONS + people.OPERATIONS + offers.OPERATIONS
    )
    add_operations(app, shifts_http.OPERATIONS)
    add_pages(app, PAGES + board.PAGES + site_pages.PAGES + shifts_http.PAGES)
    app.cleanup_ctx.append(absence.keep_going)
