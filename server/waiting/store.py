"""Tickets in the database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from server.db.statements import load_statements
from server.waiting.core import TRANSITIONS, Move

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.access.core import Actor
    from server.db import Connection

_SQL = load_statements(__package__)
# Most people serve one line. Asked for one, PostgreSQL walks the index in the order of the line and stops at the first free ticket; asked
# for any of several, it sorts all who wait.
_SQL["call_next_of_line"] = _SQL["call_next_ticket"].replace("area_id = any ($1::uuid[])", "area_id = $1::uuid")


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
    priority_group: str = ""
    channel: str = "kiosk"
    endpoint_id: str | None = None
    home_site_id: str | None = None
    session_id: str | None = None  # of the running session
    moved_to_zh: str | None = None  # where the line is that took it over, once it has overflowed
    moved_to_en: str | None = None


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
    state: str
    priority_group: str
    priority_note: str
    channel: str
    skips: int
    for_person: str | None
    moved_here: bool
    answers: int
    matter: str
    lacks: list[str]
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
    """What is known when a ticket is taken. `place` None: behind everybody who is there.

    endpoint_id  the device that holds it (one live ticket each); kiosk_id the device it is called to when that is free
    """

    endpoint_id: str | None
    site_id: str
    citizen_name: str
    request_key: str | None
    channel: str = "kiosk"
    priority: int = 0
    priority_group: str = ""
    priority_note: str = ""
    kiosk_id: str | None = None
    holder_hash: bytes | None = None
    from_ticket: str | None = None
    for_person: str | None = None
    for_person_until: datetime | None = None
    home_area_id: str | None = None
    matter: str = ""


async def lines_of_site(conn: Connection, site_id: str) -> list[Line]:
    """The lines that somebody sitting at this site can join, one per service."""
    return [Line(**dict(row)) for row in await conn.fetch(_SQL["areas_of_site"], UUID(site_id))]


async def next_count(conn: Connection, area_id: str, day: date, place: int) -> tuple[int, int]:
    """(next number of the day, next place in line); no number is left out as long as the transaction commits."""
    row = await conn.fetchrow(_SQL["next_count"], UUID(area_id), day, place)
    assert row is not None
    return row["last"], row["place"]


async def insert_ticket(
    conn: Connection, area_id: str, day: date, number: str, place: int, new: NewTicket, now: datetime
) -> str:
    """The new ticket's id. Raises asyncpg.UniqueViolationError when the device holds a live ticket or the request came before."""
    values = (
        *(UUID(area_id), day, number, _uuid(new.endpoint_id), UUID(new.site_id), new.citizen_name, new.priority, now),
        *(new.request_key, place, new.channel, new.priority_group, new.priority_note, _uuid(new.kiosk_id)),
        *(new.holder_hash, _uuid(new.from_ticket), _uuid(new.for_person), new.for_person_until),
        _uuid(new.home_area_id),
        new.matter,
    )
    ticket_id: str = await conn.fetchval(_SQL["insert_ticket"], *values)
    return ticket_id


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None


async def ticket_by_request(conn: Connection, new: NewTicket) -> str | None:
    """The ticket that this very press has made before."""
    where = _uuid(new.kiosk_id or new.endpoint_id)
    ticket_id: str | None = await conn.fetchval(_SQL["ticket_by_request"], new.channel, where, new.request_key)
    return ticket_id


async def ticket_of_holder(conn: Connection, holder_hash: bytes) -> LiveTicket | None:
    """The ticket of a personal link, with its place in line."""
    row = await conn.fetchrow(_SQL["ticket_of_holder"], holder_hash)
    return LiveTicket(**dict(row)) if row else None


async def waiting_near_kiosk(conn: Connection, endpoint_id: str) -> list[str]:
    """Numbers that this kiosk is to call out when it is their turn."""
    return [row["number"] for row in await conn.fetch(_SQL["waiting_near_kiosk"], UUID(endpoint_id))]


@dataclass(frozen=True, slots=True)
class LectureNear:
    """A lecture one can go to from a kiosk; `is_open`: it is given in a video room now, this device may ask to listen."""

    id: str
    title: str
    title_en: str
    venue: str
    site_zh: str
    site_en: str
    starts: datetime
    ends: datetime
    is_open: bool


async def lectures_near_kiosk(conn: Connection, endpoint_id: str, now: datetime, until: datetime) -> list[LectureNear]:
    """Those that can be heard here first, then the next ones at its site, at most four."""
    rows = await conn.fetch(_SQL["lectures_near_kiosk"], UUID(endpoint_id), now, until)
    return [LectureNear(**dict(row)) for row in rows]


async def tell_check(
    conn: Connection, endpoint_id: str | None, holder_hash: bytes | None, lacks: list[str]
) -> list[str]:
    """Keep what the device of somebody who waits lacks; the lines in which that is news."""
    device = UUID(endpoint_id) if endpoint_id else None
    return [row["area_id"] for row in await conn.fetch(_SQL["tell_check"], device, holder_hash, lacks)]


async def is_enrolled(conn: Connection, endpoint_id: str) -> bool:
    """Whether a device may still speak; its stream ends when not."""
    return bool(await conn.fetchval(_SQL["is_enrolled"], UUID(endpoint_id)))


async def tell_story(conn: Connection, ticket_id: str, move: str, by: Actor, now: datetime, note: str = "") -> None:
    """One line of what happened to a ticket."""
    await conn.execute(_SQL["tell_story"], UUID(ticket_id), now, move, by.kind, by.id, note)


async def live_ticket(conn: Connection, endpoint_id: str) -> LiveTicket | None:
    """The ticket the device holds now, with its place in line."""
    row = await conn.fetchrow(_SQL["live_ticket_of_endpoint"], UUID(endpoint_id))
    return LiveTicket(**dict(row)) if row else None


async def leave_queue(
    conn: Connection, endpoint_id: str | None, holder_hash: bytes | None, now: datetime
) -> tuple[str, str, str | None] | None:
    """(ticket, area, endpoint) that left the line, or None if nothing was waiting."""
    states = sorted(TRANSITIONS[Move.LEAVE][0])
    row = await conn.fetchrow(_SQL["leave_queue"], _uuid(endpoint_id), now, states, holder_hash)
    return (row["id"], row["area_id"], row["endpoint_id"]) if row else None


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
    areas = [UUID(area) for area in area_ids]
    if len(areas) == 1:
        row = await conn.fetchrow(_SQL["call_next_of_line"], areas[0], UUID(person_id), now)
    else:
        row = await conn.fetchrow(_SQL["call_next_ticket"], areas, UUID(person_id), now)
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
