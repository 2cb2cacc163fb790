"""GET /feeds/{name}.ics: one row, one comparison, the bytes made at publish. No planning, no rendering, no time zones here."""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING

import msgspec
from aiohttp import ETag, web

from server.access.core import Action
from server.api import Call, Operation, add_operations
from server.db.pool import in_transaction
from server.feeds import service
from server.feeds.links import name_and_variant, subscription
from server.i18n import language_of
from server.keys import SETTINGS

if TYPE_CHECKING:
    from schedules.store.feeds import FeedBody
    from server.db import Connection


class FeedLinks(msgspec.Struct):
    """A new personal feed; its links hold the secret and are told this once."""

    https: str
    webcal: str
    qr: str


async def get_feed(call: Call[None]) -> web.StreamResponse:
    """A calendar feed; 304 where the client has these bytes."""
    name, variant = name_and_variant(call.path("name"))
    async with call.connection() as conn:
        feed, is_public = await service.load_feed(conn, name, variant)
    headers = _headers(feed, is_public=is_public)
    if _has_it(call.request, feed):
        return web.Response(status=304, headers=headers)
    return web.Response(body=feed.body, headers=headers, content_type="text/calendar", charset="utf-8")


async def head_feed(call: Call[None]) -> web.StreamResponse:
    """What a GET would say, without the calendar."""
    return await get_feed(call)


def _headers(feed: FeedBody, *, is_public: bool) -> dict[str, str]:
    """Ask again each time (`no-cache`): the answer is a 304 of some hundred bytes, and a roster that changed is seen at once."""
    return {
        "ETag": feed.etag,
        "Last-Modified": format_datetime(feed.last_modified, usegmt=True),
        "Cache-Control": "public, no-cache" if is_public else "private, no-cache",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Vary": "Accept-Encoding",
    }


def _has_it(request: web.Request, feed: FeedBody) -> bool:
    """If-None-Match decides alone where it is given (RFC 9110 13.2.2); else If-Modified-Since, in whole seconds."""
    known = request.if_none_match
    if known is not None:
        return any(tag.value in ("*", feed.etag.strip('"')) for tag in known if isinstance(tag, ETag))
    since = request.if_modified_since
    return since is not None and feed.last_modified.replace(microsecond=0) <= since


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
    Operation("GET", "/feeds/{name}.ics", get_feed, Action.READ_FEED, "A calendar feed", media_type="text/calendar"),
    Operation(
        "HEAD",
        "/feeds/{name}.ics",
        head_feed,
        Action.READ_FEED,
        "A calendar feed, headers only",
        media_type="text/calendar",
    ),
    Operation(
        "POST", "/api/feeds/own", rotate_own_feed, Action.OWN_FEED, "Make one's own feed link anew", reply=FeedLinks
    ),
    Operation("DELETE", "/api/feeds/own", revoke_own_feed, Action.OWN_FEED, "End one's own feed link"),
]


def add(app: web.Application) -> None:
    """Plug in."""
    add_operations(app, OPERATIONS)
