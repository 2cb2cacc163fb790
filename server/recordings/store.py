"""Rows of recordings, films and jobs. The caller owns the transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from server.db.statements import load_statements

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

_SQL = load_statements(__package__)


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """The recording of a session, with its job as far as that is."""

    session_id: str
    state: str
    cause: str | None
    result: dict[str, Any]
    wrapped_key: str | None
    created_at: datetime
    job_state: str | None
    progress: float | None
    stage: str | None


@dataclass(frozen=True, slots=True)
class FilmRow:
    """One film or pack. path is below the data directory."""

    id: str
    room_id: str
    kind: str
    seat_id: str | None
    source: str | None
    part: int
    path: str
    content_type: str
    bytes: int
    length_us: int
    facts: dict[str, Any]
    seat_role: str | None = None
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What the films and the pack say about a session."""

    id: str
    procedure: str
    opened_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    site: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job that this process holds."""

    id: int
    kind: str
    subject: str
    attempts: int
    leased_by: str


async def recording_key(conn: Connection, session_id: str) -> tuple[bool, str | None]:
    """(there is a recording, its wrapped key or None when that was destroyed)."""
    row = await conn.fetchrow(_SQL["recording_key"], session_id)
    return (row is not None, row["wrapped_key"] if row else None)


async def insert_recording(conn: Connection, session_id: str, wrapped_key: str, now: datetime) -> None:
    await conn.execute(_SQL["insert_recording"], session_id, wrapped_key, now)


async def recording(conn: Connection, session_id: str) -> RecordingRow | None:
    row = await conn.fetchrow(_SQL["recording"], session_id)
    return RecordingRow(**{**row, "result": json.loads(row["result"])}) if row else None


async def films(conn: Connection, session_id: str) -> list[FilmRow]:
    return [_film(row) for row in await conn.fetch(_SQL["films"], session_id)]


async def film(conn: Connection, session_id: str, film_id: str) -> FilmRow | None:
    row = await conn.fetchrow(_SQL["film"], session_id, film_id)
    return _film(row) if row else None


async def pack(conn: Connection, session_id: str) -> FilmRow | None:
    row = await conn.fetchrow(_SQL["pack"], session_id)
    return _film(row) if row else None


def _film(row: Any) -> FilmRow:
    return FilmRow(**{**row, "facts": json.loads(row["facts"])})


async def save_film(conn: Connection, session_id: str, film: FilmRow, now: datetime) -> None:
    values = (
        film.room_id,
        film.kind,
        film.seat_id,
        film.source,
        film.part,
        film.path,
        film.content_type,
        film.bytes,
        film.length_us,
    )
    await conn.execute(_SQL["save_film"], session_id, *values, json.dumps(film.facts), now)


async def resize_film(conn: Connection, film_id: str, size: int) -> None:
    """The pack grew by stamps that came late."""
    await conn.execute(_SQL["resize_film"], film_id, size)


async def known_seats(conn: Connection, session_id: str) -> set[str]:
    return {row["id"] for row in await conn.fetch(_SQL["known_seats"], session_id)}


async def recorded_rooms(conn: Connection, session_id: str) -> list[str]:
    return [row["id"] for row in await conn.fetch(_SQL["recorded_rooms"], session_id)]


async def session_facts(conn: Connection, session_id: str) -> SessionFacts | None:
    row = await conn.fetchrow(_SQL["session_facts"], session_id)
    return SessionFacts(**row) if row else None


async def people(conn: Connection, session_id: str) -> dict[str, dict[str, str]]:
    """Role and name by seat, as the films show them."""
    return {
        row["id"]: {"role": row["role"], "name": row["display_name"]}
        for row in await conn.fetch(_SQL["people"], session_id)
    }


async def finish_recording(
    conn: Connection, session_id: str, cause: str | None, result: dict[str, Any], now: datetime
) -> None:
    await conn.execute(
        _SQL["finish_recording"], session_id, "failed" if cause else "ready", cause, json.dumps(result), now
    )


async def watched_lately(conn: Connection, person_id: str | None, action: str, object_id: str, since: datetime) -> bool:
    return bool(await conn.fetchval(_SQL["watched_lately"], person_id, action, object_id, since))


# ---------------------------------------------------------------- jobs


async def take_job(conn: Connection, kind: str, holder: str, until: datetime, now: datetime) -> Job | None:
    row = await conn.fetchrow(_SQL["take_job"], kind, holder, until, now)
    return Job(**row) if row else None


async def next_job_at(conn: Connection, kind: str) -> datetime | None:
    at: datetime | None = await conn.fetchval(_SQL["next_job_at"], kind)
    return at


async def keep_job(conn: Connection, job: Job, until: datetime, stage: str, progress: float) -> bool:
    """False: the job is somebody else's by now."""
    return await conn.fetchval(_SQL["keep_job"], job.id, job.leased_by, until, stage, progress) is not None


async def finish_job(conn: Connection, job: Job, now: datetime) -> bool:
    return await conn.fetchval(_SQL["finish_job"], job.id, job.leased_by, now) is not None


async def put_off_job(conn: Connection, job: Job, run_after: datetime) -> None:
    await conn.execute(_SQL["put_off_job"], job.id, job.leased_by, run_after)


async def retry_job(conn: Connection, job: Job, run_after: datetime, error: str) -> None:
    await conn.execute(_SQL["retry_job"], job.id, job.leased_by, run_after, error)


async def fail_job(conn: Connection, job: Job, now: datetime, error: str) -> bool:
    return await conn.fetchval(_SQL["fail_job"], job.id, job.leased_by, now, error) is not None


# ---------------------------------------------------------------- consent


async def insert_consent(
    conn: Connection, session_id: str, room_id: str, seat_id: str, receipt: dict[str, Any], now: datetime
) -> None:
    words = (receipt["statement"], receipt["signature"], receipt["key"])
    await conn.execute(
        _SQL["insert_consent"], session_id, room_id, seat_id, receipt["purpose"], receipt["given"], now, *words
    )


async def consents(conn: Connection, session_id: str) -> dict[str, dict[str, Any]]:
    """The newest receipt of each seat, as consent.py made it."""
    rows = [dict(row) for row in await conn.fetch(_SQL["consents"], session_id)]
    return {row.pop("seat"): row for row in rows}


async def set_recorded(conn: Connection, room_id: str, recorded: bool) -> None:
    """What a room by consent is from now on."""
    await conn.execute(_SQL["set_recorded"], room_id, recorded)
