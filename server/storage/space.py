"""Space for recordings: measured every few seconds, asked before a session opens, told to staff before it ends."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from media.record.segments import list_segments
from media.record.volumes import JOURNALS, RESERVE_BYTES, second_place, takes_over
from server.errors import Conflict
from server.keys import CLOCK, SETTINGS
from server.storage import core, store
from server.storage.core import Space

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from aiohttp import web

    from server.db import Connection

LOOK_EVERY_S = 5.0


def measure(place: Path) -> Space:
    """The volume of a folder, which need not be there yet. Blocks; raises OSError."""
    usage = shutil.disk_usage(next(folder for folder in (place, *place.parents) if folder.exists()))
    return Space(usage.free, usage.total)


def measure_volumes(data: Path) -> list[Space]:
    """The volume of the journals, and the second one, which takes over, when there is one that can be read. Blocks; raises OSError for the first."""
    spaces = [measure(data / JOURNALS)]
    with contextlib.suppress(OSError):
        if takes_over(data):
            spaces.append(measure(second_place(data)))
    return spaces


def measure_all(data: Path) -> Space:
    """What recordings may be written to, as one: a session may end on another volume than it began. Blocks; raises OSError."""
    first, *others = measure_volumes(data)
    # What is left of each when a journal goes elsewhere; of the first core.KEPT_FREE_BYTES says it.
    more = sum(max(0, one.free - RESERVE_BYTES) for one in others)
    return Space(first.free + more, first.total + sum(one.total for one in others))


@dataclass(frozen=True, slots=True)
class Second:
    """The second volume, and how many running sessions are recorded there because the first is full or has failed."""

    space: Space
    sessions: int


async def second(conn: Connection, data: Path) -> Second | None:
    """None: there is none, or it cannot be read."""
    rooms = await store.recorded_now(conn)
    return await asyncio.to_thread(_second, data, rooms)


def _second(data: Path, rooms: list[tuple[str, str]]) -> Second | None:
    with contextlib.suppress(OSError):
        _, *others = measure_volumes(data)
        there = second_place(data) / JOURNALS
        moved = {session for session, room in rooms if list_segments(there / session / room)}
        return Second(others[0], len(moved)) if others else None
    return None


def free_bytes(data: Path) -> int:
    """What may still be written for a journal on the volume that has most. Blocks; raises OSError."""
    return max(one.free for one in measure_volumes(data))


async def require_space(conn: Connection, procedure: str, now: datetime) -> None:
    """Before a recorded session opens: it can be stored in full, or it does not begin. Raises Conflict `no_space`.

    Nothing measured yet is no reason to refuse: the journal's own beginning fails aloud when there is no space.
    """
    found = await store.space(conn)
    if found is None:
        return
    running = await store.recording_sessions(conn)
    if not core.fits(found[0], running, procedure, now):
        raise Conflict("no_space")


@dataclass(frozen=True, slots=True)
class Seen:
    """A look at the volume: `is_low` for those who record now; `fits`: another session would."""

    space: Space
    is_low: bool
    fits: bool


async def look(app: web.Application, conn: Connection) -> Seen:
    """Measure, and keep it for everybody."""
    space, now = await asyncio.to_thread(measure_all, app[SETTINGS].data), app[CLOCK]()
    await store.set_space(conn, space, now)
    running = await store.recording_sessions(conn)
    return Seen(space, core.is_low(space, len(running)), core.fits(space, running, "notarization", now))
