"""Whose voices are heard in a room: levels that the packet path took (core/rtp.py loudest), judged (core/speaking.py), told."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from media.control.messages import Speaking
from media.core.rtp import SILENCE
from media.core.slots import VOICE
from media.seat import Seat

# Told again after it, changed or not: a controller that follows a room from now on (its process was restarted) knows before anybody misses it.
AGAIN_S = 2.0


class Hearing:
    """Of one room. `told` are the seats that speak, as the controllers know it."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._again_at = 0.0

    def look(self, room: str, seat: Seat, seats: Iterable[Seat], now: float) -> Iterator[Speaking]:
        """On a timer, for one seat after the other: take his level, and give the event if others speak now than were told, or it is due again."""
        if not seat.speech.is_due(now):
            return
        seat.speech.note(_take_level(seat), now)
        speaking = [one.name for one in seats if one.speech.speaks]
        if speaking != self._told or now >= self._again_at:
            self._told, self._again_at = speaking, now + AGAIN_S
            yield Speaking(at=time.time(), room=room, seats=speaking)


def _take_level(seat: Seat) -> int:
    """The loudest of his voice since the last look; what is paused is silent."""
    found = seat.up_of(VOICE)
    if found is None:
        return SILENCE
    level = SILENCE
    for up in found[0]:
        level, up.loudest = SILENCE if up.paused else min(level, up.loudest), SILENCE
    return level
