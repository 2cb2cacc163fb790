"""Registrations of events. Seats are counted by the database (migration 0015); the caller holds the event's row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from schedules.core.lectures import Place
from schedules.store.statements import EVENT_QUERIES as QUERIES
from schedules.store.statements import Connection

FORGOTTEN_AFTER = timedelta(days=14)
"""After the end of the event: feedback closes, and nobody has a use for names and phones any more."""


class AlreadyRegistered(Exception):
    """Somebody with this phone or mail has a place already; `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Overbooked(Exception):
    """The database refused one too many."""


@dataclass(frozen=True, slots=True)
class Registration:
    """One person's place."""

    id: str
    event: str
    arrival: int
    name: str
    phone: str
    mail: str
    language: str
    place: Place
    made_at: datetime
    moved_up_at: datetime | None
    attended_at: datetime | None
    rating: int | None
    feedback: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who registers; name, phone and mail may be empty."""

    id: str
    event: str
    name: str
    phone: str
    language: str
    token_hash: bytes
    request_key: str
    mail: str = ""


@dataclass(frozen=True, slots=True)
class MovedUp:
    """Somebody who waited and has a seat now."""

    id: str
    phone: str
    mail: str
    language: str


async def add(conn: Connection, who: Newcomer, place: Place, now: datetime) -> None:
    """Store a registration. Raises AlreadyRegistered, Overbooked."""
    values = (who.id, who.event, who.name, who.phone, who.language, who.token_hash, who.request_key)
    try:
        await conn.execute(QUERIES["add_registration"], *values, place.value, now, who.mail)
    except asyncpg.UniqueViolationError as error:
        raise AlreadyRegistered("mail" if error.constraint_name == "registration_mail_once" else "phone") from error
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != "event_never_overbooked":
            raise
        raise Overbooked from error


async def was_requested(conn: Connection, event: str, request_key: str) -> bool:
    """Whether this press was answered before."""
    return bool(await conn.fetchval(QUERIES["find_request"], event, request_key))


async def find(conn: Connection, token_hash: bytes) -> Registration | None:
    """The registration of a personal link."""
    return _registration(await conn.fetchrow(QUERIES["find_registration"], token_hash))


async def load(conn: Connection, identifier: str) -> Registration | None:
    return _registration(await conn.fetchrow(QUERIES["load_registration"], identifier))


async def list_of(conn: Connection, event: str) -> tuple[Registration, ...]:
    """Everybody, in order of arrival."""
    rows = await conn.fetch(QUERIES["list_registrations"], event)
    return tuple(found for row in rows if (found := _registration(row)) is not None)


def _registration(row: Mapping[str, Any] | None) -> Registration | None:
    if row is None:
        return None
    moved, attended = row["moved_up_at"], row["attended_at"]
    return Registration(
        id=row["id"],
        event=row["event_id"],
        place=Place(row["state"]),
        made_at=row["made_at"].astimezone(UTC),
        moved_up_at=moved and moved.astimezone(UTC),
        attended_at=attended and attended.astimezone(UTC),
        **{name: row[name] for name in ("arrival", "name", "phone", "mail", "language", "rating", "feedback")},
    )


async def cancel(conn: Connection, identifier: str, now: datetime) -> bool:
    """Give a place up; False where there is none to give up any more."""
    return bool(await conn.fetchval(QUERIES["cancel_registration"], identifier, now))


async def waiting_before(conn: Connection, who: Registration) -> int:
    """How many wait in front of somebody who waits."""
    count: int = await conn.fetchval(QUERIES["waiting_before"], who.event, who.arrival)
    return count


async def move_up(conn: Connection, event: str, now: datetime) -> tuple[MovedUp, ...]:
    """Give free seats to those who wait longest."""
    rows = await conn.fetch(QUERIES["move_up"], event, now)
    return tuple(MovedUp(row["id"], row["phone"], row["mail"], row["language"]) for row in rows)


async def check_in(conn: Connection, identifier: str, now: datetime) -> bool:
    """Note that somebody came; False where that is noted already."""
    return bool(await conn.fetchval(QUERIES["check_in"], identifier, now))


async def give_feedback(conn: Connection, identifier: str, rating: int, text: str) -> bool:
    return bool(await conn.fetchval(QUERIES["give_feedback"], identifier, rating, text))


async def forget(conn: Connection, now: datetime) -> int:
    """Remove names, phones and mail addresses of events that were over two weeks ago; how many."""
    return len(await conn.fetch(QUERIES["forget_registrations"], now, now - FORGOTTEN_AFTER))
