"""Token buckets: how much of an unauthenticated source's traffic is looked at, and what a member may make us do."""

from __future__ import annotations

from collections.abc import Hashable


class RateLimit:
    """Lets `rate_per_s` through for each key, `burst` at once.

    Keys can be forged (UDP), so at most `max_keys` are remembered; the one that came first is forgotten first. A flood from
    forged sources thereby costs memory for `max_keys` entries and no more.
    """

    def __init__(self, rate_per_s: float, burst: float, max_keys: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._max_keys = max_keys
        self._buckets: dict[Hashable, tuple[float, float]] = {}

    def allows(self, key: Hashable, now: float) -> bool:
        """Whether one more is let through for `key`; takes a token if so."""
        bucket = self._buckets.get(key)
        if bucket is None:
            self._make_room()
            self._buckets[key] = (self._burst - 1, now)
            return True
        tokens = min(self._burst, bucket[0] + (now - bucket[1]) * self._rate_per_s)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if allowed else tokens, now)
        return allowed

    def _make_room(self) -> None:
        if len(self._buckets) >= self._max_keys:
            del self._buckets[next(iter(self._buckets))]


class Budget:
    """One token bucket: what a member who has keys may make us do. Pure; `now` is monotonic seconds."""

    __slots__ = ("_at", "_most", "_per_s", "_tokens")

    def __init__(self, per_s: float, at_once: float, now: float) -> None:
        self._per_s = per_s
        self._most = self._tokens = at_once
        self._at = now

    def allows(self, cost: float, now: float) -> bool:
        """Whether so much more is done for him; takes it if so."""
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        if cost > self._tokens:
            return False
        self._tokens -= cost
        return True
