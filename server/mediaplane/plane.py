"""All workers and all rooms of this process: places rooms, keeps them placed, finds them again after a restart.

A room's life here:

1. `hold` says that the room is wanted; a worker that still has it (we were restarted) is asked nothing, its room is adopted
2. else a worker is chosen, the database hands out the next epoch, the worker opens the room with it
3. the worker's connection ends: it has GRACE_S to come back as the same incarnation with the same room, else the room is lost and 2. again
4. `drop` says that the room is over: the worker closes it, at once or when it is heard of again

Only the database says who owns a room; a worker that holds a room it does not own is told to close it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec

from media.control.messages import (
    AnyEvent,
    CloseRoom,
    Message,
    OpenRoom,
    PeerState,
    Record,
    Request,
    RoomOpened,
    RoomSummary,
    WorkerState,
)
from server.db.pool import CommitUnknown, DatabaseAway, connection, in_transaction
from server.mediaplane import store
from server.mediaplane.hold import CannotRecord, Hold, RecordingPlan, RoomClosedMeanwhile, RoomListener, RoomSpec
from server.mediaplane.link import Link, WorkerAway, WorkerRefused
from server.mediaplane.placement import HeldRoom, Owner, WorkerLoad, choose, sort_out
from server.mediaplane.requests import hand_over, record, record_facts, record_message, standing_peers
from server.tasks import end

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable
    from datetime import datetime
    from typing import Any

    from server.config import WorkerLink
    from server.db import Connection, Pool
    from server.mediaplane.facts import JournalPlace

log = logging.getLogger("laizuo.mediaplane")

CAPACITY: Final = 24  # people in one room; a hearing with all its parties, helpers and interpreters stays below
GRACE_S: Final = 0.3  # a connection that broke without the worker is back by then
START_S: Final = 2.0  # how long a starting web process waits for its workers to say what they hold
AGAIN_S: Final = 0.3  # between attempts to place a room; twice as long each time
LONGEST_AGAIN_S: Final = 5.0
ROOM_DEADLINE_S: Final = 5.0  # what a page's request waits for a room that is being placed


class MediaPlane:
    """See the module. `start` once, `close` once."""

    def __init__(
        self,
        workers: Iterable[WorkerLink],
        pool: Pool,
        clock: Callable[[], datetime],
        plan: RecordingPlan,
        controller: str,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._plan = plan
        self._links = {
            worker.name: Link(worker.name, worker.control.removeprefix("unix:"), controller, self) for worker in workers
        }
        self._holds: dict[str, Hold] = {}
        self._standing: dict[
            str, tuple[HeldRoom, RoomSummary]
        ] = {}  # rooms found at workers that nobody has asked for yet
        self._down: dict[str, asyncio.TimerHandle] = {}
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._met: dict[str, asyncio.Event] = {name: asyncio.Event() for name in self._links}

    def start(self) -> None:
        """Connect to all workers, and stay connected."""
        for link in self._links.values():
            self._spawn(link.keep(), f"link-{link.name}")

    async def heard_all(self) -> None:
        """Wait a moment for what the workers hold, so that a room that lives is not opened anew."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                for met in self._met.values():
                    await met.wait()

    async def close(self) -> None:
        """Let go of everything; rooms go on at their workers."""
        for timer in self._down.values():
            timer.cancel()
        await end(*self._tasks)

    # ------------------------------------------------------------ rooms

    def hold(self, spec: RoomSpec, listener: RoomListener) -> None:
        """Want a room: from now on it is kept placed, and the listener follows it."""
        hold = Hold(spec, listener)
        self._holds[spec.room] = hold
        held, summary = self._standing.pop(spec.room, (None, None))
        if held is not None and summary is not None and self._answers(held.worker, held.incarnation):
            self._adopt(hold, Owner(held.worker, held.incarnation, held.epoch), summary)
        else:
            hold.unowned.set()
        hold.keeper = self._spawn(self._keep_placed(hold), f"room-{spec.room}")

    async def drop(self, room: str, reason: str) -> None:
        """The room is over. A worker that cannot be asked now closes it when it is heard of again."""
        hold = self._holds.pop(room, None)
        if hold is None:
            return
        if hold.keeper is not None:
            hold.keeper.cancel()
        if hold.owner is not None:
            with contextlib.suppress(WorkerAway, WorkerRefused):
                await self._shut(self._links[hold.owner.worker], room, hold.owner.epoch, reason)

    async def ask(self, room: str, make: Callable[[int, int], Request], deadline_s: float = ROOM_DEADLINE_S) -> Message:
        """Ask the worker that owns the room; `make` gets the request's number and the room's epoch. Raises WorkerRefused, WorkerAway."""
        hold = self._holds.get(room)
        if hold is None:
            raise WorkerAway(f"room {room} is over")
        if not hold.ready.is_set():
            await _within(deadline_s, hold.ready.wait())
        owner = hold.owner
        if owner is None:
            raise WorkerAway(room)
        return await self._links[owner.worker].request(lambda number: make(number, owner.epoch), deadline_s)

    async def epoch_of(self, room: str, deadline_s: float = ROOM_DEADLINE_S) -> int:
        """The epoch of a room, once it is placed. Raises WorkerAway."""
        hold = self._holds.get(room)
        if hold is None:
            raise WorkerAway(f"room {room} is over")
        await _within(deadline_s, hold.ready.wait())
        if hold.owner is None:
            raise WorkerAway(room)
        return hold.owner.epoch

    async def set_recorded(self, room: str, recorded: bool, reason: str) -> None:
        """From now on the room is recorded or not, at this worker and at its successors. Raises as `ask`, and CannotRecord."""
        hold = self._holds.get(room)
        if hold is None:
            raise WorkerAway(f"room {room} is over")
        spec = hold.spec = replace(hold.spec, recorded=recorded)
        place = await in_transaction(self._pool, lambda conn: self._plan.place(conn, spec)) if recorded else None
        await record(self, room, place, reason)

    def away(self) -> list[str]:
        """Workers that do not answer now."""
        return [name for name, link in self._links.items() if not link.is_up]

    def workers(self) -> list[WorkerLoad]:
        """Workers that answer now, with what they carry for us."""
        return [self._load(link, link.state) for link in self._links.values() if link.state is not None]

    def udp_ports(self) -> list[int]:
        """The UDP ports on which the workers that answer receive."""
        return [
            address.port for link in self._links.values() if link.state is not None for address in link.state.media.udp
        ]

    def least_busy(self) -> Link | None:
        """The worker for what belongs to no session; None when none takes new rooms."""
        name = choose(self.workers(), None)
        return self._links[name] if name else None

    def owner_of(self, room: str) -> Owner | None:
        """Who has a room now."""
        hold = self._holds.get(room)
        return hold.owner if hold else None

    # ------------------------------------------------------------ placing

    async def _keep_placed(self, hold: Hold) -> None:
        wait_s = AGAIN_S
        while True:
            await hold.unowned.wait()
            try:
                link = await self._choose(hold)
                hold.going_to = link.name
                if await self._place(hold, link):
                    wait_s = AGAIN_S
                    continue
            except RoomClosedMeanwhile:
                self._holds.pop(hold.spec.room, None)
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
        opened = await self._open(link, spec, epoch, record_message(place))
        if not self._answers(owner.worker, owner.incarnation):
            return False
        self._own(hold, owner)
        was_ready, hold.was_ready = hold.was_ready, True
        hold.listener.room_ready(spec.room, record_facts(opened.record), is_replacement=was_ready)
        hold.ready.set()
        return True

    async def _choose(self, hold: Hold) -> Link:
        while True:
            self._changed.clear()
            name = choose(self.workers(), self._sibling(hold))
            if name is not None:
                return self._links[name]
            await self._changed.wait()

    async def _open(self, link: Link, spec: RoomSpec, epoch: int, record: Record | None) -> RoomOpened:
        def make(number: int) -> Request:
            return OpenRoom(
                id=number, room=spec.room, session=spec.session, epoch=epoch, capacity=CAPACITY, record=record
            )

        try:
            opened = await link.request(make)
        except WorkerRefused as error:
            if error.code == "draining" and link.state is not None:
                link.state = msgspec.structs.replace(link.state, draining=True)
                raise WorkerAway(f"{link.name} is draining") from error
            raise
        assert isinstance(opened, RoomOpened)
        return opened

    def _own(self, hold: Hold, owner: Owner) -> None:
        hold.owner, hold.going_to = owner, None
        hold.unowned.clear()
        log.info("room %s: worker %s, epoch %d", hold.spec.room, owner.worker, owner.epoch)

    def _adopt(self, hold: Hold, owner: Owner, summary: RoomSummary) -> None:
        self._own(hold, owner)
        hold.was_ready = True
        hold.seats = {seat.seat for seat in summary.seats}
        hold.listener.room_adopted(hold.spec.room, record_facts(summary.record), standing_peers(summary))
        hold.ready.set()
        is_recorded = summary.record is not None and summary.record.state != "closed"
        if is_recorded != hold.spec.recorded:
            self._spawn(self._agree(hold), f"record-{hold.spec.room}")

    async def _agree(self, hold: Hold) -> None:
        """The process before us ended after it kept the decision and before the worker heard of it."""
        room, recorded = hold.spec.room, hold.spec.recorded
        try:
            await self.set_recorded(room, recorded, "restored" if recorded else "consent_missing")
        except (WorkerAway, WorkerRefused, CannotRecord, DatabaseAway, CommitUnknown) as error:
            log.error("the recording of room %s is not as kept: %s", room, error)
            hold.listener.room_failed(room)
        else:
            hold.listener.recording_agreed(room, recorded)

    def _sibling(self, hold: Hold) -> str | None:
        """The worker of another room of the same session."""
        session = hold.spec.session
        others = [other for other in self._holds.values() if other is not hold and other.spec.session == session]
        return next((worker for other in others if (worker := other.worker()) is not None), None)

    # ------------------------------------------------------------ what links say

    def worker_up(self, link: Link, state: WorkerState) -> None:
        if timer := self._down.pop(link.name, None):
            timer.cancel()
        self._changed.set()
        rooms = {summary.room: summary for summary in state.rooms}
        for hold in self._holds.values():
            if hold.owner is None or hold.owner.worker != link.name:
                continue
            summary = rooms.get(hold.spec.room)
            if summary is not None and (state.incarnation, summary.epoch) == (hold.owner.incarnation, hold.owner.epoch):
                self._adopt(hold, hold.owner, summary)  # only the connection broke: take the state as it is now
            else:
                self._lose(hold)
        self._spawn(self._meet(link, state), f"meet-{link.name}")

    def worker_down(self, link: Link) -> None:
        for hold in self._holds_of(link.name):
            hold.ready.clear()
        self._down[link.name] = asyncio.get_running_loop().call_later(GRACE_S, self._lose_all, link.name)

    def worker_says(self, link: Link, event: AnyEvent) -> None:
        hold = self._holds.get(event.room)
        state = link.state
        if hold is None or hold.owner is None or state is None:
            return
        if (hold.owner.worker, hold.owner.incarnation) != (link.name, state.incarnation):
            return  # of an owner that has been fenced off
        if isinstance(event, PeerState):
            (hold.seats.discard if event.state == "gone" else hold.seats.add)(event.seat)
        hand_over(hold.listener, event)

    def _lose_all(self, worker: str) -> None:
        self._down.pop(worker, None)
        for hold in self._holds_of(worker):
            self._lose(hold)

    def _lose(self, hold: Hold) -> None:
        hold.owner = None
        hold.ready.clear()
        hold.seats.clear()
        hold.listener.room_lost(hold.spec.room)
        hold.unowned.set()

    async def _meet(self, link: Link, state: WorkerState) -> None:
        """Compare what a worker holds with the database; rooms that are over, or another's, are closed there."""
        try:
            held = {HeldRoom(link.name, state.incarnation, room.room, room.epoch): room for room in state.rooms}
            if not held:
                return
            plan = sort_out(held, await self._owners())
            for room in plan.adopt:
                if room.room not in self._holds:
                    self._standing[room.room] = (room, held[room])
            for room in plan.shut:
                with contextlib.suppress(WorkerAway, WorkerRefused):
                    await self._shut(link, room.room, room.epoch, "not_owned")
        finally:
            self._met[link.name].set()

    async def _owners(self) -> dict[str, Owner | None]:
        while True:
            with contextlib.suppress(
                DatabaseAway, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError
            ):
                async with connection(self._pool) as conn:
                    return await store.current_owners(conn)
            await asyncio.sleep(AGAIN_S)

    async def _shut(self, link: Link, room: str, epoch: int, reason: str) -> None:
        await link.request(lambda number: CloseRoom(id=number, room=room, epoch=epoch, reason=reason))

    # ------------------------------------------------------------ inside

    def _answers(self, worker: str, incarnation: str) -> bool:
        link = self._links.get(worker)
        return link is not None and link.state is not None and link.state.incarnation == incarnation

    def _holds_of(self, worker: str) -> list[Hold]:
        return [hold for hold in self._holds.values() if hold.owner is not None and hold.owner.worker == worker]

    def _load(self, link: Link, state: WorkerState) -> WorkerLoad:
        holds = [hold for hold in self._holds.values() if hold.worker() == link.name]
        seats = sum(len(hold.seats) for hold in holds)
        return WorkerLoad(link.name, state.incarnation, seats, len(holds), state.draining)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task %s of the media plane ended", task.get_name(), exc_info=error)


async def _within(deadline_s: float, work: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(deadline_s):
            await work
    except TimeoutError as error:
        raise WorkerAway("the room is being placed") from error
