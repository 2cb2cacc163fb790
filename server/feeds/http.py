"""GET /feeds/{name}.ics: one row, one comparison, the bytes made at publish. No planning, no rendering, no time zones here."""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING

import msgspec
from aiohttp import ETag, web

from schedules.core import ical_wishes
from server.access.core import Action
from server.api import Call, Operation, add_operations
from server.db.pool import in_transaction
from server.errors import BadInput
from server.feeds import limits_http, service
from server.feeds.bodies import BODIES, Bodies
from server.feeds.days import kept
from server.feeds.heads import HEADS, answered
from server.feeds.links import name_and_variant, subscription
from server.feeds.receipts import RECEIPTS, program_of, written
from server.i18n import language_of
from server.keys import SETTINGS

if TYPE_CHECKING:
    from schedules.store.feeds import FeedHead
    from server.db import Connection
    from server.feeds.service import FoundFeed


class FeedLinks(msgspec.Struct):
    """A new personal feed; its links hold the secret and are told this once."""

    https: str
    webcal: str
    qr: str


class FeedQuery(msgspec.Struct, forbid_unknown_fields=False):
    """What a link may ask for. Calendar programs add parameters of their own, which change nothing.

    cancelled  hide, mark, status; without it cancelled events are marked twice
    alarm      minutes before the start
    device     the id of a subscription with receipts
    """

    cancelled: ical_wishes.Cancelled = ical_wishes.Cancelled.BOTH
    alarm: int | None = None
    device: str = ""


async def get_feed(call: Call[None]) -> web.StreamResponse:
    """A calendar feed; 304 where the client has these bytes."""
    wish = _wish(call.query)
    heads, bodies = call.app[HEADS], call.app[BODIES]
    asked = (*name_and_variant(call.path("name")), call.query.device)
    found = await service.find_feed(heads, *asked)
    body: bytes | None = None
    etag = found.head.etag if wish.is_plain else bodies.tag_of_wish(found.head.etag, wish)
    if etag is None or not _has_it(call.request, etag, found.head):
        found, whole = await service.load_feed(call.pool, heads, found, asked, bodies)
        body, etag = bodies.fulfilled(found.head.etag, whole, wish)
    _note(call, found)
    headers = _headers(found, etag)
    if body is None or _has_it(call.request, etag, found.head):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers, content_type="text/calendar", charset="utf-8")


def _wish(query: FeedQuery) -> ical_wishes.Wish:
    try:
        return ical_wishes.Wish(query.cancelled, query.alarm)
    except ValueError as error:
        raise BadInput("bad_query", field="alarm", detail=str(error)) from error


def _note(call: Call[None], found: FoundFeed) -> None:
    if found.device is None or call.request.method != "GET":
        return
    program = program_of(call.request.headers.get("User-Agent", ""))
    call.app[RECEIPTS].note(found.head.feed, found.device, program, found.variant, found.head.etag, call.now)


async def head_feed(call: Call[None]) -> web.StreamResponse:
    """What a GET would say, without the calendar."""
    return await get_feed(call)


def _headers(found: FoundFeed, etag: str) -> dict[str, str]:
    """Ask again each time (`no-cache`): the answer is a 304 of some hundred bytes, and a roster that changed is seen at once."""
    return {
        "ETag": etag,
        "Last-Modified": format_datetime(found.head.last_modified, usegmt=True),
        "Cache-Control": "public, no-cache" if found.is_public and not found.device else "private, no-cache",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Vary": "Accept-Encoding",
    }


def _has_it(request: web.Request, etag: str, head: FeedHead) -> bool:
    """If-None-Match decides alone where it is given (RFC 9110 13.2.2); else If-Modified-Since, in whole seconds."""
    known = request.if_none_match
    if known is not None:
        return any(tag.value in ("*", etag.strip('"')) for tag in known if isinstance(tag, ETag))
    since = request.if_modified_since
    return since is not None and head.last_modified.replace(microsecond=0) <= since


async def rotate_own_feed(call: Call[None]) -> FeedLinks:
    """Make the link of one's own calendar anew; the old one ends."""
    base_url = call.app[SETTINGS].public_url

    async def work(conn: Connection) -> str:
        return await service.rotate_own_feed(conn, call.actor, base_url.rstrip("/"), call.now)

    secret = await in_transaction(call.pool, work)
    links = subscription(base_url, secret, language_of(call.request))
    return FeedLinks(links.https, links.webcal, links.qr)


async def revoke_own_feed(call: Call[None]) -> None:
    """End the link of one's own calendar."""

    async def work(conn: Connection) -> None:
        await service.revoke_own_feed(conn, call.actor, call.now)

    await in_transaction(call.pool, work)


OPERATIONS = [
    Operation(
        "GET",
        "/feeds/{name}.ics",
        get_feed,
        Action.READ_FEED,
        "A calendar feed",
        query=FeedQuery,
        media_type="text/calendar",
    ),
    Operation(
        "HEAD",
        "/feeds/{name}.ics",
        head_feed,
        Action.READ_FEED,
        "A calendar feed, headers only",
        query=FeedQuery,
        media_type="text/calendar",
    ),
    Operation(
        "POST", "/api/feeds/own", rotate_own_feed, Action.OWN_FEED, "Make one's own feed link anew", reply=FeedLinks
    ),
    Operation("DELETE", "/api/feeds/own", revoke_own_feed, Action.OWN_FEED, "End one's own feed link"),
]


def add(app: web.Application) -> None:
    """Plug in."""
    app[BODIES] = Bodies()
    app.cleanup_ctx.append(answered)
    app.cleanup_ctx.append(written)
    app.cleanup_ctx.append(kept)
    add_operations(app, OPERATIONS + limits_http.OPERATIONS)
