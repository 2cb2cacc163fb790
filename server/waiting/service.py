"""Taking, leaving and calling tickets: each in one transaction, with its audit entry and its notice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import asyncpg

from schedules.store.releases import on_duty
from server import audit
from server.access.core import SERVES, Action, Actor
from server.access.require import as_uuid, require_own
from server.errors import Conflict, NotFound
from server.lines import service as lines
from server.people.store import load_person
from server.sessions import service as sessions
from server.waiting import core, store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from server.db import Connection
    from server.sessions.core import Procedure

SERVED_LATELY = timedelta(hours=2)
CALL_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A ticket with its place in line; `wait_s` None: nobody serves this line now."""

    ticket: store.LiveTicket
    wait_s: int | None


@dataclass(frozen=True, slots=True)
class Called:
    """What a professional gets for pressing *call next*."""

    ticket: store.CalledTicket
    session: sessions.OpenedSession
    procedure: str


async def take_ticket(
    conn: Connection,
    actor: Actor,
    service: str,
    citizen_name: str,
    request_key: str,
    now: datetime,
    group: str = "",
    matter: str = "",
) -> Place:
    """Put a device in line. The same press sent twice is one ticket.

    group   a priority group that people declare themselves (core.SELF_DECLARED)
    matter  what they pressed, in the words of the menu
    Raises  Conflict('ticket_held') when the device holds another live ticket, Conflict('line_closed'), NotFound('service_not_here').
    """
    require_own(actor, Action.TAKE_TICKET, actor.id)
    assert actor.id is not None
    assert actor.site_id is not None
    new = store.NewTicket(
        actor.id,
        actor.site_id,
        citizen_name.strip(),
        request_key,
        priority=core.PRIORITIES[group],
        priority_group=group,
        matter=matter,
    )
    await insert(conn, actor, service, new, now)
    place = await place_of(conn, actor, now)
    if place is None:
        raise Conflict("ticket_closed")
    return place


async def insert(conn: Connection, actor: Actor, service: str, new: store.NewTicket, now: datetime) -> str:
    """The ticket of a request, made now or by the same request before; in a transaction of its own.

    Raises  Conflict('ticket_held'), Conflict('line_closed'), NotFound('service_not_here')
    """
    if (known := await store.ticket_by_request(conn, new)) is not None:
        return known
    line = await _line(conn, new.site_id, service)
    await lines.refuse_closed(conn, line.id, now)
    try:
        async with conn.transaction():
            return await put_in_line(conn, actor, line, new, now)
    except asyncpg.UniqueViolationError as error:
        # The same press twice at once: the other one made the ticket. Anything else is a second ticket for one device.
        if (known := await store.ticket_by_request(conn, new)) is not None:
            return known
        raise Conflict("ticket_held") from error


async def _line(conn: Connection, site_id: str, service: str) -> store.Line:
    for line in await store.lines_of_site(conn, site_id):
        if line.service == service:
            return line
    raise NotFound("service_not_here")


async def put_in_line(
    conn: Connection, actor: Actor, line: store.Line, new: store.NewTicket, now: datetime, place: int | None = None
) -> str:
    """A new ticket at the end of a line, or at a place that a rule gives, inside the caller's transaction."""
    day = core.day_of(now)
    count, last_place = await store.next_count(conn, line.id, day, core.place_at(now) if place is None else 0)
    number = core.ticket_number(line.letter, count)
    return await write_ticket(conn, actor, line.id, number, last_place if place is None else place, new, now)


async def write_ticket(
    conn: Connection,
    actor: Actor,
    area_id: str,
    number: str,
    place: int,
    new: store.NewTicket,
    now: datetime,
    came: tuple[datetime, date] | None = None,
) -> str:
    """The row, its story, its audit entry, its notices. `came`: when, and on the day whose numbers count; now if not said."""
    taken_at, day = came or (now, core.day_of(now))
    ticket_id = await store.insert_ticket(conn, area_id, day, number, place, new, taken_at)
    await store.tell_story(conn, ticket_id, "take", actor, now, new.priority_note)
    await audit.append(conn, actor, "take_ticket", "ticket", ticket_id, now, {"area": area_id, "channel": new.channel})
    await store.announce(conn, "queue", area=area_id)
    await store.announce(conn, "ticket", ticket=ticket_id, endpoint=new.endpoint_id or new.kiosk_id)
    return ticket_id


async def place_of(conn: Connection, actor: Actor, now: datetime) -> Place | None:
    """The device's live ticket with its place, or None."""
    require_own(actor, Action.SEE_OWN_TICKET, actor.id)
    assert actor.id is not None
    ticket = await store.live_ticket(conn, actor.id)
    return await with_wait(conn, ticket, now) if ticket else None


async def with_wait(conn: Connection, ticket: store.LiveTicket, now: datetime) -> Place:
    """A ticket with its honest estimate."""
    if ticket.state not in core.IN_LINE:
        return Place(ticket, 0)
    return Place(ticket, await estimate(conn, ticket.area_id, ticket.service, ticket.people_ahead, now))


async def estimate(conn: Connection, area_id: str, service: str, people_ahead: int, now: datetime) -> int | None:
    """Seconds until somebody with this many people before them is called."""
    serving = await store.serving_count(conn, area_id, now - SERVED_LATELY)
    if (
        serving == 0
    ):  # nobody has called yet: count on those whom the published roster puts there now and who lead (an assistant does not)
        site_id = await store.site_of_area(conn, area_id)
        leads = {role.value for role, services in SERVES.items() if service in services}
        serving = len({one.person for one in await on_duty(conn, site_id, service, now) if one.role in leads})
    return core.estimated_wait(people_ahead, serving, service, await store.recent_lengths(conn, area_id))


async def leave_queue(conn: Connection, actor: Actor, now: datetime) -> None:
    """The citizen goes; leaving twice, or when already called, changes nothing."""
    require_own(actor, Action.LEAVE_QUEUE, actor.id)
    await leave(conn, actor, actor.id, None, now)


async def leave(conn: Connection, actor: Actor, endpoint_id: str | None, holder: bytes | None, now: datetime) -> None:
    """The ticket of a device or of a personal link leaves the line."""
    async with conn.transaction():
        left = await store.leave_queue(conn, endpoint_id, holder, now)
        if left is None:
            return
        ticket_id, area_id, endpoint = left
        await store.tell_story(conn, ticket_id, core.Move.LEAVE, actor, now)
        await audit.append(conn, actor, "leave_queue", "ticket", ticket_id, now)
        await store.announce(conn, "queue", area=area_id)
        await store.announce(conn, "ticket", ticket=ticket_id, endpoint=endpoint)


async def tell_check(conn: Connection, actor: Actor, holder: bytes | None, lacks: Sequence[str]) -> None:
    """What the device of somebody who waits lacks; told again, or after the call, it changes nothing. `holder` None: of the actor's own device."""
    if holder is None:
        require_own(actor, Action.SEE_OWN_TICKET, actor.id)
    async with conn.transaction():
        device = actor.id if holder is None else None
        for area_id in await store.tell_check(conn, device, holder, sorted(set(lacks))):
            await store.announce(conn, "queue", area=area_id)


async def areas_of(conn: Connection, actor: Actor) -> list[store.ServedArea]:
    """The lines this person may call from."""
    pairs = [(service, grant.site_id) for grant in actor.grants for service in SERVES.get(grant.role, ())]
    return await store.areas_served(conn, pairs)


async def areas_seen(conn: Connection, actor: Actor) -> list[store.ServedArea]:
    """The lines this person may look at: an assistant sees the notary's line and calls nobody."""
    pairs = [(service, grant.site_id) for grant in actor.grants for service in core.SEEN_BY.get(grant.role, ())]
    return await store.areas_served(conn, pairs)


async def call_next(conn: Connection, actor: Actor, area_ids: Sequence[str] | None, now: datetime) -> Called:
    """Call the next ticket of the person's lines (or of the named ones among them) and open its session.

    Raises  Conflict('nobody_waiting'), Conflict('session_running').
    """
    areas = {area.id: area for area in await areas_of(conn, actor)}
    wanted = [area for area in (area_ids if area_ids is not None else areas) if area in areas]
    assert actor.id is not None
    async with conn.transaction():
        await _refuse_second_session(conn, actor.id)
        ticket = await _take_next(conn, wanted, actor.id, now)
        if ticket is None:
            raise Conflict("nobody_waiting")
        return await _open(conn, actor, areas[ticket.area_id], ticket, now)


async def _take_next(conn: Connection, areas: list[str], person_id: str, now: datetime) -> store.CalledTicket | None:
    """Two tickets of one kiosk called at the same instant: the database lets one through, the other call looks again."""
    for _ in range(CALL_ATTEMPTS):
        try:
            async with conn.transaction():
                return await store.call_next(conn, areas, person_id, now)
        except asyncpg.UniqueViolationError:
            continue
    return None


async def call_ticket(conn: Connection, actor: Actor, ticket_id: str, now: datetime) -> Called:
    """Call one ticket out of turn. Raises NotFound, Conflict('ticket_gone'), Conflict('session_running')."""
    ticket_uuid = as_uuid(ticket_id)
    areas = {area.id: area for area in await areas_of(conn, actor)}
    area_id = await store.area_of_ticket(conn, ticket_uuid)
    if area_id not in areas:
        raise NotFound()
    assert actor.id is not None
    async with conn.transaction():
        await _refuse_second_session(conn, actor.id)
        ticket = await store.call_this(conn, ticket_uuid, actor.id, now)
        if ticket is None:
            raise Conflict("ticket_gone")
        return await _open(conn, actor, areas[area_id], ticket, now)


async def _refuse_second_session(conn: Connection, person_id: str) -> None:
    if await sessions.session_of_person(conn, person_id) is not None:
        raise Conflict("session_running")


async def _open(
    conn: Connection, actor: Actor, area: store.ServedArea, ticket: store.CalledTicket, now: datetime
) -> Called:
    assert actor.id is not None
    person = await load_person(conn, actor.id)
    opened = await sessions.open_session(
        conn,
        procedure=cast("Procedure", area.service),
        site_id=area.site_id,
        in_charge=actor.id,
        in_charge_name=person.name_zh,
        ticket_id=ticket.id,
        citizen=sessions.Citizen(ticket.endpoint_id, ticket.citizen_name),
        now=now,
    )
    await store.tell_story(conn, ticket.id, core.Move.CALL, actor, now)
    await audit.append(conn, actor, "call_ticket", "ticket", ticket.id, now, {"session": opened.session_id})
    await store.announce(conn, "queue", area=area.id)
    await store.announce(conn, "ticket", ticket=ticket.id, endpoint=ticket.endpoint_id)
    return Called(ticket, opened, area.service)


async def name_citizen(conn: Connection, actor: Actor, ticket_id: str, name: str, now: datetime) -> None:
    """Fill in the name of somebody in a line that the person looks after. Raises NotFound."""
    ticket_uuid = as_uuid(ticket_id)
    area_id = await store.area_of_ticket(conn, ticket_uuid)
    if area_id not in {area.id for area in await areas_seen(conn, actor)}:
        raise NotFound()
    async with conn.transaction():
        await store.name_citizen(conn, ticket_uuid, name.strip())
        await audit.append(conn, actor, "name_citizen", "ticket", ticket_id, now)
        await store.announce(conn, "queue", area=area_id)
