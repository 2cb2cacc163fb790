from __future__ import annotations

import pytest

from media.core.reception import Reception
from media.core.seqno import FIRST_CYCLE


def received(exts: list[int], reception: Reception | None = None) -> Reception:
    reception = reception or Reception(7, 8000)
    for ext in exts:
        reception.receive(FIRST_CYCLE + ext, ext * 160, ext * 0.02)
    return reception


@pytest.mark.parametrize(
    ("exts", "fraction", "cumulative", "highest"),
    [
        ([1, 2, 3, 4], 0, 0, 4),
        ([1, 2, 4, 5], 51, 1, 5),  # 1 of 5
        ([1, 3], 85, 1, 3),
        ([65534, 65536, 65537], 64, 1, 65537),  # cycle 1 in the upper half
        ([3, 2, 1], 0, 0, 3),
        ([10, 9, 12], 64, 1, 12),  # a packet older than the first moves the base
    ],
)
def test_loss_of_one_interval(exts: list[int], fraction: int, cumulative: int, highest: int) -> None:
    report = received(exts).report(1.0)

    assert report is not None
    assert (report.fraction_lost, report.cumulative_lost, report.highest_seq) == (fraction, cumulative, highest)


def test_fraction_is_of_the_last_interval_only() -> None:
    reception = received([1, 2, 4, 5])
    reception.report(1.0)

    second = received([6, 7, 8, 9], reception).report(2.0)

    assert second is not None
    assert (second.fraction_lost, second.cumulative_lost) == (0, 1)


def test_late_packets_make_no_negative_fraction() -> None:
    reception = received([1, 2, 5])
    reception.report(1.0)

    second = received([3, 4], reception).report(2.0)

    assert second is not None
    assert (second.fraction_lost, second.cumulative_lost) == (0, 0)


def test_no_report_before_the_first_packet() -> None:
    assert Reception(7, 8000).report(1.0) is None


def test_jitter_of_an_even_stream_is_zero_over_a_timestamp_wrap() -> None:
    reception = Reception(7, 8000)
    for i in range(100):
        reception.receive(FIRST_CYCLE + i, 0xFFFFFF00 + i * 160 & 0xFFFFFFFF, 1000 + i * 0.02)

    assert reception.jitter_ticks < 1.0


def test_jitter_approaches_the_mean_difference() -> None:
    """Every second packet 10 ms late: each transit differs from the one before by 80 ticks."""
    reception = Reception(7, 8000)
    for i in range(400):
        reception.receive(FIRST_CYCLE + i, i * 160, i * 0.02 + (i % 2) * 0.01)

    assert reception.jitter_ticks == pytest.approx(80, abs=2)
    assert reception.jitter_s() == pytest.approx(0.01, abs=0.0003)


def test_a_sender_can_be_made_to_take_his_round_trip_for_shorter() -> None:
    reception = received([1])
    reception.note_sender_report(0x01234567_89ABCDEF, 10.0)

    report = reception.report(10.5, 0.25)

    assert report is not None
    assert (report.last_sr, report.delay_since_last_sr) == (0x456789AB, 49152)


def test_last_sender_report_is_echoed_with_its_age() -> None:
    reception = received([1])
    reception.note_sender_report(0x01234567_89ABCDEF, 10.0)

    report = reception.report(10.5)

    assert report is not None
    assert (report.last_sr, report.delay_since_last_sr) == (0x456789AB, 32768)
