"""What we report about an up stream in receiver reports: loss, jitter, and when the last sender report came.

Counts packets as they were first sent (not RTX), because the publisher's own estimator wants the line, not the repair.

Source: RFC 3550 §6.4.1, §A.3 (loss), §A.8 (jitter).
"""

from __future__ import annotations

from media.core.rtcp import ReportBlock
from media.core.seqno import FIRST_CYCLE

MAX_CUMULATIVE = 0x7FFFFF


class Reception:
    """Statistics of one ssrc. `packets` and `jitter_ticks` may be read at any time."""

    __slots__ = (
        "_base",
        "_clock_rate",
        "_expected_before",
        "_highest",
        "_received_before",
        "_sr_at",
        "_sr_ntp_mid",
        "_transit",
        "jitter_ticks",
        "packets",
        "ssrc",
    )

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self._clock_rate = clock_rate
        self._base = -1
        self._highest = -1
        self._transit = 0
        self._sr_ntp_mid = 0
        self._sr_at = 0.0
        self._expected_before = 0
        self._received_before = 0
        self.packets = 0
        self.jitter_ticks = 0.0

    def receive(self, ext: int, ts: int, now: float) -> None:
        """Count one packet (extended number from LossTracker.receive, 32-bit timestamp)."""
        transit = int(now * self._clock_rate) - ts
        if self.packets:
            off = (transit - self._transit + 0x80000000 & 0xFFFFFFFF) - 0x80000000
            self.jitter_ticks += ((off if off >= 0 else -off) - self.jitter_ticks) / 16
        else:
            self._base = ext
        self._transit = transit
        self.packets += 1
        if ext > self._highest:
            self._highest = ext
        elif ext < self._base:
            self._base = ext

    def note_sender_report(self, ntp: int, now: float) -> None:
        """ntp  64 bits, as it stands in the sender report."""
        self._sr_ntp_mid = ntp >> 16 & 0xFFFFFFFF
        self._sr_at = now

    def jitter_s(self) -> float:
        return self.jitter_ticks / self._clock_rate

    def lost(self) -> tuple[int, int]:
        """(expected, lost) since the first packet; lost is negative when duplicates outnumber losses."""
        expected = self._highest - self._base + 1 if self.packets else 0
        return expected, expected - self.packets

    def report(self, now: float, sooner_s: float = 0.0) -> ReportBlock | None:
        """One report block; None before the first packet. Starts a new interval for the fraction lost.

        sooner_s  so much less the sender shall take his round trip for: it then answers a second request within the true one.
        """
        if not self.packets:
            return None
        expected, lost = self.lost()
        expected_interval = expected - self._expected_before
        lost_interval = expected_interval - (self.packets - self._received_before)
        self._expected_before, self._received_before = expected, self.packets
        fraction = (
            min(255, (lost_interval << 8) // expected_interval) if expected_interval > 0 and lost_interval > 0 else 0
        )
        delay = int((now - self._sr_at + sooner_s) * 65536) if self._sr_ntp_mid else 0
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            cumulative_lost=max(-MAX_CUMULATIVE - 1, min(lost, MAX_CUMULATIVE)),
            highest_seq=(self._highest - FIRST_CYCLE) & 0xFFFFFFFF,
            jitter=int(self.jitter_ticks) & 0xFFFFFFFF,
            last_sr=self._sr_ntp_mid,
            delay_since_last_sr=min(delay, 0xFFFFFFFF),
        )
