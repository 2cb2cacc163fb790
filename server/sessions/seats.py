"""Acts on seats, each inside one transaction of the caller's: come with a token, admit, refuse, remove, name, invite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from server import audit
from server.access.core import Actor
from server.access.tokens import looks_like_token
from server.errors import NotAllowed, NotFound
from server.sessions import store
from server.sessions.core import SeatState

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

Ending = Literal["bad_token", "expired", "removed", "refused", "ended"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A token that opens a seat: the number of this connection, and the token for coming back."""

    seat: str
    session_id: str
    connection: int
    resume: str
    resumed: bool


@dataclass(frozen=True, slots=True)
class NoEntry:
    """A token that opens nothing, and why."""

    why: Ending


async def enter(conn: Connection, token: str, kind: store.TokenKind, now: datetime) -> Entry | NoEntry:
    """Take the seat of a token. The newest connection of a seat is the one; the number says which that is."""
    if not looks_like_token(token):
        return NoEntry("bad_token")
    claimed = await store.claim_seat(conn, token, kind, now)
    if claimed is None:
        return NoEntry(_why(await store.why_not_claimed(conn, token, now)))
    resume = await store.issue_token(conn, claimed.seat, "resume", now)
    return Entry(claimed.seat, claimed.session_id, claimed.connection, resume, kind == "resume")


def _why(dead: store.DeadToken | None) -> Ending:
    if dead is None:
        return "bad_token"
    if dead.seat_state is SeatState.REMOVED:
        return "removed"
    if dead.seat_state is SeatState.REFUSED:
        return "refused"
    if dead.session_is_over:
        return "ended"
    return "expired" if dead.is_expired else "bad_token"  # a resume token where a seat token belongs


async def admit(conn: Connection, session_id: str, seat: str, by: str, now: datetime) -> None:
    """Raises NotAllowed, NotFound."""
    person = await leader_of(conn, session_id, by)
    room = await store.admit_seat(conn, session_id, seat, person, now)
    await _write(conn, session_id, room, seat, "admitted", by, person, now)


async def refuse(conn: Connection, session_id: str, seat: str, by: str, now: datetime) -> None:
    """Raises NotAllowed, NotFound."""
    await _turn_away(conn, session_id, seat, by, SeatState.REFUSED, now)


async def remove(conn: Connection, session_id: str, seat: str, by: str, now: datetime) -> None:
    """Raises NotAllowed, NotFound."""
    await _turn_away(conn, session_id, seat, by, SeatState.REMOVED, now)


async def send_back(conn: Connection, session_id: str, seat: str, by: str, now: datetime) -> None:
    """From the room to the waiting side; the seat and its links live on. Raises NotAllowed, NotFound."""
    person = await leader_of(conn, session_id, by)
    if seat == by:
        raise NotFound()
    room = await store.send_back_seat(conn, session_id, seat)
    await _write(conn, session_id, room, seat, "sent_back", by, person, now)


async def _turn_away(conn: Connection, session_id: str, seat: str, by: str, to: SeatState, now: datetime) -> None:
    person = await leader_of(conn, session_id, by)
    if seat == by:
        raise NotFound()
    room = await store.turn_away_seat(conn, session_id, seat, to, now)
    await _write(conn, session_id, room, seat, to.value, by, person, now)


async def name(conn: Connection, session_id: str, seat: str, new_name: str, by: str, now: datetime) -> None:
    """Name the citizen. Who may was decided by role; the name itself stays out of the audit trail. Raises NotFound."""
    room = await store.name_seat(conn, session_id, seat, new_name)
    await _write(conn, session_id, room, seat, "named", by, None, now)


async def leader_of(conn: Connection, session_id: str, by: str) -> str:
    """The person behind the seat in charge. Raises NotAllowed: it is another seat, or not in charge any more."""
    person = await store.leader(conn, by, session_id)
    if person is None:
        raise NotAllowed()
    return person


async def _write(
    conn: Connection,
    session_id: str,
    room: str | None,
    seat: str,
    kind: str,
    by: str,
    person: str | None,
    now: datetime,
) -> None:
    """Event and audit entry of an act that has found its seat."""
    if room is None:
        raise NotFound()
    actor = Actor("person", person) if person else Actor("seat", by, session_id=session_id)
    await store.insert_event(conn, session_id, room, seat, kind, now, {"by": by})
    await audit.append(conn, actor, f"{kind}_seat", "seat", seat, now, {"session": session_id})
    await store.announce(conn, "session", session=session_id)
