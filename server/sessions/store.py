"""Rows of sessions, rooms, seats and their tokens. The caller owns the transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from server.access.tokens import new_token, token_hash
from server.db.statements import load_statements
from server.sessions.core import SEAT_MOVES, SeatState

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from server.db import Connection

SQL = load_statements(__package__)
_SQL = SQL

TokenKind = Literal["seat", "resume"]

SEAT_LIFE = timedelta(hours=24)  # a link ends with its session, at the latest after a day
TOKEN_GRACE = timedelta(minutes=1)  # how long the token before the newest still opens the seat


@dataclass(frozen=True, slots=True)
class CurrentSession:
    """The session a person leads now."""

    id: str
    state: str
    procedure: str


async def insert_session(
    conn: Connection, procedure: str, site_id: str, ticket_id: str | None, in_charge: str, now: datetime
) -> str:
    return str(await conn.fetchval(_SQL["insert_session"], procedure, site_id, ticket_id, in_charge, now))


async def insert_room(conn: Connection, session_id: str, recorded: bool, now: datetime) -> str:
    return str(await conn.fetchval(_SQL["insert_room"], session_id, recorded, now))


async def insert_admitted_seat(
    conn: Connection,
    room: tuple[str, str],
    role: str,
    who: tuple[str | None, str | None],
    name: str,
    by: str,
    now: datetime,
) -> str:
    """room = (session, room), who = (person, endpoint); `by` is the person whose act admits."""
    return str(await conn.fetchval(_SQL["insert_admitted_seat"], *room, role, *who, name, now, now + SEAT_LIFE, by))


async def insert_invited_seat(conn: Connection, room: tuple[str, str], role: str, name: str, now: datetime) -> str:
    return str(await conn.fetchval(_SQL["insert_invited_seat"], *room, role, name, now, now + SEAT_LIFE))


async def issue_token(conn: Connection, seat_id: str, kind: TokenKind, now: datetime) -> str:
    """A fresh token of a seat; the ones before it die within TOKEN_GRACE."""
    token = new_token()
    await conn.execute(_SQL["retire_tokens"], seat_id, kind, now + TOKEN_GRACE)
    await conn.execute(_SQL["insert_token"], token_hash(token), seat_id, kind, now, now + SEAT_LIFE)
    return token


async def insert_event(
    conn: Connection,
    session_id: str,
    room_id: str | None,
    seat_id: str | None,
    kind: str,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    await conn.execute(_SQL["insert_event"], session_id, room_id, seat_id, now, kind, json.dumps(data or {}))


async def announce(conn: Connection, kind: str, **facts: str | None) -> None:
    """Tell every web process on commit (server/db/notify.py delivers it)."""
    await conn.execute(_SQL["announce"], json.dumps({"kind": kind, **facts}))


async def citizen_seat(conn: Connection, ticket_id: str, endpoint_id: str) -> str | None:
    seat: str | None = await conn.fetchval(_SQL["citizen_seat"], ticket_id, endpoint_id)
    return seat


async def seat_of_person(conn: Connection, session_id: str, person_id: str) -> str | None:
    seat: str | None = await conn.fetchval(_SQL["seat_of_person"], session_id, person_id)
    return seat


async def session_of_person(conn: Connection, person_id: str) -> CurrentSession | None:
    row = await conn.fetchrow(_SQL["session_of_person"], person_id)
    return CurrentSession(**row) if row else None


# ---------------------------------------------------------------- coming back with a token


@dataclass(frozen=True, slots=True)
class ClaimedSeat:
    """A token was good: whose seat, and the number of this connection."""

    seat: str
    session_id: str
    connection: int


@dataclass(frozen=True, slots=True)
class DeadToken:
    """A token of ours that opens nothing any more."""

    seat_state: SeatState
    session_is_over: bool
    is_expired: bool


async def claim_seat(conn: Connection, token: str, kind: TokenKind, now: datetime) -> ClaimedSeat | None:
    row = await conn.fetchrow(_SQL["claim_seat"], token_hash(token), kind, now)
    return ClaimedSeat(**row) if row else None


async def why_not_claimed(conn: Connection, token: str, now: datetime) -> DeadToken | None:
    """None: it never was one of ours."""
    row = await conn.fetchrow(_SQL["why_not_claimed"], token_hash(token), now)
    return DeadToken(SeatState(row["state"]), row["session_state"] == "ended", row["is_expired"]) if row else None


# ---------------------------------------------------------------- one session, whole


@dataclass(frozen=True, slots=True)
class SeatRow:
    """A seat with the name of the place where its person sits."""

    seat: str
    room: str
    role: str
    name: str
    site: str
    state: SeatState
    connection: int


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as the room needs it. `rooms`: room -> recorded; `since`: room -> when its recording began, unix seconds."""

    id: str
    procedure: str
    state: str
    opened_at: datetime
    site: str
    in_charge: str
    end_reason: str | None
    rooms: dict[str, bool]
    since: dict[str, float]
    seats: tuple[SeatRow, ...]
    private: frozenset[str] = frozenset()  # those of `rooms` that are private talks


async def load_session(conn: Connection, session_id: str) -> SessionRow | None:
    row = await conn.fetchrow(_SQL["load_session"], session_id)
    if row is None:
        return None
    found = await conn.fetch(_SQL["load_rooms"], session_id)
    rooms = {room["id"]: room["recorded"] for room in found}
    private = frozenset(room["id"] for room in found if room["kind"] == "caucus")
    since = {
        room: at.timestamp() for room in rooms if (at := await conn.fetchval(_SQL["recording_since"], room)) is not None
    }
    seats = tuple(_seat(seat) for seat in await conn.fetch(_SQL["load_seats"], session_id))
    return SessionRow(**row, rooms=rooms, since=since, seats=seats, private=private)


def _seat(row: asyncpg.Record) -> SeatRow:
    values = dict(row)
    return SeatRow(**(values | {"state": SeatState(values["state"])}))


async def running_sessions(conn: Connection) -> list[str]:
    return [row["id"] for row in await conn.fetch(_SQL["running_sessions"])]


async def ended_among(conn: Connection, session_ids: list[str]) -> dict[str, str]:
    """Those of the sessions that are over, with the reason."""
    return {row["id"]: row["end_reason"] for row in await conn.fetch(_SQL["ended_among"], session_ids)}


# ---------------------------------------------------------------- acts on seats


async def leader(conn: Connection, seat_id: str, session_id: str) -> str | None:
    """The person behind a seat, if it is the seat in charge of a running session."""
    person: str | None = await conn.fetchval(_SQL["leader"], seat_id, session_id)
    return person


async def admit_seat(conn: Connection, session_id: str, seat_id: str, by_person: str, now: datetime) -> str | None:
    """The room it is admitted to, or None when nobody waits on that seat."""
    room: str | None = await conn.fetchval(_SQL["admit_seat"], seat_id, session_id, now, by_person)
    return room


async def send_back_seat(conn: Connection, session_id: str, seat_id: str) -> str | None:
    """From the room to the door; None when the seat is not in the room, or leads it."""
    room: str | None = await conn.fetchval(_SQL["send_back_seat"], seat_id, session_id)
    return room


async def turn_away_seat(conn: Connection, session_id: str, seat_id: str, to: SeatState, now: datetime) -> str | None:
    """Refuse or remove; its tokens die. None when the seat is not in a state for that."""
    before = [state.value for state, to_states in SEAT_MOVES.items() if to in to_states]
    room: str | None = await conn.fetchval(_SQL["turn_away_seat"], seat_id, session_id, to.value, now, before)
    if room is not None:
        await conn.execute(_SQL["kill_tokens"], seat_id, now)
    return room


async def name_seat(conn: Connection, session_id: str, seat_id: str, name: str) -> str | None:
    """Name the citizen, on the seat and on the ticket."""
    room: str | None = await conn.fetchval(_SQL["name_seat"], seat_id, session_id, name)
    if room is not None:
        await conn.execute(_SQL["name_ticket"], session_id, name)
    return room


async def joint_room(conn: Connection, session_id: str) -> str | None:
    room: str | None = await conn.fetchval(_SQL["joint_room"], session_id)
    return room


# ---------------------------------------------------------------- life of a session


@dataclass(frozen=True, slots=True)
class LockedSession:
    """A session that nobody else can change until the transaction ends."""

    id: str
    state: str
    ticket_id: str | None


async def lock_session(conn: Connection, session_id: str) -> LockedSession:
    return LockedSession(**await conn.fetchrow(_SQL["lock_session"], session_id))


async def go_live(conn: Connection, session_id: str, now: datetime) -> tuple[str | None, str | None] | None:
    """(ticket, its endpoint) of the session that is live from now on; None when it was already, or is over."""
    row = await conn.fetchrow(_SQL["go_live"], session_id, now)
    if row is None:
        return None
    ticket = row["ticket_id"]
    return ticket, await conn.fetchval(_SQL["serve_ticket"], ticket, now) if ticket else None


async def end_session(conn: Connection, session_id: str, reason: str, now: datetime) -> None:
    """The session with its rooms, their owners, its seats and its tokens."""
    await conn.execute(_SQL["end_session"], session_id, now, reason)
    for statement in ("close_rooms", "release_rooms", "leave_seats", "kill_session_tokens"):
        await conn.execute(_SQL[statement], session_id, now)


async def close_ticket(conn: Connection, ticket_id: str, outcome: str, now: datetime) -> str | None:
    """The ticket's endpoint, which may take the next one."""
    endpoint: str | None = await conn.fetchval(_SQL["close_ticket"], ticket_id, outcome, now)
    return endpoint


# ---------------------------------------------------------------- shown afterwards


@dataclass(frozen=True, slots=True)
class SessionShownRow:
    """A session in a list or on its own page."""

    id: str
    procedure: str
    state: str
    opened_at: datetime
    live_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    name_zh: str  # of the site
    name_en: str
    number: str
    citizen_name: str
    recorded: bool


@dataclass(frozen=True, slots=True)
class PersonShownRow:
    """Somebody who had a seat."""

    seat: str
    role: str
    name: str
    state: str
    admitted_at: datetime | None
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventShownRow:
    """One session event."""

    at: datetime
    kind: str
    seat: str | None
    data: dict[str, Any]


async def sessions_led(conn: Connection, person_id: str, limit: int) -> list[SessionShownRow]:
    return [SessionShownRow(**row) for row in await conn.fetch(_SQL["sessions_led"], person_id, limit)]


async def session_shown(conn: Connection, session_id: str) -> SessionShownRow | None:
    row = await conn.fetchrow(_SQL["session_shown"], session_id)
    return SessionShownRow(**row) if row else None


async def people_shown(conn: Connection, session_id: str) -> list[PersonShownRow]:
    return [PersonShownRow(**row) for row in await conn.fetch(_SQL["people_shown"], session_id)]


async def events_shown(conn: Connection, session_id: str, limit: int) -> list[EventShownRow]:
    rows = await conn.fetch(_SQL["events_shown"], session_id, limit)
    return [EventShownRow(row["at"], row["kind"], row["seat"], json.loads(row["data"])) for row in rows]


async def recording_stopped_by(conn: Connection, session: str) -> str | None:
    """The cause (`recording_disk_full` ...) of a recording that failed and has not begun again; None: it did not fail, or nobody knows."""
    return await conn.fetchval(_SQL["recording_stopped_by"], session)  # type: ignore[no-any-return]
