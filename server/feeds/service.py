"""Personal feed secrets: made, replaced, ended, each with its audit entry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schedules.core.model import PersonId
from schedules.store import feeds as feed_store
from server import audit
from server.access.core import Action
from server.access.require import require_own
from server.access.tokens import looks_like_token, new_token, token_hash
from server.duty.publishing import ensure_person_feed
from server.errors import NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from schedules.store.feeds import FeedBody
    from server.access.core import Actor
    from server.db import Connection


_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,120}")


async def load_feed(conn: Connection, name: str, variant: str) -> tuple[FeedBody, bool]:
    """A feed's row and whether it is public. Raises NotFound: unknown, revoked and not yet published look the same."""
    if looks_like_token(name):
        body = await feed_store.load_secret_feed(conn, token_hash(name), variant)
        if body is not None:
            return body, False
    body = await feed_store.load_public_feed(conn, name, variant) if _SLUG.fullmatch(name) else None
    if body is None:
        raise NotFound()
    return body, True


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
