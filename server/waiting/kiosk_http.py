"""The kiosk: its page, its ticket, its event stream."""

from __future__ import annotations

import time
from datetime import timedelta
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
from server.lines import service as lines
from server.live import Notice, StreamOver, stream
from server.pages import SECURITY_HEADERS, Page, page
from server.sessions import service as sessions
from server.tickets import store as tickets
from server.waiting import service, store

if TYPE_CHECKING:
    from server.db import Connection
    from server.lines.core import Opening

LECTURES_AHEAD = timedelta(days=7)  # who stands before a kiosk plans by the week
TICKET_RATE: web.AppKey[Rate] = web.AppKey("ticket_rate", Rate)
Service = Literal["notarization", "mediation", "legal_aid", "legal_advice"]
# What one presses on a kiosk. The seven sentences of the legal service parlours (contract, house, large payment, quarrel, family,
# inheritance, labour) on six cards: a house passes to another with an inheritance, a contract is signed before a large payment.
Matter = Literal["", "inheritance_or_house", "family", "labour", "legal_aid", "dispute", "before_signing"]


class TakeTicket(msgspec.Struct, forbid_unknown_fields=True):
    """One press on *take ticket*. `request_key` is made by the page once per press, so that a repeated send is no second ticket."""

    service: Service
    request_key: Annotated[str, msgspec.Meta(min_length=8, max_length=64)]
    citizen_name: Annotated[str, msgspec.Meta(max_length=80)] = ""
    priority_group: Literal["", "elderly", "disabled", "minor"] = ""
    matter: Matter = ""


class DeviceCheck(msgspec.Struct, forbid_unknown_fields=True):
    """What the device check has found missing; empty: all is well again."""

    lacks: Annotated[list[Literal["camera", "microphone", "network"]], msgspec.Meta(max_length=3)]


class RoomKey(msgspec.Struct):
    """The seat token of the room protocol."""

    token: str


class MessageShown(msgspec.Struct):
    """A short message. `sender`: staff or citizen; `code` names a quick answer (its words are the page's)."""

    id: int
    sender: str
    text: str
    code: str
    at: float
    by: str


class Ticket(msgspec.Struct):
    """A ticket with its place in line. `room` is there once the ticket is called, in the event stream only.

    moved_to   the site whose line has taken it over (overflow), or null
    """

    id: str
    number: str
    service: str
    state: str
    people_ahead: int
    estimated_wait_s: int | None
    taken_at: float
    room: RoomKey | None = None
    priority_group: str = ""
    channel: str = "kiosk"
    moved_to: str | None = None
    messages: list[MessageShown] = []


class TicketHeld(msgspec.Struct):
    """The device's live ticket, if any."""

    ticket: Ticket | None


class OnDuty(msgspec.Struct):
    """Somebody who is on duty now, and until when (unix seconds)."""

    name: str
    until: float


class OpeningShown(msgspec.Struct):
    """Whether a line is open; when not, why, since what time it is again (unix seconds, null: nobody knows) and what people are told."""

    open: bool
    reason: str
    opens_at: float | None
    message: str


class ServiceOffered(msgspec.Struct):
    """One large card of the kiosk."""

    service: str
    people_ahead: int
    estimated_wait_s: int | None
    on_duty: list[OnDuty]
    opening: OpeningShown


class SiteShown(msgspec.Struct):
    """Where the kiosk stands."""

    slug: str
    name: str


class LectureAtKiosk(msgspec.Struct):
    """A lecture of this site, or one that can be heard here now (`is_open`)."""

    id: str
    title: str
    where: str
    starts_at: float
    ends_at: float
    is_open: bool


class KioskState(msgspec.Struct):
    """What the kiosk's first screen needs. `card_reader`: where the device's own program answers that reads identity cards (KIOSK.md)."""

    endpoint: str
    site: SiteShown
    services: list[ServiceOffered]
    ticket: Ticket | None
    called_here: list[
        str
    ] = []  # numbers whose holders sit near this kiosk and are called to it (offline tickets, appointments)
    card_reader: str = ""
    lectures: list[LectureAtKiosk] = []


async def kiosk_page(call: Call[None]) -> web.StreamResponse:
    """The whole life of a kiosk in one page."""
    if call.actor.kind != "endpoint":
        raise NotSignedIn("endpoint_not_enrolled")
    async with call.connection() as conn:
        endpoint = await endpoints.load(conn, str(call.actor.id))
        await endpoints.seen(conn, endpoint.id, call.now)
    if endpoint.kind == "hall_screen":  # enrolled like a kiosk, it has another page
        return web.Response(status=303, headers={"Location": f"/screen/{endpoint.id}"})
    response = page(call, "kiosk.html", endpoint=endpoint)
    if endpoint.card_reader:  # the one address besides our own that this page may ask
        policy = SECURITY_HEADERS["Content-Security-Policy"]
        own = "connect-src 'self'"
        response.headers["Content-Security-Policy"] = policy.replace(own, f"{own} {endpoint.card_reader}")
    return response


async def kiosk_state(call: Call[None]) -> KioskState:
    """What this kiosk offers now."""
    english = language_of(call.request) == "en"
    async with call.connection() as conn:
        endpoint = await endpoints.load(conn, str(call.actor.id))
        services = [await _offer(call, conn, line) for line in await store.lines_of_site(conn, endpoint.site_id)]
        place = await service.place_of(conn, call.actor, call.now)
        ticket = await ticket_shown(conn, place, english) if place else None
        near = await store.waiting_near_kiosk(conn, endpoint.id)
        lectures = await store.lectures_near_kiosk(conn, endpoint.id, call.now, call.now + LECTURES_AHEAD)
    site = SiteShown(endpoint.site_slug, endpoint.site_name_en if english else endpoint.site_name_zh)
    told = [_lecture(one, english) for one in lectures]
    return KioskState(endpoint.id, site, services, ticket, near, endpoint.card_reader, told)


def _lecture(one: store.LectureNear, english: bool) -> LectureAtKiosk:
    place = one.site_en if english else one.site_zh
    where = f"{place} · {one.venue}" if one.venue else place
    title = one.title_en if english else one.title
    return LectureAtKiosk(one.id, title, where, one.starts.timestamp(), one.ends.timestamp(), one.is_open)


async def _offer(call: Call[None], conn: Connection, line: store.Line) -> ServiceOffered:
    waiting = await store.waiting_count(conn, line.id)
    wait = await service.estimate(conn, line.id, line.service, waiting, call.now)
    english = language_of(call.request) == "en"
    serving = await on_duty(conn, line.site_id, line.service, call.now)
    duty = [OnDuty(one.name.en if english else one.name.zh, one.until.timestamp()) for one in serving]
    opening = opening_shown(await lines.opening(conn, line.id, call.now), english)
    return ServiceOffered(line.service, waiting, wait, duty, opening)


def opening_shown(state: Opening, english: bool) -> OpeningShown:
    """In the language of the page."""
    opens_at = state.opens_at.timestamp() if state.opens_at else None
    return OpeningShown(state.is_open, state.reason, opens_at, state.message_en if english else state.message_zh)


async def take_ticket(call: Call[TakeTicket]) -> Ticket:
    """Get in line."""
    if wait := call.app[TICKET_RATE].take(str(call.actor.id), time.monotonic()):
        raise TooMany(wait)
    async with call.connection() as conn:
        body = call.body
        place = await service.take_ticket(
            conn,
            call.actor,
            body.service,
            body.citizen_name,
            body.request_key,
            call.now,
            body.priority_group,
            body.matter,
        )
        return await ticket_shown(conn, place, language_of(call.request) == "en")


async def own_ticket(call: Call[None]) -> TicketHeld:
    """The ticket this kiosk holds."""
    async with call.connection() as conn:
        place = await service.place_of(conn, call.actor, call.now)
        return TicketHeld(await ticket_shown(conn, place, language_of(call.request) == "en") if place else None)


async def leave_queue(call: Call[None]) -> TicketHeld:
    """Give the place up."""
    async with call.connection() as conn:
        await service.leave_queue(conn, call.actor, call.now)
    return TicketHeld(None)


async def tell_check(call: Call[DeviceCheck]) -> TicketHeld:
    """What the device of whoever waits here lacks: staff see it before they call."""
    async with call.connection() as conn:
        await service.tell_check(conn, call.actor, None, call.body.lacks)
    return await own_ticket(Call(call.request, call.actor, None, None, call.now))


async def ticket_events(call: Call[None]) -> web.StreamResponse:
    """The ticket at once and at each change; once called, with the key to the room."""
    endpoint_id = str(call.actor.id)
    keys: dict[str, RoomKey] = {}

    async def state() -> TicketHeld:
        now = call.app[CLOCK]()
        async with call.connection() as conn:
            if not await store.is_enrolled(conn, endpoint_id):
                raise StreamOver  # shut out: within one heartbeat, and at once by the notice
            place = await service.place_of(conn, call.actor, now)
            if place is None:
                return TicketHeld(None)
            ticket = await ticket_shown(conn, place, language_of(call.request) == "en")
            session = place.ticket.session_id  # a ticket that was put back is called into another room
            if session is not None:
                if session not in keys and (
                    token := await sessions.citizen_token_for(conn, ticket.id, endpoint_id, now)
                ):
                    keys[session] = RoomKey(token)
                ticket.room = keys.get(session)
            return TicketHeld(ticket)

    def wanted(notice: Notice) -> bool:
        # Any movement in a line may change the place and the estimate.
        return notice.get("kind") == "queue" or is_ours(notice)

    def is_ours(notice: Notice) -> bool:
        return notice.get("endpoint") == endpoint_id

    return await stream(call, "ticket", state, wanted, urgent=is_ours)


async def ticket_shown(conn: Connection, place: service.Place, english: bool) -> Ticket:
    """A ticket with its place, its messages, and where its line has gone."""
    held = place.ticket
    moved_to = held.moved_to_en if english else held.moved_to_zh
    return Ticket(
        held.id, held.number, held.service, held.state, held.people_ahead, place.wait_s, held.taken_at.timestamp(), None,
        held.priority_group, held.channel, moved_to, messages_shown(await tickets.messages(conn, held.id), english),
    )  # fmt: skip


def messages_shown(rows: list[tickets.Message], english: bool) -> list[MessageShown]:
    """Messages for a page."""
    return [
        MessageShown(row.id, row.sender, row.text, row.code, row.at.timestamp(), row.by_en if english else row.by_zh)
        for row in rows
    ]


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
    Operation(
        "PUT",
        f"{_AT}/ticket/check",
        tell_check,
        Action.SEE_OWN_TICKET,
        "What this device lacks",
        body=DeviceCheck,
        reply=TicketHeld,
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
