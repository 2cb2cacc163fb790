"""Step 2 of a room's life (plane.py): each wanted room that nobody has is brought to a worker, again and again until one has it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from server.db.pool import CommitUnknown, DatabaseAway, in_transaction
from server.mediaplane import store
from server.mediaplane.hold import CannotRecord, Hold, RoomClosedMeanwhile
from server.mediaplane.link import WorkerAway, WorkerRefused
from server.mediaplane.opening import open_room
from server.mediaplane.placement import Owner, WorkerLoad, choose
from server.mediaplane.requests import record_facts, record_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from media.control.messages import RoomSummary, WorkerState
    from server.db import Connection, Pool
    from server.mediaplane.closing import Closing
    from server.mediaplane.facts import JournalPlace
    from server.mediaplane.hold import RecordingPlan
    from server.mediaplane.link import Link
    from server.mediaplane.reach.fleet import Fleet, Spawn

log = logging.getLogger("laizuo.mediaplane")

START_S: Final = 2.0  # how long a starting web process waits for its workers to say what they hold
AGAIN_S: Final = 0.3  # between attempts to place a room; twice as long each time
LONGEST_AGAIN_S: Final = 5.0


class Placing:
    """Of all rooms of this process. `changed` is set when a worker has come, or told how it is."""

    def __init__(
        self,
        pool: Pool,
        clock: Callable[[], datetime],
        plan: RecordingPlan,
        fleet: Fleet,
        holds: dict[str, Hold],
        adopt: Callable[[Hold, Owner, RoomSummary], None],
        closing: Closing,
        spawn: Spawn,
    ) -> None:
        """holds  all rooms of this process by name
        adopt  takes a room as it stands at its worker, with the people in it
        """
        self._pool = pool
        self._clock = clock
        self._plan = plan
        self._fleet = fleet
        self._holds = holds
        self._adopt = adopt
        self._closing = closing
        self._spawn = spawn
        self.changed = asyncio.Event()

    def workers(self) -> list[WorkerLoad]:
        """Workers that answer now, with what they carry for us."""
        return [self._load(link, link.state) for link in self._fleet.links.values() if link.state is not None]

    async def keep_placed(self, hold: Hold) -> None:
        """Until the room is over, or this task is cancelled."""
        wait_s = AGAIN_S
        while True:
            await hold.unowned.wait()
            try:
                link = await self._choose(hold)
                hold.going_to = link.name
                if await self._place(hold, link):
                    wait_s = AGAIN_S
                    self._close_elsewhere(hold)
                    continue
            except RoomClosedMeanwhile:
                self._holds.pop(hold.spec.room, None)
                self._close_elsewhere(hold)
                return
            except (WorkerAway, DatabaseAway, CommitUnknown) as error:
                log.info("room %s is not placed yet: %s", hold.spec.room, error)
            except (WorkerRefused, CannotRecord) as error:
                log.error("room %s cannot be opened, trying again in %g s: %s", hold.spec.room, wait_s, error)
                hold.listener.room_failed(hold.spec.room)
            hold.going_to = None
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_AGAIN_S)

    async def _place(self, hold: Hold, link: Link) -> bool:
        state = link.state
        if state is None:
            return False
        spec = hold.spec
        now = self._clock()

        async def take(conn: Connection) -> tuple[int | None, JournalPlace | None]:
            place = await self._plan.place(conn, spec) if spec.recorded else None
            return await store.take_room(conn, spec.room, link.name, state.incarnation, now), place

        epoch, place = await in_transaction(self._pool, take)
        if epoch is None:
            raise RoomClosedMeanwhile
        owner = Owner(link.name, state.incarnation, epoch)
        hold.asked[link.name] = owner
        opened = await open_room(link, spec, epoch, record_message(place))
        if not self._fleet.answers(owner.worker, owner.incarnation):
            return False
        hold.own(owner)
        if self._fleet.is_shared and not opened.created:
            return await self._take_over(hold, link, owner)
        was_ready, hold.was_ready = hold.was_ready, True
        hold.listener.room_ready(spec.room, record_facts(opened.record), is_replacement=was_ready)
        hold.ready.set()
        return True

    async def _take_over(self, hold: Hold, link: Link, owner: Owner) -> bool:
        """The worker has the room and the people in it: another web process led it until now, and by the higher epoch does no more."""
        rooms = {summary.room: summary for summary in (await link.look()).rooms}
        summary = rooms.get(hold.spec.room)
        if summary is None or summary.epoch != owner.epoch:
            hold.lose()
            return False
        self._adopt(hold, owner, summary)
        return True

    def _close_elsewhere(self, hold: Hold) -> None:
        """Who was asked before and did not answer in time may have opened it."""
        if asked := list(hold.asked.values()):
            self._spawn(self._closing.close(hold.spec.room, asked, "not_owned"), f"close-{hold.spec.room}")
        hold.asked.clear()

    async def _choose(self, hold: Hold) -> Link:
        if self._fleet.is_shared and not hold.was_ready and (link := await self._where_it_stands(hold)):
            return link
        while True:
            self.changed.clear()
            name = choose(self.workers(), self._sibling(hold))
            if name is not None:
                return self._fleet.links[name]
            await self.changed.wait()

    async def _where_it_stands(self, hold: Hold) -> Link | None:
        """Whoever has the room by the database, once it answers; None when it has nobody, or nobody who comes."""
        owner = await in_transaction(self._pool, lambda conn: store.owner_of(conn, hold.spec.room))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                while owner is not None:
                    self.changed.clear()
                    if link := self._fleet.answers(owner.worker, owner.incarnation):
                        return link
                    await self.changed.wait()
        return None

    def _sibling(self, hold: Hold) -> str | None:
        """The worker of another room of the same session."""
        session = hold.spec.session
        others = [other for other in self._holds.values() if other is not hold and other.spec.session == session]
        return next((worker for other in others if (worker := other.worker()) is not None), None)

    def _load(self, link: Link, state: WorkerState) -> WorkerLoad:
        holds = [hold for hold in self._holds.values() if hold.worker() == link.name]
        seats, rooms, draining = sum(len(hold.seats) for hold in holds), len(holds), state.draining
        if told := self._fleet.announced(link.name):  # others load it too
            seats, rooms, draining = max(seats, told.seats), max(rooms, told.rooms), draining or told.draining
        return WorkerLoad(link.name, state.incarnation, seats, rooms, draining)
