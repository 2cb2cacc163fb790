"""What happens to tickets, in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from server.db.statements import load_statements
from server.waiting import core
from server.waiting.store import Line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    import asyncpg

    from server.db import Connection

SQL = load_statements(__package__)
MESSAGES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """A ticket as those see it who handle it."""

    id: str
    area_id: str
    number: str
    state: str
    called_by: str | None
    endpoint_id: str | None
    kiosk_id: str | None
    citizen_name: str
    priority: int
    priority_group: str
    priority_note: str
    channel: str
    skips: int
    taken_at: datetime
    service: str
    area_site_id: str
    area_path: list[str]
    citizen_path: list[str]
    site_name_zh: str
    site_name_en: str
    matter: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Whom a move concerns: the line and the device."""

    area_id: str
    endpoint_id: str | None


@dataclass(frozen=True, slots=True)
class Estate:
    """What a transferred ticket leaves to the one it goes on as."""

    place: int
    priority: int
    priority_group: str
    priority_note: str
    citizen_name: str
    site_id: str
    endpoint_id: str | None
    kiosk_id: str | None
    holder_hash: bytes | None
    channel: str
    matter: str


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One thing that happened to a ticket, or to one it came from."""

    at: datetime
    move: str
    note: str
    number: str
    by_zh: str
    by_en: str


@dataclass(frozen=True, slots=True)
class Message:
    """One short message. `code` names a quick answer."""

    id: int
    at: datetime
    sender: str
    code: str
    text: str
    by_zh: str
    by_en: str


@dataclass(frozen=True, slots=True)
class Target:
    """A line that somebody can be moved to."""

    id: str
    site_id: str
    service: str
    letter: str
    site_name_zh: str
    site_name_en: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Somebody waits too long, and it is for you."""

    id: int
    level: int
    area_id: str
    raised_at: datetime
    ticket: str
    number: str
    taken_at: datetime


async def facts(conn: Connection, ticket_id: UUID) -> TicketFacts | None:
    """A ticket, if there is one."""
    row = await conn.fetchrow(SQL["ticket_facts"], ticket_id)
    return TicketFacts(**dict(row)) if row else None


async def move(
    conn: Connection, ticket_id: str, what: core.Move, now: datetime, within: frozenset[core.TicketState] = core.LIVE
) -> Moved | None:
    """Make a move, or None if the ticket is in no state that allows it. `within`: the states in which the caller has found it."""
    states, to = core.TRANSITIONS[what][0] & within, core.TRANSITIONS[what][1]
    return _moved(await conn.fetchrow(SQL["move_ticket"], UUID(ticket_id), to, sorted(states), now))


async def skip(conn: Connection, ticket_id: str) -> Moved | None:
    """Pass a waiting ticket over."""
    states = sorted(core.TRANSITIONS[core.Move.SKIP][0])
    return _moved(await conn.fetchrow(SQL["skip_ticket"], UUID(ticket_id), core.PLACES_A_SKIP_COSTS, states))


def _moved(row: asyncpg.Record | None) -> Moved | None:
    return Moved(row["area_id"], row["endpoint_id"]) if row else None


async def part_with(conn: Connection, ticket_id: str) -> Estate:
    """What goes on; the row stays locked. The personal link is taken from the old ticket."""
    row = await conn.fetchrow(SQL["part_with"], UUID(ticket_id))
    assert row is not None
    await conn.execute(SQL["drop_link"], UUID(ticket_id))
    return Estate(**dict(row))


@dataclass(frozen=True, slots=True)
class RunningSession:
    """A session that has not ended, and who leads it."""

    id: str
    in_charge: str


async def lock_session(conn: Connection, ticket_id: str) -> RunningSession | None:
    """The running session of a ticket, locked until the transaction ends."""
    row = await conn.fetchrow(SQL["session_of_ticket"], UUID(ticket_id))
    return RunningSession(**dict(row)) if row else None


async def story(conn: Connection, ticket_id: str) -> list[StoryLine]:
    """What happened, oldest first, across transfers."""
    return [StoryLine(**dict(row)) for row in await conn.fetch(SQL["story"], UUID(ticket_id))]


async def targets(conn: Connection, site_ids: Sequence[str]) -> list[Target]:
    """All lines of the cities these sites belong to."""
    roots = await conn.fetch(SQL["roots_of"], [UUID(site) for site in site_ids])
    rows = await conn.fetch(SQL["targets"], [UUID(row["root"]) for row in roots])
    return [Target(**dict(row)) for row in rows]


async def line(conn: Connection, area_id: UUID) -> Line | None:
    """One line."""
    row = await conn.fetchrow(SQL["line_of_area"], area_id)
    return Line(**dict(row)) if row else None


async def write_message(
    conn: Connection, ticket_id: str, now: datetime, person_id: str | None, code: str, text: str
) -> None:
    """One message; from the citizen where there is no person."""
    sender, person = ("staff", UUID(person_id)) if person_id else ("citizen", None)
    await conn.execute(SQL["write_message"], UUID(ticket_id), now, sender, person, code, text)


async def messages(conn: Connection, ticket_id: str) -> list[Message]:
    """The latest messages, oldest first."""
    rows = await conn.fetch(SQL["messages"], UUID(ticket_id), MESSAGES_SHOWN)
    return [Message(**dict(row)) for row in reversed(rows)]


async def live_of_endpoint(conn: Connection, endpoint_id: str) -> str | None:
    """The live ticket that a device holds."""
    ticket_id: str | None = await conn.fetchval(SQL["live_of_endpoint"], UUID(endpoint_id))
    return ticket_id


async def live_of_holder(conn: Connection, holder_hash: bytes) -> str | None:
    """The live ticket that a personal link opens."""
    ticket_id: str | None = await conn.fetchval(SQL["live_of_holder"], holder_hash)
    return ticket_id


async def applicant_seat(conn: Connection, ticket_id: str) -> str | None:
    """The seat of the citizen whose ticket was called."""
    seat: str | None = await conn.fetchval(SQL["applicant_seat"], UUID(ticket_id))
    return seat


async def site_of_slug(conn: Connection, slug: str) -> str | None:
    """A site by the name in the URL."""
    site: str | None = await conn.fetchval(SQL["site_of_slug"], slug)
    return site


async def endpoint_site(conn: Connection, endpoint_id: UUID) -> str | None:
    """Where a device stands that is not shut out."""
    site: str | None = await conn.fetchval(SQL["endpoint_site"], endpoint_id)
    return site


async def alerts_of(conn: Connection, person_id: str, area_ids: Sequence[str]) -> list[Alert]:
    """Alerts for this person: named on duty, or nobody is and the line is theirs."""
    rows = await conn.fetch(SQL["alerts_of"], UUID(person_id), [UUID(area) for area in area_ids])
    return [Alert(**dict(row)) for row in rows]


async def take_alert(
    conn: Connection, alert_id: int, person_id: str, area_ids: Sequence[str], now: datetime
) -> str | None:
    """The line of an alert that is now this person's, or None."""
    areas = [UUID(area) for area in area_ids]
    area_id: str | None = await conn.fetchval(SQL["take_alert"], alert_id, UUID(person_id), now, areas)
    return area_id


@dataclass(frozen=True, slots=True)
class Block:
    """Numbers that one kiosk may give out for one line on one day while it has no connection."""

    id: str
    endpoint_id: str
    area_id: str
    day: date
    first: int
    last: int
    issued_at: datetime


async def block(conn: Connection, endpoint_id: str, area_id: str, day: date, now: datetime) -> Block:
    """The kiosk's block of the day, made when it has none. Inside the caller's transaction: blocks of a line never overlap."""
    await conn.execute(SQL["lock_line"], UUID(area_id))
    key = (UUID(endpoint_id), UUID(area_id), day)
    await conn.execute(SQL["block_of"], *key, core.OFFLINE_FROM, core.OFFLINE_BLOCK, now)
    row = await conn.fetchrow(SQL["block"], *key)
    assert row is not None
    return Block(**dict(row))


async def block_by_id(conn: Connection, block_id: UUID, endpoint_id: str) -> Block | None:
    """A block of this kiosk; locked, so that two hand-ins of one kiosk come one after the other."""
    row = await conn.fetchrow(SQL["block_by_id"], block_id, UUID(endpoint_id))
    return Block(**dict(row)) if row else None


async def numbers_taken(conn: Connection, area_id: str, day: date, numbers: Sequence[str]) -> dict[str, str]:
    """Which of these numbers are tickets already: number -> ticket."""
    rows = await conn.fetch(SQL["numbers_taken"], UUID(area_id), day, list(numbers))
    return {row["number"]: row["id"] for row in rows}
