"""Booking, moving, confirming, cancelling; reminders; and the appointment's way into the line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg

from server import audit
from server.access.core import SERVES, Action, Actor
from server.access.require import as_uuid, require_site
from server.access.tokens import token_hash
from server.bookings import core, store
from server.errors import BadInput, Conflict, NotFound
from server.tickets import store as tickets
from server.tickets.service import link_token
from server.waiting import core as line_core
from server.waiting import service as waiting
from server.waiting import store as lines

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

STEWARD = Actor("system", "steward")
# How the sides are reminded (SMS, e-mail), inside the transaction that marks the reminder as done.
Remind = Callable[["Connection", store.Booking], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class VillageRoom:
    """Where the citizen will sit, if not at home: a room of the site, or a device of it."""

    space_id: str | None = None
    endpoint_id: str | None = None


AT_HOME = VillageRoom()


@dataclass(frozen=True, slots=True)
class OfferedSlot:
    """A slot with the professional's name."""

    slot: core.Slot
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants what, when, with whom, and where they will sit. `request_key`: a secret of the page, 32 characters or more."""

    service: str
    start: datetime
    professional_id: str
    citizen_name: str
    citizen_contact: str
    request_key: str
    space_id: str | None = None
    endpoint_id: str | None = None
    note: str = ""


async def line_at(conn: Connection, site_id: str, service: str) -> lines.Line:
    """The line whose roster serves a site. Raises NotFound('service_not_here')."""
    for line in await lines.lines_of_site(conn, site_id):
        if line.service == service:
            return line
    raise NotFound("service_not_here")


async def slots(
    conn: Connection,
    line: lines.Line,
    since: datetime,
    until: datetime,
    now: datetime,
    room: VillageRoom = AT_HOME,
) -> list[OfferedSlot]:
    """What can still be booked in a stretch of time of at most LONGEST_AHEAD, in a village room that is free then.

    That nobody comes in between is for the constraints of the table to say, when it is booked.
    """
    if until - since > core.LONGEST_AHEAD:
        raise BadInput("bad_slot", field="until")
    roles = [role.value for role, services in SERVES.items() if line.service in services]
    found = await store.shifts(conn, line.site_id, line.service, roles, since, until)
    names = {shift.person: (zh, en) for shift, zh, en in found}
    shifts = [shift for shift, _, _ in found]
    if not shifts:
        return []
    span = min(one.start for one in shifts), max(one.end for one in shifts)
    taken = await store.taken(conn, sorted(names), *span)
    if room != AT_HOME:
        taken += await store.taken_rooms(conn, room.space_id, room.endpoint_id, *span)
    free = core.free_slots(shifts, taken, line.service, now)
    return [OfferedSlot(slot, *names[slot.person]) for slot in free if since <= slot.start < until]


async def book(
    conn: Connection, actor: Actor, site_id: str, wish: Wish, now: datetime, by_staff: bool = False
) -> tuple[store.Booking, str]:
    """(appointment, secret of its personal link). The same request sent twice is one appointment.

    site_id  where the citizen will sit
    Raises   NotFound, BadInput('bad_slot'), Conflict('slot_taken'): one of the sides has something else then
    """
    if by_staff:
        await require_site(conn, actor, Action.MANAGE_BOOKINGS, site_id)
    token = link_token(f"booking {actor.id if by_staff else ''} {wish.request_key}")
    if (known := await store.id_of_holder(conn, token_hash(token))) is not None:
        return await _load(conn, known), token
    line = await line_at(conn, site_id, wish.service)
    slot = await _slot(conn, line, wish, by_staff, now)
    await check_room(conn, site_id, VillageRoom(wish.space_id, wish.endpoint_id))
    new = store.NewBooking(
        line.id, slot.person, citizen_key(wish.citizen_contact.strip() or token), wish.citizen_name.strip(), wish.citizen_contact.strip(),
        site_id, slot.start, slot.end, token_hash(token), wish.space_id, wish.endpoint_id, wish.note.strip(),
    )  # fmt: skip
    try:
        async with conn.transaction():
            booking_id = await store.insert(conn, new, actor.id if by_staff else None, now)
            await _tell(conn, actor, "book", booking_id, line.id, now)
    except (asyncpg.ExclusionViolationError, asyncpg.DeadlockDetectedError) as error:
        raise Conflict("slot_taken") from error
    except asyncpg.UniqueViolationError:  # the same request at the same instant
        return await _load(conn, str(await store.id_of_holder(conn, token_hash(token)))), token
    return await _load(conn, booking_id), token


def citizen_key(contact: str) -> bytes:
    """One person by their telephone number or address, however it is written; who gives none is known by the link alone."""
    plain = "".join(letter for letter in contact.lower() if letter.isalnum() or letter == "@")
    return hashlib.sha256(b"laizuo citizen " + plain.encode()).digest()


async def _slot(conn: Connection, line: lines.Line, wish: Wish, by_staff: bool, now: datetime) -> core.Slot:
    offered = await slots(conn, line, wish.start, wish.start + timedelta(minutes=1), now)
    mine = [one.slot for one in offered if one.slot.start == wish.start and one.slot.person == wish.professional_id]
    if not mine:
        at_all = await store.taken(
            conn, [str(as_uuid(wish.professional_id))], wish.start, wish.start + timedelta(minutes=1)
        )
        raise Conflict("slot_taken") if at_all else BadInput("bad_slot", field="starts_at")
    if mine[0].kept and not by_staff:
        raise BadInput("bad_slot", field="starts_at")
    return mine[0]


async def check_room(conn: Connection, site_id: str, room: VillageRoom) -> None:
    """Raises NotFound where the site has no such room or device."""
    if room.space_id and await store.space_site(conn, as_uuid(room.space_id)) != site_id:
        raise NotFound()
    if room.endpoint_id and await tickets.endpoint_site(conn, as_uuid(room.endpoint_id)) != site_id:
        raise NotFound()


async def _load(conn: Connection, booking_id: str) -> store.Booking:
    found = await store.load(conn, as_uuid(booking_id))
    if found is None:
        raise NotFound()
    return found


async def of_holder(conn: Connection, token: str) -> store.Booking:
    """The appointment of a personal link. Raises NotFound."""
    booking_id = await store.id_of_holder(conn, token_hash(token))
    if booking_id is None:
        raise NotFound()
    return await _load(conn, booking_id)


async def for_staff(conn: Connection, actor: Actor, booking_id: str) -> store.Booking:
    """An appointment at a site of this person's, on either side. Raises NotFound, NotAllowed."""
    found = await _load(conn, booking_id)
    if found.professional_id != actor.id:
        await require_site(conn, actor, Action.MANAGE_BOOKINGS, found.citizen_site_id)
    return found


async def move(
    conn: Connection, actor: Actor, booking: store.Booking, start: datetime, professional_id: str, now: datetime
) -> store.Booking:
    """Another time, or another professional. Raises BadInput('bad_slot'), Conflict('slot_taken'), Conflict('booking_closed')."""
    line = lines.Line(booking.area_id, booking.service, "", booking.site_id)
    wish = Wish(booking.service, start, professional_id, booking.citizen_name, booking.citizen_contact, "")
    slot = await _slot(conn, line, wish, actor.kind == "person", now)
    try:
        async with conn.transaction():
            values = (slot.start, slot.end, as_uuid(slot.person), now)
            if not await store.change(conn, "move", booking.id, *values):
                raise Conflict("booking_closed")
            await _tell(conn, actor, "move_booking", booking.id, booking.area_id, now)
    except (asyncpg.ExclusionViolationError, asyncpg.DeadlockDetectedError) as error:
        raise Conflict("slot_taken") from error
    return await _load(conn, booking.id)


async def confirm(conn: Connection, actor: Actor, booking: store.Booking, now: datetime) -> store.Booking:
    """Staff have seen it and will be there; confirming twice changes nothing. Raises Conflict('booking_closed')."""
    async with conn.transaction():
        if await store.change(conn, "confirm", booking.id, now):
            await _tell(conn, actor, "confirm_booking", booking.id, booking.area_id, now)
        elif booking.state != "confirmed":
            raise Conflict("booking_closed")
    return await _load(conn, booking.id)


async def cancel(conn: Connection, actor: Actor, booking: store.Booking, reason: str, now: datetime) -> store.Booking:
    """The times are free again at once. Raises Conflict('booking_closed')."""
    async with conn.transaction():
        if not await store.change(conn, "cancel", booking.id, now, reason.strip()):
            raise Conflict("booking_closed")
        await _tell(conn, actor, "cancel_booking", booking.id, booking.area_id, now)
    return await _load(conn, booking.id)


async def _tell(conn: Connection, actor: Actor, what: str, booking_id: str, area_id: str, now: datetime) -> None:
    await audit.append(conn, actor, what, "booking", booking_id, now, {"area": area_id})
    await conn.execute("select pg_notify('laizuo', $1)", json.dumps({"kind": "booking", "area": area_id}))


async def into_line(conn: Connection, now: datetime) -> list[str]:
    """Appointments whose time is near become tickets; inside the caller's transaction. Returns the tickets."""
    made = []
    for booking_id in await store.due(conn, "due_for_ticket", now + line_core.TICKET_BEFORE):
        booking = await _load(conn, booking_id)
        line = await tickets.line(conn, as_uuid(booking.area_id))
        assert line is not None
        until = booking.start + line_core.WAITS_FOR_PERSON
        new = lines.NewTicket(
            None, booking.citizen_site_id, booking.citizen_name, f"booking {booking.id}", "appointment",
            kiosk_id=booking.endpoint_id, holder_hash=booking.holder_hash, for_person=booking.professional_id,
            for_person_until=until,
        )  # fmt: skip
        place = line_core.place_at(booking.start - line_core.COUNTS_EARLIER)
        ticket_id = await waiting.put_in_line(conn, STEWARD, line, new, now, place)
        await store.ticketed(conn, booking.id, ticket_id)
        made.append(ticket_id)
    return made


async def send_reminders(conn: Connection, now: datetime, remind: Remind | None) -> int:
    """Mark those who are to be reminded, and remind them where somebody can; inside the caller's transaction."""
    due = await store.due(conn, "due_for_reminder", now, now + core.REMIND_BEFORE)
    for booking_id in due:
        if remind:
            await remind(conn, await _load(conn, booking_id))
    return len(due)
