"""Pictures sent again before anybody asks, on a line that loses by chance: which numbers are due.

A lost packet that is asked for comes a round trip and more too late; one that was sent twice, some way apart so that a burst does not
take both, comes in time. A browser that sends to another does the same when it has nothing better to fill its rate with.
"""

from __future__ import annotations

from collections import deque
from typing import Final

ECHO_AFTER_S: Final = (0.04, 0.09)  # one copy, and the second one where a lot is lost
MOST_AT_ONCE: Final = 40  # after a standstill the rest is left to who asks


class Echo:
    """One down stream, one copy. Numbers are extended ones of the stream that it shows."""

    __slots__ = ("_after_s", "_delta", "_next", "_sent")

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._delta: int | None = None
        self._next = -1
        self._sent: deque[tuple[float, int]] = deque()  # when looked, the newest number then

    def due(self, newest: int, delta: int, now: float) -> range:
        """What was sent so long ago and has not been sent again.

        newest  the newest number sent.
        delta   what is added to it on the way out: another one is another stream, or it went on after a pause.
        """
        if delta != self._delta:
            self._delta, self._next = delta, newest + 1
            self._sent.clear()
        self._sent.append((now, newest))
        end = self._next
        while self._sent and self._sent[0][0] <= now - self._after_s:
            end = self._sent.popleft()[1] + 1
        first = max(self._next, end - MOST_AT_ONCE)
        self._next = max(self._next, end)
        return range(first, end)
