"""Personal feed secrets: made, replaced, ended, each with its audit entry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schedules.core.model import PersonId
from schedules.store import feeds as feed_store
from schedules.store.feeds import FeedName
from server import audit
from server.access.core import Action
from server.access.require import require_own
from server.access.tokens import looks_like_token, new_token, token_hash
from server.db.pool import connection
from server.duty.publishing import ensure_person_feed
from server.errors import NotFound, ServiceAway

if TYPE_CHECKING:
    from datetime import datetime

    from schedules.store.feeds import FeedHead
    from server.access.core import Actor
    from server.db import Connection, Pool
    from server.feeds.bodies import Bodies
    from server.feeds.heads import Heads

    Again = tuple[str, str, str]

_ATTEMPTS = 20  # publishes in a row that a read may meet; one is already rare
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,120}")


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed's state now. `device` is set where the link is a device's own: its fetches are receipts."""

    head: FeedHead
    variant: str
    is_public: bool
    device: bytes | None


async def find_feed(heads: Heads, name: str, variant: str, device: str) -> FoundFeed:
    """A feed's row. Raises NotFound: unknown, revoked and not yet published look the same.

    device   the id that a public link was given, or ''
    """
    if looks_like_token(name):
        head = await heads.find(FeedName(variant, token_hash=token_hash(name)))
        if head is not None:
            return FoundFeed(head, variant, False, token_hash(name))
    head = await heads.find(FeedName(variant, slug=name)) if _SLUG.fullmatch(name) else None
    if head is None:
        raise NotFound()
    return FoundFeed(head, variant, True, token_hash(device) if looks_like_token(device) else None)


async def load_feed(
    pool: Pool, heads: Heads, found: FoundFeed, again: Again, bodies: Bodies
) -> tuple[FoundFeed, bytes]:
    """A feed with its bytes. Raises NotFound.

    again   the words it was found by, for a feed that was replaced since
    """
    for _ in range(_ATTEMPTS):
        body = bodies.kept(found.head)
        if body is None:
            async with connection(pool) as conn:
                body = await bodies.load(conn, found.head, found.variant)
        if body is not None:
            return found, body
        found = await find_feed(heads, *again)
    raise ServiceAway()  # replaced again and again between two statements: come back in a second


async def rotate_own_feed(conn: Connection, actor: Actor, base_url: str, now: datetime) -> str:
    """A new secret for one's own feed; the old link ends at once. Shown once: only its hash is kept."""
    person = _own(actor)
    feed = await ensure_person_feed(conn, person, base_url, now)
    secret = new_token()
    await feed_store.rotate_feed_token(conn, feed, person, token_hash(secret), now)
    await audit.append(conn, actor, "rotate_feed_token", "feed", feed, now)
    return secret


async def revoke_own_feed(conn: Connection, actor: Actor, now: datetime) -> None:
    """End one's own feed link. Raises NotFound where there is none."""
    person = _own(actor)
    if not await feed_store.revoke_feed_token(conn, person, now):
        raise NotFound()
    await audit.append(conn, actor, "revoke_feed_token", "person", person, now)


def _own(actor: Actor) -> PersonId:
    require_own(actor, Action.OWN_FEED, actor.id)
    return PersonId(actor.id or "")
