"""A line of a certain width with a queue, and the estimator of a browser at its end, on virtual time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class NarrowLine:
    """What is sent waits in a queue of at most queue_s and leaves at width_bps. Figures per `step`."""

    width_bps: float
    queue_s: float = 1.0
    loss: float = 0.0
    random: random.Random = field(default_factory=lambda: random.Random(1))
    _queued: float = 0.0  # bits

    def step(self, sent_bps: float, seconds: float) -> tuple[float, float, float]:
        """(bit/s that arrived, delay in s, share lost) while sent_bps was sent for so long."""
        sent = sent_bps * seconds
        left = sent * (1 - self.loss * self.random.uniform(0.7, 1.3))
        room = max(0.0, self.width_bps * (self.queue_s + seconds) - self._queued)
        taken = min(left, room)
        through = min(self._queued + taken, self.width_bps * seconds)
        self._queued += taken - through
        lost = 1 - taken / sent if sent else 0.0
        return through / seconds, self._queued / self.width_bps, lost


@dataclass
class Believer:
    """libwebrtc's receiver in short: AIMD on delay, a REMB each second and at once when it falls (GCC §5.5)."""

    belief: float = 0.0
    _begun: float = -1.0
    _told: float = 0.0
    _delay: float = 0.0

    def hear(self, got_bps: float, delay_s: float, seconds: float, now: float) -> int | None:
        """The REMB it sends now, if it does."""
        if self._begun < 0:
            self._begun = now
        growing, self._delay = delay_s > self._delay + 0.005 * seconds and delay_s > 0.08, delay_s
        if not self.belief:
            if now - self._begun < 5 and not growing:
                return None
            self.belief = got_bps
        fell = growing and 0.85 * got_bps < self.belief
        if fell:
            self.belief = 0.85 * got_bps
        elif delay_s < 0.08:
            self.belief = max(self.belief, min(self.belief * 1.08**seconds, 1.5 * got_bps + 10_000))
        if not fell and now - self._told < 1:
            return None
        self._told = now
        return int(self.belief)
