"""Who may see a recording now, how somebody else comes to see it, and what its access journal says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from server import audit
from server.access.core import Action
from server.access.require import SessionRef, as_uuid, require_session
from server.db.statements import load_statements
from server.errors import Conflict, NotAllowed, NotFound
from server.evidence import store as anchors
from server.viewings import core

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from server.access.core import Actor
    from server.db import Connection

SQL = load_statements(__package__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A viewing as it stands: `asked` or `open` (until then)."""

    id: str
    state: str
    until: datetime | None


async def require_viewer(conn: Connection, actor: Actor, action: Action, session: str, now: datetime) -> bool:
    """The action by who leads the session (True), or by somebody with an open viewing (False). Raises NotFound, NotAllowed."""
    try:
        await require_session(conn, actor, action, session)
        return True
    except (NotFound, NotAllowed):
        if actor.kind != "person" or not await conn.fetchval(SQL["is_open"], as_uuid(session), actor.id, now):
            raise
        # A viewing does not outlive the role that it was given to.
        await require_session(conn, actor, Action.ASK_RECORDING, session)
        return False


async def ask(conn: Connection, actor: Actor, session: str, reason: str, now: datetime) -> Asked:
    """Ask to see a recording that is not one's own; asking again changes nothing. Raises NotFound, Conflict."""
    ref = await _recorded(conn, actor, Action.ASK_RECORDING, session)
    if ref.in_charge == actor.id:
        raise Conflict("viewing_not_needed")
    there = await conn.fetchrow(SQL["pending"], session, actor.id, now)
    if there is not None:
        return Asked(there["id"], "open" if there["open_until"] else "asked", there["open_until"])
    second = core.needs_second(ref.procedure)
    until = None if second else now + core.OPEN_FOR
    viewing: str = await conn.fetchval(SQL["insert"], session, actor.id, now, reason, second, until)
    kind = "asked" if second else "opened"
    await write_entry(conn, actor, session, kind, now, {"viewing": viewing, "reason": reason})
    await audit.append(conn, actor, "ask_recording", "session", session, now, {"viewing": viewing})
    return Asked(viewing, "asked" if second else "open", until)


async def answer(conn: Connection, actor: Actor, viewing: str, agrees: bool, now: datetime) -> Asked:
    """The second person agrees or refuses. Raises NotFound, NotAllowed, Conflict."""
    row = await conn.fetchrow(SQL["viewing"], as_uuid(viewing))
    if row is None:
        raise NotFound()
    session: str = row["session_id"]
    await _recorded(conn, actor, Action.AGREE_RECORDING, session)
    if row["asked_by"] == actor.id:
        raise Conflict("second_person_needed")
    if not row["needs_second"] or row["answered_by"] is not None:
        raise Conflict("viewing_answered")
    until = now + core.OPEN_FOR if agrees else None
    await conn.execute(SQL["answer"], row["id"], actor.id, now, until)
    facts = {"viewing": row["id"], "asked_by": row["asked_by"]}
    await write_entry(conn, actor, session, "agreed" if agrees else "refused", now, facts)
    await audit.append(
        conn, actor, "answer_recording", "session", session, now, {"viewing": row["id"], "agrees": agrees}
    )
    return Asked(row["id"], "open" if agrees else "refused", until)


async def _recorded(conn: Connection, actor: Actor, action: Action, session: str) -> SessionRef:
    """The session, when the actor may do this and there is a recording of it; the recording's row is locked."""
    ref = await require_session(conn, actor, action, session)
    row = await conn.fetchrow(SQL["recording"], session)
    if row is None:
        raise NotFound()
    if row["state"] == "destroyed":
        raise Conflict("recording_destroyed")
    return ref


async def write_entry(
    conn: Connection, actor: Actor, session: str, kind: str, now: datetime, facts: dict[str, str]
) -> None:
    """One more line of a recording's access journal, inside the caller's transaction."""
    await conn.fetchrow(SQL["recording"], session)
    last = await conn.fetchrow(SQL["last_entry"], session)
    n, head = (last["n"] + 1, last["head"]) if last else (0, core.BEGINNING)
    line = core.line_of(session, n, now, kind, actor.id, facts)
    after = core.head_after(head, line)
    await conn.execute(SQL["insert_entry"], session, n, line, after)
    await anchors.notice(conn, session, None, "access", n, after, now)


async def entries(conn: Connection, actor: Actor, session: str) -> list[core.Entry]:
    """The whole access journal. Raises NotFound, NotAllowed."""
    await require_session(conn, actor, Action.SEE_RECORDINGS, session)
    return [core.Entry(row["line"], row["head"]) for row in await conn.fetch(SQL["entries"], session)]


async def listed(conn: Connection, actor: Actor, sites: list[str], now: datetime) -> list[asyncpg.Record]:
    """Recordings at these sites, without names of citizens."""
    rows: list[asyncpg.Record] = await conn.fetch(SQL["listed"], sites, actor.id, now)
    return rows


async def requests(conn: Connection, sites: list[str]) -> list[asyncpg.Record]:
    """Viewings at these sites that wait for a second person."""
    rows: list[asyncpg.Record] = await conn.fetch(SQL["requests"], sites)
    return rows
