"""Rooms that end at a worker: those that are over, and those that it holds and does not own."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING

from media.control.messages import CloseRoom
from server.mediaplane.link import WorkerAway, WorkerRefused
from server.mediaplane.trial import TRIAL, TRIAL_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from server.mediaplane.link import Link
    from server.mediaplane.placement import HeldRoom, Owner
    from server.mediaplane.reach.fleet import Fleet


class Closing:
    """Of the rooms of this process.

    What a worker says it holds is compared with the database when it is met again; a room that it was asked to open and is still opening
    is not among that. So what it could not be told is kept, and told then.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._untold: defaultdict[str, list[tuple[str, Owner, str]]] = defaultdict(list)  # by worker

    async def close(self, room: str, owners: Iterable[Owner], reason: str) -> None:
        """At each of these at its epoch: whatever the worker was asked about the room before is done before."""
        await asyncio.gather(*(self._close(room, owner, reason) for owner in owners))

    async def tell_again(self, link: Link, incarnation: str) -> None:
        """The worker answers again; another incarnation has nothing of what the one before it had."""
        for room, owner, reason in self._untold.pop(link.name, []):
            if owner.incarnation == incarnation:
                await self._close(room, owner, reason)

    async def _close(self, room: str, owner: Owner, reason: str) -> None:
        try:
            await _ask_to_close(self._fleet.links[owner.worker], room, owner.epoch, reason)
        except WorkerAway:
            self._untold[owner.worker].append((room, owner, reason))


async def close_not_owned(link: Link, rooms: Iterable[HeldRoom], is_shared: bool) -> None:
    """What a worker holds and the database says nobody, or another, has.

    is_shared  other web processes command this worker too: a trial may be one of theirs, and is left its time
    """
    rooms = list(rooms)
    if is_shared and any(room.room.startswith(TRIAL) for room in rooms):
        await asyncio.sleep(TRIAL_S)
    for room in rooms:
        with contextlib.suppress(WorkerAway):  # it is compared again when it is met again
            await _ask_to_close(link, room.room, room.epoch, "not_owned")


async def _ask_to_close(link: Link, room: str, epoch: int, reason: str) -> None:
    """One that has no such room has closed it; one that refuses has been told so by its owner. Raises WorkerAway."""
    with contextlib.suppress(WorkerRefused):
        await link.request(lambda number: CloseRoom(id=number, room=room, epoch=epoch, reason=reason))
