"""All workers and all rooms of this process: places rooms, keeps them placed, finds them again after a restart.

A room's life here:

1. `hold` says that the room is wanted; a worker that still has it (we were restarted) is asked nothing, its room is adopted
2. else a worker is chosen, the database hands out the next epoch, the worker opens the room with it
3. the worker's connection ends: it has GRACE_S to come back as the same incarnation with the same room, else the room is lost and 2. again;
   the same when it says that it gave the room up, or does not know it
4. `drop` says that the room is over: the worker closes it, at once or when it is heard of again; so does one that was only asked to open it

Only the database says who owns a room; a worker that holds a room it does not own is told to close it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from media.control.messages import (
    AnyEvent,
    Message,
    PeerState,
    Request,
    RoomClosed,
    RoomSummary,
    WorkerState,
)
from server.db.pool import CommitUnknown, DatabaseAway, in_transaction
from server.mediaplane import placing
from server.mediaplane.closing import Closing, close_not_owned
from server.mediaplane.hold import CannotRecord, Hold, RecordingPlan, RoomListener, RoomSpec
from server.mediaplane.link import WorkerAway, WorkerRefused
from server.mediaplane.opening import owners_once_there, within
from server.mediaplane.placement import HeldRoom, Owner, WorkerLoad, choose, sort_out
from server.mediaplane.reach.fleet import Fleet
from server.mediaplane.requests import hand_over, record, record_facts, standing_peers
from server.tasks import end

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from datetime import datetime
    from typing import Any

    from server.config import WorkerLink
    from server.db import Pool
    from server.mediaplane.link import Link
    from server.mediaplane.reach.bus import Bus

log = logging.getLogger("laizuo.mediaplane")

GRACE_S: Final = 0.3  # a connection that broke without the worker is back by then
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
        bus: Bus | None = None,
    ) -> None:
        """bus  where more workers announce themselves, which other web processes command too; rooms are then found by the database."""
        self._pool = pool
        self._plan = plan
        self._fleet = Fleet(workers, bus, controller, self, self._spawn)
        self._holds: dict[str, Hold] = {}
        self._closing = Closing(self._fleet)
        self._placing = placing.Placing(
            pool, clock, plan, self._fleet, self._holds, self._adopt, self._closing, self._spawn
        )
        self._standing: dict[
            str, tuple[HeldRoom, RoomSummary]
        ] = {}  # rooms found at workers that nobody has asked for yet
        self._down: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Connect to all workers, and stay connected."""
        self._fleet.start()

    async def heard_all(self) -> None:
        """Wait a moment for what the workers hold, so that a room that lives is not opened anew."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(placing.START_S):
                for met in list(self._fleet.met.values()):
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
        if held is not None and summary is not None and self._fleet.answers(held.worker, held.incarnation):
            self._adopt(hold, Owner(held.worker, held.incarnation, held.epoch), summary)
        else:
            hold.unowned.set()
        hold.keeper = self._spawn(self._placing.keep_placed(hold), f"room-{spec.room}")

    def let_go(self, room: str) -> None:
        """Another web process has the room from now on: it is followed no more, and goes on."""
        if (hold := self._holds.pop(room, None)) is not None and hold.keeper is not None:
            hold.keeper.cancel()

    async def drop(self, room: str, reason: str) -> None:
        """The room is over. A worker that cannot be asked now closes it when it is heard of again."""
        hold = self._holds.pop(room, None)
        if hold is None:
            return
        if hold.keeper is not None:
            hold.keeper.cancel()
        await self._closing.close(room, hold.everywhere(), reason)

    async def ask(self, room: str, make: Callable[[int, int], Request], deadline_s: float = ROOM_DEADLINE_S) -> Message:
        """Ask the worker that owns the room; `make` gets the request's number and the room's epoch. Raises WorkerRefused, WorkerAway."""
        hold = self._holds.get(room)
        if hold is None:
            raise WorkerAway(f"room {room} is over")
        if not hold.ready.is_set():
            await within(deadline_s, hold.ready.wait())
        owner = hold.owner
        if owner is None:
            raise WorkerAway(room)
        link = self._fleet.links[owner.worker]
        try:
            return await link.request(lambda number: make(number, owner.epoch), deadline_s)
        except WorkerRefused as error:
            if error.code != "unknown_room":
                raise
            await self._lose_unknown(link)
            raise WorkerAway(f"{link.name} has not every room that it was given") from error

    async def epoch_of(self, room: str, deadline_s: float = ROOM_DEADLINE_S) -> int:
        """The epoch of a room, once it is placed. Raises WorkerAway."""
        hold = self._holds.get(room)
        if hold is None:
            raise WorkerAway(f"room {room} is over")
        await within(deadline_s, hold.ready.wait())
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
        return self._fleet.away()

    def workers(self) -> list[WorkerLoad]:
        """Workers that answer now, with what they carry for us."""
        return self._placing.workers()

    def udp_ports(self) -> list[int]:
        """The UDP ports on which the workers that answer receive."""
        return self._fleet.udp_ports()

    def least_busy(self) -> Link | None:
        """The worker for what belongs to no session; None when none takes new rooms."""
        name = choose(self.workers(), None)
        return self._fleet.links[name] if name else None

    def owner_of(self, room: str) -> Owner | None:
        """Who has a room now."""
        hold = self._holds.get(room)
        return hold.owner if hold else None

    # ------------------------------------------------------------ holds

    def _adopt(self, hold: Hold, owner: Owner, summary: RoomSummary) -> None:
        hold.own(owner)
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

    # ------------------------------------------------------------ what links say

    def worker_up(self, link: Link, state: WorkerState) -> None:
        if timer := self._down.pop(link.name, None):
            timer.cancel()
        self._placing.changed.set()
        rooms = {summary.room: summary for summary in state.rooms}
        for hold in self._holds.values():
            if hold.owner is None or hold.owner.worker != link.name:
                continue
            summary = rooms.get(hold.spec.room)
            if summary is not None and (state.incarnation, summary.epoch) == (hold.owner.incarnation, hold.owner.epoch):
                self._adopt(hold, hold.owner, summary)  # only the connection broke: take the state as it is now
            else:
                hold.lose()
        self._spawn(self._meet(link, state), f"meet-{link.name}")
        self._spawn(self._closing.tell_again(link, state.incarnation), f"close-{link.name}")

    def worker_down(self, link: Link) -> None:
        for hold in self._holds_of(link.name):
            hold.ready.clear()
        self._give(link, GRACE_S + link.way.longer_grace_s)

    def worker_says(self, link: Link, event: AnyEvent) -> None:
        hold = self._holds.get(event.room)
        state = link.state
        if hold is None or hold.owner is None or state is None:
            return
        if (hold.owner.worker, hold.owner.incarnation) != (link.name, state.incarnation):
            return  # of an owner that has been fenced off
        if isinstance(event, RoomClosed):
            if (event.reason, event.epoch) == ("stood_still", hold.owner.epoch):
                hold.lose()
            return
        if isinstance(event, PeerState):
            (hold.seats.discard if event.state == "gone" else hold.seats.add)(event.seat)
        hand_over(hold.listener, event)

    def _give(self, link: Link, grace_s: float) -> None:
        self._down[link.name] = asyncio.get_running_loop().call_later(grace_s, self._lose_all, link)

    def _lose_all(self, link: Link) -> None:
        self._down.pop(link.name, None)
        if excuse_s := link.way.excuse_s():
            self._give(link, excuse_s)
            return
        for hold in self._holds_of(link.name):
            hold.lose()

    async def _lose_unknown(self, link: Link) -> None:
        """It has been told of a room that it does not know, of two perhaps: what it has not is placed anew. Raises WorkerRefused, WorkerAway."""
        rooms = {summary.room for summary in (await link.look()).rooms}
        for hold in self._holds_of(link.name):
            if hold.spec.room not in rooms:
                log.warning("room %s: worker %s has it no more", hold.spec.room, link.name)
                hold.lose()

    async def _meet(self, link: Link, state: WorkerState) -> None:
        """Compare what a worker holds with the database; rooms that are over, or another's, are closed there."""
        try:
            held = {HeldRoom(link.name, state.incarnation, room.room, room.epoch): room for room in state.rooms}
            if not held:
                return
            plan = sort_out(held, await owners_once_there(self._pool))
            for room in plan.adopt:
                if room.room not in self._holds and not self._fleet.is_shared:
                    self._standing[room.room] = (room, held[room])
            await close_not_owned(link, plan.shut, self._fleet.is_shared)
        finally:
            self._fleet.met[link.name].set()

    # ------------------------------------------------------------ inside

    def _holds_of(self, worker: str) -> list[Hold]:
        return [hold for hold in self._holds.values() if hold.owner is not None and hold.owner.worker == worker]

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task %s of the media plane ended", task.get_name(), exc_info=error)
