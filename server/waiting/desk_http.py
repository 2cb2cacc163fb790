"""The staff desk: my line, live, and the calls."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from aiohttp import web

from schedules.store.releases import on_duty
from server.access.core import Action
from server.api import Call, Operation
from server.db.pool import DatabaseAway
from server.i18n import language_of
from server.keys import CLOCK
from server.lines import service as lines
from server.live import Notice, stream
from server.pages import Page, page
from server.people.store import load_person
from server.sessions import service as sessions
from server.signaling.rooms import ROOMS
from server.signaling.standing import STANDING, Place
from server.tickets import store as tickets
from server.waiting import service, store
from server.waiting.kiosk_http import OpeningShown, opening_shown

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection


class PersonShown(msgspec.Struct):
    """Who is signed in."""

    id: str
    name: str
    roles: list[str]


class Waiting(msgspec.Struct):
    """Somebody in line. `taken_at` in unix seconds: the page counts the waiting time itself."""

    ticket: str
    number: str
    site_name: str
    endpoint_name: str
    citizen_name: str
    priority: int
    taken_at: float
    state: str = "waiting"
    priority_group: str = ""
    priority_note: str = ""
    channel: str = "kiosk"
    skips: int = 0
    for_me: bool = False  # an appointment with the person who asks
    for_another: bool = False  # an appointment with somebody else: call-next passes it over for a while
    moved_here: bool = False  # nobody answered in its own line
    answers: int = 0  # messages from the citizen
    matter: str = ""  # what they pressed at the kiosk
    lacks: list[str] = []  # camera, microphone, network: what the check of their device has found missing


class OnDuty(msgspec.Struct):
    """Somebody on duty in this line now, and until when (unix seconds)."""

    name: str
    until: float


class AlertShown(msgspec.Struct):
    """Somebody waits too long, and it is for you. Level 1: you are on duty; 2: you are next."""

    id: int
    level: int
    area: str
    ticket: str
    number: str
    waiting_since: float


class AreaShown(msgspec.Struct):
    """One line with those who wait in it."""

    id: str
    site_name: str
    service: str
    may_call: bool
    waiting: list[Waiting]
    on_duty: list[OnDuty] = []
    opening: OpeningShown | None = None


class SessionShown(msgspec.Struct):
    """The session that this person leads now."""

    id: str
    state: str
    procedure: str
    number: str
    url: str


class Desk(msgspec.Struct):
    """The whole desk."""

    person: PersonShown
    areas: list[AreaShown]
    session: SessionShown | None
    alerts: list[AlertShown] = []


class CallNext(msgspec.Struct, forbid_unknown_fields=True):
    """From which lines; all of one's own if not said. `page`: which of one's pages, if it stands by for the room (PROTOCOL.md)."""

    areas: Annotated[list[str], msgspec.Meta(max_length=100)] | None = None
    page: Annotated[str, msgspec.Meta(max_length=64)] = ""


class RoomDoor(msgspec.Struct):
    """The way into the room: the page, and the seat token of the room protocol."""

    url: str
    token: str


class CalledShown(msgspec.Struct):
    """Whom one has called."""

    session: str
    ticket: str
    number: str
    citizen_name: str
    room: RoomDoor


class NameCitizen(msgspec.Struct, forbid_unknown_fields=True):
    """The name of somebody who did not type it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class Done(msgspec.Struct):
    """Nothing more to say."""

    done: bool = True


async def desk_page(call: Call[None]) -> web.StreamResponse:
    """The page."""
    return page(call, "desk.html")


async def my_room_page(call: Call[None]) -> web.StreamResponse:
    """The village room of its worker, on one page for a phone."""
    return page(call, "my_room.html")


async def desk_state(call: Call[None]) -> Desk:
    """The desk of the person who asks, now."""
    english = language_of(call.request) == "en"
    async with call.connection() as conn:
        person = await load_person(conn, str(call.actor.id))
        seen = await service.areas_seen(conn, call.actor)
        callable_ids = {area.id for area in await service.areas_of(conn, call.actor)}
        rows = await store.waiting_list(conn, [area.id for area in seen])
        current = await sessions.session_of_person(conn, person.id)
        number = await store.number_called_by(conn, person.id) if current else None
        alerts = [_alert(row) for row in await tickets.alerts_of(conn, person.id, sorted(callable_ids))]
        lists = {
            area.id: [_waiting(row, english, person.id) for row in rows if row.area_id == area.id] for area in seen
        }
        areas = [await _area(conn, area, lists[area.id], area.id in callable_ids, english, call.now) for area in seen]
    shown = PersonShown(person.id, person.name_en if english else person.name_zh, sorted(call.actor.roles()))
    running = (
        SessionShown(current.id, current.state, current.procedure, number or "", f"/room/{current.id}")
        if current
        else None
    )
    return Desk(shown, areas, running, alerts)


async def _area(
    conn: Connection, area: store.ServedArea, waiting: list[Waiting], may_call: bool, english: bool, now: datetime
) -> AreaShown:
    serving = await on_duty(conn, area.site_id, area.service, now)
    duty = [OnDuty(one.name.en if english else one.name.zh, one.until.timestamp()) for one in serving]
    opening = opening_shown(await lines.opening(conn, area.id, now), english)
    site_name = area.site_name_en if english else area.site_name_zh
    return AreaShown(area.id, site_name, area.service, may_call, waiting, duty, opening)


def _alert(row: tickets.Alert) -> AlertShown:
    return AlertShown(row.id, row.level, row.area_id, row.ticket, row.number, row.taken_at.timestamp())


def _waiting(row: store.WaitingRow, english: bool, person_id: str) -> Waiting:
    site, endpoint = (row.site_name_en, row.endpoint_name_en) if english else (row.site_name_zh, row.endpoint_name_zh)
    return Waiting(
        row.ticket, row.number, site, endpoint or "", row.citizen_name, row.priority, row.taken_at.timestamp(),
        row.state, row.priority_group, row.priority_note, row.channel, row.skips,
        row.for_person == person_id, row.for_person not in (None, person_id), row.moved_here, row.answers, row.matter, row.lacks,
    )  # fmt: skip


async def desk_events(call: Call[None]) -> web.StreamResponse:
    """The desk at once and at each change."""

    async def state() -> Desk:
        return await desk_state(Call(call.request, call.actor, None, None, call.app[CLOCK]()))

    def wanted(notice: Notice) -> bool:
        return notice.get("kind") in ("queue", "session", "alert")

    return await stream(call, "desk", state, wanted)


async def call_next(call: Call[CallNext]) -> CalledShown:
    """Call the next person of one's lines."""
    async with call.connection() as conn:
        called = await service.call_next(conn, call.actor, call.body.areas, call.now)
    return await _called(call, called, call.body.page)


async def call_ticket(call: Call[None]) -> CalledShown:
    """Call this person, out of turn."""
    async with call.connection() as conn:
        called = await service.call_ticket(conn, call.actor, call.path("ticket"), call.now)
    return await _called(call, called)


async def _called(call: Call[Any], called: service.Called, page: str = "") -> CalledShown:
    """Open the room before anybody stands at its door: the recording starts with the session, and both are in sooner."""
    with contextlib.suppress(DatabaseAway):  # the session is open; whoever joins first opens the room then
        await call.app[ROOMS].of(called.session.session_id)
    if page:
        call.app[STANDING].call(Place("person", str(call.actor.id), page), called.session.staff_token)
    if called.ticket.endpoint_id:
        call.app[STANDING].call(Place("endpoint", called.ticket.endpoint_id), called.session.citizen_token)
    door = RoomDoor(f"/room/{called.session.session_id}", called.session.staff_token)
    ticket = called.ticket
    return CalledShown(called.session.session_id, ticket.id, ticket.number, ticket.citizen_name, door)


async def name_citizen(call: Call[NameCitizen]) -> Done:
    """Fill in a name."""
    async with call.connection() as conn:
        await service.name_citizen(conn, call.actor, call.path("ticket"), call.body.name, call.now)
    return Done()


OPERATIONS = [
    Operation("GET", "/api/desk", desk_state, Action.SEE_DESK, "My line and my session", reply=Desk),
    Operation(
        "GET",
        "/api/desk/events",
        desk_events,
        Action.SEE_DESK,
        "The desk at each change (event: desk)",
        media_type="text/event-stream",
    ),
    Operation(
        "POST",
        "/api/desk/call-next",
        call_next,
        Action.CALL_NEXT,
        "Call the next person",
        body=CallNext,
        reply=CalledShown,
    ),
    Operation(
        "POST", "/api/desk/tickets/{ticket}/call", call_ticket, Action.CALL_NEXT, "Call this person", reply=CalledShown
    ),
    Operation(
        "POST",
        "/api/desk/tickets/{ticket}/name",
        name_citizen,
        Action.NAME_CITIZEN,
        "Fill in a name",
        body=NameCitizen,
        reply=Done,
    ),
]
PAGES = [Page("/desk", desk_page, Action.SEE_DESK), Page("/my-room", my_room_page, Action.SEE_DESK)]
