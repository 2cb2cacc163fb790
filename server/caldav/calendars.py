"""Which calendars somebody has over CalDAV: the own duties, by the secret of the personal feed, and the public ones beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schedules.store import feed_history
from schedules.store.feeds import find_public_feed, find_secret_feed
from schedules.store.limits import find_limits_feed
from server.access.tokens import looks_like_token, token_hash
from server.errors import NotFound, ServiceAway

if TYPE_CHECKING:
    from schedules.core.ical_items import Item
    from schedules.store.feed_history import FeedVersion
    from schedules.store.feeds import FeedHead
    from server.db import Connection
    from server.feeds.bodies import Bodies

# name in the URL -> public feed, None: an own one
COLLECTIONS: dict[str, str | None] = {
    "duty": None,
    "limits": None,
    "theme-days": "every-site.theme-days",
    "lectures": "every-site.law-lectures",
    "holidays": "days.statutory-holidays",
    "makeup-days": "days.makeup-workdays",
}
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Collection:
    """One calendar in one language, of one moment."""

    name: str
    title: str
    head: FeedHead
    version: FeedVersion
    items: dict[str, Item]


async def is_known(conn: Connection, secret: str) -> bool:
    """Whether this is a live secret of somebody's feed."""
    return looks_like_token(secret) and await feed_history.person_of_token(conn, token_hash(secret)) is not None


async def load(conn: Connection, secret: str, name: str, variant: str, bodies: Bodies) -> Collection:
    """A calendar with its items. Raises NotFound where it does not exist or nothing was published in it."""
    if name not in COLLECTIONS:
        raise NotFound()
    for _ in range(_ATTEMPTS):
        head = await _head_of(conn, secret, name, variant)
        if head is None:
            raise NotFound()
        body = await bodies.load(conn, head, variant)
        version = await feed_history.find_version(conn, head.feed, variant, head.etag)
        if body is not None and version is not None:
            return Collection(name, _title(body), head, version, bodies.items(head.etag, body))
    raise ServiceAway()


async def _head_of(conn: Connection, secret: str, name: str, variant: str) -> FeedHead | None:
    slug = COLLECTIONS[name]
    if slug is not None:
        return await find_public_feed(conn, slug, variant)
    if name == "duty":
        return await find_secret_feed(conn, token_hash(secret), variant)
    person = await feed_history.person_of_token(conn, token_hash(secret))
    return None if person is None else await find_limits_feed(conn, person, variant)


def _title(body: bytes) -> str:
    """NAME of the calendar, which stands before its events."""
    head = body.partition(b"BEGIN:V")[0] + body.partition(b"BEGIN:VCALENDAR")[2].partition(b"BEGIN:V")[0]
    for line in head.replace(b"\r\n ", b"").split(b"\r\n"):
        if line.startswith(b"NAME:"):
            return line[5:].decode().replace("\\,", ",").replace("\\;", ";")
    return ""


async def load_all(conn: Connection, secret: str, variant: str, bodies: Bodies) -> list[Collection]:
    """Every calendar that has something published."""
    found = []
    for name in COLLECTIONS:
        try:
            found.append(await load(conn, secret, name, variant, bodies))
        except NotFound:
            continue  # nothing of this kind was published yet
    return found
