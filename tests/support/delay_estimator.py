"""What a browser makes of the times it is told by transport-cc: the delay-based half of its estimator, in virtual time.

Source: draft-ietf-rmcat-gcc-02 §5.2 (groups of packets), §5.5 (rate), with the straight line through the last delays that libwebrtc takes instead
of the Kalman filter of §5.3. Times are in milliseconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

GROUP_MS = 5.0
POINTS = 20
GAIN = 4.0
BETA = 0.85


@dataclass
class Group:
    first_sent: float
    sent: float
    first_came: float
    came: float


@dataclass
class DelayEstimator:
    """`hear` one report after the other; `bps` is what it would send."""

    bps: float
    overuses: int = 0
    _now: Group | None = None
    _before: Group | None = None
    _points: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=POINTS))
    _count: int = 0
    _delay: float = 0.0
    _smooth: float = 0.0
    _trend: float = 0.0
    _threshold: float = 12.5
    _adapted: float = 0.0
    _over_ms: float = -1.0
    _overs: int = 0
    _state: int = 0  # 1: too much, -1: the queue becomes shorter
    _grows: bool = False
    _near: float = 0.0  # bit/s at which it was too much last
    _changed: float = 0.0

    def hear(self, told: list[tuple[float, float]], acked_bps: float, now: float) -> None:
        """told  (sent, came) of each packet."""
        too_much = False
        for came, sent in sorted((came, sent) for sent, came in told):
            self._take(sent, came)
            too_much |= self._state > 0
        self._follow(1 if too_much else self._state, acked_bps, now)

    def _take(self, sent: float, came: float) -> None:
        group = self._now
        if group is None:
            self._now = Group(sent, sent, came, came)
            return
        if sent < group.first_sent:
            return
        if self._belongs(group, sent, came) or sent - group.first_sent <= GROUP_MS:
            group.sent, group.came = max(group.sent, sent), came
            return
        if self._before is not None:
            self._note(group.came - self._before.came, group.sent - self._before.sent, came)
        self._before, self._now = group, Group(sent, sent, came, came)

    def _belongs(self, group: Group, sent: float, came: float) -> bool:
        apart = came - group.came
        if sent == group.sent:
            return True
        return apart < sent - group.sent and apart <= GROUP_MS and came - group.first_came < 100

    def _note(self, came: float, sent: float, at: float) -> None:
        self._count += 1
        self._delay += came - sent
        self._smooth += 0.1 * (self._delay - self._smooth)
        self._points.append((at, self._smooth))
        trend = self._slope() if len(self._points) == POINTS else self._trend
        self._judge(min(self._count, 60) * trend * GAIN, trend, sent, at)
        self._trend = trend

    def _slope(self) -> float:
        x_mean = sum(x for x, _ in self._points) / POINTS
        y_mean = sum(y for _, y in self._points) / POINTS
        spread = sum((x - x_mean) ** 2 for x, _ in self._points)
        return sum((x - x_mean) * (y - y_mean) for x, y in self._points) / spread if spread else self._trend

    def _judge(self, size: float, trend: float, sent: float, at: float) -> None:
        self._state = -1 if size < -self._threshold else 0
        if size > self._threshold:
            self._over_ms = sent / 2 if self._over_ms < 0 else self._over_ms + sent
            self._overs += 1
            if self._over_ms > 10 and self._overs > 1 and trend >= self._trend:
                self._over_ms, self._overs, self._state = 0.0, 0, 1
        else:
            self._over_ms, self._overs = -1.0, 0
        if abs(size) <= self._threshold + 15:
            pull = 0.039 if abs(size) < self._threshold else 0.0087
            self._threshold += pull * (abs(size) - self._threshold) * min(at - self._adapted, 100.0)
            self._threshold = min(600.0, max(6.0, self._threshold))
        self._adapted = at

    def _follow(self, state: int, acked_bps: float, now: float) -> None:
        if state > 0:
            self.overuses += 1
            self.bps = min(self.bps, BETA * acked_bps)
            self._near, self._grows = acked_bps, False
        elif state < 0:
            self._grows = False
        elif self._grows:
            self._grow(acked_bps, now)
        else:
            self._grows = True
        self._changed = now

    def _grow(self, acked_bps: float, now: float) -> None:
        seconds = min(1.0, (now - self._changed) / 1000)
        if acked_bps > 1.3 * self._near:
            self._near = 0.0
        more = 8_000 * seconds if self._near else self.bps * (1.08**seconds - 1)
        self.bps = max(self.bps, min(self.bps + more, 1.5 * acked_bps + 10_000))
