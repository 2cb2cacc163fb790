"""Feeds as bytes made at publish, and the secrets of personal feeds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from schedules.core import ical_items
from schedules.core.model import PersonId, SiteId
from schedules.store.statements import QUERIES, Connection

VERSIONS_KEPT = 100
"""Per feed and language. A roster changes a few times a week; a device that was away for longer reads everything anew."""


@dataclass(frozen=True, slots=True)
class FeedBody:
    """A feed as it is sent: bytes, strong ETag with its quotes, instant of its last change."""

    body: bytes
    etag: str
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class FeedHead:
    """Which bytes a feed has now: its tag with quotes, and the instant of their last change."""

    feed: str
    etag: str
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class FeedOf:
    """What a feed is about: a site, one service of a site, a person, or what `about` names (a kind of migration 0016).

    subject   a team's code where about is 'team'
    """

    site: SiteId | None = None
    service: str | None = None
    person: PersonId | None = None
    slug: str | None = None
    about: str = ""
    subject: str = ""

    @property
    def kind(self) -> str:
        if self.about:
            return self.about
        if self.person is not None:
            return "person"
        return "site" if self.service is None else "service"


@dataclass(frozen=True, slots=True)
class FeedName:
    """How somebody names a feed: by its public slug, or by the hash of a secret; and in which language."""

    variant: str
    slug: str | None = None
    token_hash: bytes | None = None


def etag_of(body: bytes) -> str:
    """Strong: equal bytes, equal tag."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


async def ensure_feed(conn: Connection, about: FeedOf) -> str:
    """The feed's id, made if it is new."""
    identifier: str = await conn.fetchval(
        QUERIES["ensure_feed"], about.kind, about.site, about.service, about.person, about.slug, about.subject
    )
    return identifier


async def save_feed(conn: Connection, about: FeedOf, bodies: Mapping[str, bytes], now: datetime) -> str:
    """Store a feed's bytes by variant, and remember the version; where they are what they were, nothing changes. Its id."""
    feed = await ensure_feed(conn, about)
    for variant, body in sorted(bodies.items()):
        etag = etag_of(body)
        if await conn.fetchval(QUERIES["save_feed_body"], feed, variant, body, etag, now):
            items = msgspec.json.encode(ical_items.manifest(body)).decode()
            await conn.execute(QUERIES["add_feed_version"], feed, variant, etag, now, items)
            await conn.execute(QUERIES["forget_feed_versions"], feed, variant, VERSIONS_KEPT)
    return feed


async def find_public_feed(conn: Connection, slug: str, variant: str) -> FeedHead | None:
    """What a public feed's bytes are now."""
    return _head(await conn.fetchrow(QUERIES["find_public_feed"], slug, variant))


async def find_secret_feed(conn: Connection, token_hash: bytes, variant: str) -> FeedHead | None:
    """The same of a personal feed; None once the token is revoked."""
    return _head(await conn.fetchrow(QUERIES["find_secret_feed"], token_hash, variant))


async def find_feeds(conn: Connection, names: Sequence[FeedName]) -> list[FeedHead | None]:
    """What these feeds are now, in the order asked; None where there is none, or the token is revoked."""
    found: list[FeedHead | None] = [None] * len(names)
    asked = zip(*((name.slug, name.token_hash, name.variant) for name in names), strict=True)
    for row in await conn.fetch(QUERIES["find_feeds"], *asked) if names else ():
        found[row["place"] - 1] = _head(row)
    return found


def _head(row: Mapping[str, Any] | None) -> FeedHead | None:
    return None if row is None else FeedHead(row["feed_id"], row["etag"], row["last_modified"].astimezone(UTC))


async def load_feed_bytes(conn: Connection, feed: str, variant: str, etag: str) -> bytes | None:
    """The bytes under this tag; None where the feed has others by now."""
    body: bytes | None = await conn.fetchval(QUERIES["load_feed_bytes"], feed, variant, etag)
    return body


async def load_public_feed(conn: Connection, slug: str, variant: str) -> FeedBody | None:
    """A public feed with its bytes, of one moment."""
    return await _with_bytes(conn, await find_public_feed(conn, slug, variant), variant)


async def load_secret_feed(conn: Connection, token_hash: bytes, variant: str) -> FeedBody | None:
    """A personal feed with its bytes; None once the token is revoked."""
    return await _with_bytes(conn, await find_secret_feed(conn, token_hash, variant), variant)


async def _with_bytes(conn: Connection, head: FeedHead | None, variant: str) -> FeedBody | None:
    body = None if head is None else await load_feed_bytes(conn, head.feed, variant, head.etag)
    return None if head is None or body is None else FeedBody(body, head.etag, head.last_modified)


async def rotate_feed_token(
    conn: Connection, feed: str, person: PersonId, token_hash: bytes, now: datetime, kind: str = "person"
) -> None:
    """Give a personal feed of this kind a new secret; the old one ends at once."""
    await revoke_feed_token(conn, person, now, kind)
    await conn.execute(QUERIES["add_feed_token"], token_hash, feed, now)


async def revoke_feed_token(conn: Connection, person: PersonId, now: datetime, kind: str = "person") -> bool:
    """End a person's feed secret; False if there was none."""
    return bool(await conn.fetch(QUERIES["revoke_feed_tokens"], person, now, kind))


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
