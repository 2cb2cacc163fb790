"""How much a line carries towards a person, measured before he is sent his first picture. Pure.

A picture of 160 kbit/s fills the queue of a line of 64 in a second, its key frame alone does; then nothing comes through for a quarter of a minute,
no voice either. By the time that reports tell of it, it has happened. But a browser answers each check at once, however long it is. So it is
sent a short one and some long ones right behind each other, and their answers come as far apart as the line takes to carry a long one.

1. Only who has all distances wide has a narrow line. Jitter makes one wide, or two; a busy machine answers late, but then all at once.
2. What is not answered says nothing: not every browser answers, and checks get lost.

Source: the packet pairs of Keshav, "A control-theoretic approach to flow control" (1991), §3.2.
"""

from __future__ import annotations

import itertools
from typing import Final

SHORT, LONG = 0, 800  # bytes that only make a check longer
TRAIN: Final = (SHORT, LONG, LONG, LONG)
LONG_BITS: Final = (LONG + 100) * 8  # with what a check has of its own
# A line below takes 60 ms for a long one: a picture and a voice just fit one above.
NARROW_BPS: Final = 120_000


class LineWidth:
    """One measurement. `bps` when all is answered: what the line carries; None: enough."""

    __slots__ = ("_answered", "bps")

    def __init__(self) -> None:
        self._answered: dict[int, float] = {}
        self.bps: int | None = None

    def note(self, place: int, now: float) -> bool:
        """The check in that place of TRAIN was answered. True: all are."""
        self._answered.setdefault(place, now)
        if len(self._answered) < len(TRAIN):
            return False
        times = [self._answered[at] for at in range(len(TRAIN))]
        if min(later - earlier for earlier, later in itertools.pairwise(times)) > LONG_BITS / NARROW_BPS:
            self.bps = int(LONG_BITS * (len(TRAIN) - 1) / (times[-1] - times[0]))
        return True
