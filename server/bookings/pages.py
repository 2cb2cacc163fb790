"""The public booking page of a site, and the page of an appointment's personal link."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from server.access.core import Action
from server.access.require import require_site, require_site_by_slug
from server.access.tokens import looks_like_token
from server.bookings import service, store
from server.errors import NotFound
from server.i18n import language_of
from server.pages import Page, page
from server.tickets.link_pages import name_of, own_link, qr_picture
from server.waiting import store as line_store

if TYPE_CHECKING:
    from aiohttp import web

    from server.api import Call


async def booking_page(call: Call[None]) -> web.StreamResponse:
    """What it is about, where one will sit, when, and who one is."""
    english = language_of(call.request) == "en"
    async with call.connection() as conn:
        site = await require_site_by_slug(conn, call.actor, Action.SEE_PUBLIC, call.path("slug"))
        services = [line.service for line in await line_store.lines_of_site(conn, site.id)]
        rooms = [
            {"id": row["id"], "name": row["name_en" if english else "name_zh"]}
            for row in await conn.fetch(store.SQL["village_rooms"], UUID(site.id))
        ]
    return page(call, "hall/booking.html", site=site, site_name=name_of(site, english), services=services, rooms=rooms)


async def appointment_page(call: Call[None]) -> web.StreamResponse:
    """See, move, cancel; the calendar entry; the way into the room when its time has come."""
    token = call.path("token")
    if not looks_like_token(token):
        raise NotFound()
    async with call.connection() as conn:
        booking = await service.of_holder(conn, token)
        site = await require_site(conn, call.actor, Action.SEE_PUBLIC, booking.citizen_site_id)
    english = language_of(call.request) == "en"
    own = own_link(call.request, f"/hall/appointment/{token}")
    return page(
        call, "hall/appointment.html", site=site, site_name=name_of(site, english), link=own, qr=qr_picture(own)
    )


PAGES = [
    Page("/hall/appointment/{token}", appointment_page, Action.SEE_PUBLIC),
    Page("/hall/{slug}/booking", booking_page, Action.SEE_PUBLIC),
]
