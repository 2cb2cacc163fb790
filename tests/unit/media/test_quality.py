from __future__ import annotations

from media.core.quality import Quality, SeatQuality, Totals
from media.core.rtcp import ReportBlock


def block(ssrc: int, highest: int, lost: int) -> ReportBlock:
    return ReportBlock(ssrc, 0, lost, highest, 0, 0, 0)


def test_one_window() -> None:
    quality = SeatQuality(10.0)
    quality.note_report(block(1, 1000, 0), None)
    quality.note_report(block(2, 500, 0), 0.0125)
    quality.note_report(block(1, 1090, 5), 0.0125)
    quality.note_report(block(2, 510, 0), None)

    taken = quality.take(Totals(up_expected=200, up_lost=10, up_bytes=128_000, down_bytes=256_000), 0.003, 11.5, 12.0)

    assert taken == Quality(
        loss_up=0.05, loss_down=0.05, rtt_ms=12.5, up_bps=512_000, down_bps=1_024_000, jitter_ms=3.0, silent_s=0.5
    )


def test_the_next_window_starts_anew() -> None:
    quality = SeatQuality(10.0)
    quality.note_report(block(1, 1000, 0), None)
    quality.note_report(block(1, 1100, 50), None)
    quality.take(Totals(200, 100, 128_000, 256_000), 0.0, 12.0, 12.0)

    taken = quality.take(Totals(300, 90, 128_000, 256_000), 0.0, 12.0, 14.0)

    assert (taken.loss_up, taken.loss_down, taken.up_bps, taken.down_bps) == (0.0, 0.0, 0, 0)


def test_first_report_of_a_stream_is_only_a_starting_point() -> None:
    """Its cumulative loss belongs to an earlier connection or to the time before we looked."""
    quality = SeatQuality(0.0)
    quality.note_report(block(1, 70000, 4000), None)

    assert quality.take(Totals(0, 0, 0, 0), 0.0, 2.0, 2.0).loss_down == 0.0


def test_a_forgotten_stream_starts_anew() -> None:
    quality = SeatQuality(0.0)
    quality.note_report(block(1, 1000, 0), None)
    quality.forget_stream(1)
    quality.note_report(block(1, 1100, 90), None)

    assert quality.take(Totals(0, 0, 0, 0), 0.0, 2.0, 2.0).loss_down == 0.0


def test_absurd_reports_stay_within_a_share() -> None:
    quality = SeatQuality(0.0)
    quality.note_report(block(1, 1000, 0), None)
    quality.note_report(block(1, 1010, 8_000_000), None)
    quality.note_report(block(1, 900, -8_000_000), None)

    assert quality.take(Totals(-5, 10, -1, -1), 0.0, 9.0, 2.0).loss_down == 1.0


def test_round_trip_is_smoothed() -> None:
    quality = SeatQuality(0.0)
    for rtt_s in (0.1, 0.2):
        quality.note_report(block(1, 1000, 0), rtt_s)

    assert quality.take(Totals(0, 0, 0, 0), 0.0, 2.0, 2.0).rtt_ms == 125.0
