"""Whether what is lost of a person's packets on their way to us is lost by chance, or because his line is full. Pure.

A browser whose estimator hears of 30 % of loss gives way to 70 kbit/s, whatever the reason, and half of that is voice: pictures of eight
frames a second where the line would carry ten times as much. Loss by chance is not mended by sending less. So where it is by chance the
browser is not told of it (core/transport_cc.py). What tells it from a full line:

1. A full line has a queue: the round trip grows. (The browser sees it as well, by the times of what came, and gives way by itself.)
2. A line without a queue, or a policer, loses more when more is sent. When both grew together it was believed wrongly: all is told as it
   is for a while, each time twice as long.
3. Nothing is believed beyond MOST of loss; and while it is believed a browser may send no more than FORGIVEN_BPS for each picture.

What a browser hears in its first second it takes for the line, and needs ten to climb out of. So until LEAST packets are there (`undecided`) it is told nothing
of the lost either.

Already from LOSES on (`loses`) what is missing is asked for again and again (core/loss.py), and the browser is told of a short round trip
(core/reception.py): it answers no second request within one, and when its answer is lost as well the picture waits for another.

Source: draft-ietf-rmcat-gcc-02 §6 for what a browser does about loss. The rest is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HALF_LIFE_S: Final = 3.0  # of what was lost
LEAST: Final = 60  # packets before anything is believed
UNDECIDED_S: Final = 6.0  # at most: who sends too little for that is told all
LOSES: Final = 0.02  # without a queue: repairs may be lost too
BEGINS: Final = 0.06  # below, a browser's estimator hardly minds
ENDS: Final = 0.03
MOST: Final = 0.45
QUEUED_S: Final = 0.15  # a round trip longer by this than the shortest: there is a queue
FARTHEST_S: Final = (
    0.6  # no line is that far: a queue that was full from the beginning, which no longer round trip betrays
)
BASE_GROWTH: Final = 1.01  # a second; the shortest is forgotten slowly
# So much more of loss, when so many times as much is sent: the line was full.
MORE_LOST: Final = 0.15
MORE_SENT: Final = 1.2
BARRED_S: Final = 20.0
BARRED_AT_MOST_S: Final = 320.0
FORGIVEN_BPS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Counted:
    """What a person's streams have brought since they began. by_number: by transport-cc's numbers, repairs too."""

    expected: int
    lost: int
    octets: int
    at: float
    by_number: bool


class UpLine:
    """One person's. `by_chance`, `loses` and `undecided` as of the last `look`."""

    __slots__ = (
        "_at",
        "_barred_s",
        "_barred_until",
        "_base_rtt_s",
        "_before",
        "_began",
        "_expected",
        "_lost",
        "_undecided_until",
        "by_chance",
        "loses",
        "undecided",
    )

    def __init__(self) -> None:
        self._at = float("-inf")
        self._before: Counted | None = None
        self._expected = self._lost = 0.0
        self._base_rtt_s = float("inf")
        self._began = (0.0, 0.0)  # share lost and bit/s sent when it was believed
        self._barred_until, self._barred_s = float("-inf"), BARRED_S
        self.by_chance = self.loses = False
        self.undecided, self._undecided_until = True, float("inf")

    @property
    def share(self) -> float:
        """Lost of 1, over the last seconds."""
        return max(0.0, self._lost) / self._expected if self._expected >= LEAST else 0.0

    def look(self, counted: Counted, rtt_s: float) -> None:
        """Once a second: what has come by now, and the round trip (0: not known). After a change of streams or numbers only the next counts."""
        before, self._before = self._before, counted
        self._undecided_until = min(self._undecided_until, counted.at + UNDECIDED_S)
        self.undecided = self.undecided and counted.at < self._undecided_until
        if before is None or before.by_number != counted.by_number or counted.expected < before.expected:
            return
        span_s = counted.at - before.at
        expected, lost = counted.expected - before.expected, counted.lost - before.lost
        if span_s > 0:
            came_bps = (counted.octets - before.octets) * 8 / span_s
            self._note(expected, lost, came_bps * expected / max(1, expected - lost), rtt_s, counted.at)

    def _note(self, expected: int, lost: int, sent_bps: float, rtt_s: float, now: float) -> None:
        left = 0.5 ** (min(now - self._at, 60.0) / HALF_LIFE_S)
        self._at = now
        self._expected = self._expected * left + expected
        self._lost = self._lost * left + lost
        if rtt_s > 0:
            self._base_rtt_s = min(self._base_rtt_s * BASE_GROWTH, rtt_s)
        queued = rtt_s > min(self._base_rtt_s + QUEUED_S, FARTHEST_S)
        self.undecided = self.undecided and self._expected < LEAST and not queued
        self.by_chance = not queued and (
            self._goes_on(sent_bps, now) if self.by_chance else self._begins(sent_bps, now)
        )
        self.loses = not queued and LOSES <= self.share <= MOST and now >= self._barred_until

    def _begins(self, sent_bps: float, now: float) -> bool:
        self._began = (self.share, sent_bps)
        return BEGINS <= self.share <= MOST and now >= self._barred_until

    def _goes_on(self, sent_bps: float, now: float) -> bool:
        share_then, bps_then = self._began
        if self.share > share_then + MORE_LOST:
            if self.share > MOST or sent_bps > bps_then * MORE_SENT:
                self._barred_until = now + self._barred_s
                self._barred_s = min(BARRED_AT_MOST_S, self._barred_s * 2)
                return False
            self._began = (self.share, sent_bps)  # the line became worse by itself
        return self.share >= ENDS
