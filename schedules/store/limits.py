"""Legal limits of people's own cases, and the calendar of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from schedules.core.clocks import Pause
from schedules.core.explain import Words
from schedules.core.limits import Case
from schedules.store.feeds import FeedHead
from schedules.store.statements import LIMIT_QUERIES, Connection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from schedules.core.model import PersonId


async def lock(conn: Connection, person: PersonId) -> None:
    """Until the end of the transaction nobody else changes this person's limits."""
    await conn.execute(LIMIT_QUERIES["lock_limits"], person)


async def add(conn: Connection, person: PersonId, rule: str, reference: str, starts: date, now: datetime) -> str | None:
    """Its id; None where this person has this limit of this case already."""
    found: str | None = await conn.fetchval(LIMIT_QUERIES["add_limit"], person, rule, reference, starts, now)
    return found


async def list_cases(conn: Connection, person: PersonId) -> tuple[Case, ...]:
    """All of a person's limits, also those that are done."""
    return tuple(_case(row) for row in await conn.fetch(LIMIT_QUERIES["list_limits"], person))


def _case(row: Mapping[str, Any]) -> Case:
    pauses = zip(row["firsts"], row["lasts"], row["reasons"], strict=True)
    return Case(
        row["id"],
        row["rule"],
        row["reference"],
        row["starts"],
        tuple(Pause(first, last, Words(reason, reason)) for first, last, reason in pauses),
        row["ended_on"],
        row["due"],
        row["sequence"],
        row["made_at"].astimezone(UTC),
        row["changed_at"].astimezone(UTC),
    )


async def pause(conn: Connection, limit: str, first: date, reason: str) -> bool:
    """Stop its clock from this day on; False where a pause begins on it already."""
    return await conn.fetchval(LIMIT_QUERIES["add_pause"], limit, first, reason) is not None


async def resume(conn: Connection, limit: str, last: date) -> bool:
    """Let it go on after this day; False where it runs."""
    return await conn.fetchval(LIMIT_QUERIES["end_pause"], limit, last) is not None


async def end(conn: Connection, limit: str, on: date) -> bool:
    """What it was for is done; False where it was already."""
    return await conn.fetchval(LIMIT_QUERIES["end_limit"], limit, on) is not None


async def tell(conn: Connection, limit: str, due: date | None, *, more: int, now: datetime) -> None:
    """Note what its event says from now on; `more` raises its sequence."""
    await conn.execute(LIMIT_QUERIES["tell_limit"], limit, due, more, now)


async def people_with_limits(conn: Connection) -> tuple[str, ...]:
    """Whoever has one that is not done."""
    return tuple(row["person_id"] for row in await conn.fetch(LIMIT_QUERIES["people_with_limits"]))


async def find_limits_feed(conn: Connection, person: PersonId, variant: str) -> FeedHead | None:
    """What the calendar of somebody's limits is now."""
    row = await conn.fetchrow(LIMIT_QUERIES["find_limits_feed"], person, variant)
    return None if row is None else FeedHead(row["feed_id"], row["etag"], row["last_modified"].astimezone(UTC))
