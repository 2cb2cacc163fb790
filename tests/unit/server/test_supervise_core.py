"""When a child is started again: rows on a virtual clock."""

from __future__ import annotations

import pytest

from server.supervise.core import EX_CONFIG, Again, GiveUp, Policy, Record, Stage, after_end, kill_after

POLICY = Policy(healthy_s=10, first_wait_s=0.5, longest_wait_s=15, longest_wait_after_ready_s=2, loud_after=3)


def waits(runs: list[tuple[float | None, float]]) -> list[float]:
    """Waiting times after runs given as (seconds until ready or None, seconds until the end)."""
    record, now, seen = Record(), 1000.0, []
    for until_ready, until_end in runs:
        ready_at = None if until_ready is None else now + until_ready
        now += until_end
        record, decision = after_end(record, -9, ready_at, POLICY, now)
        assert isinstance(decision, Again)
        seen.append(decision.wait_s)
        now += decision.wait_s
    return seen


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        pytest.param([(1, 60)], [0], id="one crash of a healthy child costs no wait"),
        pytest.param([(1, 60)] * 5, [0] * 5, id="healthy in between: never a wait"),
        pytest.param([(None, 0.1)] * 8, [0, 0.5, 1, 2, 4, 8, 15, 15], id="never ready: doubling up to the cap"),
        pytest.param([(1, 1.5)] * 6, [0, 0.5, 1, 2, 2, 2], id="ready in between: people are served, a lower cap"),
        pytest.param(
            [(None, 0.1)] * 4 + [(1, 11)] + [(None, 0.1)] * 2, [0, 0.5, 1, 2, 0, 0.5, 1], id="a healthy time forgives"
        ),
        pytest.param([(1, 10.9), (1, 10.9)], [0, 0.5], id="almost healthy is not healthy"),
    ],
)
def test_waits(runs: list[tuple[float | None, float]], expected: list[float]) -> None:
    assert waits(runs) == expected


def test_a_day_of_crashing_is_bounded_work() -> None:
    record, now, starts = Record(), 0.0, 0
    while now < 86_400:
        record, decision = after_end(record, 1, None, POLICY, now)
        assert isinstance(decision, Again)
        now += decision.wait_s + 0.1
        starts += 1

    assert starts < 86_400 / POLICY.longest_wait_s + 10


def test_the_third_end_in_a_row_is_loud() -> None:
    record = Record()
    loud = []
    for _ in range(4):
        record, decision = after_end(record, 1, None, POLICY, 0.0)
        assert isinstance(decision, Again)
        loud.append(decision.loud)

    assert loud == [False, False, True, True]


@pytest.mark.parametrize(
    ("was_ready", "code", "gives_up"),
    [(False, EX_CONFIG, True), (True, EX_CONFIG, False), (False, 1, False), (False, -9, False)],
)
def test_only_a_first_start_that_says_it_is_no_use_is_given_up(was_ready: bool, code: int, gives_up: bool) -> None:
    _, decision = after_end(Record(was_ready=was_ready), code, None, POLICY, 0.0)

    assert isinstance(decision, GiveUp) == gives_up


def test_asked_twice_only_the_database_gets_time() -> None:
    patient = {stage: kill_after(1, stage, POLICY) for stage in Stage}
    impatient = {stage: kill_after(2, stage, POLICY) for stage in Stage}

    assert patient == {Stage.WEB: 10, Stage.MEDIA: 10, Stage.DATABASE: 60}
    assert impatient == {Stage.WEB: 0, Stage.MEDIA: 0, Stage.DATABASE: 10}
