"""What happens to published shifts: swaps, attendance, and the facts that decide who can serve one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from schedules.core.conflicts import Ask, by_person, obstacle, roads_of
from schedules.core.model import Commitment, Interval, Obstacle, PersonId, SiteId, SlotKey
from schedules.core.swaps import Swap, SwapState
from schedules.store.drafts import interval_of, load_leave
from schedules.store.inputs import load_people, load_travel
from schedules.store.statements import QUERIES, Connection

EDGE = timedelta(days=8)


class AskedAlready(Exception):
    """This seat is asked for already."""


class TakesTwice(Exception):
    """The taker has taken another shift that overlaps."""


async def obstacles(
    conn: Connection, people: Sequence[PersonId], asked: Ask, slot: SlotKey
) -> dict[PersonId, Obstacle | None]:
    """What keeps each of these people from this seat now, all their published duties counted but this slot."""
    span = Interval(asked.during.start - EDGE, asked.during.end + EDGE)
    rows = await conn.fetch(QUERIES["load_duties"], list(people), span.start, span.end, asked.place, slot)
    duties: dict[PersonId, list[Commitment]] = {who: [] for who in people}
    for row in rows:
        duties[PersonId(row["person_id"])].append(
            Commitment(PersonId(row["person_id"]), interval_of(row), row["site_id"])
        )
    known = {person.id: person for person in await load_people(conn, people)}
    leave = by_person(stored.leave for stored in await load_leave(conn, people, asked.during))
    roads = roads_of(await load_travel(conn))
    return {who: obstacle(known.get(who), asked, leave.get(who, ()), duties[who], roads) for who in people}


async def touch_revision(conn: Connection, site: SiteId, now: datetime, by: str | None) -> None:
    """What was previewed before is stale: something happened to this roster."""
    await conn.execute(QUERIES["touch_revision"], site, now, by)


async def ask_swap(
    conn: Connection,
    site: SiteId,
    slot: SlotKey,
    post: int,
    during: Interval,
    asker: PersonId,
    reason: str,
    now: datetime,
) -> str:
    """Offer a seat; the swap's id. Raises AskedAlready."""
    values = (site, slot, post, during.start, during.end, asker, reason, now)
    try:
        identifier: str = await conn.fetchval(QUERIES["ask_swap"], *values)
    except asyncpg.UniqueViolationError as error:
        raise AskedAlready from error
    return identifier


async def take_swap(conn: Connection, swap: str, taker: PersonId, now: datetime) -> bool:
    """Take an offered seat; False if somebody was faster. Raises TakesTwice."""
    try:
        return await conn.fetchval(QUERIES["take_swap"], swap, taker, now) is not None
    except asyncpg.ExclusionViolationError as error:
        raise TakesTwice from error


async def decide_swap(
    conn: Connection, swap: str, state: SwapState, before: Sequence[SwapState], now: datetime, by: str | None
) -> bool:
    """End a swap; False if it stands elsewhere by now."""
    states = [one.value for one in before]
    return await conn.fetchval(QUERIES["decide_swap"], swap, state.value, now, by, states) is not None


async def load_swap(conn: Connection, swap: str) -> Swap | None:
    """One swap, locked until the transaction ends."""
    row = await conn.fetchrow(QUERIES["load_swap"], swap)
    return None if row is None else _swap(row)


async def list_swaps(conn: Connection, sites: Sequence[SiteId], person: str | None, now: datetime) -> tuple[Swap, ...]:
    """Open swaps of these sites, and those that name this person."""
    return tuple(_swap(row) for row in await conn.fetch(QUERIES["list_swaps"], now, list(sites), person))


def _swap(row: Mapping[str, Any]) -> Swap:
    taker = None if row["taker_id"] is None else PersonId(row["taker_id"])
    return Swap(
        row["id"],
        SiteId(row["site_id"]),
        SlotKey(row["slot_key"]),
        row["post"],
        interval_of(row),
        PersonId(row["asker_id"]),
        taker,
        row["reason"],
        SwapState(row["state"]),
    )


@dataclass(frozen=True, slots=True)
class Presence:
    """One seat of a shift and what is known of its holder: `state` present, absent or None; `in_room`: has a seat in a room now."""

    site: SiteId
    slot: SlotKey
    post: int
    service: str
    role: str
    person: PersonId
    during: Interval
    state: str | None
    means: str | None
    in_room: bool

    def is_missing(self, now: datetime, grace: timedelta) -> bool:
        """Begun longer ago than the grace, not over, and nobody has seen this person."""
        begun = self.during.start + grace <= now < self.during.end
        return begun and self.state != "present" and not self.in_room


async def load_presence(
    conn: Connection, span: Interval, sites: Sequence[SiteId], person: str | None = None
) -> tuple[Presence, ...]:
    """Seats at these sites, or of this person, that touch the span."""
    rows = await conn.fetch(QUERIES["present_duties"], span.start, span.end, list(sites), person)
    return tuple(_presence(row) for row in rows)


def _presence(row: Mapping[str, Any]) -> Presence:
    during = Interval(row["first"].astimezone(UTC), row["last"].astimezone(UTC))
    ids = (SiteId(row["site_id"]), SlotKey(row["slot_key"]), row["post"], row["service"], row["role"])
    return Presence(*ids, PersonId(row["person_id"]), during, row["state"], row["means"], row["in_room"])


async def mark_attendance(
    conn: Connection, seat: Presence, state: str, means: str, now: datetime, by: str | None
) -> bool:
    """Note that somebody came or did not; False if that was known."""
    values = (seat.site, seat.slot, seat.post, seat.person, state, means, now, by)
    return await conn.fetchval(QUERIES["mark_attendance"], *values) is not None
