"""The staff desk beyond *call next*: the card of a ticket, its moves, messages, alerts, tickets for somebody at the counter."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from aiohttp import web

from server.access.core import Action
from server.api import Call, Operation, add_operations
from server.errors import NotFound
from server.i18n import language_of
from server.keys import SETTINGS
from server.tickets import beside_http, kiosk_http, links_http, portraits, rounds, service, store
from server.waiting import service as waiting
from server.waiting import store as line_store
from server.waiting.desk_http import Done
from server.waiting.kiosk_http import MessageShown, Service, messages_shown

Note = Annotated[str, msgspec.Meta(max_length=1000)]
Secret = Annotated[str, msgspec.Meta(min_length=32, max_length=64)]


class StoryShown(msgspec.Struct):
    """One thing that happened: when, which move, which number the ticket had then, who did it, what they noted."""

    at: float
    move: str
    number: str
    by: str
    note: str


class TicketCard(msgspec.Struct):
    """All that is known of a ticket: what the next one reads before saying hello."""

    id: str
    area: str
    service: str
    number: str
    state: str
    citizen_name: str
    priority_group: str
    priority_note: str
    channel: str
    site_name: str
    taken_at: float
    skips: int
    matter: str
    story: list[StoryShown]
    messages: list[MessageShown]
    has_portrait: bool = False


class PutBack(msgspec.Struct, forbid_unknown_fields=True):
    """Why; read by who calls next."""

    note: Note = ""


class Transfer(msgspec.Struct, forbid_unknown_fields=True):
    """To which line, and the story so far."""

    area: str
    note: Note = ""


class Write(msgspec.Struct, forbid_unknown_fields=True):
    """A short message to somebody who waits."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class TakeFor(msgspec.Struct, forbid_unknown_fields=True):
    """A ticket for somebody. `site`: where they sit; `endpoint`: the kiosk that they are called to, if any; `request_key`: a secret."""

    site: str
    service: Service
    request_key: Secret
    citizen_name: Annotated[str, msgspec.Meta(max_length=80)] = ""
    priority_group: Literal["", "elderly", "disabled", "minor", "urgent"] = ""
    priority_note: Annotated[str, msgspec.Meta(max_length=200)] = ""
    endpoint: str | None = None
    channel: Literal["counter", "phone", "staff"] = "counter"


class TicketTaken(msgspec.Struct):
    """The ticket, and the personal link that shows its place and opens its room."""

    ticket: str
    number: str
    link: str


class TargetShown(msgspec.Struct):
    """A line that somebody can be moved to."""

    area: str
    site: str
    site_name: str
    service: str


class SiteToSit(msgspec.Struct):
    """A site at which somebody can be given a ticket."""

    site: str
    name: str


class Targets(msgspec.Struct):
    """All lines of the city; and one's own sites, for a ticket for somebody."""

    targets: list[TargetShown]
    sites: list[SiteToSit]


async def card(call: Call[None]) -> TicketCard:
    """All that is known of a ticket."""
    async with call.connection() as conn:
        facts = await service.require_ticket(conn, call.actor, call.path("ticket"))
        story = await store.story(conn, facts.id)
        messages = await store.messages(conn, facts.id)
        has_portrait = await portraits.is_there(conn, facts.id)
    english = language_of(call.request) == "en"
    shown = [StoryShown(e.at.timestamp(), e.move, e.number, e.by_en if english else e.by_zh, e.note) for e in story]
    return TicketCard(
        facts.id, facts.area_id, facts.service, facts.number, facts.state, facts.citizen_name, facts.priority_group,
        facts.priority_note, facts.channel, facts.site_name_en if english else facts.site_name_zh,
        facts.taken_at.timestamp(), facts.skips, facts.matter, shown, messages_shown(messages, english), has_portrait,
    )  # fmt: skip


async def hold(call: Call[None]) -> Done:
    """Keep the place of somebody who is away."""
    async with call.connection() as conn:
        await service.hold(conn, call.actor, call.path("ticket"), call.now)
    return Done()


async def resume(call: Call[None]) -> Done:
    """They are back."""
    async with call.connection() as conn:
        await service.resume(conn, call.actor, call.path("ticket"), call.now)
    return Done()


async def skip(call: Call[None]) -> Done:
    """Two others first."""
    async with call.connection() as conn:
        await service.skip(conn, call.actor, call.path("ticket"), call.now)
    return Done()


async def put_back(call: Call[PutBack]) -> Done:
    """From the call or the room back into the line, place kept."""
    async with call.connection() as conn:
        await service.put_back(conn, call.actor, call.path("ticket"), call.body.note.strip(), call.now)
    return Done()


async def transfer(call: Call[Transfer]) -> TicketTaken:
    """To another line, with the story. The personal link, if there is one, goes along."""
    body = call.body
    async with call.connection() as conn:
        moved = await service.transfer(conn, call.actor, call.path("ticket"), body.area, body.note.strip(), call.now)
    return TicketTaken(moved.id, moved.number, "")


async def write(call: Call[Write]) -> Done:
    """A short message to somebody who waits."""
    async with call.connection() as conn:
        await service.write_to(conn, call.actor, call.path("ticket"), call.body.text, call.now)
    return Done()


async def targets(call: Call[None]) -> Targets:
    """Where somebody can be moved to."""
    english = language_of(call.request) == "en"
    async with call.connection() as conn:
        seen = await waiting.areas_seen(conn, call.actor)
        sites = {area.site_id for area in seen} | {grant.site_id for grant in call.actor.grants}
        rows = await store.targets(conn, sorted(sites))
        own = await conn.fetch(store.SQL["sites_to_sit"], [UUID(grant.site_id) for grant in call.actor.grants])
    return Targets(
        [TargetShown(r.id, r.site_id, r.site_name_en if english else r.site_name_zh, r.service) for r in rows],
        [SiteToSit(r["id"], r["name_en" if english else "name_zh"]) for r in own],
    )


async def take_for(call: Call[TakeFor]) -> TicketTaken:
    """A ticket for somebody at the counter or on the phone."""
    body = call.body
    wish = line_store.NewTicket(
        None, body.site, body.citizen_name, body.request_key, body.channel, 0, body.priority_group, body.priority_note, body.endpoint
    )  # fmt: skip
    async with call.connection() as conn:
        facts, token = await service.take_for(conn, call.actor, body.site, body.service, wish, call.now)
    return TicketTaken(facts.id, facts.number, link_url(call.request, token))


def link_url(request: web.Request, token: str) -> str:
    """The page of a personal link."""
    base = request.app[SETTINGS].public_url or f"{request.scheme}://{request.host}"
    return f"{base.rstrip('/')}/hall/ticket/{token}"


async def take_alert(call: Call[None]) -> Done:
    """I see to it."""
    number = call.path("alert")
    if not number.isdecimal() or len(number) > 15:
        raise NotFound()
    async with call.connection() as conn:
        await service.take_alert(conn, call.actor, int(number), call.now)
    return Done()


_TICKET = "/api/desk/tickets/{ticket}"
_MAY = Action.HANDLE_TICKET
OPERATIONS = [
    Operation(
        "POST", "/api/desk/tickets", take_for, Action.TAKE_TICKET_FOR, "A ticket for somebody",
        body=TakeFor, reply=TicketTaken, status=201,
    ),
    Operation("GET", "/api/desk/targets", targets, _MAY, "Lines that somebody can be moved to", reply=Targets),
    Operation("GET", _TICKET, card, _MAY, "All that is known of a ticket", reply=TicketCard),
    Operation("POST", f"{_TICKET}/hold", hold, _MAY, "Keep the place of somebody who is away", reply=Done),
    Operation("POST", f"{_TICKET}/resume", resume, _MAY, "They are back", reply=Done),
    Operation("POST", f"{_TICKET}/skip", skip, _MAY, "Two others first", reply=Done),
    Operation("POST", f"{_TICKET}/put-back", put_back, _MAY, "Back into the line, place kept", body=PutBack, reply=Done),
    Operation(
        "POST", f"{_TICKET}/transfer", transfer, _MAY, "To another line", body=Transfer, reply=TicketTaken, status=201
    ),
    Operation("POST", f"{_TICKET}/messages", write, _MAY, "A short message to somebody who waits", body=Write, reply=Done),
    Operation("POST", "/api/desk/alerts/{alert}/take", take_alert, Action.CALL_NEXT, "I see to it", reply=Done),
]  # fmt: skip


def add(app: web.Application) -> None:
    """Plug in, with the steward."""
    add_operations(app, OPERATIONS + kiosk_http.OPERATIONS + portraits.OPERATIONS + beside_http.OPERATIONS)
    links_http.add(app)
    app.cleanup_ctx.append(rounds.keep_going)
