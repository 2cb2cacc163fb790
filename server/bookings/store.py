"""Appointments in the database. That no side is in two places is four EXCLUDE constraints, not a check here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from server.bookings.core import Shift, Taken
from server.db.statements import load_statements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from server.db import Connection

SQL = load_statements(__package__)


@dataclass(frozen=True, slots=True)
class Booking:
    """An appointment as all sides see it; `room_*`: the village room or the device, empty where there is none."""

    id: str
    area_id: str
    service: str
    site_id: str
    professional_id: str
    professional_zh: str
    professional_en: str
    citizen_name: str
    citizen_contact: str
    citizen_site_id: str
    place_zh: str
    place_en: str
    space_id: str | None
    room_zh: str
    room_en: str
    endpoint_id: str | None
    start: datetime
    end: datetime
    state: str
    revision: int
    note: str
    made_at: datetime
    changed_at: datetime
    cancel_reason: str
    ticket_id: str | None
    holder_hash: bytes


@dataclass(frozen=True, slots=True)
class NewBooking:
    """What it takes to make one."""

    area_id: str
    professional_id: str
    citizen_key: bytes
    citizen_name: str
    citizen_contact: str
    citizen_site_id: str
    start: datetime
    end: datetime
    holder_hash: bytes
    space_id: str | None = None
    endpoint_id: str | None = None
    note: str = ""


async def shifts(
    conn: Connection, site_id: str, service: str, roles: Sequence[str], since: datetime, until: datetime
) -> list[tuple[Shift, str, str]]:
    """(shift, Chinese name, English name) of those who lead at a site."""
    rows = await conn.fetch(SQL["shifts"], UUID(site_id), service, list(roles), since, until)
    return [(Shift(row["person"], row["start"], row["end"]), row["name_zh"], row["name_en"]) for row in rows]


async def taken(conn: Connection, people: Sequence[str], since: datetime, until: datetime) -> list[Taken]:
    """When these people have appointments."""
    rows = await conn.fetch(SQL["taken"], [UUID(person) for person in people], since, until)
    return [Taken(**dict(row)) for row in rows]


async def taken_rooms(
    conn: Connection, space_id: str | None, endpoint_id: str | None, since: datetime, until: datetime
) -> list[Taken]:
    """When a village room or a device of one has appointments."""
    rows = await conn.fetch(SQL["taken_rooms"], _uuid(space_id), _uuid(endpoint_id), since, until)
    return [Taken(None, row["start"], row["end"]) for row in rows]


async def insert(conn: Connection, new: NewBooking, made_by: str | None, now: datetime) -> str:
    """The new appointment's id. Raises asyncpg.ExclusionViolationError, UniqueViolationError (the same request came before)."""
    space, endpoint = _uuid(new.space_id), _uuid(new.endpoint_id)
    who = (UUID(new.area_id), UUID(new.professional_id), new.citizen_key, new.citizen_name, new.citizen_contact)
    where = (UUID(new.citizen_site_id), space, endpoint, new.start, new.end)
    booking_id: str = await conn.fetchval(SQL["insert"], *who, *where, new.holder_hash, new.note, now, _uuid(made_by))
    return booking_id


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None


async def load(conn: Connection, booking_id: UUID) -> Booking | None:
    """One appointment."""
    row = await conn.fetchrow(SQL["by_id"], booking_id)
    return Booking(**dict(row)) if row else None


async def id_of_holder(conn: Connection, holder_hash: bytes) -> str | None:
    """The appointment of a personal link."""
    booking_id: str | None = await conn.fetchval(SQL["id_of_holder"], holder_hash)
    return booking_id


async def of_lines(
    conn: Connection, area_ids: Sequence[str], site_ids: Sequence[str], since: datetime, until: datetime
) -> list[Booking]:
    """Appointments of these lines, or of citizens who sit at these sites, in order of time."""
    areas, sites = [UUID(one) for one in area_ids], [UUID(one) for one in site_ids]
    rows = await conn.fetch(SQL["of_lines"], areas, sites, since, until)
    found = [await load(conn, UUID(row["id"])) for row in rows]
    return [one for one in found if one is not None]


async def change(conn: Connection, what: str, booking_id: str, *values: object) -> bool:
    """One of `move`, `confirm`, `cancel`; False when its state does not allow it."""
    return await conn.fetchval(SQL[what], UUID(booking_id), *values) is not None


async def due(conn: Connection, what: str, *times: datetime) -> list[str]:
    """`due_for_reminder` (marks them) or `due_for_ticket` (locks them)."""
    return [row["id"] for row in await conn.fetch(SQL[what], *times)]


async def ticketed(conn: Connection, booking_id: str, ticket_id: str) -> None:
    """The appointment is a ticket from now on."""
    await conn.execute(SQL["ticketed"], UUID(booking_id), UUID(ticket_id))


async def space_site(conn: Connection, space_id: UUID) -> str | None:
    """Where a room is."""
    site_id: str | None = await conn.fetchval(SQL["space_site"], space_id)
    return site_id
