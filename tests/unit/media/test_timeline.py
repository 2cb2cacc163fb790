"""Two clocks that disagree, a line that delays: where a timestamp belongs."""

from __future__ import annotations

import random

import pytest

from media.core.timeline import ClockUnknown, Placement, arrival_line, nominal_line, ntp_us, sender_line

RATE = 90_000
NTP_BASE = 3_990_000_000_000_000


def reports(seconds: int, *, drift_ppm: float = 0, jitter_ms: float = 0, seed: int = 1) -> list[tuple[int, int]]:
    """One report a second of a stream whose RTP clock runs with the sender's quartz."""
    dice = random.Random(seed)
    return [
        (
            round(at * RATE * (1 + drift_ppm / 1e6)) + 5000,
            NTP_BASE + round(at * 1e6 + dice.uniform(-1, 1) * jitter_ms * 1000),
        )
        for at in range(seconds)
    ]


def test_ntp_is_read_as_fixed_point() -> None:
    assert ntp_us((7 << 32) + (1 << 31)) == 7_500_000


def test_no_report_is_an_unknown_clock() -> None:
    with pytest.raises(ClockUnknown):
        sender_line([], RATE)
    with pytest.raises(ClockUnknown):
        arrival_line([])


def test_one_report_gives_the_nominal_slope_both_ways() -> None:
    line = sender_line([(90_000, 10_000_000)], RATE)

    assert [line.at(ts) for ts in (0, 90_000, 180_000)] == [9_000_000, 10_000_000, 11_000_000]


@pytest.mark.parametrize("drift_ppm", [-200, 0, 200])
def test_an_hour_of_drift_is_followed(drift_ppm: float) -> None:
    line = sender_line(reports(3600, drift_ppm=drift_ppm, jitter_ms=8), RATE)

    worst = max(
        abs(line.at(at * RATE * (1 + drift_ppm / 1e6) + 5000) - (NTP_BASE + at * 1e6)) for at in range(0, 3600, 7)
    )

    assert worst < 8_000


def test_a_jump_of_the_senders_wall_clock_is_taken_out() -> None:
    steady = reports(20)
    jumped = [(ts, ntp + (3_600_000_000 if index >= 10 else 0)) for index, (ts, ntp) in enumerate(steady)]

    line, wanted = sender_line(jumped, RATE), sender_line(steady, RATE)

    assert [round(line.at(ts)) for ts, _ in steady] == [round(wanted.at(ts)) for ts, _ in steady]


def test_the_same_report_twice_and_out_of_order_changes_nothing() -> None:
    steady = reports(30)

    line, shuffled = sender_line(steady, RATE), sender_line([*reversed(steady), *steady[:5]], RATE)

    assert line == shuffled


def test_the_least_delay_counts_not_the_queue() -> None:
    dice = random.Random(2)
    sent = [at * 100_000.0 for at in range(600)]
    samples = [
        (at, at + 7_000_000 + 20_000 + (dice.random() * 300_000 if index % 5 else 0)) for index, at in enumerate(sent)
    ]

    line = arrival_line(samples)

    assert max(abs(line.at(at) - (at + 7_020_000)) for at in sent) < 1_000


def test_an_hour_of_arrival_drift_is_followed() -> None:
    dice = random.Random(3)
    sent = [at * 500_000.0 for at in range(7200)]
    samples = [(at, at * (1 + 150e-6) + 50_000 + dice.expovariate(1 / 8_000)) for at in sent]

    line = arrival_line(samples)

    assert max(abs(line.at(at) - (at * (1 + 150e-6) + 50_000)) for at in sent) < 5_000


def test_a_queue_that_only_grows_is_not_taken_for_a_clock() -> None:
    samples = [(at * 1e6, at * 1e6 + 20_000 + at * 5_000) for at in range(200)]

    line = arrival_line(samples)

    assert abs(line.at(199e6) - (199e6 + 20_000)) < 200e6 * 500e-6 + 1


def test_sound_and_picture_of_one_clock_meet() -> None:
    arrival = arrival_line([(NTP_BASE + at * 1e6, at * 1e6 + 40_000) for at in range(60)])
    picture = Placement(sender_line([(ts, ntp) for ts, ntp in reports(60)], RATE), arrival)
    sound = Placement(
        sender_line([((at * 48_000) + 77, NTP_BASE + at * 1_000_000) for at in range(60)], 48_000), arrival
    )

    assert abs(picture.place(30 * RATE + 5000) - sound.place(30 * 48_000 + 77)) < 2


def test_without_reports_a_stream_has_its_own_clock() -> None:
    line = nominal_line(48_000)

    assert (line.at(0), line.at(48_000)) == (0, 1_000_000)
