"""Pages around feeds: the subscriber's page with its receipt, the hall's screen, the widget, the Atom feed of news."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import msgspec
from aiohttp import web

from schedules.core import explain
from schedules.core.explain import Language
from schedules.core.ical_items import differences
from schedules.core.model import PersonId, SiteId
from schedules.store import events, feed_history, releases
from schedules.store.feed_history import FeedVersion
from server.access.core import Action
from server.access.require import require_own, require_site_by_slug
from server.access.tokens import looks_like_token, new_token, token_hash
from server.api import Call, Operation, add_operations
from server.db.pool import in_transaction
from server.duty.public import load_public_duty
from server.errors import BadInput, NotFound
from server.events.pages import AHEAD, views_of
from server.feeds.core import DeviceLine, Missing, next_by
from server.feeds.links import name_and_variant, subscription
from server.i18n import language_of
from server.keys import SETTINGS
from server.messages import store as outbox
from server.pages import SECURITY_HEADERS, Page, add_pages, page

if TYPE_CHECKING:
    from datetime import datetime

    from schedules.store.feed_history import Receipt
    from server.db import Connection

ATOM = "http://www.w3.org/2005/Atom"
NEWS = 30  # entries of the Atom feed


class NewDevice(msgspec.Struct):
    """Links of a subscription with receipts; `page` shows what the device has."""

    https: str
    webcal: str
    page: str


class MailBody(msgspec.Struct, forbid_unknown_fields=True):
    """Where notices go; empty: nowhere."""

    address: str = ""


def _base(call: Call[None]) -> str:
    return call.app[SETTINGS].public_url.rstrip("/")


# ---------------------------------------------------------------- receipts


async def lines_of(conn: Connection, feed: str, device: bytes) -> list[DeviceLine]:
    """Every program that fetches by this link, with what it does not know yet."""
    newest: dict[str, FeedVersion | None] = {}
    lines = []
    for receipt in await feed_history.list_receipts(conn, feed, device):
        if receipt.variant not in newest:
            newest[receipt.variant] = await feed_history.newest_version(conn, feed, receipt.variant)
        now = newest[receipt.variant]
        if now is not None:
            lines.append(
                _line(receipt, await feed_history.find_version(conn, feed, receipt.variant, receipt.etag), now)
            )
    return lines


def _line(receipt: Receipt, had: FeedVersion | None, newest: FeedVersion) -> DeviceLine:
    changes = () if had is None else differences(had.items, newest.items)
    missing = tuple(Missing(c.difference.value, c.line.start, c.line.summary) for c in changes)
    when = next_by(receipt.program, receipt.fetched_at)
    number = None if had is None else had.number
    return DeviceLine(receipt.program, number, newest.number, receipt.fetched_at, when, missing)


async def own_calendar_page(call: Call[None]) -> web.StreamResponse:
    """One's own calendar: which device has which version, and where notices go."""
    me = PersonId(call.actor.id or "")
    async with call.connection() as conn:
        token = await feed_history.own_token(conn, me)
        lines = await lines_of(conn, token.feed, token.device) if token else []
        mail = await outbox.own_mail(conn, me)
    return page(
        call,
        "public/receipt.html",
        own=True,
        since=token and token.since,
        lines=lines,
        mail=mail or "",
        feed="",
        explain=explain,
    )


async def device_page(call: Call[None]) -> web.StreamResponse:
    """A public subscription's receipt, for who holds its id."""
    secret = call.path("device")
    async with call.connection() as conn:
        device = await feed_history.find_device(conn, token_hash(secret)) if looks_like_token(secret) else None
        if device is None:
            raise NotFound()
        lines = await lines_of(conn, device.feed, token_hash(secret))
    return page(
        call,
        "public/receipt.html",
        own=False,
        since=device.since,
        lines=lines,
        mail="",
        feed=device.slug,
        explain=explain,
    )


async def add_device(call: Call[None]) -> NewDevice:
    """A link of a public feed for one device, with receipts."""
    slug, _ = name_and_variant(call.path("name"))
    secret = new_token()

    async def work(conn: Connection) -> None:
        if await feed_history.add_device(conn, token_hash(secret), slug, call.now) is None:
            raise NotFound()

    await in_transaction(call.pool, work)
    links = subscription(_base(call), slug, language_of(call.request))
    return NewDevice(
        f"{links.https}?device={secret}", f"{links.webcal}?device={secret}", f"{_base(call)}/subscriptions/{secret}"
    )


async def set_mail(call: Call[MailBody]) -> None:
    """Say where notices about one's duty go."""
    require_own(call.actor, Action.OWN_FEED, call.actor.id)
    address = call.body.address.strip()
    local, _, domain = address.rpartition("@")
    if address and (
        not local or "." not in domain or len(address) > 254 or not address.isprintable() or " " in address
    ):
        raise BadInput("bad_mail_address", field="address")

    async def work(conn: Connection) -> None:
        await outbox.set_mail(conn, call.actor.id or "", address, call.now)

    await in_transaction(call.pool, work)


# ---------------------------------------------------------------- hall screen, widget


async def screen_page(call: Call[None]) -> web.StreamResponse:
    """The hall's screen: who is on duty now, the week, what is coming; it turns and renews itself."""
    language = Language(language_of(call.request))
    async with call.connection() as conn:
        duty = await load_public_duty(conn, call.actor, call.path("slug"), None, language, call.now)
        found = await events.list_events(conn, SiteId(duty.site.id), None, call.now, call.now + AHEAD)
        shown = await views_of(conn, [e for e in found if e.is_on][:6], _base(call), language, call.now)
    return page(
        call,
        "public/screen.html",
        duty=duty,
        site_name=duty.site.name_en if language is Language.EN else duty.site.name_zh,
        events=shown,
        qr=subscription(_base(call), duty.site.slug, language.value).qr,
        explain=explain,
        language=language,
    )


async def widget_page(call: Call[None]) -> web.StreamResponse:
    """A small page that other sites may show in a frame. It holds no script and knows no cookie's owner; only this page may be framed."""
    language = Language(language_of(call.request))
    async with call.connection() as conn:
        duty = await load_public_duty(conn, call.actor, call.path("slug"), None, language, call.now)
    answer = page(
        call,
        "public/widget.html",
        duty=duty,
        site_name=duty.site.name_en if language is Language.EN else duty.site.name_zh,
        explain=explain,
        language=language,
        link=f"{_base(call)}/sites/{duty.site.slug}",
    )
    policy = SECURITY_HEADERS["Content-Security-Policy"].replace("frame-ancestors 'none'", "frame-ancestors *")
    answer.headers["Content-Security-Policy"] = policy.replace("script-src 'self'", "script-src 'none'")
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


# ---------------------------------------------------------------- Atom


async def atom(call: Call[None]) -> web.StreamResponse:
    """News of a site: versions of its roster, events announced, changed, called off (RFC 4287)."""
    language = Language(language_of(call.request))
    async with call.connection() as conn:
        site = await require_site_by_slug(conn, call.actor, Action.SEE_PUBLIC, call.path("slug"))
        versions = await releases.list_versions(conn, SiteId(site.id), NEWS)
        found = await events.list_events(conn, SiteId(site.id), None, call.now - AHEAD, call.now + AHEAD)
        views = {view.id: view for view in await views_of(conn, found, _base(call), language, call.now)}
    base, zh = _base(call), language is Language.ZH
    entries = [
        (
            f"{base}/sites/{site.slug}#version-{v.version}",
            f"值班表第{v.version}版" if zh else f"Duty roster, version {v.version}",
            v.published_at,
            f"{base}/sites/{site.slug}",
        )
        for v in versions
    ]
    for event in found:
        view = views[event.id]
        off = "" if event.is_on else ("[已取消] " if zh else "[Called off] ")
        title = f"{off}{view.title} {view.day_name} {view.times}"
        entries.append((f"{base}/events/{event.id}", title, event.changed_at, f"{base}/events/{event.id}"))
    entries.sort(key=lambda entry: entry[2], reverse=True)
    name = site.name_zh if zh else site.name_en
    body = write_atom(f"{base}/sites/{site.slug}/feed.atom", name, entries[:NEWS])
    return web.Response(
        body=body, content_type="application/atom+xml", charset="utf-8", headers={"Cache-Control": "no-cache"}
    )


def write_atom(identifier: str, title: str, entries: list[tuple[str, str, datetime, str]]) -> bytes:
    """RFC 4287; entries are (id, title, updated, link), the newest first. Equal entries give equal bytes."""
    ET.register_namespace("", ATOM)
    root = ET.Element(f"{{{ATOM}}}feed")
    updated = entries[0][2].isoformat() if entries else "1970-01-01T00:00:00+00:00"
    for tag, text in (("id", identifier), ("title", title), ("updated", updated)):
        ET.SubElement(root, f"{{{ATOM}}}{tag}").text = text
    ET.SubElement(root, f"{{{ATOM}}}link", {"rel": "self", "href": identifier})
    author = ET.SubElement(root, f"{{{ATOM}}}author")
    ET.SubElement(author, f"{{{ATOM}}}name").text = title
    for key, what, at, link in entries:
        entry = ET.SubElement(root, f"{{{ATOM}}}entry")
        for tag, text in (("id", key), ("title", what), ("updated", at.isoformat())):
            ET.SubElement(entry, f"{{{ATOM}}}{tag}").text = text
        ET.SubElement(entry, f"{{{ATOM}}}link", {"href": link})
    raw: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return raw


OPERATIONS = [
    Operation(
        "POST", "/api/feeds/{name}/devices", add_device, Action.READ_FEED, "A link with receipts", reply=NewDevice
    ),
    Operation("PUT", "/api/contact/mail", set_mail, Action.OWN_FEED, "Where notices go", body=MailBody),
    Operation(
        "GET", "/sites/{slug}/feed.atom", atom, Action.SEE_PUBLIC, "News of a site", media_type="application/atom+xml"
    ),
]
PAGES = [
    Page("/my-calendar", own_calendar_page, Action.OWN_FEED),
    Page("/subscriptions/{device}", device_page, Action.READ_FEED),
    Page("/screen/{slug}", screen_page, Action.SEE_PUBLIC),
    Page("/widget/{slug}", widget_page, Action.SEE_PUBLIC),
]


def add(app: web.Application) -> None:
    """Plug in."""
    add_operations(app, OPERATIONS)
    add_pages(app, PAGES)
