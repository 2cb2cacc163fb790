"""Tickets in the database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from server.db.statements import load_statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.db import Connection

_SQL = load_statements(__package__)


@dataclass(frozen=True, slots=True)
class Line:
    """A waiting area as the kiosk sees it."""

    id: str
    service: str
    letter: str
    site_id: str


@dataclass(frozen=True, slots=True)
class LiveTicket:
    """The ticket that a device holds now."""

    id: str
    number: str
    service: str
    state: str
    citizen_name: str
    taken_at: datetime
    area_id: str
    people_ahead: int


@dataclass(frozen=True, slots=True)
class ServedArea:
    """A line that a person may call from."""

    id: str
    service: str
    site_id: str
    site_name_zh: str
    site_name_en: str


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One ticket in the line as staff see it."""

    ticket: str
    area_id: str
    number: str
    citizen_name: str
    priority: int
    taken_at: datetime
    site_name_zh: str
    site_name_en: str
    endpoint_name_zh: str | None
    endpoint_name_en: str | None


@dataclass(frozen=True, slots=True)
class CalledTicket:
    """What calling yields."""

    id: str
    area_id: str
    number: str
    endpoint_id: str | None
    site_id: str
    citizen_name: str


@dataclass(frozen=True, slots=True)
class NewTicket:
    """What the kiosk knows when it asks for a ticket."""

    endpoint_id: str
    site_id: str
    citizen_name: str
    request_key: str
    priority: int = 0


async def lines_of_site(conn: Connection, site_id: str) -> list[Line]:
    """The lines that somebody sitting at this site can join, one per service."""
    return [Line(**dict(row)) for row in await conn.fetch(_SQL["areas_of_site"], UUID(site_id))]


async def next_count(conn: Connection, area_id: str, day: date) -> int:
    """The next number of the day; without holes as long as the transaction commits."""
    count: int = await conn.fetchval(_SQL["next_count"], UUID(area_id), day)
    return count


async def insert_ticket(conn: Connection, area_id: str, day: date, number: str, new: NewTicket, now: datetime) -> str:
    """The new ticket's id. Raises asyncpg.UniqueViolationError when the device holds a live ticket or the request came before."""
    values = (
        UUID(area_id),
        day,
        number,
        UUID(new.endpoint_id),
        UUID(new.site_id),
        new.citizen_name,
        new.priority,
        now,
        new.request_key,
    )
    ticket_id: str = await conn.fetchval(_SQL["insert_ticket"], *values)
    return ticket_id


async def ticket_by_request(conn: Connection, endpoint_id: str, request_key: str) -> str | None:
    """The ticket that this very press has made before."""
    ticket_id: str | None = await conn.fetchval(_SQL["ticket_by_request"], UUID(endpoint_id), request_key)
    return ticket_id


async def live_ticket(conn: Connection, endpoint_id: str) -> LiveTicket | None:
    """The ticket the device holds now, with its place in line."""
    row = await conn.fetchrow(_SQL["live_ticket_of_endpoint"], UUID(endpoint_id))
    return LiveTicket(**dict(row)) if row else None


async def leave_queue(conn: Connection, endpoint_id: str, now: datetime) -> tuple[str, str] | None:
    """(ticket, area) that left the line, or None if nothing was waiting."""
    row = await conn.fetchrow(_SQL["leave_queue"], UUID(endpoint_id), now)
    return (row["id"], row["area_id"]) if row else None


async def waiting_count(conn: Connection, area_id: str) -> int:
    """How many wait in a line."""
    count: int = await conn.fetchval(_SQL["waiting_count"], UUID(area_id))
    return count


async def serving_count(conn: Connection, area_id: str, since: datetime) -> int:
    """How many professionals serve a line now, or have called from it since."""
    count: int = await conn.fetchval(_SQL["serving_count"], UUID(area_id), since)
    return count


async def recent_lengths(conn: Connection, area_id: str) -> list[timedelta]:
    """How long the line's latest sessions took."""
    return [row["length"] for row in await conn.fetch(_SQL["recent_lengths"], UUID(area_id))]


async def areas_served(conn: Connection, pairs: Sequence[tuple[str, str]]) -> list[ServedArea]:
    """The lines for (service, granted site) pairs."""
    services = [service for service, _ in pairs]
    sites = [UUID(site) for _, site in pairs]
    return [ServedArea(**dict(row)) for row in await conn.fetch(_SQL["areas_served"], services, sites)]


async def waiting_list(conn: Connection, area_ids: Sequence[str]) -> list[WaitingRow]:
    """Everybody who waits in these lines, in the order in which they will be called."""
    return [
        WaitingRow(**dict(row)) for row in await conn.fetch(_SQL["waiting_list"], [UUID(area) for area in area_ids])
    ]


async def call_next(conn: Connection, area_ids: Sequence[str], person_id: str, now: datetime) -> CalledTicket | None:
    """Take the next ticket of these lines for a person, or None if nobody waits."""
    row = await conn.fetchrow(_SQL["call_next_ticket"], [UUID(area) for area in area_ids], UUID(person_id), now)
    return CalledTicket(**dict(row)) if row else None


async def call_this(conn: Connection, ticket_id: UUID, person_id: str, now: datetime) -> CalledTicket | None:
    """Take one ticket for a person, or None if it does not wait any more."""
    row = await conn.fetchrow(_SQL["call_this_ticket"], ticket_id, UUID(person_id), now)
    return CalledTicket(**dict(row)) if row else None


async def area_of_ticket(conn: Connection, ticket_id: UUID) -> str | None:
    """The line a ticket stands in."""
    area_id: str | None = await conn.fetchval(_SQL["area_of_ticket"], ticket_id)
    return area_id


async def name_citizen(conn: Connection, ticket_id: UUID, name: str) -> None:
    """Fill in the name for somebody who did not type it."""
    await conn.execute(_SQL["name_citizen"], ticket_id, name)


async def announce(conn: Connection, kind: str, **facts: str | None) -> None:
    """A notice to every web process, delivered when the transaction commits."""
    await conn.execute(
        _SQL["notify"], json.dumps({"kind": kind} | {key: value for key, value in facts.items() if value is not None})
    )


async def number_called_by(conn: Connection, person_id: str) -> str | None:
    """The number of the ticket that this person serves now."""
    number: str | None = await conn.fetchval(_SQL["number_called_by"], UUID(person_id))
    return number


async def site_of_area(conn: Connection, area_id: str) -> str:
    """Where those who serve a line belong."""
    site_id: str = await conn.fetchval(_SQL["site_of_area"], UUID(area_id))
    return site_id
