from __future__ import annotations

import pytest

from media.core.reports import (
    MAX_RTT_S,
    NTP_EPOCH_S,
    PublisherClock,
    StreamClock,
    WorkerClock,
    make_sender_report,
    round_trip_s,
)
from media.core.rtcp import ReportBlock, SenderReport

UNIX_AT_ZERO = 1_790_000_000.0
CLOCK = WorkerClock(UNIX_AT_ZERO)
THEIRS_S = 3_000_000_000  # a publisher whose clock stands years apart from ours


def ntp(seconds: float) -> int:
    return int(seconds * (1 << 32))


def block(last_sr: int, delay: float) -> ReportBlock:
    return ReportBlock(1, 0, 0, 0, 0, last_sr, int(delay * 65536))


def test_worker_clock_is_ntp() -> None:
    assert CLOCK.ntp(0.5) == ntp(UNIX_AT_ZERO + NTP_EPOCH_S + 0.5)


def test_no_report_before_the_publishers_first() -> None:
    assert make_sender_report(7, StreamClock(90000), 0, 0, 0, CLOCK, 1.0) is None


def test_report_carries_the_publishers_time_line_over() -> None:
    publisher, stream = PublisherClock(), StreamClock(90000)
    stream.learn(0xFFFFFFF0, publisher.learn(ntp(THEIRS_S), 100.0))

    report = make_sender_report(7, stream, 1000, 11, 222, CLOCK, 102.0)

    assert report == SenderReport(7, CLOCK.ntp(102.0), (0xFFFFFFF0 + 180000 + 1000) & 0xFFFFFFFF, 11, 222)


def test_voice_and_face_stay_in_step_though_their_reports_travel_differently() -> None:
    """Both captured at the same instant; the second report arrives 0.4 s late. The offset of the first one holds for both."""
    publisher, voice, face = PublisherClock(), StreamClock(48000), StreamClock(90000)
    voice.learn(48000, publisher.learn(ntp(THEIRS_S), 100.0))
    face.learn(90000, publisher.learn(ntp(THEIRS_S), 100.4))

    assert voice.rtp_ts(101.0) == 96000
    assert face.rtp_ts(101.0) == 180000


def test_a_clock_that_was_set_anew_is_followed() -> None:
    publisher = PublisherClock()
    publisher.learn(ntp(THEIRS_S), 100.0)

    assert publisher.learn(ntp(THEIRS_S + 3601), 101.0) == pytest.approx(101.0)


@pytest.mark.parametrize(
    ("travelled_s", "held_s", "expected"),
    [(0.08, 0.5, 0.08), (0.0, 0.0, 0.0), (MAX_RTT_S + 1, 0.0, None), (-0.001, 0.5, 0.0)],
)
def test_round_trip(travelled_s: float, held_s: float, expected: float | None) -> None:
    last_sr = CLOCK.ntp(50.0) >> 16 & 0xFFFFFFFF

    rtt = round_trip_s(block(last_sr, held_s), CLOCK, 50.0 + held_s + travelled_s)

    assert rtt == (None if expected is None else pytest.approx(expected, abs=1e-4))


def test_no_round_trip_before_a_sender_report_arrived_there() -> None:
    assert round_trip_s(block(0, 0.0), CLOCK, 50.0) is None
