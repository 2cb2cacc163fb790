"""Which web process leads a session: the database decides, for as long as that process says that it is alive (BUS.md)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from server.db.pool import connection, in_transaction
from server.db.statements import load_statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.db import Connection, Pool

LEASE_S: Final = 3.0
RENEW_S: Final = 0.5

_SQL = load_statements(__package__)


class Homes:
    """The leases of one web process. Each method raises DatabaseAway or CommitUnknown.

    on_bus_s  how long we have been on the bus without a break: who is not on it leads nothing
    """

    def __init__(self, pool: Pool, me: str, on_bus_s: Callable[[], float]) -> None:
        self.me = me
        self._pool = pool
        self._on_bus_s = on_bus_s
        self._renewed_at = 0.0
        self._steady_since = 0.0

    async def begin(self) -> None:
        """Say that we are here, before anything is taken."""

        async def work(conn: Connection) -> None:
            for name in ("forget_dead", "forget_ended"):
                await conn.execute(_SQL[name])
            await conn.execute(_SQL["renew"], self.me, LEASE_S)

        await in_transaction(self._pool, work)
        self._renewed_at = self._steady_since = time.monotonic()

    async def renew(self) -> set[str]:
        """Say that we are alive; the sessions that are ours. Off the bus nothing is said, so that another may take them."""
        async with connection(self._pool) as conn:
            if self._on_bus_s() > 0:
                await conn.execute(_SQL["renew"], self.me, LEASE_S)
                now = time.monotonic()
                if now - self._renewed_at > LEASE_S:
                    self._steady_since = now
                self._renewed_at = now
            return {row["session_id"] for row in await conn.fetch(_SQL["ours"], self.me)}

    async def take(self, session_id: str) -> str | None:
        """Lead it if nobody does; who leads it now. None when the session is over."""

        async def work(conn: Connection) -> str | None:
            await conn.execute(_SQL["take"], session_id, self.me, self._may_judge())
            leader: str | None = await conn.fetchval(_SQL["leader"], session_id)
            return leader

        return await in_transaction(self._pool, work)

    async def homeless(self) -> list[str]:
        """Running sessions that nobody leads and we may take."""
        async with connection(self._pool) as conn:
            return [row["id"] for row in await conn.fetch(_SQL["homeless"], self._may_judge())]

    async def leaders(self, session_ids: list[str]) -> dict[str, str]:
        """Who leads these."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(_SQL["leaders"], session_ids)
            return {row["session_id"]: row["web"] for row in rows}

    async def leave(self) -> None:
        """We stop: others may take at once what was ours."""
        async with connection(self._pool) as conn:
            await conn.execute(_SQL["leave"], self.me)

    def _may_judge(self) -> bool:
        """Others are taken for dead only by who was there himself for as long as a lease lasts: after an outage all are given their time."""
        return min(time.monotonic() - self._steady_since, self._on_bus_s()) > LEASE_S
