"""What the plane does step by step: open a room at a worker, and read who owns which once the database is there."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec

from media.control.messages import OpenRoom, RoomOpened
from server.db.pool import DatabaseAway, connection
from server.mediaplane import store
from server.mediaplane.link import WorkerAway, WorkerRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from media.control.messages import Record
    from server.db import Pool
    from server.mediaplane.hold import RoomSpec
    from server.mediaplane.link import Link
    from server.mediaplane.placement import Owner

CAPACITY: Final = 24  # people in one room; a hearing with all its parties, helpers and interpreters stays below
AGAIN_S: Final = 0.3


async def open_room(link: Link, spec: RoomSpec, epoch: int, record: Record | None) -> RoomOpened:
    """Have a worker open a room, or confirm it at this epoch. Raises WorkerRefused, WorkerAway (also for a worker that takes none)."""
    try:
        opened = await link.request(
            lambda number: OpenRoom(
                id=number, room=spec.room, session=spec.session, epoch=epoch, capacity=CAPACITY, record=record
            )
        )
    except WorkerRefused as error:
        if error.code == "draining" and link.state is not None:
            link.state = msgspec.structs.replace(link.state, draining=True)
            raise WorkerAway(f"{link.name} is draining") from error
        raise
    assert isinstance(opened, RoomOpened)
    return opened


async def owners_once_there(pool: Pool) -> dict[str, Owner | None]:
    """Every room of a running session with its owner; waits for the database."""
    while True:
        with contextlib.suppress(
            DatabaseAway, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError
        ):
            async with connection(pool) as conn:
                return await store.current_owners(conn)
        await asyncio.sleep(AGAIN_S)


async def within(deadline_s: float, work: Awaitable[object]) -> None:
    """Wait so long for a room that is being placed. Raises WorkerAway."""
    try:
        async with asyncio.timeout(deadline_s):
            await work
    except TimeoutError as error:
        raise WorkerAway("the room is being placed") from error
