"""Parts of a recording that must not be seen: nobody hides one without a cause, and the cause stays in the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_session
from server.errors import BadInput, Conflict, NotFound
from server.viewings.service import SQL, write_entry

if TYPE_CHECKING:
    from datetime import datetime

    from server.access.core import Actor
    from server.db import Connection

# States in which the films are there, or will not come: a run that is under way would not know of the part.
_SETTLED = ("ready", "failed")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch on the films' clock in seconds; of one seat and source, None: of all."""

    from_s: float
    to_s: float
    seat: str | None
    source: str | None
    cause: str


async def hide(conn: Connection, actor: Actor, session: str, part: Part, now: datetime) -> None:
    """Write it down and have films and pack made anew without it; until then there are none. Raises NotFound, NotAllowed, BadInput, Conflict."""
    await require_session(conn, actor, Action.HIDE_PART, session)
    row = await conn.fetchrow(SQL["made"], session)
    if row is None:
        raise NotFound()
    if row["state"] not in _SETTLED or row["start_us"] is None:
        raise Conflict("recording_not_ready")
    if part.to_s <= part.from_s or not part.cause.strip():
        raise BadInput("bad_part", field="to_s")
    seat = as_uuid(part.seat) if part.seat else None
    if seat is not None and not await conn.fetchval(SQL["is_seat"], seat, session):
        raise BadInput("bad_part", field="seat")
    from_us, to_us = (row["start_us"] + round(at_s * 1e6) for at_s in (part.from_s, part.to_s))
    await conn.execute(SQL["hide"], session, from_us, to_us, seat, part.source, part.cause.strip(), actor.id, now)
    facts = {"from_s": f"{part.from_s:.1f}", "to_s": f"{part.to_s:.1f}", "reason": part.cause.strip()}
    await write_entry(conn, actor, session, "hidden", now, facts)
    await audit.append(conn, actor, "hide_part", "session", session, now, {"from_us": from_us, "to_us": to_us})
    await conn.execute(SQL["make_again"], session)
    await conn.execute(SQL["make_again_job"], session, now)


async def require_made(conn: Connection, session: str) -> None:
    """Films and pack are there as they may be seen now. Raises Conflict while they are made anew."""
    row = await conn.fetchrow(SQL["made"], session)
    if row is not None and row["state"] == "waiting":
        raise Conflict("recording_not_ready")


async def zones(conn: Connection, session: str) -> list[dict[str, Any]]:
    """All hidden parts, as the makers of films and packs take them (media/EVIDENCE.md, section 9)."""
    return [dict(row) for row in await conn.fetch(SQL["zones"], session)]
