"""The right column of the desk, and the two buttons of a kiosk that concern people: help, and going away."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from aiohttp import web

from server.access.core import Action
from server.access.require import as_uuid
from server.api import Call, Operation, add_operations
from server.endpoints import store as endpoints
from server.errors import NotFound
from server.i18n import language_of
from server.keys import CLOCK
from server.live import Notice, stream
from server.signaling.rooms import ROOMS
from server.waiting.desk_http import Done
from server.watch import core, service
from server.watch.service import HELP_LASTS, SQL

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from server.db import Connection
    from server.signaling.rooms import Rooms

HelpKind = Literal["help", "urgent", "devices"]
AlertKind = Literal[
    "recording_failed", "low_space", "citizen_gone", "suspended", "nobody_came", "disconnected", "device_failed", "loss"
]


class AskHelp(msgspec.Struct, forbid_unknown_fields=True):
    """One press on *help*."""

    kind: HelpKind = "help"


class HelpShown(msgspec.Struct):
    """What became of the press: `asked`, or `taken` by somebody; `none` when nobody has pressed."""

    state: str
    by: str = ""


class HelpCall(msgspec.Struct):
    """Somebody presses for a person. `raised_at` in unix seconds."""

    id: int
    kind: str
    raised_at: float
    endpoint_name: str
    site_name: str
    number: str


class SilentDevice(msgspec.Struct):
    """A device of one's sites that does not report any more: switched off, broken, or without a line. `since` in unix seconds."""

    id: str
    kind: str
    name: str
    site_name: str
    since: float


class PresentShown(msgspec.Struct):
    """Somebody with a seat. `loss`: the worse direction's, the worst of the last ten seconds, a share of 1."""

    seat: str
    role: str
    name: str
    state: str
    loss: float
    lacks: list[str]


class AlertShown(msgspec.Struct):
    """What needs somebody; `taken_by` is empty until somebody sees to it."""

    kind: str
    seat: str | None
    who: str
    role: str
    taken_by: str


class RoomShown(msgspec.Struct):
    """One running session of one's sites: no word of what is said in it."""

    id: str
    number: str
    ticket: str
    matter: str
    procedure: str
    site_name: str
    led_by: str
    is_mine: bool
    state: str
    opened_at: float
    recording: str
    people: list[PresentShown]
    alerts: list[AlertShown]


class DutyShown(msgspec.Struct):
    """One shift of one's own, from the published roster."""

    service: str
    site_name: str
    starts: float
    ends: float


class Colleague(msgspec.Struct):
    """Somebody who serves here: `available`, `in_room` or `away`."""

    id: str
    name: str
    status: str


class Watch(msgspec.Struct):
    """The day around the line."""

    status: str
    duty: list[DutyShown]
    colleagues: list[Colleague]
    help: list[HelpCall]
    rooms: list[RoomShown]
    silent: list[SilentDevice] = []


class TakeOver(msgspec.Struct, forbid_unknown_fields=True):
    """Which alert one sees to."""

    session: str
    kind: AlertKind
    seat: str | None = None


class SetStatus(msgspec.Struct, forbid_unknown_fields=True):
    """What one says of oneself; being in a room is known without saying."""

    status: Annotated[str, msgspec.Meta(pattern="^(available|away)$")]


async def ask_help(call: Call[AskHelp]) -> HelpShown:
    """Press for a person."""
    async with call.connection() as conn:
        await service.raise_help(conn, call.actor, call.body.kind, call.now)
    return HelpShown("asked")


async def help_state(call: Call[None]) -> HelpShown:
    """Whether somebody is coming."""
    async with call.connection() as conn:
        row = await service.newest_help(conn, call.actor, call.now)
    if row is None:
        return HelpShown("none")
    english = language_of(call.request) == "en"
    return HelpShown("taken", row["by_en" if english else "by_zh"]) if row["taken_at"] else HelpShown("asked")


async def gone(call: Call[None]) -> Done:
    """Nobody sits here any more."""
    async with call.connection() as conn:
        await service.go_from_device(conn, call.actor, call.now)
    return Done()


async def watch(call: Call[None]) -> Watch:
    """The day around the line, now."""
    english = language_of(call.request) == "en"
    sites = service.sites_of(call.actor)
    async with call.connection() as conn:
        calls = await conn.fetch(SQL["open_help"], sites, call.now - HELP_LASTS)
        duty = await conn.fetch(SQL["duty_of"], as_uuid(str(call.actor.id)), call.now)
        colleagues = await conn.fetch(SQL["colleagues"], sites)
        rooms = await _rooms(conn, call.app[ROOMS], str(call.actor.id), sites, english, call.now)
        silent = await endpoints.silent_below(conn, [str(site) for site in sites], call.now)
        is_away = await conn.fetchval(SQL["is_away"], as_uuid(str(call.actor.id)))
    mine = any(room.is_mine for room in rooms)
    status = "in_room" if mine else "away" if is_away else "available"
    return Watch(
        status,
        [_duty(row, english) for row in duty],
        [_colleague(row, english) for row in colleagues if row["id"] != call.actor.id],
        [_help(row, english) for row in calls],
        rooms,
        [_silent(one, english) for one in silent],
    )


def _silent(one: endpoints.Health, english: bool) -> SilentDevice:
    name, site = (one.name_en, one.site_name_en) if english else (one.name_zh, one.site_name_zh)
    return SilentDevice(one.id, one.kind, name, site, one.reported_at.timestamp() if one.reported_at else 0.0)


def _duty(row: asyncpg.Record, english: bool) -> DutyShown:
    site = row["site_en" if english else "site_zh"]
    return DutyShown(row["service"], site, row["starts"].timestamp(), row["ends"].timestamp())


def _colleague(row: asyncpg.Record, english: bool) -> Colleague:
    status = "in_room" if row["is_in_room"] else "away" if row["is_away"] else "available"
    return Colleague(row["id"], row["name_en" if english else "name_zh"], status)


def _help(row: asyncpg.Record, english: bool) -> HelpCall:
    endpoint, site = (row["endpoint_en"], row["site_en"]) if english else (row["endpoint_zh"], row["site_zh"])
    return HelpCall(row["id"], row["kind"], row["raised_at"].timestamp(), endpoint, site, row["number"])


async def _rooms(
    conn: Connection, rooms: Rooms, me: str, sites: list[UUID], english: bool, now: datetime
) -> list[RoomShown]:
    rows = await conn.fetch(SQL["running_of_sites"], sites)
    ids = [as_uuid(row["id"]) for row in rows]
    seats: dict[str, list[asyncpg.Record]] = defaultdict(list)
    for seat in await conn.fetch(SQL["seats_of"], ids):
        seats[seat["session_id"]].append(seat)
    taken = {
        (row["session_id"], row["kind"], row["seat"]): row["by_en" if english else "by_zh"]
        for row in await conn.fetch(SQL["taken"], ids)
    }
    return [_room(row, _present(rooms, row["id"], seats[row["id"]]), rooms, taken, me, english, now) for row in rows]


def _present(rooms: Rooms, session_id: str, seats: list[asyncpg.Record]) -> tuple[core.Present, ...]:
    """As the room has them; where nobody tells of the room, only who has a seat."""
    seen = rooms.seen(session_id)
    found = []
    for row in seats:
        person = seen.people.get(row["seat"]) if seen else None
        word = person.word if person else "waiting" if row["state"] == "waiting" else "expected"
        loss, lacks = (person.loss, person.lacks) if person else (0.0, ())
        found.append(core.Present(row["seat"], row["role"], row["name"], word, loss, lacks))
    return tuple(found)


def _room(
    row: asyncpg.Record,
    people: tuple[core.Present, ...],
    rooms: Rooms,
    taken: dict[tuple[str, str, str | None], str],
    me: str,
    english: bool,
    now: datetime,
) -> RoomShown:
    seen = rooms.seen(row["id"])
    recording, is_low = (seen.recording, seen.is_low) if seen else ("none", False)
    facts = core.Running(row["id"], row["state"], row["opened_at"], recording, row["is_gone"], is_low, people)
    by_seat = {person.seat: person for person in people}
    alerts = []
    for alert in core.alerts(facts, now):
        about = by_seat.get(alert.seat or "")
        who, role = (about.name, about.role) if about else ("", "")
        alerts.append(AlertShown(alert.kind, alert.seat, who, role, taken.get((row["id"], alert.kind, alert.seat), "")))
    led, site = (row["led_en"], row["site_en"]) if english else (row["led_zh"], row["site_zh"])
    shown = [PresentShown(p.seat, p.role, p.name, p.state, p.loss, list(p.lacks)) for p in people]
    return RoomShown(
        row["id"], row["number"], row["ticket"], row["matter"], row["procedure"], site, led, row["in_charge"] == me,
        row["state"], row["opened_at"].timestamp(), recording, shown, alerts,
    )  # fmt: skip


async def watch_events(call: Call[None]) -> web.StreamResponse:
    """The same at once, at each change, and every fifteen seconds for what changes without a word: losses, time."""

    async def state() -> Watch:
        return await watch(Call(call.request, call.actor, None, None, call.app[CLOCK]()))

    def wanted(notice: Notice) -> bool:
        return notice.get("kind") in ("session", "alert", "ticket")

    return await stream(call, "watch", state, wanted)


async def take_help(call: Call[None]) -> Done:
    """I go there."""
    number = call.path("call")
    if not number.isdecimal() or len(number) > 15:
        raise NotFound()
    async with call.connection() as conn:
        await service.take_help(conn, call.actor, int(number), call.now)
    return Done()


async def take_over(call: Call[TakeOver]) -> Done:
    """I see to it."""
    body = call.body
    async with call.connection() as conn:
        await service.take_over(conn, call.actor, body.session, body.kind, body.seat, call.now)
    return Done()


async def set_status(call: Call[SetStatus]) -> Done:
    """Away, or back."""
    async with call.connection() as conn:
        await service.set_away(conn, call.actor, call.body.status == "away", call.now)
    return Done()


_KIOSK = "/api/kiosk/{endpoint}"
OPERATIONS = [
    Operation(
        "POST", f"{_KIOSK}/help", ask_help, Action.SEE_OWN_TICKET, "Press for a person", body=AskHelp, reply=HelpShown
    ),
    Operation("GET", f"{_KIOSK}/help", help_state, Action.SEE_OWN_TICKET, "Whether somebody comes", reply=HelpShown),
    Operation("POST", f"{_KIOSK}/gone", gone, Action.LEAVE_QUEUE, "Nobody sits here any more", reply=Done),
    Operation("GET", "/api/desk/watch", watch, Action.SEE_DESK, "The day around the line", reply=Watch),
    Operation(
        "GET", "/api/desk/watch/events", watch_events, Action.SEE_DESK, "The same at each change (event: watch)",
        media_type="text/event-stream",
    ),
    Operation("POST", "/api/desk/help/{call}/take", take_help, Action.SEE_DESK, "I go there", reply=Done),
    Operation("POST", "/api/desk/watch/take", take_over, Action.SEE_DESK, "I see to it", body=TakeOver, reply=Done),
    Operation("PUT", "/api/desk/status", set_status, Action.SEE_DESK, "Away, or back", body=SetStatus, reply=Done),
]  # fmt: skip


def add(app: web.Application) -> None:
    """Plug in."""
    add_operations(app, OPERATIONS)
