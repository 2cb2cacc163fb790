"""What a citizen opens at home or on a phone: the way in to a site, and the page of a ticket's personal link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import segno

from schedules.store.releases import on_duty
from server.access.core import Action
from server.access.require import require_site, require_site_by_slug
from server.access.tokens import looks_like_token, token_hash
from server.errors import NotFound
from server.i18n import language_of
from server.keys import SETTINGS
from server.lines import service as lines
from server.pages import Page, page
from server.waiting import service as waiting
from server.waiting import store as line_store

if TYPE_CHECKING:
    from datetime import datetime

    from aiohttp import web

    from server.access.require import SiteRef
    from server.api import Call
    from server.db import Connection


@dataclass(frozen=True, slots=True)
class LineNow:
    """One service as the way in shows it. `wait_s` None: nobody can say; `opens_at` None: open, or nobody knows."""

    service: str
    people: int
    wait_s: int | None
    on_duty: tuple[str, ...]
    is_open: bool
    opens_at: datetime | None
    message: str


async def hall_page(call: Call[None]) -> web.StreamResponse:
    """Come now by video, book a time, or put something into the box."""
    english = language_of(call.request) == "en"
    async with call.connection() as conn:
        site = await require_site_by_slug(conn, call.actor, Action.SEE_PUBLIC, call.path("slug"))
        found = [
            await _line_now(conn, line, english, call.now) for line in await line_store.lines_of_site(conn, site.id)
        ]
    return page(call, "hall/way_in.html", site=site, site_name=name_of(site, english), lines=found)


async def _line_now(conn: Connection, line: line_store.Line, english: bool, now: datetime) -> LineNow:
    people = await line_store.waiting_count(conn, line.id)
    wait = await waiting.estimate(conn, line.id, line.service, people, now)
    serving = await on_duty(conn, line.site_id, line.service, now)
    names = tuple(one.name.en if english else one.name.zh for one in serving)
    state = await lines.opening(conn, line.id, now)
    message = state.message_en if english else state.message_zh
    return LineNow(line.service, people, wait, names, state.is_open, state.opens_at, message)


async def ticket_page(call: Call[None]) -> web.StreamResponse:
    """Number, place, messages, the room when called, the rating after it: all that the link of one ticket is for."""
    token = call.path("token")
    if not looks_like_token(token):
        raise NotFound()
    async with call.connection() as conn:
        held = await line_store.ticket_of_holder(conn, token_hash(token))
        if held is None or held.home_site_id is None:
            raise NotFound()
        site = await require_site(conn, call.actor, Action.SEE_PUBLIC, held.home_site_id)
    english = language_of(call.request) == "en"
    own = own_link(call.request, f"/hall/ticket/{token}")
    return page(call, "hall/ticket.html", site=site, site_name=name_of(site, english), link=own, qr=qr_picture(own))


def name_of(site: SiteRef, english: bool) -> str:
    """In the language of the page."""
    return site.name_en if english else site.name_zh


def own_link(request: web.Request, path: str) -> str:
    """A page's address as people outside reach it."""
    base = request.app[SETTINGS].public_url or f"{request.scheme}://{request.host}"
    return f"{base.rstrip('/')}{path}"


def qr_picture(link: str) -> str:
    """A code of a link as the address of a picture."""
    return str(segno.make(link, error="m", micro=False).svg_data_uri(scale=4, border=4, dark="#000", light="#fff"))


PAGES = [
    Page("/hall/ticket/{token}", ticket_page, Action.SEE_PUBLIC),
    Page("/hall/rating/{token}", ticket_page, Action.SEE_PUBLIC),
    Page("/hall/{slug}", hall_page, Action.SEE_PUBLIC),
]
