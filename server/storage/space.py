"""Space for recordings: measured every few seconds, asked before a session opens, told to staff before it ends."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

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


def free_bytes(place: Path) -> int:
    """What may still be written there. Blocks; raises OSError."""
    return measure(place).free


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
    space, now = await asyncio.to_thread(measure, app[SETTINGS].data / "journals"), app[CLOCK]()
    await store.set_space(conn, space, now)
    running = await store.recording_sessions(conn)
    return Seen(space, core.is_low(space, len(running)), core.fits(space, running, "notarization", now))
