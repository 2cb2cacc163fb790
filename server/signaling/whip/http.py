"""The routes of WHIP and WHEP: reads the request, lets the seat in as the WebSocket does, and hands the rest to the visit."""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
from typing import TYPE_CHECKING, Final

from aiohttp import web

from server import errors
from server.access.address import client_address
from server.access.core import Action, Actor
from server.access.require import require_own
from server.access.tokens import token_hash
from server.db.pool import in_transaction
from server.errors import UserError
from server.keys import CLOCK, POOL, SETTINGS
from server.sessions import seats
from server.signaling.arriving import AWAY, JOIN_PATIENCE_S, arrive
from server.signaling.messages import MESSAGE_LIMIT, Offer
from server.signaling.rooms import ROOMS
from server.signaling.whip import core
from server.signaling.whip.core import FRAGMENT, REFUSALS, SDP, BadOffer, Kind
from server.signaling.whip.resources import Resources
from server.signaling.whip.visit import PEER, Patience, Refusal, Visit
from server.signaling.ws import JOIN_RATE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from server.db import Connection

    Handler = Callable[[web.Request, Kind], Awaitable[web.Response]]

log = logging.getLogger("laizuo.signaling.whip")

RESOURCES: web.AppKey[Resources] = web.AppKey("whip_resources", Resources)
PATIENCE: web.AppKey[Patience] = web.AppKey("whip_patience", Patience)
COME_AGAIN_S: Final = 2
CORS: Final = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Location, ETag, Link, Retry-After"}
ASKED_FIRST: Final = {  # of a browser's preflight
    "Access-Control-Allow-Methods": "OPTIONS, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "600",
}


class NoToDevice(UserError):
    """A refusal of the room in the words of HTTP."""

    def __init__(self, why: str, detail: str = "") -> None:
        """why  a word of core.REFUSALS; one that it does not have is our fault."""
        status, code = REFUSALS.get(why, (500, "unexpected"))
        super().__init__(code, detail=detail, retry_after_s=COME_AGAIN_S if status in (429, 503) else None)
        self.status = status  # type: ignore[misc]  # the table has many, the tree one for each class


# ---------------------------------------------------------------- the endpoint


async def begin(request: web.Request, kind: Kind) -> web.Response:
    """POST: a seat's first offer."""
    picture = request.query.get("picture", "face")
    if picture not in core.PICTURES:
        raise NoToDevice("bad_offer", f"picture is one of {', '.join(core.PICTURES)}")
    if not core.accepts(request.headers.get("Accept"), SDP):
        raise NoToDevice("not_acceptable")
    sdp = await _read(request, SDP)
    token = _token(request)
    _look_at_rate(request)
    try:
        offer = Offer(peer=PEER, revision=1, sdp=sdp, sources=core.sources_of(kind, sdp, picture))  # type: ignore[arg-type]
    except BadOffer as error:
        raise NoToDevice("bad_offer", str(error)) from error
    resource = secrets.token_urlsafe(24)
    visit = await _come(request.app, token, kind, resource, offer)
    answer = await _first_answer(request.app, visit)
    log.info("%s: a device has a seat", kind)
    headers = {"Location": f"/api/{kind}/{resource}", "ETag": visit.etag}
    response = web.Response(status=201, text=answer, content_type=SDP, headers=headers)
    for link in core.links(visit.ice):
        response.headers.add("Link", link)
    return response


async def _come(app: web.Application, token: str, kind: Kind, resource: str, offer: Offer) -> Visit:
    """The seat of a token, with a line of its own in the session."""
    rooms, resources = app[ROOMS], app[RESOURCES]
    visit = Visit(rooms.next_line(), kind, (token_hash(resource), token_hash(token)), offer, resources.over)
    try:
        entry = await in_transaction(app[POOL], lambda conn: _enter(app, conn, token), JOIN_PATIENCE_S)
        if isinstance(entry, seats.NoEntry):
            raise NoToDevice(entry.why)
        visit.enter(entry)
        came = await arrive(rooms, visit, entry, media=True)
    except AWAY:
        raise NoToDevice("service_away") from None
    if isinstance(came, seats.NoEntry):
        raise NoToDevice(came.why)
    visit.begin(came)
    resources.add(visit)
    return visit


async def _enter(app: web.Application, conn: Connection, token: str) -> seats.Entry | seats.NoEntry:
    entry = await seats.enter(conn, token, "seat", app[CLOCK]())
    if isinstance(entry, seats.Entry):
        actor = Actor("seat", entry.seat, session_id=entry.session_id)
        require_own(actor, Action.JOIN_ROOM, entry.seat)
    return entry


async def _first_answer(app: web.Application, visit: Visit) -> str:
    patience = app[PATIENCE]
    try:
        answer = await visit.ask(patience)
    except Refusal as no:
        if no.why in ("at_the_door", "service_away"):
            visit.wait_at_door(patience)
        else:
            visit.drop()
        raise NoToDevice(no.why) from no
    except asyncio.CancelledError:  # the device hung up
        visit.drop()
        raise
    await app[RESOURCES].keep(visit)
    return answer


# ---------------------------------------------------------------- the resource


async def change(request: web.Request, kind: Kind) -> web.Response:
    """PATCH: candidates, of which we need none, or an ICE restart."""
    visit = await _visit(request, kind)
    fragment = await _read(request, FRAGMENT)
    etag = visit.etag
    wanted = core.judge_patch(fragment, visit.offer.sdp, etag, request.headers.get("If-Match"))
    if isinstance(wanted, str):
        raise NoToDevice(wanted)
    if wanted is None:
        return web.Response(status=204, headers={"ETag": etag})
    before = visit.offer
    offer = Offer(
        peer=PEER, revision=before.revision + 1, sdp=core.restarted(before.sdp, wanted), sources=before.sources
    )
    try:
        answer = await visit.restart(offer, request.app[PATIENCE])
    except Refusal as no:
        raise NoToDevice(no.why) from no
    await request.app[RESOURCES].keep(visit)
    headers = {"ETag": core.etag_of(answer)}
    return web.Response(text=core.fragment_of(answer), content_type=FRAGMENT, headers=headers)


async def finish(request: web.Request, kind: Kind) -> web.Response:
    """DELETE: the device leaves."""
    (await _visit(request, kind)).leave()
    return web.Response()


async def _visit(request: web.Request, kind: Kind) -> Visit:
    """The device whose resource this is, taken up again if need be. Raises NoToDevice."""
    app, token, key = request.app, token_hash(_token(request)), token_hash(request.match_info["resource"])
    visit = app[RESOURCES].here(key)
    if visit is None:
        _look_at_rate(request)
        try:
            visit = await app[RESOURCES].find(key)
        except AWAY:
            raise NoToDevice("service_away") from None
    if visit is None or visit.kind is not kind or not visit.etag:
        raise NoToDevice("gone")
    if token != visit.token:
        raise NoToDevice("bad_token")
    return visit


# ---------------------------------------------------------------- both


def _token(request: web.Request) -> str:
    token = core.bearer(request.headers.get("Authorization"))
    if token is None:
        raise NoToDevice("bad_token")
    return token


def _look_at_rate(request: web.Request) -> None:
    if request.app[JOIN_RATE].take(client_address(request), asyncio.get_running_loop().time()):
        raise NoToDevice("too_many")


async def _read(request: web.Request, media_type: str) -> str:
    if request.content_type != media_type:
        raise NoToDevice("bad_type", f"Content-Type must be {media_type}")
    raw = b""
    while len(raw) <= MESSAGE_LIMIT and (more := await request.content.read(MESSAGE_LIMIT + 1)):
        raw += more
    if len(raw) > MESSAGE_LIMIT:
        raise NoToDevice("too_large", f"at most {MESSAGE_LIMIT} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise NoToDevice("bad_offer", "not UTF-8") from error


async def preflight(request: web.Request, kind: Kind) -> web.Response:
    """OPTIONS: what is taken here; asked without a token."""
    taken = {"Accept-Patch": FRAGMENT} if "resource" in request.match_info else {"Accept-Post": SDP}
    return web.Response(headers={**taken, **ASKED_FIRST})


def _routed(handler: Handler, kind: Kind) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A page of another site reads refusals too, so they are answered here and not by the application's middleware."""

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.Response:
        try:
            response = await handler(request, kind)
        except UserError as error:
            response = errors.to_response(error)
            if error.status == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
        response.headers.update(CORS)
        response.headers["Cache-Control"] = "no-store"
        return response

    return answer


async def _run_resources(app: web.Application) -> AsyncIterator[None]:
    """Behind the rooms. Where there are several web processes another may have a device: it is taken up when it speaks."""
    resources = app[RESOURCES] = Resources(app[POOL], app[ROOMS], app[CLOCK])
    if not app[SETTINGS].bus:
        await resources.take_up()
    yield
    await resources.close()


def add_whip(app: web.Application) -> None:
    """Plug in, behind the rooms."""
    app[PATIENCE] = Patience()
    app.cleanup_ctx.append(_run_resources)
    for kind in Kind:
        for path, verbs in (
            (f"/api/{kind}", {"POST": begin}),
            (f"/api/{kind}/{{resource}}", {"PATCH": change, "DELETE": finish}),
        ):
            for method, handler in {**verbs, "OPTIONS": preflight}.items():
                app.router.add_route(method, path, _routed(handler, kind))
