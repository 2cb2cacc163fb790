"""The opinion box of a site (意见收集箱): a page with one field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.access.core import Action
from server.access.require import require_site_by_slug
from server.i18n import language_of
from server.pages import Page, page
from server.tickets.link_pages import name_of, own_link, qr_picture

if TYPE_CHECKING:
    from aiohttp import web

    from server.api import Call


async def opinion_page(call: Call[None]) -> web.StreamResponse:
    """The box, with a code for a poster beside the real one."""
    english = language_of(call.request) == "en"
    async with call.connection() as conn:
        site = await require_site_by_slug(conn, call.actor, Action.SEE_PUBLIC, call.path("slug"))
    own = own_link(call.request, f"/hall/{site.slug}/opinions")
    return page(call, "hall/opinions.html", site=site, site_name=name_of(site, english), link=own, qr=qr_picture(own))


PAGES = [Page("/hall/{slug}/opinions", opinion_page, Action.SEE_PUBLIC)]
