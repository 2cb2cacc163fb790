"""Tickets from the web and their personal links: who has the link has the ticket, and nothing else."""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
from aiohttp import web

from server.access.address import client_address
from server.access.core import Action
from server.access.rates import Rate
from server.access.tokens import looks_like_token, token_hash
from server.api import Call, Operation, add_operations
from server.errors import NotFound, TooMany
from server.i18n import language_of
from server.keys import CLOCK
from server.live import Notice, stream
from server.pages import add_pages
from server.sessions import store as sessions
from server.tickets import link_pages, service, store
from server.tickets.kiosk_http import Answer
from server.waiting import core
from server.waiting import service as waiting
from server.waiting import store as line_store
from server.waiting.desk_http import Done
from server.waiting.kiosk_http import DeviceCheck, RoomKey, Service, Ticket, ticket_shown

WEB_RATE: web.AppKey[Rate] = web.AppKey("web_ticket_rate", Rate)


class TakeWebTicket(msgspec.Struct, forbid_unknown_fields=True):
    """A ticket from one's own phone. `request_key`: random, made by the page once, kept secret: the link follows from it."""

    service: Service
    request_key: Annotated[str, msgspec.Meta(min_length=32, max_length=64)]
    citizen_name: Annotated[str, msgspec.Meta(max_length=80)] = ""
    priority_group: Annotated[str, msgspec.Meta(pattern="^(elderly|disabled|minor|)$")] = ""


class WebTicket(msgspec.Struct):
    """The ticket, and the secret of its personal link."""

    ticket: Ticket
    token: str


class LinkState(msgspec.Struct):
    """What a personal link shows."""

    ticket: Ticket


async def take(call: Call[TakeWebTicket]) -> WebTicket:
    """Get in line from the web, at a site."""
    if wait := call.app[WEB_RATE].take(client_address(call.request), time.monotonic()):
        raise TooMany(wait)
    body, slug = call.body, call.path("slug")
    token = service.link_token(body.request_key)
    async with call.connection() as conn:
        site_id = await store.site_of_slug(conn, slug) if slug.isascii() and slug.isprintable() else None
        if site_id is None:
            raise NotFound()
        new = line_store.NewTicket(
            None, site_id, body.citizen_name.strip(), token_hash(token).hex(), "web", core.PRIORITIES[body.priority_group],
            body.priority_group, holder_hash=token_hash(token),
        )  # fmt: skip
        await waiting.insert(conn, call.actor, body.service, new, call.now)
        return WebTicket(await _shown(call, token), token)


async def link_state(call: Call[None]) -> LinkState:
    """The ticket of a personal link."""
    return LinkState(await _shown(call, call.path("token")))


async def _shown(call: Call[Any], token: str) -> Ticket:
    return (await _held(call, token))[1]


async def _held(call: Call[Any], token: str) -> tuple[line_store.LiveTicket, Ticket]:
    async with call.connection() as conn:
        held = await line_store.ticket_of_holder(conn, _hash(token))
        if held is None:
            raise NotFound()
        place = await waiting.with_wait(conn, held, call.app[CLOCK]())
        return held, await ticket_shown(conn, place, language_of(call.request) == "en")


def _hash(token: str) -> bytes:
    if not looks_like_token(token):
        raise NotFound()
    return token_hash(token)


async def link_events(call: Call[None]) -> web.StreamResponse:
    """The ticket at once and at each change; once called, with the key to the room."""
    token = call.path("token")
    ticket_id = (await _shown(call, token)).id
    keys: dict[str, RoomKey] = {}

    async def state() -> LinkState:
        held, ticket = await _held(call, token)
        session = held.session_id  # a ticket that was put back is called into another room
        if session is not None:
            if session not in keys and (key := await _room_key(call, held.id)):
                keys[session] = key
            ticket.room = keys.get(session)
        return LinkState(ticket)

    def wanted(notice: Notice) -> bool:
        return notice.get("kind") == "queue" or is_ours(notice)

    def is_ours(notice: Notice) -> bool:
        return notice.get("ticket") == ticket_id

    return await stream(call, "ticket", state, wanted, urgent=is_ours)


async def _room_key(call: Call[Any], ticket_id: str) -> RoomKey | None:
    async with call.connection() as conn, conn.transaction():
        seat = await store.applicant_seat(conn, ticket_id)
        return RoomKey(await sessions.issue_token(conn, seat, "seat", call.app[CLOCK]())) if seat else None


async def leave(call: Call[None]) -> Done:
    """Give the place up."""
    async with call.connection() as conn:
        await waiting.leave(conn, call.actor, None, _hash(call.path("token")), call.now)
    return Done()


async def answer(call: Call[Answer]) -> Done:
    """A quick answer to staff."""
    async with call.connection() as conn:
        ticket = await store.live_of_holder(conn, _hash(call.path("token")))
        await service.answer(conn, call.actor, ticket, call.body.code, call.now)
    return Done()


async def tell_check(call: Call[DeviceCheck]) -> Done:
    """What one's own phone lacks: staff see it before they call."""
    async with call.connection() as conn:
        await waiting.tell_check(conn, call.actor, _hash(call.path("token")), call.body.lacks)
    return Done()


_LINK = "/api/ticket-links/{token}"
_MAY = Action.TAKE_PUBLIC_TICKET
OPERATIONS = [
    Operation(
        "POST", "/api/hall/{slug}/tickets", take, _MAY, "Get in line from the web",
        body=TakeWebTicket, reply=WebTicket, status=201,
    ),
    Operation("GET", _LINK, link_state, _MAY, "The ticket of a personal link", reply=LinkState),
    Operation("DELETE", _LINK, leave, _MAY, "Give the place up", reply=Done),
    Operation("PUT", f"{_LINK}/check", tell_check, _MAY, "What my device lacks", body=DeviceCheck, reply=Done),
    Operation("POST", f"{_LINK}/answers", answer, _MAY, "A quick answer to staff", body=Answer, reply=Done),
    Operation(
        "GET", f"{_LINK}/events", link_events, _MAY, "The ticket at each change (event: ticket)",
        media_type="text/event-stream",
    ),
]  # fmt: skip


def add(app: web.Application) -> None:
    """Plug in. From one address at most six tickets at once, then one every two minutes: a family, not a flood."""
    app[WEB_RATE] = Rate(burst=6, every_s=120.0)
    add_operations(app, OPERATIONS)
    add_pages(app, link_pages.PAGES)
