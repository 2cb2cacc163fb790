"""The solver's layer of a draft."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from schedules.core.model import PersonId, SiteId, SlotKey
from schedules.core.plan import Proposal
from schedules.store.statements import QUERIES, Connection


async def load_proposal(conn: Connection, site: SiteId) -> Proposal | None:
    """What a planner found for this draft; None without one."""
    row = await conn.fetchrow(QUERIES["load_proposal"], site)
    if row is None:
        return None
    seats = msgspec.json.decode(row["seats"], type=dict[SlotKey, tuple[PersonId, ...]])
    return Proposal(row["planner"], row["seed"], seats)


async def save_proposal(
    conn: Connection, site: SiteId, proposal: Proposal, bound: Mapping[str, object], now: datetime, by: str | None
) -> None:
    """Lay it over the rotation rules, instead of an earlier one. `bound` is what the solver proved."""
    seats = msgspec.json.encode(proposal.seats, order="deterministic").decode()
    proved = msgspec.json.encode(bound, order="deterministic").decode()
    await conn.execute(QUERIES["save_proposal"], site, proposal.planner, proposal.seed, seats, proved, now, by)


async def drop_proposal(conn: Connection, site: SiteId) -> bool:
    """Back to the rotation rules; False if there was none."""
    return await conn.fetchval(QUERIES["drop_proposal"], site) is not None
