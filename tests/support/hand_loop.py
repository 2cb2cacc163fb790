"""An event loop's timers and clock, moved by a test."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class HandLoop:
    """`call_later` as asyncio has it. `now` moves by `move` alone, which runs what is due on its way."""

    now: float = 0.0
    _timers: list[tuple[float, int, HandTimer]] = field(default_factory=list)

    def call_later(self, after_s: float, call: Callable[..., None], *args: object) -> HandTimer:
        timer = HandTimer(lambda: call(*args))
        heapq.heappush(self._timers, (self.now + after_s, len(self._timers), timer))
        return timer

    def move(self, to: float) -> None:
        while self._timers and self._timers[0][0] <= to:
            self.now, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                timer.call()
        self.now = to


@dataclass
class HandTimer:
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True
