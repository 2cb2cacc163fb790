"""What of a NACK is worth sending again to one subscriber. Pure.

A browser that waits for a packet asks again each round trip *it knows of*; behind a queue the repair takes longer, and each repeat
makes the queue longer still: on a line of 420 kbit/s whose queue of half a second was full, repairs were half of what was sent, and
three of four came twice. So:

1. The same packet goes again only when the repair before it can have been answered: after a round trip.
2. While the line is full, that is FULL_WAIT_S at least, and repairs get no more than REPAIR_SHARE of what may be sent.

Source: the idea of 1 is RtpPacketHistory's in libwebrtc, which does not send a packet again within a round trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

# Of a measured round trip, which is an average: on a line with jitter every other repeat of a browser comes sooner than that.
RTT_SHARE: Final = 0.6
RTT_MOST_S: Final = 1.0
FULL_WAIT_S: Final = 0.5
REPAIR_SHARE: Final = 0.25
AT_ONCE_S: Final = 0.5  # so much of that share may be saved up
PACKET_BITS: Final = 9_000
REMEMBERED: Final = 1024


class Repairs:
    """One subscriber's. `asked_again` counts what was refused by rule 1, `crowded_out` by rule 2."""

    __slots__ = ("_at", "_sent_at", "_tokens", "asked_again", "crowded_out")

    def __init__(self, now: float) -> None:
        self._sent_at: dict[tuple[int, int], float] = {}  # ssrc, number -> when it went again
        self._tokens = 0.0  # packets, while the line is full
        self._at = now
        self.asked_again = self.crowded_out = 0

    def worth(self, ssrc: int, seqs: Sequence[int], rtt_s: float, full_bps: int | None, now: float) -> list[int]:
        """Those of `seqs` to send again now.   full_bps  what may be sent to him while his line is full; None: it is not."""
        wait_s = min(rtt_s * RTT_SHARE, RTT_MOST_S)
        if full_bps is not None:
            wait_s = max(wait_s, FULL_WAIT_S)
        fresh = [seq for seq in dict.fromkeys(seqs) if now - self._sent_at.get((ssrc, seq), float("-inf")) >= wait_s]
        self.asked_again += len(seqs) - len(fresh)
        if full_bps is not None:
            fresh = self._within(full_bps, fresh, now)
        for seq in fresh:
            self._sent_at.pop((ssrc, seq), None)  # to the end: the oldest are forgotten first
            self._sent_at[ssrc, seq] = now
        while len(self._sent_at) > REMEMBERED:
            del self._sent_at[next(iter(self._sent_at))]
        return fresh

    def _within(self, full_bps: int, seqs: list[int], now: float) -> list[int]:
        per_s = full_bps * REPAIR_SHARE / PACKET_BITS
        self._tokens = min(per_s * AT_ONCE_S, self._tokens + per_s * (now - self._at))
        self._at = now
        allowed = seqs[: int(self._tokens)]
        self._tokens -= len(allowed)
        self.crowded_out += len(seqs) - len(allowed)
        return allowed
