"""Enrolment in the browser of a kiosk."""

from __future__ import annotations

import time

from aiohttp import web

from server.access.address import client_address
from server.access.core import Action
from server.access.identify import endpoint_cookie
from server.access.rates import Rate
from server.api import Call, add_operations
from server.endpoints import health_http, service
from server.errors import TooMany
from server.keys import SETTINGS
from server.pages import Page, add_pages, page

ENROL_RATE: web.AppKey[Rate] = web.AppKey("enrol_rate", Rate)
_COOKIE_LASTS_S = 400 * 24 * 3600  # the longest that browsers grant; renewed at each visit


async def enrol_page(call: Call[None]) -> web.StreamResponse:
    """Ask for the code, or spend the one in the link.

    A GET that changes state: the technician opens the link on the device itself, and the one-time code is the proof; there is no cookie that
    another site could abuse.
    """
    code = call.request.query.get("code", "")
    if not code:
        return page(call, "enrol.html")
    if wait := call.app[ENROL_RATE].take(client_address(call.request), time.monotonic()):
        raise TooMany(wait)
    async with call.connection() as conn:
        endpoint_id, token = await service.enrol(conn, code, call.now)
    response = web.Response(status=303, headers={"Location": f"/kiosk/{endpoint_id}"})
    set_endpoint_cookie(call.request, response, endpoint_id, token)
    return response


def set_endpoint_cookie(request: web.Request, response: web.StreamResponse, endpoint_id: str, token: str) -> None:
    """The device credential: not for scripts, not for other sites."""
    secure = request.secure or request.app[SETTINGS].public_url.startswith("https:")
    response.set_cookie(
        endpoint_cookie(endpoint_id),
        token,
        max_age=_COOKIE_LASTS_S,
        httponly=True,
        samesite="Strict",
        secure=secure,
        path="/",
    )


PAGES = [Page("/kiosk/enrol", enrol_page, Action.ENROL_ENDPOINT)]


def add(app: web.Application) -> None:
    """Plug in. Before the kiosk's own page, whose path would match too."""
    app[ENROL_RATE] = Rate(burst=5, every_s=60.0)
    add_pages(app, PAGES)
    add_operations(app, health_http.OPERATIONS)
