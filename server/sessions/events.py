"""Session events on their way to the database: written in order, in batches, again and again while it is away.

Rooms go on while PostgreSQL is restarting, and what happens in them meanwhile is not lost. An event may be written twice when the
connection broke during the commit; it is never left out.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg

from server.db.pool import CommitUnknown, DatabaseAway, in_transaction
from server.errors import log_unexpected
from server.sessions import store

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection, Pool

log = logging.getLogger("laizuo.sessions")

MAX_WAITING = (
    50_000  # ten minutes without a database at a thousand people; then the oldest give way and the log says so
)
BATCH = 200
RETRY_S = 0.2


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """Something that happened in a room."""

    session_id: str
    room_id: str | None
    seat_id: str | None
    at: datetime
    kind: str
    data: dict[str, Any] = field(default_factory=dict)


class EventWriter:
    """The one writer of a process; `run` until cancelled, then `flush` what is left."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: deque[SessionEvent] = deque()
        self._filled = asyncio.Event()
        self._lost = 0
        self._batch = BATCH

    def put(self, event: SessionEvent) -> None:
        """Take an event; never waits."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(event)
        self._filled.set()

    @property
    def waiting(self) -> int:
        """How many are not in the database yet."""
        return len(self._waiting)

    async def run(self) -> None:
        """Write as events come."""
        while True:
            await self._filled.wait()
            await self._write_some()

    async def flush(self, patience_s: float) -> None:
        """Write what waits, once; what cannot be written now is logged as lost."""
        try:
            async with asyncio.timeout(patience_s):
                while self._waiting:
                    await self._write_some()
        except TimeoutError:
            log.error("%d session events were not written: the database is away", len(self._waiting))

    async def _write_some(self) -> None:
        """One batch; after an event that the database does not take, the rest of its batch one by one."""
        batch = [self._waiting[index] for index in range(min(self._batch, len(self._waiting)))]

        async def write(conn: Connection) -> None:
            for event in batch:
                await store.insert_event(
                    conn, event.session_id, event.room_id, event.seat_id, event.kind, event.at, event.data
                )

        try:
            await in_transaction(self._pool, write)
        except (DatabaseAway, CommitUnknown):
            await asyncio.sleep(RETRY_S)
            return
        except asyncpg.PostgresError as error:
            if len(batch) > 1:
                self._batch = 1
                return
            log_unexpected(error)
        else:
            self._batch = BATCH
        self._written(len(batch))

    def _written(self, count: int) -> None:
        for _ in range(count):
            self._waiting.popleft()
        if not self._waiting:
            self._filled.clear()
        if self._lost:
            log.error("%d session events were dropped while the database was away", self._lost)
            self._lost = 0
