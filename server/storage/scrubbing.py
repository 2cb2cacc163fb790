"""Once a month everything that was recorded is read again where it lies; administrators are told of the first bit that is not as it was written."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from media.record.volumes import directories_of
from server import audit
from server.access.core import Actor
from server.db.claims import ClaimLost, hold
from server.db.pool import CommitUnknown, DatabaseAway, connection, in_transaction
from server.keys import CLOCK, POOL, TEMPLATES
from server.mediaplane.hold import CannotRecord
from server.recordings import store as recordings_store
from server.recordings.http import RECORDINGS
from server.recordings.making import MakingFailed, run_maker
from server.storage import store
from server.storage.telling import tell_administrators

if TYPE_CHECKING:
    from aiohttp import web

    from server.db import Connection
    from server.storage.store import DueCheck

log = logging.getLogger("laizuo.storage")

EVERY = timedelta(days=30)
# A recording is left in peace while stamps and copies are still being added to it.
FIRST_AFTER = timedelta(days=1)
LOOK_EVERY_S = 30.0
# A disk that people talk over at the same time: a quarter of a slow one, and still 1.7 TB a day.
BYTES_PER_S = 20_000_000
AGAIN_S = 2.0
SYSTEM = Actor("system")


class Scrub:
    """One loop: the recording whose turn it is, then the next."""

    def __init__(self, app: web.Application) -> None:
        self._pool, self._clock, self._recordings = app[POOL], app[CLOCK], app[RECORDINGS]
        self._catalogs = app[TEMPLATES].catalogs

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                while await self.once():
                    pass
            except (DatabaseAway, CommitUnknown):
                pass
            except Exception:
                log.exception("the monthly look failed")  # a task root: it must outlive one bad recording
            await asyncio.sleep(LOOK_EVERY_S)

    async def once(self) -> bool:
        """Look at one recording; False: none was due."""
        now = self._clock()
        due = await in_transaction(self._pool, lambda conn: store.take_check(conn, now - EVERY, now - FIRST_AFTER, now))
        if due is None:
            return False
        with contextlib.suppress(ClaimLost):
            found = await hold(self._pool, self._clock, due.claim, self._look(due))
            await in_transaction(self._pool, lambda conn: self._note(conn, due, found))
        return True

    async def _look(self, due: DueCheck) -> dict[str, Any]:
        async with connection(self._pool) as conn:
            spec = await self._spec(conn, due)
        if spec is None:
            return {"bytes": 0, "damage": ["its key does not open"]}
        found = await self._read(spec)
        if found["damage"]:
            # A stamp may have been added to the pack in the middle of our reading, or the reader was killed: damage is what stays.
            await asyncio.sleep(AGAIN_S)
            found = await self._read(spec)
        return found

    async def _read(self, spec: dict[str, Any]) -> dict[str, Any]:
        try:
            return await run_maker(("media.record.packs.look",), spec, lambda *_: None)
        except MakingFailed as error:
            return {"bytes": 0, "damage": [f"it cannot be read: {error}"]}

    async def _spec(self, conn: Connection, due: DueCheck) -> dict[str, Any] | None:
        try:
            key = self._recordings.unwrap(due.wrapped_key, due.session)
        except CannotRecord as error:
            log.error("the recording of session %s cannot be opened: %s", due.session, error)
            return None
        journals = [
            self._recordings.journal_directory(due.session, room)
            for room in await recordings_store.recorded_rooms(conn, due.session)
        ]
        if due.state == "failed":  # perhaps nothing was ever recorded: what there is must be whole
            journals = [one for one in journals if any(directory.exists() for directory in directories_of(one))]
        return {
            "files": [str(self._recordings.data / path) for path in await store.film_paths(conn, due.session)],
            "journals": [str(directory) for directory in journals],
            "key": base64.b64encode(key).decode(),
            "bytes_per_s": BYTES_PER_S,
        }

    async def _note(self, conn: Connection, due: DueCheck, found: dict[str, Any]) -> None:
        now, damage = self._clock(), [str(what) for what in found["damage"]]
        if not await store.checked(conn, due, int(found["bytes"]), damage, now):
            return
        if damage and damage != due.damage:
            await audit.append(conn, SYSTEM, "find_damage", "session", due.session, now, {"findings": len(damage)})
            await tell_administrators(
                conn, self._catalogs, "damage", now, once=True, session=due.session, what=damage[0]
            )
