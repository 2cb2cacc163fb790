"""What one direction of a line does to a datagram: lose it, hold it, let it be overtaken, say it twice. Pure; time comes in.

Loss is by chance (`loss`), or in bursts as Gilbert and Elliott have it: `burst_in` from good to bad, `burst_out` back, all lost while bad.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Direction:
    """Shares of 1, seconds, bit/s (0: no limit), datagrams in the queue before the narrow place."""

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    burst_in: float = 0.0
    burst_out: float = 1.0
    rate_bps: float = 0.0
    queue: int = 1000
    reorder: float = 0.0
    duplicate: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """Both directions as the person on the line sees them; `blackout_s`: nothing passes for so long in the middle of the run; `tcp`: the
    media worker can be reached over TCP, past this line of UDP.
    """

    up: Direction
    down: Direction
    blackout_s: float = 0.0
    tcp: bool = False


def _both(direction: Direction) -> Line:
    return Line(direction, direction)


_FAR = Direction(delay_s=0.1, jitter_s=0.02)
LINES: Final[dict[str, Line]] = {
    "clean": _both(Direction()),
    "loss5": _both(replace(_FAR, loss=0.05)),
    "loss10": _both(replace(_FAR, loss=0.10)),
    "loss30": _both(replace(_FAR, loss=0.30)),
    "bursts": _both(replace(_FAR, burst_in=0.02, burst_out=0.20)),
    "narrow": Line(Direction(rate_bps=256_000, delay_s=0.02, queue=60), Direction(rate_bps=512_000, delay_s=0.02, queue=60)),
    "narrow64": _both(Direction(rate_bps=64_000, delay_s=0.02, queue=60)),
    "restless": _both(Direction(delay_s=0.1, jitter_s=0.08, reorder=0.02, duplicate=0.01)),
    "blackout": Line(Direction(delay_s=0.02), Direction(delay_s=0.02), blackout_s=6.0),
    "tcp": Line(Direction(loss=1.0), Direction(loss=1.0), tcp=True),
}  # fmt: skip


@dataclass
class Shaper:
    """One direction at work. `send` takes a datagram, `due` gives what has arrived. `passed` bytes were not lost; `waits` are (when,
    seconds in the queue) of each datagram before a narrow place.
    """

    shape: Direction
    dice: random.Random
    dark: bool = False
    sent: int = 0
    lost: int = 0
    passed: int = 0
    waits: list[tuple[float, float]] = field(default_factory=list)
    _bad: bool = False
    _free_at: float = 0.0
    _under_way: list[tuple[float, int, bytes, object]] = field(default_factory=list)

    def send(self, datagram: bytes, to: object, now: float) -> None:
        self.sent += 1
        if self.dark or self._loses() or len(self._under_way) >= self.shape.queue:
            self.lost += 1
            return
        shape, dice = self.shape, self.dice
        at = now
        self.passed += len(datagram)
        if shape.rate_bps:
            self.waits.append((now, max(0.0, self._free_at - now)))
            self._free_at = at = max(self._free_at, now) + len(datagram) * 8 / shape.rate_bps
        if not (shape.reorder and dice.random() < shape.reorder):
            at += max(0.0, dice.gauss(shape.delay_s, shape.jitter_s / 2) if shape.jitter_s else shape.delay_s)
        for _ in range(2 if shape.duplicate and dice.random() < shape.duplicate else 1):
            heapq.heappush(self._under_way, (at, self.sent, datagram, to))

    def due(self, now: float) -> list[tuple[bytes, object]]:
        """What has arrived until now, in order of arrival."""
        out: list[tuple[bytes, object]] = []
        while self._under_way and self._under_way[0][0] <= now:
            _, _, datagram, to = heapq.heappop(self._under_way)
            out.append((datagram, to))
        return out

    def next_at(self) -> float | None:
        return self._under_way[0][0] if self._under_way else None

    def _loses(self) -> bool:
        shape, dice = self.shape, self.dice
        if shape.burst_in:
            self._bad = dice.random() >= shape.burst_out if self._bad else dice.random() < shape.burst_in
            if self._bad:
                return True
        return bool(shape.loss) and dice.random() < shape.loss
