"""The hall screen's page: one for the life of the device, it turns by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.access.core import Action
from server.endpoints import store as endpoints
from server.errors import NotSignedIn
from server.pages import Page, page

if TYPE_CHECKING:
    from aiohttp import web

    from server.api import Call


async def screen_page(call: Call[None]) -> web.StreamResponse:
    """For an enrolled device; what it shows comes by its stream."""
    if call.actor.kind != "endpoint":
        raise NotSignedIn("endpoint_not_enrolled")
    async with call.connection() as conn:
        await endpoints.seen(conn, str(call.actor.id), call.now)
    return page(call, "hall/screen.html")


# Only what looks like a device's id: /screen/{slug} is the duty screen of a site.
PAGES = [Page("/screen/{endpoint:[0-9a-f]{8}-[0-9a-f-]{27}}", screen_page, Action.SEE_PUBLIC)]
