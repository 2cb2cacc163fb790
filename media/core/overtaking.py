"""Whether a person's packets overtake each other on their way to us so often that the times they take say nothing of a queue. Pure.

A browser's estimator takes a delay that grows for a queue, and gives way. Where each packet takes its own time (reordering, tens of ms of
jitter) it finds such growth by chance again and again: 300 kbit/s sank to 110 within 20 s on a line that lost nothing. A queue lets nobody
overtake. So while a good part of what comes was overtaken, all that came since the last feedback is told as come at once
(core/transport_cc.py): the estimator then compares tenths of a second, by the quickest packet of each, over two seconds. A queue that
grows is still seen there, if a second later; and when the round trip has grown by one, all is told as it is again.

Source: draft-ietf-rmcat-gcc-02 §5.2 for groups of packets that came at once. The rest is ours.
"""

from __future__ import annotations

from typing import Final

HALF_LIFE_S: Final = 3.0
LEAST: Final = 60  # packets before anything is believed
# Share of packets overtaken by OVERTAKEN_S (core/loss.py).
BEGINS: Final = 0.10
ENDS: Final = 0.05
QUEUED_S: Final = 0.2  # a round trip longer by this than the shortest: there is a queue besides
BASE_GROWTH: Final = 1.01  # a second; the shortest is forgotten slowly


class Overtaking:
    """One person's. `often` as of the last `look`."""

    __slots__ = ("_at", "_base_rtt_s", "_before", "_expected", "_overtaken", "often")

    def __init__(self) -> None:
        self._at = float("-inf")
        self._before: tuple[int, int] | None = None
        self._expected = self._overtaken = 0.0
        self._base_rtt_s = float("inf")
        self.often = False

    def look(self, expected: int, overtaken: int, rtt_s: float, now: float) -> None:
        """Once a second: packets of all streams since they began, those of them overtaken, the round trip (0: not known)."""
        before, self._before = self._before, (expected, overtaken)
        if before is None or expected < before[0] or overtaken < before[1]:
            return
        left = 0.5 ** (min(now - self._at, 60.0) / HALF_LIFE_S)
        self._at = now
        self._expected = self._expected * left + expected - before[0]
        self._overtaken = self._overtaken * left + overtaken - before[1]
        if rtt_s > 0:
            self._base_rtt_s = min(self._base_rtt_s * BASE_GROWTH, rtt_s)
        share = self._overtaken / self._expected if self._expected >= LEAST else 0.0
        self.often = share >= (ENDS if self.often else BEGINS) and rtt_s <= self._base_rtt_s + QUEUED_S
