"""Two pages of a coordinator: what a site offers, and who is in which team with which licence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schedules.core import explain
from schedules.core.explain import Language, local_day
from schedules.core.model import SiteId
from schedules.store import people
from server.access.core import Action
from server.access.require import require_site_by_slug
from server.db.statements import load_statements
from server.duty import editing
from server.duty.planning import offers
from server.duty.planning.people import NOTICE_AHEAD
from server.errors import NotFound
from server.i18n import language_of
from server.lines import store as lines
from server.pages import Page, page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from aiohttp import web

    from server.access.require import SiteRef
    from server.api import Call
    from server.db import Connection
    from server.duty.editing import RosterLine, StaffMember

_SQL = load_statements(__package__)
SPANS = 2  # on one day: before and after noon


@dataclass(frozen=True, slots=True)
class Rules:
    """What is known of a member of staff beside the name."""

    licences: tuple[tuple[str, date | None, date | None], ...]
    max_days: int | None
    rest_minutes: int
    home: str | None


async def _site(conn: Connection, call: Call[None]) -> tuple[SiteRef, list[RosterLine]]:
    """The site of `?site=`, else the first of one's own, with all of one's own."""
    own = [line for line in await editing.list_rosters(conn, call.now) if editing.can_edit(call.actor, line)]
    if not own:
        raise NotFound()
    slug = call.request.query.get("site", own[0].slug)
    return await require_site_by_slug(conn, call.actor, Action.EDIT_ROSTER, slug), own


async def offers_page(call: Call[None]) -> web.StreamResponse:
    """Opening hours, closures, services, ways and purchases of one site."""
    async with call.connection() as conn:
        site, own = await _site(conn, call)
        here = SiteId(site.id)
        hours = await lines.own_hours(conn, site.id, None)
        values: dict[str, Any] = {
            "closures": await lines.own_closures(conn, site.id, None, local_day(call.now)),
            "offered": await offers.list_offers(conn, here),
            "ways": await offers.list_ways(conn, here),
            "purchases": await offers.list_purchases(conn, here),
        }
    spans = {day: [(h.opens, h.closes) for h in hours if h.weekday == day] for day in range(1, 8)}
    return page(
        call,
        "duty/offers.html",
        site=site,
        lines=own,
        spans={day: (found + [None] * SPANS)[: max(SPANS, len(found))] for day, found in spans.items()},
        basic=offers.BASIC,
        extra=offers.EXTRA,
        language=Language(language_of(call.request)),
        **values,
    )


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """What the public reads: stretches of each weekday, days without service, services with names of their own."""

    weekdays: dict[int, list[str]]
    closures: list[lines.ClosureRow]
    offered: list[str]


async def opening_of(conn: Connection, site: SiteId, now: datetime) -> OpeningHours:
    """When a site is open and what it offers."""
    weekdays: dict[int, list[str]] = {}
    for one in await lines.own_hours(conn, site, None):
        weekdays.setdefault(one.weekday, []).append(f"{one.opens:%H:%M}-{one.closes:%H:%M}")
    closures = await lines.own_closures(conn, site, None, local_day(now))
    known = {*offers.BASIC, *offers.EXTRA}
    return OpeningHours(weekdays, closures, [code for code in await offers.list_offers(conn, site) if code in known])


async def teams_page(call: Call[None]) -> web.StreamResponse:
    """Teams with admission and exit, licences, limits of the people of one site."""
    async with call.connection() as conn:
        site, own = await _site(conn, call)
        staff = await editing.list_staff(conn, SiteId(site.id))
        teams = await people.list_teams(conn, local_day(call.now))
        members = await offers.list_members(conn, call.now)
        rules = await _rules(conn, staff)
        homes = await editing.list_rosters(conn, call.now)
    return page(
        call,
        "duty/teams.html",
        site=site,
        lines=own,
        staff=staff,
        mine={member.id for member in staff},
        teams=teams,
        members={team.slug: [one for one in members if one.team == team.slug] for team in teams},
        rules=rules,
        homes=homes,
        today=local_day(call.now),
        soon=local_day(call.now) + NOTICE_AHEAD,
        language=Language(language_of(call.request)),
        explain=explain,
    )


async def _rules(conn: Connection, staff: Sequence[StaffMember]) -> dict[str, Rules]:
    ids = [member.id for member in staff]
    licences = await conn.fetch(_SQL["list_licences"], ids)
    limits = {row["person"]: row for row in await conn.fetch(_SQL["list_limits"], ids)}
    found = {}
    for who in ids:
        held = tuple((r["code"], r["valid_first"], r["valid_last"]) for r in licences if r["person"] == who)
        row = limits.get(who)
        found[str(who)] = (
            Rules(held, row["max_days_a_week"], row["rest_minutes"], row["home"]) if row else Rules(held, None, 0, None)
        )
    return found


PAGES = [
    Page("/roster/offers", offers_page, Action.EDIT_ROSTER),
    Page("/roster/teams", teams_page, Action.EDIT_ROSTER),
]
