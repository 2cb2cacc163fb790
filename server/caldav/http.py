"""CalDAV over HTTP: one function per method. Who asks says so by the secret of the personal feed, as Basic password or in the path.

/caldav/ [en/] [t/{secret}/]                    who am I            -> principal/
                             principal/          where are mine      -> calendars/
                             calendars/          the calendars
                             calendars/{name}/   one calendar: PROPFIND, REPORT
                             calendars/{name}/{uid}.ics   one event: GET, PROPFIND
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from aiohttp import web

from schedules.store import feed_history
from server.access.tokens import looks_like_token, token_hash
from server.api import BODY_LIMIT
from server.caldav import calendars, webdav
from server.caldav.webdav import Answer, cal, dav
from server.db.pool import connection
from server.errors import NotFound
from server.feeds.bodies import BODIES
from server.feeds.receipts import RECEIPTS, program_of
from server.keys import CLOCK, POOL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schedules.core.ical_items import Item
    from server.caldav.calendars import Collection
    from server.caldav.webdav import Report, Value
    from server.db import Connection

ALLOWED = "OPTIONS, GET, HEAD, PROPFIND, REPORT"
READS = ("GET", "HEAD", "PROPFIND", "REPORT")
XML = "application/xml; charset=utf-8"
CHANGE = "http://calendarserver.org/ns/"


@dataclass(frozen=True, slots=True)
class Where:
    """What the path names. `parts` after the prefix, e.g. ('calendars', 'duty')."""

    prefix: str
    variant: str
    secret: str
    parts: tuple[str, ...]
    depth: str

    def href(self, *parts: str, is_folder: bool = True) -> str:
        return (
            self.prefix
            + "".join(f"{quote(part)}/" for part in parts[:-1])
            + (quote(parts[-1]) + ("/" if is_folder else "") if parts else "")
        )


async def answer(request: web.Request) -> web.StreamResponse:
    """Every method on every path below /caldav."""
    if request.method == "OPTIONS":
        return web.Response(headers={"Allow": ALLOWED, "DAV": "1, 3, calendar-access"})
    where = read_path(request)
    async with connection(request.app[POOL]) as conn:
        if not await calendars.is_known(conn, where.secret):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="Laizuo", charset="UTF-8"'})
        if request.method not in READS:
            return _refuse(403, dav("need-privileges"))
        try:
            return await _read(request, conn, where)
        except webdav.BadXml as error:
            return web.Response(status=400, text=str(error))
        except webdav.UnsupportedFilter:
            return _refuse(403, cal("supported-filter"))


def read_path(request: web.Request) -> Where:
    """Split the path into language, secret and what it names."""
    parts = [unquote(part) for part in request.match_info["rest"].split("/") if part]
    prefix, variant = "/caldav/", "zh-CN"
    if parts[:1] == ["en"]:
        prefix, variant, parts = prefix + "en/", "en", parts[1:]
    secret = _password(request)
    if parts[:1] == ["t"] and len(parts) > 1:
        secret, prefix, parts = parts[1], f"{prefix}t/{quote(parts[1])}/", parts[2:]
    return Where(prefix, variant, secret, tuple(parts), request.headers.get("Depth", "infinity"))


def _password(request: web.Request) -> str:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


async def _read(request: web.Request, conn: Connection, where: Where) -> web.StreamResponse:
    if request.method in ("GET", "HEAD"):
        return await _get(request, conn, where)
    report = webdav.read_report(await _body(request))
    if request.method == "PROPFIND":
        return _multistatus(await _propfind(request, conn, where), report)
    if len(where.parts) != 2 or where.parts[0] != "calendars":
        return _refuse(403, dav("supported-report"))
    found = await calendars.load(conn, where.secret, where.parts[1], where.variant, request.app[BODIES])
    _note(request, where, found)
    return await _report(conn, where, found, report)


async def _body(request: web.Request) -> bytes:
    raw = await request.content.read(BODY_LIMIT + 1)
    while raw and len(raw) <= BODY_LIMIT and not request.content.at_eof():
        raw += await request.content.read(BODY_LIMIT + 1)
    if len(raw) > BODY_LIMIT:
        raise webdav.BadXml(f"at most {BODY_LIMIT} bytes")
    return raw


def _multistatus(answers: Iterable[Answer], report: Report, sync_token: str = "") -> web.Response:
    body = webdav.multistatus(answers, report.props, sync_token)
    return web.Response(status=207, body=body, headers={"Content-Type": XML, "DAV": "1, 3, calendar-access"})


def _refuse(status: int, condition: str) -> web.Response:
    return web.Response(status=status, body=webdav.error(condition), headers={"Content-Type": XML, "Allow": ALLOWED})


def _note(request: web.Request, where: Where, found: Collection) -> None:
    """A synchronisation is a fetch: the receipt says so."""
    if found.name == "duty" and looks_like_token(where.secret):
        program = program_of(request.headers.get("User-Agent", ""))
        facts = (found.head.feed, token_hash(where.secret), program, where.variant, found.head.etag)
        request.app[RECEIPTS].note(*facts, request.app[CLOCK]())


# ---------------------------------------------------------------- GET


async def _get(request: web.Request, conn: Connection, where: Where) -> web.StreamResponse:
    if len(where.parts) != 3 or where.parts[0] != "calendars":
        raise NotFound()
    found = await calendars.load(conn, where.secret, where.parts[1], where.variant, request.app[BODIES])
    item = found.items.get(where.parts[2].removesuffix(".ics"))
    if item is None:
        raise NotFound()
    headers = {"ETag": item.tag, "Cache-Control": "private, no-cache"}
    known = request.if_none_match
    if known is not None and any(tag.value in ("*", item.tag.strip('"')) for tag in known):
        return web.Response(status=304, headers=headers)
    return web.Response(body=item.body, headers=headers, content_type="text/calendar", charset="utf-8")


# ---------------------------------------------------------------- PROPFIND


async def _propfind(request: web.Request, conn: Connection, where: Where) -> list[Answer]:
    parts, bodies = where.parts, request.app[BODIES]
    if parts in ((), ("principal",)):
        return [Answer(where.href(*parts), _who(where, is_principal=bool(parts)))]
    if parts == ("calendars",):
        answers = [Answer(where.href(*parts), _who(where, is_principal=False))]
        if where.depth == "0":
            return answers
        found = await calendars.load_all(conn, where.secret, where.variant, bodies)
        return answers + [Answer(where.href("calendars", c.name), _of_collection(where, c)) for c in found]
    if parts[0] != "calendars" or len(parts) > 3:
        raise NotFound()
    found_one = await calendars.load(conn, where.secret, parts[1], where.variant, bodies)
    if len(parts) == 3:
        item = found_one.items.get(parts[2].removesuffix(".ics"))
        if item is None:
            raise NotFound()
        return [_of_item(where, found_one, item, with_data=False)]
    answers = [Answer(where.href(*parts), _of_collection(where, found_one))]
    if where.depth == "0":
        return answers
    _note(request, where, found_one)
    return answers + [_of_item(where, found_one, item, with_data=False) for item in found_one.items.values()]


def _who(where: Where, *, is_principal: bool) -> Mapping[str, Value]:
    principal, home = where.href("principal"), where.href("calendars")
    kinds = (dav("collection"), dav("principal")) if is_principal else (dav("collection"),)
    return {
        dav("resourcetype"): webdav.children(*kinds),
        dav("displayname"): "来坐" if where.variant == "zh-CN" else "Laizuo",
        dav("current-user-principal"): webdav.hrefs(principal),
        dav("principal-URL"): webdav.hrefs(principal),
        dav("owner"): webdav.hrefs(principal),
        cal("calendar-home-set"): webdav.hrefs(home),
        dav("current-user-privilege-set"): webdav.privileges(),
    }


def _of_collection(where: Where, found: Collection) -> Mapping[str, Value]:
    token = webdav.sync_token(found.version.number)
    return {
        dav("resourcetype"): webdav.children(dav("collection"), cal("calendar")),
        dav("displayname"): found.title,
        dav("current-user-principal"): webdav.hrefs(where.href("principal")),
        dav("owner"): webdav.hrefs(where.href("principal")),
        dav("current-user-privilege-set"): webdav.privileges(),
        dav("supported-report-set"): webdav.reports(),
        cal("supported-calendar-component-set"): webdav.components(),
        dav("sync-token"): token,
        dav("getetag"): found.head.etag,
        f"{{{CHANGE}}}getctag": token,
    }


def _of_item(where: Where, found: Collection, item: Item, *, with_data: bool) -> Answer:
    props: dict[str, Value] = {
        dav("resourcetype"): "",
        dav("getetag"): item.tag,
        dav("getcontenttype"): "text/calendar; charset=utf-8; component=VEVENT",
        dav("getcontentlength"): str(len(item.body)),
        dav("current-user-privilege-set"): webdav.privileges(),
    }
    if with_data:
        props[cal("calendar-data")] = item.body.decode()
    return Answer(_href(where, found, item.uid), props)


def _href(where: Where, found: Collection, uid: str) -> str:
    return where.href("calendars", found.name, f"{uid}.ics", is_folder=False)


# ---------------------------------------------------------------- REPORT


async def _report(conn: Connection, where: Where, found: Collection, report: Report) -> web.Response:
    if report.name == cal("calendar-query"):
        items = webdav.matching(found.items.values(), report.query)
        return _multistatus([_of_item(where, found, item, with_data=True) for item in items], report)
    if report.name == cal("calendar-multiget"):
        return _multistatus([_named(where, found, href) for href in report.hrefs], report)
    if report.name == dav("sync-collection"):
        return await _sync(conn, where, found, report)
    return _refuse(403, dav("supported-report"))


def _named(where: Where, found: Collection, href: str) -> Answer:
    uid = unquote(href.rstrip("/").rpartition("/")[2]).removesuffix(".ics")
    item = found.items.get(uid)
    return Answer(href, None) if item is None else _of_item(where, found, item, with_data=True)


async def _sync(conn: Connection, where: Where, found: Collection, report: Report) -> web.Response:
    """What changed since the client's version; a version we do not know (any more) makes it start anew (RFC 6578 3.2)."""
    if not report.sync_token:
        changed, gone = list(found.items), list[str]()
    else:
        number = webdav.number_of(report.sync_token)
        where_kept = (found.head.feed, where.variant)
        known = None if number is None else await feed_history.load_version(conn, *where_kept, number)
        if known is None or known.number > found.version.number:
            return _refuse(403, dav("valid-sync-token"))
        changed, gone = webdav.changed_since(known.items, found.version.items)
    answers = [_of_item(where, found, found.items[uid], with_data=True) for uid in changed]
    answers += [Answer(_href(where, found, uid), None) for uid in gone]
    return _multistatus(answers, report, webdav.sync_token(found.version.number))


async def find_us(_request: web.Request) -> web.StreamResponse:
    """Where clients look first (RFC 6764 5)."""
    return web.Response(status=301, headers={"Location": "/caldav/"})


def add(app: web.Application) -> None:
    """Plug in."""
    app.router.add_route("*", "/.well-known/caldav", find_us)
    app.router.add_route("*", "/caldav{rest:(?:/.*)?}", answer)
