"""One tap at the kiosk or by the link; cases, opinions and figures for staff."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
from aiohttp import web

from server.access.address import client_address
from server.access.core import Action
from server.access.rates import Rate
from server.access.require import as_uuid, require_own, require_site_by_slug
from server.access.tokens import looks_like_token, token_hash
from server.api import Call, Operation, add_operations
from server.errors import NotFound, TooMany
from server.i18n import language_of
from server.pages import add_pages
from server.ratings import core, pages, service, store
from server.tickets import store as tickets
from server.waiting.desk_http import Done

if TYPE_CHECKING:
    from server.db import Connection

OPINION_RATE: web.AppKey[Rate] = web.AppKey("opinion_rate", Rate)
CLOSED_SHOWN = timedelta(days=90)
Level = Annotated[int, msgspec.Meta(ge=1, le=5)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Comment = Annotated[str, msgspec.Meta(max_length=500)]


class RateAtKiosk(msgspec.Struct, forbid_unknown_fields=True):
    """One tap after the session: 5 very satisfied ... 1 very dissatisfied."""

    ticket: str
    level: Level
    comment: Comment = ""


class RateByLink(msgspec.Struct, forbid_unknown_fields=True):
    """The same on one's own phone."""

    level: Level
    comment: Comment = ""


class GiveOpinion(msgspec.Struct, forbid_unknown_fields=True):
    """Something for the box of a site."""

    text: Text
    contact: Annotated[str, msgspec.Meta(max_length=80)] = ""


class CallBack(msgspec.Struct, forbid_unknown_fields=True):
    """A call-back, whether it reached them or not."""

    reached: bool
    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class Outcome(msgspec.Struct, forbid_unknown_fields=True):
    """What was done."""

    outcome: Text


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """Working days to put a bad rating right."""

    site: str
    working_days: Annotated[int, msgspec.Meta(ge=1, le=60)]


class CaseShown(msgspec.Struct):
    """A bad rating. `due_on`: ISO date; `late`: the day has passed and it is open."""

    id: str
    level: int
    comment: str
    service: str
    site_name: str
    number: str
    citizen_name: str
    rated_at: float
    due_on: str
    late: bool
    callbacks: int
    reached: int
    closed_at: float | None
    outcome: str


class Cases(msgspec.Struct):
    """Open ones by their day, then those closed within 90 days."""

    cases: list[CaseShown]


class OpinionShown(msgspec.Struct):
    """What is in the box."""

    id: str
    site_name: str
    text: str
    contact: str
    given_at: float
    answered_at: float | None
    answer: str


class Opinions(msgspec.Struct):
    """Unanswered ones first."""

    opinions: list[OpinionShown]


class PeriodFigures(msgspec.Struct):
    """A month or a quarter until now. `satisfied`: share of levels 4 and 5 among the ratings, null without any."""

    since: float
    tickets: int
    served: int
    no_shows: int
    abandoned: int
    mean_wait_s: float
    ratings: int
    satisfied: float | None
    bad: int
    put_right: int
    by_service: dict[str, int]


class SiteFigures(msgspec.Struct):
    """Figures of a site and all below it."""

    month: PeriodFigures
    quarter: PeriodFigures


async def rate_at_kiosk(call: Call[RateAtKiosk]) -> Done:
    """One tap after the session."""
    require_own(call.actor, Action.SEE_OWN_TICKET, call.actor.id)
    async with call.connection() as conn:
        matter = await store.rateable(conn, as_uuid(call.body.ticket), call.actor.id, None)
        await service.rate(conn, call.actor, matter, call.body.level, call.body.comment, "kiosk", call.now)
    return Done()


async def rate_by_link(call: Call[RateByLink]) -> Done:
    """The same on one's own phone."""
    token = call.path("token")
    if not looks_like_token(token):
        raise NotFound()
    async with call.connection() as conn:
        matter = await store.rateable(conn, None, None, token_hash(token))
        await service.rate(conn, call.actor, matter, call.body.level, call.body.comment, "link", call.now)
    return Done()


async def give_opinion(call: Call[GiveOpinion]) -> Done:
    """Something for the box."""
    if wait := call.app[OPINION_RATE].take(client_address(call.request), time.monotonic()):
        raise TooMany(wait)
    slug = call.path("slug")
    async with call.connection() as conn:
        site = await tickets.site_of_slug(conn, slug) if slug.isascii() and slug.isprintable() else None
        if site is None:
            raise NotFound()
        await service.give_opinion(conn, call.actor, site, call.body.text, call.body.contact, call.now)
    return Done()


def _own_sites(call: Call[None]) -> list[str]:
    return sorted({grant.site_id for grant in call.actor.grants if grant.role == "coordinator"})


async def cases(call: Call[None]) -> Cases:
    """Bad ratings of one's sites."""
    english = language_of(call.request) == "en"
    today = call.now.astimezone(core.CITY_TIME).date()
    async with call.connection() as conn:
        rows = await store.cases(conn, _own_sites(call), call.now - CLOSED_SHOWN)
    return Cases([_case(row, english, today) for row in rows])


def _case(row: store.CaseRow, english: bool, today: date) -> CaseShown:
    return CaseShown(
        row.id, row.level, row.comment, row.service, row.site_name_en if english else row.site_name_zh, row.number, row.citizen_name,
        row.rated_at.timestamp(), row.due_on.isoformat(), row.closed_at is None and row.due_on < today, row.callbacks, row.reached,
        row.closed_at.timestamp() if row.closed_at else None, row.outcome,
    )  # fmt: skip


async def call_back(call: Call[CallBack]) -> Done:
    """Somebody was called back."""
    async with call.connection() as conn:
        body = call.body
        await service.call_back(conn, call.actor, call.path("rating"), body.reached, body.note, call.now)
    return Done()


async def close_case(call: Call[Outcome]) -> Done:
    """It was put right."""
    async with call.connection() as conn:
        await service.close_case(conn, call.actor, call.path("rating"), call.body.outcome, call.now)
    return Done()


async def set_rule(call: Call[Rule]) -> Done:
    """How long putting right may take."""
    async with call.connection() as conn:
        await service.set_rule(conn, call.actor, call.body.site, call.body.working_days, call.now)
    return Done()


async def opinions(call: Call[None]) -> Opinions:
    """What is in the boxes of one's sites."""
    english = language_of(call.request) == "en"
    async with call.connection() as conn:
        rows = await store.opinions(conn, _own_sites(call))
    return Opinions(
        [
            OpinionShown(
                row.id, row.site_name_en if english else row.site_name_zh, row.text, row.contact, row.given_at.timestamp(),
                row.answered_at.timestamp() if row.answered_at else None, row.answer,
            )
            for row in rows
        ]
    )  # fmt: skip


async def answer_opinion(call: Call[Outcome]) -> Done:
    """What came of it."""
    async with call.connection() as conn:
        await service.answer_opinion(conn, call.actor, call.path("opinion"), call.body.outcome, call.now)
    return Done()


async def figures(call: Call[None]) -> SiteFigures:
    """Month and quarter of a site and all below it."""
    async with call.connection() as conn:
        site = await require_site_by_slug(conn, call.actor, Action.SEE_FIGURES, call.path("slug"))
        return await figures_of(conn, site.id, call)


async def figures_of(conn: Connection, site_id: str, call: Call[None]) -> SiteFigures:
    """Both periods."""
    shown = {}
    for period in core.PERIODS:
        since = core.begins(period, call.now)
        row, by_service = await store.figures(conn, site_id, since)
        satisfied = round(row.good / row.ratings, 4) if row.ratings else None
        shown[period] = PeriodFigures(
            since.timestamp(), row.tickets, row.served, row.no_shows, row.abandoned, round(row.mean_wait_s, 1), row.ratings,
            satisfied, row.bad, row.put_right, by_service,
        )  # fmt: skip
    return SiteFigures(**shown)


_CASE = "/api/ratings/{rating}"
_HANDLE = Action.HANDLE_RATING
OPERATIONS = [
    Operation(
        "POST", "/api/kiosk/{endpoint}/rating", rate_at_kiosk, Action.SEE_OWN_TICKET, "Rate a matter",
        body=RateAtKiosk, reply=Done, status=201,
    ),
    Operation(
        "POST", "/api/ticket-links/{token}/rating", rate_by_link, Action.GIVE_OPINION, "Rate a matter",
        body=RateByLink, reply=Done, status=201,
    ),
    Operation(
        "POST", "/api/hall/{slug}/opinions", give_opinion, Action.GIVE_OPINION, "The opinion box",
        body=GiveOpinion, reply=Done, status=201,
    ),
    Operation("GET", "/api/ratings/cases", cases, _HANDLE, "Bad ratings of my sites", reply=Cases),
    Operation("POST", f"{_CASE}/call-backs", call_back, _HANDLE, "Called back", body=CallBack, reply=Done, status=201),
    Operation("POST", f"{_CASE}/close", close_case, _HANDLE, "It was put right", body=Outcome, reply=Done),
    Operation("POST", "/api/ratings/rule", set_rule, _HANDLE, "Working days to put a bad rating right", body=Rule, reply=Done),
    Operation("GET", "/api/opinions", opinions, _HANDLE, "What is in the boxes of my sites", reply=Opinions),
    Operation("POST", "/api/opinions/{opinion}/answer", answer_opinion, _HANDLE, "What came of it", body=Outcome, reply=Done),
    Operation("GET", "/api/sites/{slug}/figures", figures, Action.SEE_FIGURES, "Month and quarter", reply=SiteFigures),
]  # fmt: skip


def add(app: web.Application) -> None:
    """Plug in."""
    app[OPINION_RATE] = Rate(burst=3, every_s=300.0)
    add_operations(app, OPERATIONS)
    add_pages(app, pages.PAGES)
