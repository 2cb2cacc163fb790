"""Rows of arrivals and what is asked for, with wraps, overtaking, retries, giving up."""

from __future__ import annotations

import pytest

from media.core.loss import (
    AUDIO_LOSS,
    MAX_ABANDONED,
    REORDER_MAX_S,
    REORDER_S,
    RETURN_S,
    RTT_MAX_S,
    START_SLACK,
    VIDEO_LOSS,
    LossPolicy,
    LossTracker,
)

LATER = 0.05  # past the first waiting time, before a retry


def fed(seqs: list[int], now: float = 0.0, policy: LossPolicy = VIDEO_LOSS) -> tuple[LossTracker, list[int]]:
    tracker = LossTracker(policy)
    return tracker, [tracker.receive(seq, now) for seq in seqs]


@pytest.mark.parametrize(
    ("arrivals", "asked"),
    [
        ([10, 11, 12, 13], []),
        ([10, 12, 13], [11]),
        ([10, 13, 14], [11, 12]),
        ([10, 12, 13, 11], []),  # overtaken
        ([65533, 0, 1], [65534, 65535]),  # wrap
        ([65535, 2, 3, 0], [1]),
        ([0, 65535, 65534, 1, 2], []),  # begins in the middle of overtaking: older ones are not missed
        ([10, 20, 21], list(range(11, 20))),
        ([10, 12, 11, 11, 12, 13], []),
    ],
)
def test_what_is_asked_for(arrivals: list[int], asked: list[int]) -> None:
    tracker, _ = fed(arrivals)

    assert tracker.due(LATER) == asked


@pytest.mark.parametrize(
    ("arrivals", "numbers"),
    [
        ([10, 11, 13, 12], [65546, 65547, 65549, 65548]),
        ([65535, 0, 1], [131071, 131072, 131073]),
        ([65535, 1, 0, 0], [131071, 131073, 131072, -1]),
        ([10, 10, 11, 11], [65546, -1, 65547, -1]),
        ([10, 9, 9], [65546, 65545, -1]),  # overtaken at the very start
        ([3, 65535, 0, 4], [65539, 65535, 65536, 65540]),  # the same over a wrap
        ([100, 100 - START_SLACK, 99 - START_SLACK], [65636, 65636 - START_SLACK, -1]),  # long before the start
        ([10, 400, 11], [65546, 65936, -1]),  # a hole beyond max_waiting
    ],
)
def test_each_number_is_given_once(arrivals: list[int], numbers: list[int]) -> None:
    assert fed(arrivals)[1] == numbers


def test_nothing_is_asked_before_it_could_have_been_overtaken() -> None:
    tracker, _ = fed([10, 12, 13])

    assert tracker.due(REORDER_S / 2) == []
    assert tracker.due(REORDER_S) == [11]


def test_with_one_newer_packet_only_it_waits_twice_as_long() -> None:
    tracker, _ = fed([10, 12])

    assert tracker.due(REORDER_S * 1.5) == []
    assert tracker.due(REORDER_S * 2) == [11]


def test_retries_follow_the_round_trip() -> None:
    tracker, _ = fed([10, 12, 13])
    tracker.rtt_s = 0.2

    asked = [tracker.due(now / 100) for now in range(0, 100)]

    assert [i for i, seqs in enumerate(asked) if seqs == [11]] == [1, 4, 26, 29, 51, 54, 76, 79]  # each request twice


def test_gives_up_by_age_and_wants_a_key_frame() -> None:
    tracker, _ = fed([10, 12, 13])
    tracker.due(0.5)
    assert not tracker.key_frame_wanted

    assert tracker.due(VIDEO_LOSS.max_age_s + 0.01) == []

    assert (tracker.waiting, tracker.abandoned, tracker.key_frame_wanted) == (0, 1, True)


def test_gives_up_by_tries() -> None:
    tracker, _ = fed([10, 12, 13])
    tracker.rtt_s = 0.01

    asked = sum(len(tracker.due(now / 100)) for now in range(0, 90))

    assert asked == VIDEO_LOSS.max_tries
    assert tracker.waiting == 0


def test_audio_gives_up_without_a_key_frame() -> None:
    tracker, _ = fed([10, 12, 13], policy=AUDIO_LOSS)

    tracker.due(AUDIO_LOSS.max_age_s + 0.01)

    assert (tracker.abandoned, tracker.key_frame_wanted) == (1, False)


def test_a_packet_that_was_given_up_is_still_taken_once() -> None:
    tracker, _ = fed([10, 12, 13])
    tracker.due(5.0)

    assert tracker.receive(11, 5.1) == 65547
    assert tracker.receive(11, 5.1) == -1


def test_a_hole_that_is_too_large_is_not_asked_for() -> None:
    tracker, _ = fed([10, 12, 13 + VIDEO_LOSS.max_waiting])

    assert tracker.due(LATER) == []
    assert (tracker.abandoned, tracker.waiting, tracker.key_frame_wanted) == (VIDEO_LOSS.max_waiting + 1, 0, True)


def test_what_was_sent_while_the_line_was_dead_is_not_asked_for() -> None:
    tracker, _ = fed([10, 12, 13])

    tracker.line_returned(6.0)
    assert (tracker.waiting, tracker.key_frame_wanted) == (0, True)
    tracker.key_frame_wanted = False
    tracker.receive(193, 6.01)
    assert (tracker.waiting, tracker.key_frame_wanted) == (0, True)

    tracker.receive(195, 6.02)
    assert tracker.waiting == 1, "the next hole is a loss like any other"


def test_a_hole_long_after_the_lines_return_is_a_loss() -> None:
    tracker, _ = fed([10, 11])
    tracker.line_returned(6.0)

    tracker.receive(13, 6.0 + RETURN_S)

    assert tracker.waiting == 1


def test_memory_is_bounded_whatever_comes() -> None:
    tracker = LossTracker(VIDEO_LOSS)
    for i in range(5000):
        tracker.receive(i * 50 & 0xFFFF, i * 0.1)
        tracker.due(i * 0.1)

    assert tracker.waiting <= VIDEO_LOSS.max_waiting
    assert len(tracker._abandoned) <= MAX_ABANDONED


def test_overtaking_is_learnt_up_to_a_limit() -> None:
    tracker, _ = fed([10, 12, 13])

    tracker.receive(11, 0.02)
    assert tracker.reorder_s == pytest.approx(0.025)
    tracker.receive(15, 1.0)
    tracker.receive(14, 1.5)
    assert tracker.reorder_s == REORDER_MAX_S


def test_what_comes_sooner_than_an_answer_could_was_overtaken() -> None:
    tracker, _ = fed([10, 12, 13])
    tracker.rtt_s = 0.2
    tracker.due(0.02)

    tracker.receive(11, 0.04)

    assert tracker.repaired == 0
    assert tracker.reorder_s == pytest.approx(0.05)


def test_a_repair_shortens_the_wait_again() -> None:
    tracker, _ = fed([10, 12, 13])
    tracker.reorder_s = 0.04
    tracker.due(LATER)

    tracker.receive(11, LATER + 0.3)

    assert tracker.repaired == 1
    assert tracker.reorder_s == pytest.approx(0.038)


def test_round_trips_are_averaged_and_bounded() -> None:
    tracker, _ = fed([10])

    tracker.measure_rtt(0.3)
    assert tracker.rtt_s == pytest.approx(0.1 + (0.3 - 0.1) / 8)
    tracker.measure_rtt(90.0)
    assert tracker.rtt_s == pytest.approx(0.125 + (RTT_MAX_S - 0.125) / 8)
