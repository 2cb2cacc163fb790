"""The visits of this process by their resource, and the way back to them: after a restart a device's media goes on, and so does its resource."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from server.db.pool import connection, in_transaction
from server.sessions.seats import Entry, NoEntry
from server.signaling.arriving import AWAY, JOIN_PATIENCE_S, arrive
from server.signaling.messages import Offer
from server.signaling.whip import core, store
from server.signaling.whip.visit import PEER, Visit
from server.tasks import end

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from server.db import Pool
    from server.signaling.rooms import Rooms

AGAIN_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0)

log = logging.getLogger("laizuo.signaling.whip")


class Resources:
    """See the module. A key is the hash of a resource's name; `close` once."""

    def __init__(self, pool: Pool, rooms: Rooms, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._rooms = rooms
        self._clock = clock
        self._visits: dict[bytes, Visit] = {}
        self._forgetting: dict[bytes, asyncio.Task[None]] = {}
        self._coming: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()

    def here(self, key: bytes) -> Visit | None:
        """The visit, if this process has it."""
        return self._visits.get(key)

    def add(self, visit: Visit) -> Visit | None:
        """A device that has come; None: and has gone already."""
        if visit.is_over:
            return None
        self._visits[visit.key] = visit
        return visit

    async def keep(self, visit: Visit) -> None:
        """Write down what a successor needs. Without a database the device is let in all the same."""
        if visit.is_over:
            return
        try:
            await in_transaction(self._pool, lambda conn: store.keep(conn, visit.key, _row(visit)), JOIN_PATIENCE_S)
        except AWAY:
            log.warning("a device's resource is not kept: after a restart of this process the device begins again")

    def over(self, visit: Visit) -> None:
        """The end of a visit's line. The resource is over too, unless only the session is led elsewhere now."""
        if self._visits.get(visit.key) is visit:
            del self._visits[visit.key]
        if visit.etag and visit.was_hung:
            coming = asyncio.create_task(self._come_again(visit.key), name="whip-again")
            self._coming.add(coming)
            coming.add_done_callback(self._coming.discard)
        elif visit.etag:
            task = self._forgetting[visit.key] = asyncio.create_task(self._forget(visit), name="whip-forget")
            task.add_done_callback(lambda _: self._forgetting.pop(visit.key, None))

    async def find(self, key: bytes) -> Visit | None:
        """The visit of a resource; one of another process, or of before our restart, goes on here. Raises what AWAY names."""
        if task := self._forgetting.get(key):
            await asyncio.wait([task])
        async with self._one_at_a_time:
            return self._visits.get(key) or await self._go_on(key)

    async def take_up(self) -> None:
        """Every device whose media went on while this process was restarted: nobody has to wait for its next request."""
        try:
            async with connection(self._pool) as conn:
                keys = await store.kept(conn, self._clock())
            for key in keys:
                await self.find(key)
        except AWAY as error:
            log.warning("devices are taken up when they speak: %r", error)

    async def close(self) -> None:
        """This process stops; the devices go on."""
        await end(*self._forgetting.values(), *self._coming)

    async def _go_on(self, key: bytes) -> Visit | None:
        row = await in_transaction(self._pool, lambda conn: store.claim(conn, key, self._clock()), JOIN_PATIENCE_S)
        if row is None:
            return None
        offer = Offer(peer=PEER, revision=row.revision, sdp=row.offer, sources=dict(row.sources))  # type: ignore[arg-type]
        visit = Visit(self._rooms.next_line(), row.kind, (key, row.token), offer, self.over)
        visit.etag = row.etag
        # as a page that comes back with its resume token: its peer connection stands
        entry = Entry(row.seat, row.session_id, row.connection, "", resumed=True)
        visit.enter(entry)
        came = await arrive(self._rooms, visit, entry, media=True)
        if isinstance(came, NoEntry):
            return None
        visit.begin(came)
        try:
            async with asyncio.timeout(JOIN_PATIENCE_S):
                await visit.greeted.wait()
        except TimeoutError:
            visit.drop()
            raise
        return self.add(visit)

    async def _come_again(self, key: bytes) -> None:
        """To the process that leads the session now, as a page does whose socket was closed."""
        for wait_s in AGAIN_S:
            await asyncio.sleep(wait_s)
            with contextlib.suppress(*AWAY):
                await self.find(key)
                return
        log.warning("a device's session is not led: it is taken up when it speaks")

    async def _forget(self, visit: Visit) -> None:
        try:
            await in_transaction(
                self._pool, lambda conn: store.forget(conn, visit.key, visit.connection), JOIN_PATIENCE_S
            )
        except AWAY:
            log.warning("a device's resource stays in the database until the next start")


def _row(visit: Visit) -> store.Resource:
    offer = visit.offer
    who = (visit.kind, visit.token, visit.seat, visit.session_id, visit.connection)
    return store.Resource(*who, offer.revision, core.without_password(offer.sdp), offer.sources, visit.etag)
