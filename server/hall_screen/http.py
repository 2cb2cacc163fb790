"""The hall screen's data, live; and the risk notices that a coordinator writes for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import msgspec
from aiohttp import web

from schedules.store.releases import on_duty
from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_own, require_site
from server.api import Call, Operation, add_operations
from server.db.statements import load_statements
from server.endpoints import store as endpoints
from server.errors import BadInput, NotFound
from server.hall_screen import pages
from server.i18n import language_of
from server.keys import CLOCK
from server.live import Notice, StreamOver, stream
from server.pages import add_pages
from server.ratings.http import SiteFigures, figures_of
from server.waiting import store as lines
from server.waiting.desk_http import Done

if TYPE_CHECKING:
    from server.db import Connection

_SQL = load_statements(__package__)
STAYS_SHOWN = timedelta(hours=2)  # a number that was called longer ago is in its room
LONGEST_NOTICE = timedelta(days=90)
Instant = Annotated[float, msgspec.Meta(ge=0, le=32_503_680_000)]


class CalledNumber(msgspec.Struct):
    """A number that is called or being served, and where to go."""

    number: str
    service: str
    where: str
    called_at: float
    state: str


class WaitingLine(msgspec.Struct):
    """A service with those of this site who wait: how many, since when the first, and the first twelve numbers."""

    service: str
    people: int
    since: float
    numbers: list[str]


class OnDutyShown(msgspec.Struct):
    """Somebody on duty now."""

    service: str
    name: str
    until: float


class NoticeShown(msgspec.Struct):
    """A risk notice: `level` notice or warning."""

    id: str
    level: str
    text: str
    until: float


class Screen(msgspec.Struct):
    """All that a hall screen shows; newest calls first."""

    site_name: str
    called: list[CalledNumber]
    waiting: list[WaitingLine]
    on_duty: list[OnDutyShown]
    notices: list[NoticeShown]
    figures: SiteFigures


class WriteNotice(msgspec.Struct, forbid_unknown_fields=True):
    """A notice for the screens of a site and below it, until then (unix seconds)."""

    site: str
    level: Literal["notice", "warning"]
    text_zh: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    text_en: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    until: Instant


class Written(msgspec.Struct):
    """Its id."""

    id: str


async def screen(call: Call[None]) -> Screen:
    """What the screen shows now."""
    require_own(call.actor, Action.SEE_OWN_TICKET, call.actor.id)
    english = language_of(call.request) == "en"
    async with call.connection() as conn:
        device = await endpoints.load(conn, str(call.actor.id))
        site = UUID(device.site_id)
        called = await conn.fetch(_SQL["called"], site, call.now - STAYS_SHOWN)
        waiting = await conn.fetch(_SQL["waiting"], site)
        notices = await conn.fetch(_SQL["notices"], site, call.now)
        duty = await _duty(conn, device.site_id, english, call.now)
        figures = await figures_of(conn, device.site_id, call)
    word = "en" if english else "zh"
    return Screen(
        device.site_name_en if english else device.site_name_zh,
        [CalledNumber(r["number"], r["service"], r[f"where_{word}"], r["called_at"].timestamp(), r["state"]) for r in called],
        [WaitingLine(r["service"], r["people"], r["since"].timestamp(), r["numbers"]) for r in waiting],
        duty,
        [NoticeShown(r["id"], r["level"], r[f"text_{word}"], r["until"].timestamp()) for r in notices],
        figures,
    )  # fmt: skip


async def _duty(conn: Connection, site_id: str, english: bool, now: datetime) -> list[OnDutyShown]:
    found = []
    for line in await lines.lines_of_site(conn, site_id):
        for one in await on_duty(conn, line.site_id, line.service, now):
            found.append(OnDutyShown(line.service, one.name.en if english else one.name.zh, one.until.timestamp()))
    return found


async def screen_events(call: Call[None]) -> web.StreamResponse:
    """The screen at once and at each change."""

    async def state() -> Screen:
        async with call.connection() as conn:
            if not await lines.is_enrolled(conn, str(call.actor.id)):
                raise StreamOver
        return await screen(Call(call.request, call.actor, None, None, call.app[CLOCK]()))

    def wanted(notice: Notice) -> bool:
        return notice.get("kind") in ("queue", "ticket", "roster", "notice") or notice.get("endpoint") == call.actor.id

    return await stream(call, "screen", state, wanted)


async def write_notice(call: Call[WriteNotice]) -> Written:
    """A risk notice by the coordinator."""
    body, until = call.body, datetime.fromtimestamp(call.body.until, UTC)
    if not call.now < until <= call.now + LONGEST_NOTICE:
        raise BadInput("bad_input", field="until")
    async with call.connection() as conn:
        site = await require_site(conn, call.actor, Action.WRITE_NOTICE, body.site)
        async with conn.transaction():
            values = (UUID(site.id), body.level, body.text_zh, body.text_en, call.now, until, UUID(str(call.actor.id)))
            notice: str = await conn.fetchval(_SQL["write_notice"], *values)
            await audit.append(conn, call.actor, "write_notice", "risk_notice", notice, call.now, {"site": site.id})
            await _announce(conn)
    return Written(notice)


async def end_notice(call: Call[None]) -> Done:
    """It is not shown any more."""
    key = as_uuid(call.path("notice"))
    async with call.connection() as conn:
        site_id = await conn.fetchval(_SQL["notice_site"], key)
        if site_id is None:
            raise NotFound()
        await require_site(conn, call.actor, Action.WRITE_NOTICE, site_id)
        async with conn.transaction():
            await conn.fetchval(_SQL["end_notice"], key, call.now)
            await audit.append(conn, call.actor, "end_notice", "risk_notice", str(key), call.now)
            await _announce(conn)
    return Done()


async def _announce(conn: Connection) -> None:
    await conn.execute("select pg_notify('laizuo', $1)", json.dumps({"kind": "notice"}))


OPERATIONS = [
    Operation("GET", "/api/screens/{endpoint}", screen, Action.SEE_OWN_TICKET, "What a hall screen shows", reply=Screen),
    Operation(
        "GET", "/api/screens/{endpoint}/events", screen_events, Action.SEE_OWN_TICKET, "The screen at each change (event: screen)",
        media_type="text/event-stream",
    ),
    Operation(
        "POST", "/api/notices", write_notice, Action.WRITE_NOTICE, "A risk notice", body=WriteNotice, reply=Written, status=201
    ),
    Operation("DELETE", "/api/notices/{notice}", end_notice, Action.WRITE_NOTICE, "End a risk notice", reply=Done),
]  # fmt: skip


def add(app: web.Application) -> None:
    """Plug in."""
    add_operations(app, OPERATIONS)
    add_pages(app, pages.PAGES)
