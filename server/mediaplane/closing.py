"""Rooms that end at a worker: those that are over, and those that it holds and does not own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from media.control.messages import CloseRoom
from server.mediaplane.link import WorkerAway, WorkerRefused
from server.mediaplane.trial import TRIAL, TRIAL_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from server.mediaplane.link import Link
    from server.mediaplane.placement import HeldRoom


async def close_room(link: Link, room: str, epoch: int, reason: str) -> None:
    """A worker that cannot be asked now is told when it is met again; one that has no such room has closed it."""
    with contextlib.suppress(WorkerAway, WorkerRefused):
        await link.request(lambda number: CloseRoom(id=number, room=room, epoch=epoch, reason=reason))


async def close_not_owned(link: Link, rooms: Iterable[HeldRoom], is_shared: bool) -> None:
    """What a worker holds and the database says nobody, or another, has.

    is_shared  other web processes command this worker too: a trial may be one of theirs, and is left its time
    """
    rooms = list(rooms)
    if is_shared and any(room.room.startswith(TRIAL) for room in rooms):
        await asyncio.sleep(TRIAL_S)
    for room in rooms:
        await close_room(link, room.room, room.epoch, "not_owned")
