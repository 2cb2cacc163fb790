"""Sender reports for down streams, and the round trip from the receiver reports that answer them.

Every subscriber sees one clock, the worker's: the NTP time of each publisher is moved by one offset per publisher, the
same for his voice and his face, so that lips stay in step, that a slot may change from person to person without a jump
of NTP time, and that a receiver report's LSR can be compared with our own clock.

Source: RFC 3550 §6.4.1.
"""

from __future__ import annotations

from media.core.rtcp import ReportBlock, SenderReport
from media.core.seqno import TS_MASK

NTP_EPOCH_S = 2208988800  # 1900 to 1970
STEP_S = 1.0  # a publisher's clock that disagrees by more was set anew
MAX_RTT_S = 10.0  # more is a report about something else


class WorkerClock:
    """NTP time (64 bit, 2**-32 s) for a monotonic instant."""

    __slots__ = ("_origin_s",)

    def __init__(self, unix_at_zero_s: float) -> None:
        """unix_at_zero_s  unix time at monotonic zero, read once by the shell."""
        self._origin_s = unix_at_zero_s + NTP_EPOCH_S

    def ntp(self, now: float) -> int:
        return int((self._origin_s + now) * 4294967296.0)


class PublisherClock:
    """One per seat: carries its NTP time over to the worker's monotonic time."""

    __slots__ = ("_offset_s",)

    def __init__(self) -> None:
        self._offset_s: float | None = None

    def learn(self, ntp: int, now: float) -> float:
        """The monotonic instant of a sender report's NTP time; the first one (or one after a step) sets the offset."""
        theirs_s = ntp / 4294967296.0
        if self._offset_s is None or abs(theirs_s + self._offset_s - now) > STEP_S:
            self._offset_s = now - theirs_s
        return theirs_s + self._offset_s


class StreamClock:
    """One per up stream: which RTP timestamp belongs to which monotonic instant, from its last sender report."""

    __slots__ = ("_clock_rate", "_instant", "_rtp_ts")

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._instant: float | None = None
        self._rtp_ts = 0

    def learn(self, rtp_ts: int, instant: float) -> None:
        """instant  from PublisherClock.learn."""
        self._rtp_ts = rtp_ts
        self._instant = instant

    def rtp_ts(self, now: float) -> int | None:
        """The publisher's timestamp for now; None before the first sender report."""
        if self._instant is None:
            return None
        return self._rtp_ts + int((now - self._instant) * self._clock_rate) & TS_MASK


def make_sender_report(
    ssrc: int, stream: StreamClock, ts_delta: int, packets: int, octets: int, clock: WorkerClock, now: float
) -> SenderReport | None:
    """The report of one down stream; None while the publisher's clock is unknown.

    ts_delta  SeqMap.ts_delta of the open segment.
    """
    rtp_ts = stream.rtp_ts(now)
    if rtp_ts is None:
        return None
    return SenderReport(ssrc, clock.ntp(now), rtp_ts + ts_delta & TS_MASK, packets, octets)


def round_trip_s(block: ReportBlock, clock: WorkerClock, now: float) -> float | None:
    """RTT from one report block about a down stream; None if no sender report had arrived there, or if absurd."""
    if not block.last_sr:
        return None
    ticks = (clock.ntp(now) >> 16) - block.last_sr - block.delay_since_last_sr & 0xFFFFFFFF
    rtt_s = ticks / 65536
    if ticks & 0x80000000:  # clocks of 1/65536 s rounded against each other
        rtt_s = 0.0
    return rtt_s if rtt_s <= MAX_RTT_S else None
