"""Endpoints in the database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from server.db.statements import load_statements

if TYPE_CHECKING:
    from server.db import Connection

_SQL = load_statements(__package__)
GONE_AFTER = timedelta(seconds=90)  # a device reports every 30 s: three missed reports
STILL_NEWS = timedelta(
    days=7
)  # what has been silent for longer was taken away: only the administrator's list still shows it


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One device and where it stands. card_reader: address of the reader's program on the device itself, or empty."""

    id: str
    site_id: str
    kind: str
    name_zh: str
    name_en: str
    site_slug: str
    site_name_zh: str
    site_name_en: str
    card_reader: str


@dataclass(frozen=True, slots=True)
class EndpointListed(Endpoint):
    """A row of the administrator's list."""

    enrolled_at: datetime | None
    revoked_at: datetime | None
    last_seen_at: datetime | None


async def insert(
    conn: Connection, site_id: str, kind: str, names: tuple[str, str], code_hash: bytes, expires: datetime
) -> str:
    """A new endpoint that waits for its enrolment; `names` = (Chinese, English)."""
    endpoint_id: str = await conn.fetchval(
        _SQL["insert_endpoint"], UUID(site_id), kind, names[0], names[1], code_hash, expires
    )
    return endpoint_id


async def renew_code(conn: Connection, endpoint_id: str, code_hash: bytes, expires: datetime) -> None:
    """Another one-time code, for instance after the device was replaced."""
    await conn.execute(_SQL["renew_code"], UUID(endpoint_id), code_hash, expires)


async def enrol(conn: Connection, code_hash: bytes, token_hash: bytes, now: datetime) -> str | None:
    """Spend a code; the endpoint's id, or None if there is no such code (any more)."""
    endpoint_id: str | None = await conn.fetchval(_SQL["enrol"], code_hash, token_hash, now)
    return endpoint_id


async def revoke(conn: Connection, endpoint_id: str, now: datetime) -> None:
    """The device's credential is worth nothing from now on."""
    await conn.execute(_SQL["revoke"], UUID(endpoint_id), now)


async def seen(conn: Connection, endpoint_id: str, now: datetime) -> None:
    """The device is there; written at most every 20 s."""
    await conn.execute(_SQL["seen"], UUID(endpoint_id), now)


async def announce(conn: Connection, endpoint_id: str) -> None:
    """The device's streams look at once whether they may go on."""
    await conn.execute("select pg_notify('laizuo', $1)", json.dumps({"kind": "endpoint", "endpoint": endpoint_id}))


@dataclass(frozen=True, slots=True)
class Report:
    """What a device says of itself. `line`: rtt_ms, loss (share of 1), kbit_s, as far as it knows."""

    version: str
    line: dict[str, float]
    problems: list[str]


async def report(conn: Connection, endpoint_id: str, said: Report, now: datetime) -> bool:
    """Keep a report; True when the device is to load its page anew."""
    values = (UUID(endpoint_id), said.version, json.dumps(said.line), said.problems, now)
    return bool(await conn.fetchval(_SQL["report"], *values))


async def set_card_reader(conn: Connection, endpoint_id: str, address: str) -> None:
    """Raises asyncpg.CheckViolationError for an address that is not on the device itself."""
    await conn.execute(_SQL["set_card_reader"], UUID(endpoint_id), address)


async def want_reload(conn: Connection, endpoint_id: str, now: datetime) -> None:
    """Told at the device's next report."""
    await conn.execute(_SQL["want_reload"], UUID(endpoint_id), now)


@dataclass(frozen=True, slots=True)
class Health:
    """How a device is, for those who look after it."""

    id: str
    name_zh: str
    name_en: str
    kind: str
    site_slug: str
    site_name_zh: str
    site_name_en: str
    version: str
    line: str
    problems: list[str]
    reported_at: datetime | None
    last_seen_at: datetime | None
    reload_wanted: bool
    revoked: bool
    card_reader: str


async def health_below(conn: Connection, site_ids: list[str]) -> list[Health]:
    """All devices at or below sites."""
    rows = await conn.fetch(_SQL["health_below"], [UUID(site) for site in site_ids])
    return [Health(**dict(row)) for row in rows]


async def silent_below(conn: Connection, site_ids: list[str], now: datetime) -> list[Health]:
    """Devices at or below sites that reported and do so no more, the one that went last first."""
    found = await health_below(conn, site_ids) if site_ids else []
    gone = [(one.reported_at, one.id, one) for one in found if one.reported_at is not None and not one.revoked]
    news = sorted((at, key) for at, key, _ in gone if now - STILL_NEWS < at <= now - GONE_AFTER)
    by_id = {key: one for _, key, one in gone}
    return [by_id[key] for _, key in reversed(news)]


async def site_of(conn: Connection, endpoint_id: UUID) -> str | None:
    """The site of an endpoint."""
    site_id: str | None = await conn.fetchval(_SQL["site_of"], endpoint_id)
    return site_id


async def load(conn: Connection, endpoint_id: str) -> Endpoint:
    """One endpoint. The id comes from an Actor, so the row exists."""
    row = await conn.fetchrow(_SQL["endpoint"], UUID(endpoint_id))
    assert row is not None
    return Endpoint(**dict(row))


async def endpoints_below(conn: Connection, site_id: str) -> list[EndpointListed]:
    """All endpoints at or below a site."""
    return [EndpointListed(**dict(row)) for row in await conn.fetch(_SQL["endpoints_below"], UUID(site_id))]
