"""Which device fetched which version: noted in memory, written every few seconds.

A fetch is noted where it happened and not in its own transaction, because a calendar program that asks must not wait for a write. What a
killed process had not written yet is lost; the device asks again within hours and is then known again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from schedules.store.feed_history import Fetch, save_fetches
from server.db.pool import CommitUnknown, DatabaseAway, in_transaction
from server.keys import POOL
from server.tasks import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from server.db import Connection, Pool

WRITE_EVERY_S = 2.0  # what somebody who looks at the page just after a fetch may have to wait
MOST = 20_000  # devices between two writes; beyond that a fetch is served and not noted

log = logging.getLogger("laizuo.feeds")

# Words in User-Agent -> kind of program. Kinds and not versions: more is nobody's business.
_PROGRAMS = (
    ("google", "google"),
    ("dataaccessd", "apple"),
    ("calendaragent", "apple"),
    ("ios", "apple"),
    ("macos", "apple"),
    ("outlook", "outlook"),
    ("microsoft", "outlook"),
    ("exchange", "outlook"),
    ("thunderbird", "thunderbird"),
    ("davx5", "davx"),
    ("icsx5", "icsx"),
    ("nextcloud", "nextcloud"),
    ("evolution", "evolution"),
    ("vdirsyncer", "vdirsyncer"),
    ("mozilla", "browser"),
)


def program_of(user_agent: str) -> str:
    """Which kind of calendar program asks."""
    lower = user_agent[:200].lower()
    return next((program for word, program in _PROGRAMS if word in lower), "other")


class Receipts:
    """Fetches not yet written."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, bytes, str], Fetch] = {}

    def note(self, feed: str, device: bytes, program: str, variant: str, etag: str, now: datetime) -> None:
        """A device has these bytes now: it was sent them, or told that it still has them."""
        key = (feed, device, program)
        before = self._noted.get(key)
        if before is None and len(self._noted) >= MOST:
            return
        fetches = 1 if before is None else before.fetches + 1
        self._noted[key] = Fetch(feed, device, program, variant, etag, now, fetches)

    async def write(self, pool: Pool) -> None:
        """Write what was noted; kept for the next time where the database is away."""
        noted, self._noted = self._noted, {}

        async def work(conn: Connection) -> None:
            await save_fetches(conn, noted.values())

        try:
            await in_transaction(pool, work)
        except (DatabaseAway, CommitUnknown):
            self._keep(noted)
            log.warning("%d fetches of feeds wait for the database", len(noted))

    def _keep(self, noted: dict[tuple[str, bytes, str], Fetch]) -> None:
        for key, fetch in noted.items():
            newer = self._noted.get(key)
            self._noted[key] = fetch if newer is None else replace(newer, fetches=newer.fetches + fetch.fetches)

    @property
    def waiting(self) -> int:
        return len(self._noted)


RECEIPTS: web.AppKey[Receipts] = web.AppKey("feed_receipts", Receipts)


async def written(app: web.Application) -> AsyncIterator[None]:
    """The task that writes; what is left is written when the application stops."""
    app[RECEIPTS] = Receipts()
    async with running("feed receipts", _write_for_ever(app)):
        yield
    if app[RECEIPTS].waiting:
        await app[RECEIPTS].write(app[POOL])


async def _write_for_ever(app: web.Application) -> None:
    while True:
        await asyncio.sleep(WRITE_EVERY_S)
        if app[RECEIPTS].waiting:
            await app[RECEIPTS].write(app[POOL])
