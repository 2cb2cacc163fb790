"""Appointments over HTTP: free times for everybody, one's own by the personal link, all of one's sites for staff."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from aiohttp import web

from server.access.address import client_address
from server.access.core import Action
from server.access.rates import Rate
from server.access.tokens import looks_like_token
from server.api import Call, Operation, add_operations
from server.bookings import entries, pages, rounds, service, store
from server.errors import BadInput, NotFound, TooMany
from server.i18n import language_of
from server.keys import SETTINGS
from server.pages import add_pages
from server.tickets import store as tickets
from server.waiting import service as waiting

if TYPE_CHECKING:
    from server.db import Connection

BOOK_RATE: web.AppKey[Rate] = web.AppKey("book_rate", Rate)
Service = Literal["notarization", "mediation", "legal_aid", "legal_advice"]
Instant = Annotated[float, msgspec.Meta(ge=0, le=32_503_680_000)]
Secret = Annotated[str, msgspec.Meta(min_length=32, max_length=64)]


class SlotQuery(msgspec.Struct):
    """Which times: from `since` (unix seconds, now if not said), `days` long; `space`, `endpoint`: the village room or device that has to be free."""

    service: Service
    since: Instant = 0.0
    days: Annotated[int, msgspec.Meta(ge=1, le=60)] = 14
    space: str | None = None
    endpoint: str | None = None


class SlotShown(msgspec.Struct):
    """A time with a professional. `kept`: meant for people who just come; staff may give it away."""

    professional: str
    name: str
    starts_at: float
    ends_at: float
    kept: bool


class Slots(msgspec.Struct):
    """Free times, the earliest first."""

    slots: list[SlotShown]


class Book(msgspec.Struct, forbid_unknown_fields=True):
    """An appointment. `space`, `endpoint`: the village room or device that is needed too; `request_key`: a secret of the page.

    `contact`: a telephone number or an address; who has none keeps the personal link.
    """

    service: Service
    starts_at: Instant
    professional: str
    citizen_name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    request_key: Secret
    contact: Annotated[str, msgspec.Meta(max_length=80, pattern="^(.{5,})?$")] = ""
    space: str | None = None
    endpoint: str | None = None
    note: Annotated[str, msgspec.Meta(max_length=400)] = ""


class BookFor(Book, forbid_unknown_fields=True):
    """By staff; `site`: where the citizen will sit."""

    site: str = ""


class MoveBooking(msgspec.Struct, forbid_unknown_fields=True):
    """To another time, or another professional."""

    starts_at: Instant
    professional: str


class CancelBooking(msgspec.Struct, forbid_unknown_fields=True):
    """Why, if anybody wants to say."""

    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class BookingShown(msgspec.Struct):
    """An appointment. `contact` and `note` for staff only; `ticket` once it stands in line."""

    id: str
    service: str
    state: str
    starts_at: float
    ends_at: float
    professional: str
    professional_name: str
    citizen_name: str
    site: str
    site_name: str
    room: str
    space: str | None
    endpoint: str | None
    revision: int
    ticket: str | None
    contact: str = ""
    note: str = ""


class Booked(msgspec.Struct):
    """The appointment and the secret of its personal link; the link of its ticket later is the same."""

    booking: BookingShown
    token: str
    url: str


class Bookings(msgspec.Struct):
    """In order of time."""

    bookings: list[BookingShown]


class ListQuery(msgspec.Struct):
    """Which days: from `since` (unix seconds), `days` long."""

    since: Instant
    days: Annotated[int, msgspec.Meta(ge=1, le=62)] = 7


async def slots(call: Call[None]) -> Slots:
    """Free times for somebody who will sit at a site."""
    query: SlotQuery = call.query
    room = service.VillageRoom(query.space or None, query.endpoint or None)
    async with call.connection() as conn:
        site = await _site(conn, call.path("slug"))
        line = await service.line_at(conn, site, query.service)
        await service.check_room(conn, site, room)
        since = max(_at(query.since), call.now)
        found = await service.slots(conn, line, since, since + timedelta(days=query.days), call.now, room)
    english = language_of(call.request) == "en"
    shown = [
        SlotShown(
            one.slot.person, one.name_en if english else one.name_zh, one.slot.start.timestamp(), one.slot.end.timestamp(), one.slot.kept
        )
        for one in found
        if not one.slot.kept or call.actor.kind == "person"
    ]  # fmt: skip
    return Slots(shown)


async def _site(conn: Connection, slug: str) -> str:
    site = await tickets.site_of_slug(conn, slug) if slug.isascii() and slug.isprintable() else None
    if site is None:
        raise NotFound()
    return site


async def book(call: Call[Book]) -> Booked:
    """By the citizen, on a public page."""
    if wait := call.app[BOOK_RATE].take(client_address(call.request), time.monotonic()):
        raise TooMany(wait)
    async with call.connection() as conn:
        site = await _site(conn, call.path("slug"))
        wish = _wish(call.body)
        booking, token = await service.book(conn, call.actor, site, wish, call.now)
    return _booked(call.request, booking, token)


async def book_for(call: Call[BookFor]) -> Booked:
    """By staff or at the counter."""
    async with call.connection() as conn:
        booking, token = await service.book(conn, call.actor, call.body.site, _wish(call.body), call.now, True)
    return _booked(call.request, booking, token, staff=True)


def _wish(body: Book) -> service.Wish:
    return service.Wish(
        body.service, _at(body.starts_at), body.professional, body.citizen_name, body.contact, body.request_key,
        body.space, body.endpoint, body.note,
    )  # fmt: skip


def _booked(request: web.Request, booking: store.Booking, token: str, staff: bool = False) -> Booked:
    base = request.app[SETTINGS].public_url or f"{request.scheme}://{request.host}"
    return Booked(shown(booking, request, staff), token, f"{base.rstrip('/')}/hall/appointment/{token}")


def shown(booking: store.Booking, request: web.Request, staff: bool) -> BookingShown:
    """For a page; the contact is for staff."""
    english = language_of(request) == "en"
    return BookingShown(
        booking.id, booking.service, booking.state, booking.start.timestamp(), booking.end.timestamp(), booking.professional_id,
        booking.professional_en if english else booking.professional_zh, booking.citizen_name, booking.citizen_site_id,
        booking.place_en if english else booking.place_zh, booking.room_en if english else booking.room_zh,
        booking.space_id, booking.endpoint_id, booking.revision,
        booking.ticket_id, booking.citizen_contact if staff else "", booking.note if staff else "",
    )  # fmt: skip


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def _held(call: Call[Any], conn: Connection) -> store.Booking:
    if not looks_like_token(call.path("token")):
        raise NotFound()
    return await service.of_holder(conn, call.path("token"))


async def own(call: Call[Any]) -> BookingShown:
    """The appointment of a personal link."""
    async with call.connection() as conn:
        return shown(await _held(call, conn), call.request, False)


async def own_move(call: Call[Any]) -> BookingShown:
    """The citizen needs another time."""
    body = call.body
    assert isinstance(body, MoveBooking)
    async with call.connection() as conn:
        booking = await _held(call, conn)
        moved = await service.move(conn, call.actor, booking, _at(body.starts_at), body.professional, call.now)
    return shown(moved, call.request, False)


async def own_cancel(call: Call[Any]) -> BookingShown:
    """The citizen will not come."""
    async with call.connection() as conn:
        booking = await service.cancel(conn, call.actor, await _held(call, conn), "", call.now)
    return shown(booking, call.request, False)


async def own_entry(call: Call[Any]) -> web.StreamResponse:
    """The citizen's calendar entry."""
    async with call.connection() as conn:
        return _ics(call.request, await _held(call, conn), "citizen")


async def listed(call: Call[None]) -> Bookings:
    """Appointments of one's lines and sites."""
    query: ListQuery = call.query
    since = _at(query.since)
    async with call.connection() as conn:
        areas = [area.id for area in await waiting.areas_seen(conn, call.actor)]
        rows = await conn.fetch(store.SQL["sites_below"], [grant.site_id for grant in call.actor.grants])
        sites = [row["id"] for row in rows]
        found = await store.of_lines(conn, areas, sites, since, since + timedelta(days=query.days))
    return Bookings([shown(one, call.request, True) for one in found])


async def staff_move(call: Call[MoveBooking]) -> BookingShown:
    """Another time, or another professional."""
    async with call.connection() as conn:
        booking = await service.for_staff(conn, call.actor, call.path("booking"))
        start = _at(call.body.starts_at)
        moved = await service.move(conn, call.actor, booking, start, call.body.professional, call.now)
    return shown(moved, call.request, True)


async def staff_confirm(call: Call[None]) -> BookingShown:
    """Seen; we will be there."""
    async with call.connection() as conn:
        booking = await service.for_staff(conn, call.actor, call.path("booking"))
        return shown(await service.confirm(conn, call.actor, booking, call.now), call.request, True)


async def staff_cancel(call: Call[CancelBooking]) -> BookingShown:
    """It does not take place."""
    async with call.connection() as conn:
        booking = await service.for_staff(conn, call.actor, call.path("booking"))
        cancelled = await service.cancel(conn, call.actor, booking, call.body.reason, call.now)
    return shown(cancelled, call.request, True)


class EntryQuery(msgspec.Struct):
    """Whose calendar."""

    side: Literal["professional", "room"] = "professional"


async def staff_entry(call: Call[None]) -> web.StreamResponse:
    """The professional's or the room's calendar entry."""
    query: EntryQuery = call.query
    async with call.connection() as conn:
        booking = await service.for_staff(conn, call.actor, call.path("booking"))
    if query.side == "room" and not booking.room_zh:
        raise BadInput("bad_input", field="side")
    return _ics(call.request, booking, query.side)


def _ics(request: web.Request, booking: store.Booking, side: entries.Side) -> web.Response:
    body = entries.entry(booking, side, language_of(request) == "en")
    response = web.Response(body=body, content_type="text/calendar", charset="utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="appointment-{booking.id[:8]}.ics"'
    response.headers["Cache-Control"] = "no-store"
    return response


_OWN, _ONE = "/api/appointments/{token}", "/api/bookings/{booking}"
_PUBLIC, _STAFF, _ICS = Action.BOOK_PUBLICLY, Action.MANAGE_BOOKINGS, "text/calendar"
OPERATIONS = [
    Operation("GET", "/api/hall/{slug}/slots", slots, _PUBLIC, "Free times", query=SlotQuery, reply=Slots),
    Operation("POST", "/api/hall/{slug}/appointments", book, _PUBLIC, "Book a time", body=Book, reply=Booked, status=201),
    Operation("GET", _OWN, own, _PUBLIC, "The appointment of a personal link", reply=BookingShown),
    Operation("DELETE", _OWN, own_cancel, _PUBLIC, "I will not come", reply=BookingShown),
    Operation("POST", f"{_OWN}/move", own_move, _PUBLIC, "I need another time", body=MoveBooking, reply=BookingShown),
    Operation("GET", f"{_OWN}/entry.ics", own_entry, _PUBLIC, "My calendar entry", media_type=_ICS),
    Operation("GET", "/api/bookings", listed, _STAFF, "Appointments of my lines and sites", query=ListQuery, reply=Bookings),
    Operation("POST", "/api/bookings", book_for, _STAFF, "Book for somebody", body=BookFor, reply=Booked, status=201),
    Operation("POST", f"{_ONE}/confirm", staff_confirm, _STAFF, "Seen; we will be there", reply=BookingShown),
    Operation("POST", f"{_ONE}/move", staff_move, _STAFF, "Another time or person", body=MoveBooking, reply=BookingShown),
    Operation("POST", f"{_ONE}/cancel", staff_cancel, _STAFF, "It does not take place", body=CancelBooking, reply=BookingShown),
    Operation("GET", f"{_ONE}/entry.ics", staff_entry, _STAFF, "A calendar entry", query=EntryQuery, media_type=_ICS),
]  # fmt: skip


def add(app: web.Application) -> None:
    """Plug in, with reminders and the way into the line."""
    app[BOOK_RATE] = Rate(burst=6, every_s=120.0)
    add_operations(app, OPERATIONS)
    add_pages(app, pages.PAGES)
    app.cleanup_ctx.append(rounds.keep_going)
