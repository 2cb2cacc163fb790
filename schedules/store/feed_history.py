"""Versions of feeds, and which device fetched which of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from schedules.core.ical_items import Line
from schedules.core.model import PersonId
from schedules.store.statements import QUERIES, Connection


@dataclass(frozen=True, slots=True)
class FeedVersion:
    """One version of a feed in one language."""

    number: int
    etag: str
    at: datetime
    items: dict[str, Line]


@dataclass(frozen=True, slots=True)
class Fetch:
    """What a device did: `fetches` times since the last report, the last time at `at`, with these bytes."""

    feed: str
    device: bytes
    program: str
    variant: str
    etag: str
    at: datetime
    fetches: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """The last fetch of one program of a device."""

    program: str
    variant: str
    etag: str
    first_at: datetime
    fetched_at: datetime
    fetches: int


@dataclass(frozen=True, slots=True)
class OwnToken:
    """The live secret of a person's feed, as far as it is kept."""

    feed: str
    device: bytes
    since: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """A public feed's link that was given to one device."""

    feed: str
    slug: str
    since: datetime


async def load_version(conn: Connection, feed: str, variant: str, number: int) -> FeedVersion | None:
    """One version; None where it was never made or is forgotten."""
    return _version(await conn.fetchrow(QUERIES["load_feed_version"], feed, variant, number))


async def find_version(conn: Connection, feed: str, variant: str, etag: str) -> FeedVersion | None:
    """The newest version with these bytes."""
    return _version(await conn.fetchrow(QUERIES["load_feed_version_by_etag"], feed, variant, etag))


async def newest_version(conn: Connection, feed: str, variant: str) -> FeedVersion | None:
    """What is public now."""
    return _version(await conn.fetchrow(QUERIES["load_newest_feed_version"], feed, variant))


def _version(row: Mapping[str, Any] | None) -> FeedVersion | None:
    if row is None:
        return None
    items = msgspec.json.decode(row["items"], type=dict[str, Line])
    return FeedVersion(row["number"], row["etag"], row["at"].astimezone(UTC), items)


async def save_fetches(conn: Connection, fetches: Iterable[Fetch]) -> None:
    """Write the fetches of a while, in one statement."""
    rows = [(f.feed, f.device, f.program, f.variant, f.etag, f.at, f.fetches) for f in fetches]
    if rows:
        await conn.execute(QUERIES["save_receipts"], *(list(column) for column in zip(*rows, strict=True)))


async def list_receipts(conn: Connection, feed: str, device: bytes) -> tuple[Receipt, ...]:
    """The programs that fetch a feed by one link, the latest first."""
    rows = await conn.fetch(QUERIES["list_receipts"], feed, device)
    return tuple(
        Receipt(r["program"], r["variant"], r["etag"], r["first_at"], r["fetched_at"].astimezone(UTC), r["fetches"])
        for r in rows
    )


async def add_device(conn: Connection, device: bytes, slug: str, now: datetime) -> str | None:
    """Give a public feed's link to a device; its feed's id, None where there is no such feed."""
    feed: str | None = await conn.fetchval(QUERIES["add_feed_device"], device, slug, now)
    return feed


async def find_device(conn: Connection, device: bytes) -> Device | None:
    row = await conn.fetchrow(QUERIES["find_feed_device"], device)
    return None if row is None else Device(row["feed_id"], row["slug"], row["made_at"].astimezone(UTC))


async def own_token(conn: Connection, person: PersonId) -> OwnToken | None:
    """The live secret of a person's own feed."""
    row = await conn.fetchrow(QUERIES["own_feed_token"], person)
    return None if row is None else OwnToken(row["feed_id"], row["token_hash"], row["created_at"].astimezone(UTC))


async def person_of_token(conn: Connection, token_hash: bytes) -> PersonId | None:
    """Whose secret it is; None once it is revoked or the person has left."""
    found: str | None = await conn.fetchval(QUERIES["person_of_token"], token_hash)
    return None if found is None else PersonId(found)
