"""The roster board: people down, days across, everything a coordinator can move. The page is a frame; its script draws what `board` answers."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from schedules.core.conflicts import roads_of
from schedules.core.explain import Language
from schedules.core.fairness import Served, ledger
from schedules.core.model import NO_LIMITS, SiteId
from schedules.store import days, drafts, inputs, shifts
from server.access.core import Action
from server.access.require import require_site_by_slug
from server.api import Call, Operation
from server.duty import editing, publishing
from server.duty.api import names_for
from server.duty.planning.people import limits_of
from server.duty.shifts import attendance
from server.duty.views import SlotView, day_views, preview_view
from server.errors import NotFound
from server.i18n import language_of
from server.pages import Page, page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schedules.core.model import Limits, PersonId
    from server.duty.publishing import Prepared


class BoardDay(msgspec.Struct):
    """One column; `festival` where the day has a name."""

    day: date
    weekday: str
    kind: str
    festival: str


class BoardPerson(msgspec.Struct):
    """One row, with the ledger: what was borne this year before the window, and what the window adds; and the person's own limits."""

    id: str
    name: str
    roles: list[str]
    borne_minutes: int
    planned_minutes: int
    shifts: int
    holiday_shifts: int
    distant_shifts: int
    max_days_a_week: int | None
    rest_minutes: int


class BoardDecision(msgspec.Struct):
    """An override in force on a seat."""

    id: str
    slot: str
    post: int
    kind: str
    person: str | None


class BoardView(msgspec.Struct):
    """The whole board of a draft."""

    revision: int
    mark: str
    is_unchanged: bool
    gaps: int
    days: list[BoardDay]
    people: list[BoardPerson]
    slots: list[SlotView]
    decisions: list[BoardDecision]


def _language(call: Call[None]) -> Language:
    return Language(language_of(call.request))


async def board(call: Call[None]) -> BoardView:
    """Everything on the board of a site's draft."""
    language = _language(call)
    async with call.connection() as conn:
        _, prepared = await publishing.preview(conn, call.actor, call.path("site"), call.now)
        people = await names_for(conn, prepared)
        staff = await editing.list_staff(conn, prepared.roster.site)
        decisions = await drafts.load_overrides(conn, prepared.roster.site)
        book = _ledger(prepared)
        rows = {member.id: (member.name[language], list(member.roles)) for member in staff}
        rows |= {who: (people[who][language], []) for who in book.keys() - rows.keys()}
        limits = await limits_of(conn, list(rows))
    seen = preview_view(prepared, people, language, call.now)
    columns = day_views((), prepared.roster.window, prepared.roster.window, language, prepared.inputs.calendar)
    return BoardView(
        prepared.roster.revision,
        prepared.mark,
        seen.is_unchanged,
        seen.gaps,
        [BoardDay(column.day, column.weekday, column.kind, column.festival) for column in columns],
        [_person(who, *known, prepared.inputs.served, book, limits.get(who, NO_LIMITS)) for who, known in rows.items()],
        seen.slots,
        [
            BoardDecision(d.id, d.override.slot, d.override.post, d.override.kind.value, d.override.person)
            for d in decisions
        ],
    )


def _ledger(prepared: Prepared) -> Mapping[PersonId, Served]:
    facts = prepared.inputs
    homes = {person.id: person.home for person in facts.people if person.home is not None}
    return ledger(prepared.plan.slots, roads_of(facts.travel), homes)


def _person(
    who: PersonId,
    name: str,
    roles: list[str],
    before: Mapping[PersonId, int],
    book: Mapping[PersonId, Served],
    limits: Limits,
) -> BoardPerson:
    line = book.get(who, Served())
    added = (line.shifts, line.holiday_shifts, line.distant_shifts)
    own = (limits.max_days_a_week, limits.rest_minutes)
    return BoardPerson(who, name, roles, before.get(who, 0), line.burden, *added, *own)


async def board_page(call: Call[None]) -> web.StreamResponse:
    """The frame of the board, with what waits for a decision: swaps, and who has not come."""
    language = _language(call)
    async with call.connection() as conn:
        lines = [line for line in await editing.list_rosters(conn, call.now) if editing.can_edit(call.actor, line)]
        if not lines:
            raise NotFound()
        slug = call.request.query.get("site", lines[0].slug)
        site = await require_site_by_slug(conn, call.actor, Action.EDIT_ROSTER, slug)
        roster = await editing.load_or_start(conn, SiteId(site.id), call.now)
        waiting = await shifts.list_swaps(conn, [roster.site], None, call.now)
        missing = await attendance.find_missing(conn, call.actor, site.id, call.now)
        named = {swap.asker for swap in waiting} | {swap.taker for swap in waiting if swap.taker}
        named |= {who for one in missing for who in (one.seat.person, *one.next_in_line)}
        names = await inputs.name_people(conn, named)
    return page(
        call,
        "duty/board.html",
        language=language,
        site=site,
        roster=roster,
        swaps=waiting,
        missing=missing,
        names=names,
    )


async def days_page(call: Call[None]) -> web.StreamResponse:
    """Notices of holidays: what is in force, and importing another."""
    async with call.connection() as conn:
        calendar = await days.load_calendar(conn)
    newest = {year.year: year for year in sorted(calendar.years, key=lambda year: year.version)}
    return page(call, "duty/days.html", years=list(newest.values()), language=_language(call))


OPERATIONS = [
    Operation(
        "GET",
        "/api/rosters/{site}/board",
        board,
        Action.SEE_ROSTER_BOARD,
        "The board of a draft: people, days, shifts, decisions, ledger",
        reply=BoardView,
    )
]
PAGES = [
    Page("/roster/board", board_page, Action.EDIT_ROSTER),
    Page("/roster/days", days_page, Action.EDIT_ROSTER),
]
