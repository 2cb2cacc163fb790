"""Feeds as bytes made at publish, and the secrets of personal feeds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schedules.core.model import PersonId, SiteId
from schedules.store.statements import QUERIES, Connection


@dataclass(frozen=True, slots=True)
class FeedBody:
    """A feed as it is sent: bytes, strong ETag with its quotes, instant of its last change."""

    body: bytes
    etag: str
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class FeedOf:
    """What a feed is about: a site, one service of a site, or a person."""

    site: SiteId | None = None
    service: str | None = None
    person: PersonId | None = None
    slug: str | None = None

    @property
    def kind(self) -> str:
        if self.person is not None:
            return "person"
        return "site" if self.service is None else "service"


def etag_of(body: bytes) -> str:
    """Strong: equal bytes, equal tag."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


async def ensure_feed(conn: Connection, about: FeedOf) -> str:
    """The feed's id, made if it is new."""
    identifier: str = await conn.fetchval(
        QUERIES["ensure_feed"], about.kind, about.site, about.service, about.person, about.slug
    )
    return identifier


async def save_feed(conn: Connection, about: FeedOf, bodies: Mapping[str, bytes], now: datetime) -> str:
    """Store a feed's bytes by variant; where they are what they were, its instant stays too. Its id."""
    feed = await ensure_feed(conn, about)
    rows = [(feed, variant, body, etag_of(body), now) for variant, body in sorted(bodies.items())]
    await conn.executemany(QUERIES["save_feed_body"], rows)
    return feed


async def load_public_feed(conn: Connection, slug: str, variant: str) -> FeedBody | None:
    """One row of a public feed."""
    return _feed_body(await conn.fetchrow(QUERIES["load_public_feed"], slug, variant))


async def load_secret_feed(conn: Connection, token_hash: bytes, variant: str) -> FeedBody | None:
    """One row of a personal feed; None once the token is revoked."""
    return _feed_body(await conn.fetchrow(QUERIES["load_secret_feed"], token_hash, variant))


def _feed_body(row: Mapping[str, Any] | None) -> FeedBody | None:
    return None if row is None else FeedBody(row["body"], row["etag"], row["last_modified"].astimezone(UTC))


async def rotate_feed_token(conn: Connection, feed: str, person: PersonId, token_hash: bytes, now: datetime) -> None:
    """Give a personal feed a new secret; the old one ends at once."""
    await revoke_feed_token(conn, person, now)
    await conn.execute(QUERIES["add_feed_token"], token_hash, feed, now)


async def revoke_feed_token(conn: Connection, person: PersonId, now: datetime) -> bool:
    """End a person's feed secret; False if there was none."""
    return bool(await conn.fetch(QUERIES["revoke_feed_tokens"], person, now))


async def feed_token_since(conn: Connection, person: PersonId) -> datetime | None:
    """Since when the person's present secret is valid."""
    since: datetime | None = await conn.fetchval(QUERIES["feed_token_since"], person)
    return since


async def list_public_feeds(conn: Connection, site: SiteId) -> tuple[tuple[str, str | None], ...]:
    """(slug, service) of a site's feeds, the whole site first."""
    rows = await conn.fetch(QUERIES["list_public_feeds"], site)
    return tuple((row["slug"], row["service"]) for row in rows)


async def list_public_slugs(conn: Connection) -> list[str]:
    """Every public feed's address, in alphabetical order."""
    return [row["slug"] for row in await conn.fetch(QUERIES["list_public_slugs"])]
