"""The kiosk: its page, its ticket, its event stream."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from aiohttp import web

from schedules.store.releases import on_duty
from server.access.core import Action
from server.access.rates import Rate
from server.api import Call, Operation
from server.endpoints import store as endpoints
from server.errors import NotSignedIn, TooMany
from server.i18n import language_of
from server.keys import CLOCK
from server.live import Notice, stream
from server.pages import Page, page
from server.sessions import service as sessions
from server.waiting import service, store
from server.waiting.core import TicketState

if TYPE_CHECKING:
    from server.db import Connection

TICKET_RATE: web.AppKey[Rate] = web.AppKey("ticket_rate", Rate)
Service = Literal["notarization", "mediation", "legal_aid", "legal_advice"]


class TakeTicket(msgspec.Struct, forbid_unknown_fields=True):
    """One press on *take ticket*. `request_key` is made by the page once per press, so that a repeated send is no second ticket."""

    service: Service
    request_key: Annotated[str, msgspec.Meta(min_length=8, max_length=64)]
    citizen_name: Annotated[str, msgspec.Meta(max_length=80)] = ""


class RoomKey(msgspec.Struct):
    """The seat token of the room protocol."""

    token: str


class Ticket(msgspec.Struct):
    """A ticket with its place in line. `room` is there once the ticket is called, in the event stream only."""

    id: str
    number: str
    service: str
    state: str
    people_ahead: int
    estimated_wait_s: int | None
    taken_at: float
    room: RoomKey | None = None


class TicketHeld(msgspec.Struct):
    """The device's live ticket, if any."""

    ticket: Ticket | None


class OnDuty(msgspec.Struct):
    """Somebody who is on duty now, and until when (unix seconds)."""

    name: str
    until: float


class ServiceOffered(msgspec.Struct):
    """One large card of the kiosk."""

    service: str
    people_ahead: int
    estimated_wait_s: int | None
    on_duty: list[OnDuty]


class SiteShown(msgspec.Struct):
    """Where the kiosk stands."""

    slug: str
    name: str


class KioskState(msgspec.Struct):
    """What the kiosk's first screen needs."""

    endpoint: str
    site: SiteShown
    services: list[ServiceOffered]
    ticket: Ticket | None


async def kiosk_page(call: Call[None]) -> web.StreamResponse:
    """The whole life of a kiosk in one page."""
    if call.actor.kind != "endpoint":
        raise NotSignedIn("endpoint_not_enrolled")
    async with call.connection() as conn:
        endpoint = await endpoints.load(conn, str(call.actor.id))
        await endpoints.seen(conn, endpoint.id, call.now)
    return page(call, "kiosk.html", endpoint=endpoint)


async def kiosk_state(call: Call[None]) -> KioskState:
    """What this kiosk offers now."""
    english = language_of(call.request) == "en"
    async with call.connection() as conn:
        endpoint = await endpoints.load(conn, str(call.actor.id))
        services = [await _offer(call, conn, line) for line in await store.lines_of_site(conn, endpoint.site_id)]
        place = await service.place_of(conn, call.actor, call.now)
    site = SiteShown(endpoint.site_slug, endpoint.site_name_en if english else endpoint.site_name_zh)
    return KioskState(endpoint.id, site, services, _ticket(place) if place else None)


async def _offer(call: Call[None], conn: Connection, line: store.Line) -> ServiceOffered:
    waiting = await store.waiting_count(conn, line.id)
    wait = await service.estimate(conn, line.id, line.service, waiting, call.now)
    english = language_of(call.request) == "en"
    serving = await on_duty(conn, line.site_id, line.service, call.now)
    duty = [OnDuty(one.name.en if english else one.name.zh, one.until.timestamp()) for one in serving]
    return ServiceOffered(line.service, waiting, wait, duty)


async def take_ticket(call: Call[TakeTicket]) -> Ticket:
    """Get in line."""
    if wait := call.app[TICKET_RATE].take(str(call.actor.id), time.monotonic()):
        raise TooMany(wait)
    async with call.connection() as conn:
        body = call.body
        return _ticket(
            await service.take_ticket(conn, call.actor, body.service, body.citizen_name, body.request_key, call.now)
        )


async def own_ticket(call: Call[None]) -> TicketHeld:
    """The ticket this kiosk holds."""
    async with call.connection() as conn:
        place = await service.place_of(conn, call.actor, call.now)
    return TicketHeld(_ticket(place) if place else None)


async def leave_queue(call: Call[None]) -> TicketHeld:
    """Give the place up."""
    async with call.connection() as conn:
        await service.leave_queue(conn, call.actor, call.now)
    return TicketHeld(None)


async def ticket_events(call: Call[None]) -> web.StreamResponse:
    """The ticket at once and at each change; once called, with the key to the room."""
    endpoint_id = str(call.actor.id)
    keys: dict[str, RoomKey] = {}

    async def state() -> TicketHeld:
        now = call.app[CLOCK]()
        async with call.connection() as conn:
            place = await service.place_of(conn, call.actor, now)
            if place is None:
                return TicketHeld(None)
            ticket = _ticket(place)
            if ticket.state in (TicketState.CALLED, TicketState.SERVING):
                if ticket.id not in keys and (
                    token := await sessions.citizen_token_for(conn, ticket.id, endpoint_id, now)
                ):
                    keys[ticket.id] = RoomKey(token)
                ticket.room = keys.get(ticket.id)
            return TicketHeld(ticket)

    def wanted(notice: Notice) -> bool:
        # Any movement in a line may change the place and the estimate.
        return notice.get("kind") == "queue" or notice.get("endpoint") == endpoint_id

    return await stream(call, "ticket", state, wanted)


def _ticket(place: service.Place) -> Ticket:
    held = place.ticket
    return Ticket(
        held.id, held.number, held.service, held.state, held.people_ahead, place.wait_s, held.taken_at.timestamp()
    )


_AT = "/api/kiosk/{endpoint}"
OPERATIONS = [
    Operation("GET", _AT, kiosk_state, Action.SEE_OWN_TICKET, "What this kiosk offers now", reply=KioskState),
    Operation(
        "POST",
        f"{_AT}/tickets",
        take_ticket,
        Action.TAKE_TICKET,
        "Get in line",
        body=TakeTicket,
        reply=Ticket,
        status=201,
    ),
    Operation(
        "GET", f"{_AT}/ticket", own_ticket, Action.SEE_OWN_TICKET, "The ticket this kiosk holds", reply=TicketHeld
    ),
    Operation("DELETE", f"{_AT}/ticket", leave_queue, Action.LEAVE_QUEUE, "Leave the line", reply=TicketHeld),
    Operation(
        "GET",
        f"{_AT}/events",
        ticket_events,
        Action.SEE_OWN_TICKET,
        "The ticket at each change (event: ticket)",
        media_type="text/event-stream",
    ),
]
PAGES = [Page("/kiosk/{endpoint}", kiosk_page, Action.SEE_PUBLIC)]
