"""Token buckets for sign-in, join and tickets: pure, the caller brings the clock."""

from __future__ import annotations

from dataclasses import dataclass, field

_MAX_KEYS = 50_000  # a flood of made-up keys must not eat the memory: the oldest go first


@dataclass(slots=True)
class Rate:
    """`burst` at once, then one every `every_s` seconds, per key."""

    burst: int
    every_s: float
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, key: str, now: float) -> int:
        """Take one; 0 if granted, else the seconds to wait (at least 1)."""
        left, since = self._left.pop(key, (float(self.burst), now))
        left = min(float(self.burst), left + (now - since) / self.every_s)
        granted = left >= 1.0
        self._left[key] = (left - 1.0 if granted else left, now)
        if len(self._left) > _MAX_KEYS:
            self._left.pop(next(iter(self._left)))
        return 0 if granted else max(1, round((1.0 - left) * self.every_s))
