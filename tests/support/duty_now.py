"""People on duty in the published roster, put there directly: for tests of what follows from a roster, not of rosters."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from server.db import Connection


async def put_on_duty(
    conn: Connection, site: str, service: str, role: str, people: list[str], start: dt.datetime, end: dt.datetime
) -> None:
    """One slot with these people."""
    await conn.execute(
        "insert into duty_roster (site_id, first_day, last_day, updated_at) values ($1, $2, $2, $3) on conflict do nothing",
        UUID(site),
        start.date(),
        start,
    )
    for post, person in enumerate(people):
        await conn.execute(
            "insert into duty_current (site_id, slot_key, post, service, role, person_id, during, version) "
            "values ($1, $2, $3, $4, $5, $6, tstzrange($7, $8), 1)",
            *(UUID(site), f"{service} {start.isoformat()}", post, service, role, UUID(person), start, end),
        )
