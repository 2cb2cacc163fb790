"""Settings of lines, hours and closures over HTTP."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated

import msgspec
from aiohttp import web

from server.access.core import Action
from server.access.require import require_site
from server.api import Call, Operation, add_operations
from server.i18n import language_of
from server.lines import core, service, store
from server.waiting.desk_http import Done

Seconds = Annotated[int, msgspec.Meta(ge=10, le=86_400)]
Message = Annotated[str, msgspec.Meta(max_length=400)]


class HoursOf(msgspec.Struct, forbid_unknown_fields=True):
    """One stretch of a weekday: ISO weekday, local times HH:MM."""

    weekday: Annotated[int, msgspec.Meta(ge=1, le=7)]
    opens: time
    closes: time


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """What a line is told; times in seconds. `overflow_to`: another line of the same service, or null."""

    keeps_overnight: bool
    overflow_to: str | None
    overflow_after_s: Seconds
    alert_after_s: Seconds
    alert_next_after_s: Seconds
    return_after_s: Seconds
    message_zh: Message = ""
    message_en: Message = ""


class LineShown(msgspec.Struct):
    """A line with its settings."""

    area: str
    site: str
    site_name: str
    service: str
    closed: bool
    settings: Settings


class ClosureShown(msgspec.Struct):
    """Days without service, both included."""

    id: str
    first_day: date
    last_day: date
    message_zh: str
    message_en: str


class LinesShown(msgspec.Struct):
    """A site's lines and those below it; the site's own hours and closures."""

    lines: list[LineShown]
    hours: list[HoursOf]
    closures: list[ClosureShown]


class Close(msgspec.Struct, forbid_unknown_fields=True):
    """Close a line by hand, or open it."""

    closed: bool


class SetHours(msgspec.Struct, forbid_unknown_fields=True):
    """The hours of a site, or of one line of it; none: always open (a line without its own has its site's)."""

    hours: Annotated[list[HoursOf], msgspec.Meta(max_length=28)]
    area: str | None = None


class AddClosure(msgspec.Struct, forbid_unknown_fields=True):
    """Close a site, or one line of it, on some days."""

    first_day: date
    last_day: date
    message_zh: Message = ""
    message_en: Message = ""
    area: str | None = None


class Added(msgspec.Struct):
    """Its id."""

    id: str


async def lines_of(call: Call[None]) -> LinesShown:
    """Lines at and below a site of one's own."""
    english = language_of(call.request) == "en"
    today = call.now.astimezone(core.CITY_TIME).date()
    async with call.connection() as conn:
        site = await require_site(conn, call.actor, Action.MANAGE_LINES, call.path("site"))
        rows = await store.lines_below(conn, site.id)
        hours = await store.own_hours(conn, site.id, None)
        closures = await store.own_closures(conn, site.id, None, today)
    return LinesShown(
        [_line(row, english) for row in rows],
        [HoursOf(one.weekday, one.opens, one.closes) for one in hours],
        [ClosureShown(one.id, one.first_day, one.last_day, one.message_zh, one.message_en) for one in closures],
    )


def _line(row: store.LineRow, english: bool) -> LineShown:
    settings = Settings(
        row.keeps_overnight, row.overflow_to, row.overflow_after_s, row.alert_after_s, row.alert_next_after_s, row.return_after_s,
        row.message_zh, row.message_en,
    )  # fmt: skip
    site_name = row.site_name_en if english else row.site_name_zh
    return LineShown(row.id, row.site_id, site_name, row.service, row.closed, settings)


async def set_line(call: Call[Settings]) -> Done:
    """Overnight, overflow, alerts, message."""
    settings = store.LineSettings(**msgspec.structs.asdict(call.body))
    async with call.connection() as conn:
        await service.save_settings(conn, call.actor, call.path("area"), settings, call.now)
    return Done()


async def close_line(call: Call[Close]) -> Done:
    """Nobody new gets in line; who waits stays."""
    async with call.connection() as conn:
        await service.close_line(conn, call.actor, call.path("area"), call.body.closed, call.now)
    return Done()


async def set_hours(call: Call[SetHours]) -> Done:
    """Replace the hours."""
    hours = [core.Hours(one.weekday, one.opens, one.closes) for one in call.body.hours]
    async with call.connection() as conn:
        await service.set_hours(conn, call.actor, call.path("site"), call.body.area, hours, call.now)
    return Done()


async def add_closure(call: Call[AddClosure]) -> Added:
    """Days without service."""
    body = call.body
    new = core.Closure(body.first_day, body.last_day, body.message_zh, body.message_en)
    async with call.connection() as conn:
        return Added(await service.add_closure(conn, call.actor, call.path("site"), body.area, new, call.now))


async def drop_closure(call: Call[None]) -> Done:
    """Open on those days after all."""
    async with call.connection() as conn:
        await service.drop_closure(conn, call.actor, call.path("closure"), call.now)
    return Done()


_MAY = Action.MANAGE_LINES
OPERATIONS = [
    Operation("GET", "/api/lines/of-site/{site}", lines_of, _MAY, "Lines, hours and closures of a site", reply=LinesShown),
    Operation("PUT", "/api/lines/{area}", set_line, _MAY, "Settings of a line", body=Settings, reply=Done),
    Operation("POST", "/api/lines/{area}/closed", close_line, _MAY, "Close or open a line by hand", body=Close, reply=Done),
    Operation("PUT", "/api/lines/of-site/{site}/hours", set_hours, _MAY, "Hours of a site or a line", body=SetHours, reply=Done),
    Operation(
        "POST", "/api/lines/of-site/{site}/closures", add_closure, _MAY, "Days without service",
        body=AddClosure, reply=Added, status=201,
    ),
    Operation("DELETE", "/api/lines/closures/{closure}", drop_closure, _MAY, "Open on those days", reply=Done),
]  # fmt: skip


def add(app: web.Application) -> None:
    """Plug in."""
    add_operations(app, OPERATIONS)
