"""How much space a recorded session takes, whether another one fits, and how long what is left will last. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

# Three people with a face of 1.2 Mbit/s and a voice each, which is what the room asks of cameras.
SESSION_BYTES_PER_S: Final = 460_000
# As long as appointments are made for; another procedure is as long as the longest.
PLANNED: Final = {"notarization": timedelta(minutes=30), "mediation": timedelta(minutes=45)}
# Somebody who talks beyond the plan is not near the end for that.
AT_LEAST_LEFT: Final = timedelta(minutes=10)
# What the database, the logs and the heads of films need in order to go on when journals have taken everything else.
KEPT_FREE_BYTES: Final = 256 << 20
# Below this a journal is not begun again: its first blocks would only fail anew.
BEGIN_BYTES: Final = 32 << 20
WARN_BEFORE_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Space:
    """One volume, in bytes."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A recorded session that runs."""

    procedure: str
    opened_at: datetime


def planned_bytes(procedure: str) -> int:
    """What a session of this procedure writes if it lasts as planned."""
    return _bytes_of(PLANNED.get(procedure, max(PLANNED.values())))


def reserved_bytes(running: Collection[Planned], now: datetime) -> int:
    """What the running sessions will still write."""
    left = (PLANNED.get(one.procedure, max(PLANNED.values())) - (now - one.opened_at) for one in running)
    return sum(_bytes_of(max(AT_LEAST_LEFT, one)) for one in left)


def fits(space: Space, running: Collection[Planned], procedure: str, now: datetime) -> bool:
    """Whether a session that begins now can be stored in full, and those that run too."""
    return space.free - KEPT_FREE_BYTES >= reserved_bytes(running, now) + planned_bytes(procedure)


def seconds_left(space: Space, running: int) -> float | None:
    """How long so many recorded sessions can go on; None: nobody records."""
    return max(0, space.free - KEPT_FREE_BYTES) / (running * SESSION_BYTES_PER_S) if running else None


def is_low(space: Space, running: int) -> bool:
    """Whether staff must be told: ten minutes remain, or less."""
    left = seconds_left(space, running)
    return left is not None and left < WARN_BEFORE_S


def _bytes_of(time: timedelta) -> int:
    return int(time.total_seconds() * SESSION_BYTES_PER_S)
