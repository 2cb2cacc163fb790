"""How much of what we send to somebody is lost on the way, by his receiver reports, and how often his voice is sent for it.

Loss by chance is no full line: sending less does not mend it, sending more does. Voice is small, so it goes several times.
"""

from __future__ import annotations

from typing import Final

HALF_LIFE_S: Final = 3.0  # of what was told; a report of a second of voice alone is 50 packets
LEAST: Final = 25  # packets told of before anything is believed
# From so much loss on, so many frames of before stand in each packet of voice. What is then lost by chance: 0.05 ** 3, 0.3 ** 4.
DEPTHS: Final = ((0.01, 1), (0.035, 2), (0.12, 3))
STAYS: Final = 0.5  # a depth stays until less than so much of its loss is left


class LineLoss:
    """See the module. `share`: of 1, over the last seconds."""

    __slots__ = ("_at", "_expected", "_lost", "_missing", "depth")

    def __init__(self, now: float) -> None:
        self._at = now
        self._expected = self._lost = 0.0
        self._missing: dict[int, tuple[int, int]] = {}  # by our SSRC
        self.depth = 0

    @property
    def share(self) -> float:
        return self._lost / self._expected if self._expected >= LEAST else 0.0

    def of_ours(self, ssrc: int, lost: int, source: int, missing: int) -> int:
        """Of so many packets that a report newly calls lost those that we had.

        source, missing  what the stream shows, and how many packets of that never came to us: his line is not to blame for them.
        """
        before = self._missing.get(ssrc, (source, missing))
        self._missing[ssrc] = (source, missing)
        return max(0, lost - max(0, missing - before[1])) if before[0] == source else lost

    def note(self, expected: int, lost: int, now: float) -> None:
        """A report: so many packets more were due, so many of them did not come."""
        left = 0.5 ** (max(0.0, now - self._at) / HALF_LIFE_S)
        self._at = now
        self._expected = self._expected * left + expected
        self._lost = self._lost * left + lost
        self.depth = max((depth for share, depth in DEPTHS if self._calls_for(share, depth)), default=0)

    def _calls_for(self, share: float, depth: int) -> bool:
        return self.share >= (share * STAYS if depth <= self.depth else share)
