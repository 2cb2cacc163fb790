"""What a person's browser may send, when all who see him are on narrow lines. Pure.

One picture, or the smallest of its layers, may be more than a line carries; then nothing comes through. Its browser can make it
smaller, if that takes it from nobody: so he is granted what the best served of those who see him can take.

    scarce line     what its budget gives each picture
    no more scarce  the same, and GROWTH more each second: the whole at once would fill the line again
    wide line       no bound

A recording takes the picture as it is, so in a recorded room nobody is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

GROWTH: Final = 1.05
LEAST_BPS: Final = 25_000  # below that a browser sends no less
WIDE_BPS: Final = 200_000  # a line with so much for each picture is left to what a browser finds out by itself
LOOKS: Final = 4  # a budget that fell for a moment only, for two seconds, binds nobody
VOICE_BPS: Final = 40_000  # what is granted counts the voice too


class Share:
    """How much one subscriber's line has for each picture."""

    __slots__ = ("_at", "_recent", "bps")

    def __init__(self, now: float) -> None:
        self.bps: int | None = None  # None: no bound is known
        self._at = now
        self._recent: deque[int] = deque(maxlen=LOOKS)

    def note(self, budget_bps: int, pictures: int, scarce: bool, now: float, *, measured: bool = False) -> None:
        """What may be sent to him as picture in all, and whether his line was full lately.   measured  whether that is no guess."""
        passed_s, self._at = max(0.0, now - self._at), now
        self._recent.extend([budget_bps] * (LOOKS if measured else 1))
        if scarce and pictures and len(self._recent) == LOOKS:
            self.bps = max(LEAST_BPS, max(self._recent) // pictures)
        elif self.bps is not None:
            self.bps = int(self.bps * GROWTH**passed_s) + 1
        if self.bps is not None and self.bps >= WIDE_BPS:
            self.bps = None


def granted_bps(shares: Iterable[int | None], pictures: int) -> int | None:
    """For one who sends so many pictures to subscribers with such shares; voice and all, None: no bound."""
    bound = 0
    for share in shares:
        if share is None:
            return None
        bound = max(bound, share)
    return bound * pictures + VOICE_BPS if bound and pictures else None
