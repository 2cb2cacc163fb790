"""Layers that nobody takes are left out, and are there again when somebody wants them."""

from __future__ import annotations

from media.core.resting import REPEAT_AT_LATEST_S, REPEAT_S, SMALL, WAKE_S, Resting

RIDS = ("q", "h", "f")


def test_what_nobody_has_taken_for_a_while_rests_and_wakes_at_once() -> None:
    resting = Resting(RIDS, 30.0, 100.0)

    assert resting.look({"f"}, RIDS, 129.9) is None
    assert resting.look({"f"}, RIDS, 130.0) == ("f",)
    assert resting.look({"f"}, {"f"}, 131.0) is None
    assert resting.look({"f", "h"}, {"f"}, 131.5) == ("h", "f")
    assert resting.look({"f"}, {"h", "f"}, 161.4) is None
    assert resting.look({"f"}, {"h", "f"}, 161.5) == ("f",)


def test_nobody_at_all_leaves_the_smallest() -> None:
    resting = Resting(RIDS, 30.0, 0.0)

    assert resting.look((), RIDS, 30.0) == ("q",)
    assert resting.look((), {"q"}, 1000.0) is None


def test_a_layer_counts_as_there_while_it_rests_and_wakes() -> None:
    resting = Resting(RIDS, 30.0, 0.0)
    assert resting.counts_until("h") == float("-inf")

    resting.look({"f"}, RIDS, 30.0)
    assert [resting.counts_until(rid) for rid in RIDS] == [float("inf"), float("inf"), float("-inf")]
    resting.look({"f", "h"}, {"f"}, 40.0)

    assert [resting.counts_until(rid) for rid in RIDS] == [float("inf"), 40.0 + WAKE_S, float("-inf")]


def test_it_is_said_again_more_and_more_seldom_while_something_else_comes() -> None:
    resting = Resting(RIDS, 30.0, 0.0)
    said = [tenth / 10 for tenth in range(3000) if resting.look(RIDS, {"q"}, tenth / 10) is not None]

    assert said[:3] == [REPEAT_S, 3 * REPEAT_S, 7 * REPEAT_S]
    assert said[-1] - said[-2] == REPEAT_AT_LATEST_S
    assert resting.look(RIDS, RIDS, 1000.0) is None


def test_the_smallest_is_asked_to_be_smaller_and_again_while_it_is_not() -> None:
    resting = Resting(RIDS, 30.0, 0.0)

    assert resting.look(RIDS, RIDS, 1.0, small=True) == (*RIDS, SMALL)
    assert resting.look(RIDS, RIDS, 2.0, small=True) is None
    assert resting.look(RIDS, RIDS, 1.0 + REPEAT_S, small=True) == (*RIDS, SMALL)
    assert resting.look(RIDS, {*RIDS, SMALL}, 1.0 + 9 * REPEAT_S, small=True) is None
    assert resting.look(RIDS, RIDS, 2.0 + 9 * REPEAT_S) == RIDS
