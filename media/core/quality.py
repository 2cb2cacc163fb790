"""One seat's line quality over the last window, for the event `quality` (CONTROL.md) and the people who watch it."""

from __future__ import annotations

from dataclasses import dataclass

from media.core.rtcp import ReportBlock


@dataclass(frozen=True, slots=True)
class Totals:
    """Counters of all streams of a seat since it connected. They grow; up_lost may shrink by a late packet."""

    up_expected: int
    up_lost: int
    up_bytes: int
    down_bytes: int


@dataclass(frozen=True, slots=True)
class Quality:
    """loss as a share of 1; up = from the person to us."""

    loss_up: float
    loss_down: float
    rtt_ms: float
    up_bps: int
    down_bps: int
    jitter_ms: float
    silent_s: float


class SeatQuality:
    """Windows of one seat: feed reports as they come, take a Quality when the window ends."""

    __slots__ = ("_before", "_down_expected", "_down_lost", "_reported", "_taken_at", "rtt_s")

    def __init__(self, now: float) -> None:
        self._before = Totals(0, 0, 0, 0)
        self._taken_at = now
        self._reported: dict[int, tuple[int, int]] = {}  # down ssrc -> (highest, cumulative lost)
        self._down_expected = 0
        self._down_lost = 0
        self.rtt_s = 0.0

    def note_report(self, block: ReportBlock, rtt_s: float | None) -> tuple[int, int]:
        """A receiver report of the person about one of our down streams. Returns what it newly tells: (expected, lost)."""
        highest, lost = self._reported.get(block.ssrc, (block.highest_seq, block.cumulative_lost))
        self._reported[block.ssrc] = (block.highest_seq, block.cumulative_lost)
        expected = max(0, block.highest_seq - highest)
        lost = max(0, min(block.cumulative_lost - lost, expected))
        self._down_expected += expected
        self._down_lost += lost
        if rtt_s is not None:
            self.rtt_s = rtt_s if self.rtt_s == 0.0 else self.rtt_s + (rtt_s - self.rtt_s) / 4
        return expected, lost

    def forget_stream(self, ssrc: int) -> None:
        self._reported.pop(ssrc, None)

    def take(self, totals: Totals, jitter_s: float, last_heard: float, now: float) -> Quality:
        """Close the window. last_heard: when the last valid packet of the person came."""
        span_s = max(now - self._taken_at, 1e-3)
        before = self._before
        quality = Quality(
            loss_up=_share(totals.up_lost - before.up_lost, totals.up_expected - before.up_expected),
            loss_down=_share(self._down_lost, self._down_expected),
            rtt_ms=round(self.rtt_s * 1000, 1),
            up_bps=max(0, int((totals.up_bytes - before.up_bytes) * 8 / span_s)),
            down_bps=max(0, int((totals.down_bytes - before.down_bytes) * 8 / span_s)),
            jitter_ms=round(jitter_s * 1000, 1),
            silent_s=round(max(0.0, now - last_heard), 1),
        )
        self._before, self._taken_at = totals, now
        self._down_expected = self._down_lost = 0
        return quality


def _share(part: int, whole: int) -> float:
    return round(max(0.0, min(part / whole, 1.0)), 4) if whole > 0 else 0.0
