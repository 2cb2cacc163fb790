"""A line that loses, delays and reorders, on virtual time: seeded, no clock, no socket."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class LossyLine(Generic[T]):
    """One direction. Delay is uniform in delay_s ± jitter_s, so that packets overtake each other as soon as jitter_s > 0."""

    random: random.Random
    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    sent: int = 0
    dropped: int = 0
    _under_way: list[tuple[float, int, T]] = field(default_factory=list)

    def send(self, item: T, now: float) -> None:
        self.sent += 1
        if self.random.random() < self.loss:
            self.dropped += 1
            return
        arrival = now + self.delay_s + self.random.uniform(-self.jitter_s, self.jitter_s)
        heapq.heappush(self._under_way, (arrival, self.sent, item))

    def arrived(self, now: float) -> Iterator[tuple[float, T]]:
        """(when, what) has arrived until now, in order of arrival."""
        while self._under_way and self._under_way[0][0] <= now:
            at, _, item = heapq.heappop(self._under_way)
            yield at, item
