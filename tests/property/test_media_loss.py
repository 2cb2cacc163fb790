"""The loss tracker gives each number once and asks for nothing that it has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.core.loss import VIDEO_LOSS, LossTracker

arrivals = st.lists(st.tuples(st.integers(0, 400), st.floats(0, 0.1), st.booleans()), max_size=200)


@given(st.integers(0, 65535), arrivals)
def test_once_each_and_no_needless_request(first: int, steps: list[tuple[int, float, bool]]) -> None:
    tracker = LossTracker(VIDEO_LOSS)
    seen: set[int] = set()
    now = 0.0
    for offset, pause, ask in steps:
        now += pause
        ext = tracker.receive((first + offset) & 0xFFFF, now)
        if ext >= 0:
            assert ext not in seen
            assert ext & 0xFFFF == (first + offset) & 0xFFFF
            seen.add(ext)
        if ask:
            asked = tracker.due(now)
            assert not {seq for seq in asked} & {ext & 0xFFFF for ext in seen}
            assert len(asked) == len(set(asked)) <= tracker.waiting <= VIDEO_LOSS.max_waiting

    assert tracker.highest == max(seen, default=-1)


@given(st.integers(0, 65535), st.permutations(range(20)))
def test_any_order_of_a_short_burst_is_taken_whole(first: int, order: list[int]) -> None:
    tracker = LossTracker(VIDEO_LOSS)

    numbers = [tracker.receive((first + offset) & 0xFFFF, 0.0) for offset in order]

    assert sorted(n - numbers[order.index(0)] for n in numbers) == list(range(20))
    assert tracker.due(1.0) == []
