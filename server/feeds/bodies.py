"""Feeds' bytes kept in memory by their tag. Equal tags are equal bytes, so nothing kept here can be out of date."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from schedules.core import ical_items, ical_wishes
from schedules.store.feeds import etag_of, load_feed_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from schedules.core.ical_items import Item
    from schedules.core.ical_wishes import Wish
    from schedules.store.feeds import FeedHead
    from server.db import Connection

T = TypeVar("T")
KEPT_BYTES = 48 * 2**20  # some hundred feeds of a year; a city's public feeds are a tenth of it


class Bodies:
    """The least recently used go first."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[int, Any]] = OrderedDict()
        self._room = kept_bytes

    def kept(self, head: FeedHead) -> bytes | None:
        """The bytes of a head, where they are in memory."""
        found: bytes | None = self._get(("body", head.etag))
        return found

    async def load(self, conn: Connection, head: FeedHead, variant: str) -> bytes | None:
        """The bytes of a head; None where it was replaced a moment ago: find the head anew."""
        body = self.kept(head)
        if body is None:
            body = await load_feed_bytes(conn, head.feed, variant, head.etag)
            if body is not None:
                self._put(("body", head.etag), len(body), body)
        return body

    def fulfilled(self, etag: str, body: bytes, wish: Wish) -> tuple[bytes, str]:
        """The bytes as a link wants them, and their own tag."""
        if wish.is_plain:
            return body, etag

        def make() -> tuple[bytes, str]:
            made = ical_wishes.fulfil(body, wish)
            return made, etag_of(made)

        return self._made(("wish", etag, wish), len(body), make)

    def items(self, etag: str, body: bytes) -> dict[str, Item]:
        """The items of a feed by UID."""

        def make() -> dict[str, Item]:
            return {item.uid: item for item in ical_items.split(body)}

        return self._made(("items", etag), 3 * len(body), make)

    def tag_of_wish(self, etag: str, wish: Wish) -> str | None:
        """The tag of wished bytes if they were made before."""
        found = self._get(("wish", etag, wish))
        return None if found is None else str(found[1])

    def _made(self, key: tuple[object, ...], size: int, make: Callable[[], T]) -> T:
        found: T | None = self._get(key)
        if found is None:
            found = make()
            self._put(key, size, found)
        return found

    def _get(self, key: tuple[object, ...]) -> Any:
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][1]

    def _put(self, key: tuple[object, ...], size: int, value: object) -> None:
        if key not in self._kept:
            self._kept[key] = (size, value)
            self._room -= size
        while self._room < 0 and self._kept:
            _, (gone, _) = self._kept.popitem(last=False)
            self._room += gone


BODIES: web.AppKey[Bodies] = web.AppKey("feed_bodies", Bodies)
