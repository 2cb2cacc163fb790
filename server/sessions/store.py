"""Rows of sessions, rooms, seats and their tokens. The caller owns the transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from server.access.tokens import new_token, token_hash
from server.db.statements import load_statements

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

_SQL = load_statements(__package__)

SEAT_LIFE = timedelta(hours=24)  # a link ends with its session, at the latest after a day
TOKEN_GRACE = timedelta(minutes=1)  # how long the token before the newest still opens the seat


@dataclass(frozen=True, slots=True)
class CurrentSession:
    """The session a person leads now."""

    id: str
    state: str
    procedure: str


async def insert_session(conn: Connection, procedure: str, site_id: str, ticket_id: str | None, in_charge: str, now: datetime) -> str:
    return str(await conn.fetchval(_SQL["insert_session"], procedure, site_id, ticket_id, in_charge, now))


async def insert_room(conn: Connection, session_id: str, recorded: bool, now: datetime) -> str:
    return str(await conn.fetchval(_SQL["insert_room"], session_id, recorded, now))


async def insert_admitted_seat(
    conn: Connection, room: tuple[str, str], role: str, who: tuple[str | None, str | None], name: str, by: str, now: datetime
) -> str:
    """room = (session, room), who = (person, endpoint); `by` is the person whose act admits."""
    return str(await conn.fetchval(_SQL["insert_admitted_seat"], *room, role, *who, name, now, now + SEAT_LIFE, by))


async def insert_invited_seat(conn: Connection, room: tuple[str, str], role: str, name: str, now: datetime) -> str:
    return str(await conn.fetchval(_SQL["insert_invited_seat"], *room, role, name, now, now + SEAT_LIFE))


async def issue_token(conn: Connection, seat_id: str, kind: Literal["seat", "resume"], now: datetime) -> str:
    """A fresh token of a seat; the ones before it die within TOKEN_GRACE."""
    token = new_token()
    await conn.execute(_SQL["retire_tokens"], seat_id, kind, now + TOKEN_GRACE)
    await conn.execute(_SQL["insert_token"], token_hash(token), seat_id, kind, now, now + SEAT_LIFE)
    return token


async def insert_event(
    conn: Connection, session_id: str, room_id: str | None, seat_id: str | None, kind: str, now: datetime, data: dict[str, Any] | None = None
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
