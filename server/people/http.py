"""The sign-in page and its two operations."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
from aiohttp import web

from server.access.address import client_address
from server.access.core import Action
from server.access.identify import STAFF_COOKIE, person_by_token
from server.access.rates import Rate
from server.api import Call, Operation, add_operations, to_json
from server.errors import TooMany
from server.keys import SETTINGS
from server.pages import Page, add_pages, page
from server.people import service
from server.people.core import SIGN_IN_LASTS, first_page, safe_next

# Ten tries at once, then one a minute: a forgetful person gets in, a guesser does not.
SIGN_IN_RATE: web.AppKey[Rate] = web.AppKey("sign_in_rate", Rate)


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """What the sign-in form sends."""

    user: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    next: Annotated[str, msgspec.Meta(max_length=512)] = ""


class SignedIn(msgspec.Struct):
    """Where to go on."""

    next: str


async def sign_in(call: Call[SignIn]) -> web.StreamResponse:
    """Check the password and give the browser its cookie."""
    rate = call.app[SIGN_IN_RATE]
    for key in (f"ip {client_address(call.request)}", f"user {call.body.user}"):
        if wait := rate.take(key, time.monotonic()):
            raise TooMany(wait)
    async with call.connection() as conn:
        token = await service.sign_in(conn, call.body.user, call.body.password, call.now)
        roles = (await person_by_token(conn, token, call.now)).roles()
    response = to_json(SignedIn(safe_next(call.body.next, "") or first_page(roles)))
    set_staff_cookie(call.request, response, token)
    return response


def set_staff_cookie(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """The cookie of a sign-in: not for scripts, not for other sites, gone with the sign-in."""
    response.set_cookie(
        STAFF_COOKIE,
        token,
        max_age=int(SIGN_IN_LASTS.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=_is_secure(request),
        path="/",
    )


def _is_secure(request: web.Request) -> bool:
    return request.secure or request.app[SETTINGS].public_url.startswith("https:")


async def sign_out(call: Call[None]) -> web.StreamResponse:
    """End the sign-in; the cookie goes too."""
    async with call.connection() as conn:
        await service.sign_out(conn, call.actor, call.request.cookies[STAFF_COOKIE], call.now)
    response = to_json(SignedIn("/"))
    response.del_cookie(STAFF_COOKIE, path="/")
    return response


async def sign_in_page(call: Call[None]) -> web.StreamResponse:
    """The form."""
    return page(call, "sign_in.html", next=safe_next(call.request.query.get("next", ""), ""))


OPERATIONS = [
    Operation(
        "POST",
        "/api/sign-in",
        sign_in,
        Action.SIGN_IN,
        "Sign in with user name and password",
        body=SignIn,
        reply=SignedIn,
    ),
    Operation("POST", "/api/sign-out", sign_out, Action.SIGN_OUT, "End this sign-in", reply=SignedIn),
]
PAGES = [Page("/sign-in", sign_in_page, Action.SIGN_IN)]


def add(app: web.Application) -> None:
    """Plug in."""
    app[SIGN_IN_RATE] = Rate(burst=10, every_s=60.0)
    add_operations(app, OPERATIONS)
    add_pages(app, PAGES)
