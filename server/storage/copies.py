"""A copy of every pack in the second place, fixed there for years. An outage delays copies and blocks nothing; the original here stays.

What is copied is the sealed file, which opens with the session's key only: destroying that key destroys the copies too.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from server import audit
from server.access.core import Actor
from server.db.claims import ClaimLost, hold
from server.db.pool import CommitUnknown, DatabaseAway, in_transaction
from server.storage import store
from server.storage.s3 import CopyWrong, StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from server.db import Connection, Pool
    from server.storage.s3 import Kept, LockedBucket
    from server.storage.store import DueCopy

log = logging.getLogger("laizuo.storage")

LOOK_EVERY_S = 15.0
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
SYSTEM = Actor("system")


class Copies:
    """One loop: take a pack without a copy, copy it, look again."""

    def __init__(
        self, pool: Pool, clock: Callable[[], datetime], data: Path, bucket: LockedBucket, lock_days: int
    ) -> None:
        self._pool, self._clock, self._data, self._bucket = pool, clock, data, bucket
        self._lock_for = timedelta(days=lock_days)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(DatabaseAway, CommitUnknown):
                while await self.once():
                    pass
            await asyncio.sleep(LOOK_EVERY_S)

    async def once(self) -> bool:
        """Copy one pack, or note why not; False: none was due."""
        due = await in_transaction(self._pool, lambda conn: store.take_copy(conn, self._clock()))
        if due is None:
            return False
        with contextlib.suppress(ClaimLost):
            try:
                name, version, kept = await hold(self._pool, self._clock, due.claim, self._copy(due))
            except (StoreAway, CopyWrong, OSError) as error:
                log.warning("no copy of the pack of session %s yet, attempt %d: %s", due.session, due.attempts, error)
                await self._put_off(due, f"{type(error).__name__}: {error}")
            else:
                await in_transaction(self._pool, lambda conn: self._note(conn, due, name, version, kept))
        return True

    async def _copy(self, due: DueCopy) -> tuple[str, str, Kept]:
        file, name = self._data / due.path, f"{due.session}/{due.film}.zip.sealed"
        wanted = await asyncio.to_thread(_digest, file)
        until = (self._clock() + self._lock_for).replace(microsecond=0)
        version = await self._bucket.put(file, name)
        await self._bucket.lock(name, version, until)
        kept = await self._bucket.read_back(name, version)
        if kept.sha256 != wanted:
            raise CopyWrong("what was read back is not what was sent")
        if kept.retain_until < until:
            raise CopyWrong(f"the copy is locked until {kept.retain_until:%Y-%m-%d} only")
        return name, version, kept

    async def _note(self, conn: Connection, due: DueCopy, name: str, version: str, kept: Kept) -> None:
        now = self._clock()
        if await store.copied(conn, due, name, version, kept, now):
            await audit.append(conn, SYSTEM, "copy_pack", "session", due.session, now, {"version": version})

    async def _put_off(self, due: DueCopy, error: str) -> None:
        again = self._clock() + min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(due.attempts, 10))
        await in_transaction(self._pool, lambda conn: store.not_copied(conn, due, error, again))


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
