"""Posters: a site's month of duty, a theme day, a lecture. As PDF to print, as a picture to look at and to send into a chat group."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from aiohttp import web

from schedules.core import explain
from schedules.core.explain import Language, Words
from schedules.store import events
from server.access.core import Action
from server.access.require import as_uuid
from server.api import Call, Operation, add_operations
from server.duty.public import load_public_duty
from server.errors import BadInput, NotFound
from server.events.api import base_url
from server.events.pages import views_of
from server.i18n import language_of
from server.posters.making import POSTERS, Kind, Poster, Posters

if TYPE_CHECKING:
    from server.duty.public import PublicDuty
    from server.duty.views import SlotView
    from server.events.views import EventView

_PDF = "application/pdf"
_PNG = "image/png"
# A browser shows a lone picture in a page of its own making, with inline style. There is nothing else in that page.
_PICTURE_ALONE = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"


async def roster_poster(call: Call[None]) -> web.StreamResponse:
    """A month of a site's duty (`?month=YYYY-MM`)."""
    language = Language(language_of(call.request))
    month = _month(call.request.query.get("month"))
    async with call.connection() as conn:
        duty = await load_public_duty(conn, call.actor, call.path("slug"), month, language, call.now)
    if duty.version is None:
        raise NotFound()
    return await _answer(call, of_roster(duty, base_url(call), language), duty.site.slug)


async def roster_picture(call: Call[None]) -> web.StreamResponse:
    """The same as a picture."""
    return await roster_poster(call)


def _month(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise BadInput("bad_query", field="month") from error


async def event_poster(call: Call[None]) -> web.StreamResponse:
    """A theme day or a lecture."""
    language = Language(language_of(call.request))
    async with call.connection() as conn:
        event = await events.load_event(conn, str(as_uuid(call.path("event"))))
        if event is None or event.published_at is None:
            raise NotFound()
        [view] = await views_of(conn, [event], base_url(call), language, call.now)
    return await _answer(call, of_event(view, base_url(call), language), "poster")


async def event_picture(call: Call[None]) -> web.StreamResponse:
    """The same as a picture."""
    return await event_poster(call)


async def _answer(call: Call[None], poster: Poster, name: str) -> web.Response:
    kind: Kind = "png" if call.request.path.endswith(".png") else "pdf"
    body = await call.app[POSTERS].draw(poster, kind)
    headers = {"Content-Disposition": f'inline; filename="{name}.{kind}"', "Cache-Control": "no-cache"}
    if kind == "png":
        headers["Content-Security-Policy"] = _PICTURE_ALONE
    return web.Response(body=body, content_type=_PNG if kind == "png" else _PDF, headers=headers)


def of_roster(duty: PublicDuty, base: str, language: Language) -> Poster:
    """The month as a table: the days that are past stay off the paper."""
    zh = language is Language.ZH
    site = duty.site.name_zh if zh else duty.site.name_en
    today = duty.today.day
    rows = [
        (
            f"{explain.day_name(day.day, language)} {day.weekday}",
            slot.times,
            slot.service_name,
            _people(slot, language),
            "off" if slot.state != "on" else "",
        )
        for day in duty.month
        if day.day >= today and day.day.month == duty.month_first.month
        for slot in day.slots
    ]
    month = f"{duty.month_first.year}年{duty.month_first.month}月" if zh else f"{duty.month_first:%B %Y}"
    return Poster(
        lang="zh" if zh else "en",
        kicker=site,
        title=Words("值班表", "Duty roster")[language],
        subtitle=month,
        issuer=site,
        footer=Words(
            f"第{duty.version}版。临时变动以网页为准。",
            f"Version {duty.version}. For changes of today look at the page.",
        )[language],
        link=f"{base}/sites/{duty.site.slug}",
        call=Words(
            "有事来坐坐。扫码看今天谁在值班，也可以视频咨询。",
            "Come in, sit down. Scan to see who is on duty today, or ask by video.",
        )[language],
        columns=("日期", "时间", "服务", "值班人员") if zh else ("Day", "Hours", "Service", "On duty"),
        rows=tuple(rows),
    )


def _people(slot: SlotView, language: Language) -> str:
    if slot.state != "on":
        return Words("不值班", "not held")[language]
    named = [
        Words(f"{seat.name}（{seat.role_name}）", f"{seat.name} ({seat.role_name})")[language]
        for seat in slot.seats
        if seat.name
    ]
    return ("、" if language is Language.ZH else ", ").join(named) or Words("待定", "to be named")[language]


_LABELS = {
    "when": Words("时间", "When"),
    "where": Words("地点", "Where"),
    "speakers": Words("主讲", "Speakers"),
    "topic": Words("主题", "Topic"),
    "joint": Words("联合咨询", "Joint consultation"),
    "services": Words("服务", "Services"),
    "teams": Words("参加队伍", "Teams"),
    "materials": Words("请带", "Please bring"),
}


def of_event(view: EventView, base: str, language: Language) -> Poster:
    """What, when and where, large enough for three metres."""
    zh = language is Language.ZH
    day = f"{view.day_name} {view.weekday} {view.times}"
    facts = [
        ("when", day, True),
        ("where", " ".join(part for part in (view.site, view.venue) if part), True),
        ("speakers", view.speakers, False),
        ("topic", view.topic, False),
        ("joint" if view.is_joint else "services", view.services, False),
        ("teams", view.teams, False),
        ("materials", ("、" if zh else ", ").join(view.materials), False),
    ]
    registers = view.capacity is not None
    called_off = view.state == "cancelled"
    return Poster(
        lang="zh" if zh else "en",
        kicker=(
            Words("法治讲座", "Rule-of-law lecture") if view.kind == "lecture" else Words("主题活动日", "Theme day")
        )[language],
        title=view.title,
        subtitle="",
        issuer=view.site,
        footer=view.why,
        link=f"{base}/events/{view.id}",
        call=(
            Words("扫码报名，不用注册账号", "Scan to register, no account needed")
            if registers
            else Words("不用报名，直接来", "No registration, just come")
        )[language],
        facts=tuple((_LABELS[key][language], text, large) for key, text, large in facts if text),
        says=view.says,
        stamp=(
            Words("活动取消", "Called off")[language]
            + (f"：{view.reason}" if view.reason and zh else f": {view.reason}" if view.reason else "")
        )
        if called_off
        else "",
    )


_SITE, _EVENT, _SEE = "/sites/{slug}/poster", "/events/{event}/poster", Action.SEE_PUBLIC
OPERATIONS = [
    Operation("GET", _SITE + ".pdf", roster_poster, _SEE, "A month of duty for the notice board", media_type=_PDF),
    Operation("GET", _SITE + ".png", roster_picture, _SEE, "The same as a picture", media_type=_PNG),
    Operation("GET", _EVENT + ".pdf", event_poster, _SEE, "An event's poster", media_type=_PDF),
    Operation("GET", _EVENT + ".png", event_picture, _SEE, "The same as a picture", media_type=_PNG),
]


def add(app: web.Application) -> None:
    """Plug in."""
    app[POSTERS] = Posters()
    add_operations(app, OPERATIONS)
