"""Repairs that are asked for all at once, after a dead line say, leave one by one, so that no voice waits behind them. Pure.

    pace    PACE times what may be sent to him as picture; AT_ONCE_BITS may be saved up, so a few of them never wait
    bound   what would wait longer than LONGEST_S is not sent: the oldest goes first, by then it is of least use
    voice   never comes here

Source: the pacing budget of draft-ietf-rmcat-gcc-02 §4, with a queue that forgets in place of one that grows.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

PACE: Final = 1.5
LONGEST_S: Final = 0.3
AT_ONCE_BITS: Final = 80_000  # eight large packets: 80 ms of a line of a megabit
LEAST_BPS: Final = 100_000  # a belief may err far


class Pacer(Generic[Item]):
    """One subscriber's. `dropped`: how many were given up."""

    __slots__ = ("_at", "_bits", "_credit", "_waiting", "dropped")

    def __init__(self, now: float) -> None:
        self._waiting: deque[tuple[Item, int]] = deque()
        self._bits = 0  # that wait
        self._credit = float(AT_ONCE_BITS)
        self._at = now
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, item: Item, bits: int, budget_bps: int) -> Item | None:
        """Let it wait for its time; returns what is given up for it."""
        self._waiting.append((item, bits))
        self._bits += bits
        if self._bits <= AT_ONCE_BITS + _rate(budget_bps) * LONGEST_S:
            return None
        oldest, size = self._waiting.popleft()
        self._bits -= size
        self.dropped += 1
        return oldest

    def due(self, budget_bps: int, now: float) -> list[Item]:
        """Behind `put`, and on a timer while something waits: those whose time has come."""
        self._credit = min(AT_ONCE_BITS, self._credit + _rate(budget_bps) * max(0.0, now - self._at))
        self._at = now
        out: list[Item] = []
        while self._waiting and self._credit > 0:
            item, bits = self._waiting.popleft()
            self._bits -= bits
            self._credit -= bits
            out.append(item)
        return out


def _rate(budget_bps: int) -> float:
    return max(LEAST_BPS, budget_bps) * PACE
