"""Token buckets: rate, burst, and memory that forged keys cannot grow."""

from __future__ import annotations

from media.net.limits import Budget, RateLimit


def test_burst_then_rate() -> None:
    limit = RateLimit(rate_per_s=10, burst=3, max_keys=10)

    assert [limit.allows("a", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert limit.allows("a", 0.1)
    assert not limit.allows("a", 0.1)
    assert [limit.allows("a", 100.0) for _ in range(4)] == [True, True, True, False]


def test_keys_do_not_disturb_each_other() -> None:
    limit = RateLimit(rate_per_s=1, burst=1, max_keys=10)

    assert limit.allows("a", 0.0)
    assert limit.allows("b", 0.0)
    assert not limit.allows("a", 0.0)


def test_forged_keys_cost_bounded_memory() -> None:
    limit = RateLimit(rate_per_s=1, burst=1, max_keys=100)

    for i in range(10_000):
        limit.allows(i, 0.0)

    assert len(limit._buckets) == 100
    assert not limit.allows(9_999, 0.0)


def test_a_budget_is_spent_by_cost_and_filled_by_time() -> None:
    budget = Budget(per_s=100, at_once=300, now=5.0)

    assert [budget.allows(140, 5.0) for _ in range(3)] == [True, True, False]
    assert budget.allows(20, 5.0)  # a dear one that was refused costs nothing
    assert not budget.allows(100, 5.9)
    assert budget.allows(100, 6.1)
    assert [budget.allows(300, 1000.0) for _ in range(2)] == [True, False]
