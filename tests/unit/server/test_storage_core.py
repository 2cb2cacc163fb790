"""How much a recorded session takes, whether one more fits, when staff are warned."""

from __future__ import annotations

import datetime as dt

from server.storage import core
from server.storage.core import Planned, Space

NOW = dt.datetime(2026, 9, 21, 1, 0, tzinfo=dt.UTC)


def space(free: int) -> Space:
    return Space(free, 1 << 40)


def running(minutes_ago: int, procedure: str = "notarization") -> Planned:
    return Planned(procedure, NOW - dt.timedelta(minutes=minutes_ago))


def test_a_session_fits_exactly_when_its_whole_plan_does() -> None:
    wanted = core.KEPT_FREE_BYTES + core.planned_bytes("notarization")

    assert core.fits(space(wanted), [], "notarization", NOW)
    assert not core.fits(space(wanted - 1), [], "notarization", NOW)
    assert not core.fits(space(wanted), [], "mediation", NOW)  # longer
    assert not core.fits(space(wanted), [], "unheard_of", NOW)  # as the longest


def test_what_the_running_ones_will_still_write_is_theirs() -> None:
    two = core.KEPT_FREE_BYTES + 2 * core.planned_bytes("notarization")

    assert core.fits(space(two), [running(0)], "notarization", NOW)
    assert not core.fits(space(two), [running(0), running(0)], "notarization", NOW)
    assert core.fits(space(two), [running(20), running(500)], "notarization", NOW) is (
        core.reserved_bytes([running(20), running(500)], NOW) <= core.planned_bytes("notarization")
    )


def test_a_session_beyond_its_plan_still_needs_ten_minutes() -> None:
    assert core.reserved_bytes([running(500)], NOW) == core.SESSION_BYTES_PER_S * 600
    assert core.reserved_bytes([running(0)], NOW) == core.planned_bytes("notarization")
    assert core.reserved_bytes([running(10)], NOW) == core.SESSION_BYTES_PER_S * 1200


def test_ten_minutes_before_the_end_is_low_and_nobody_recording_is_never() -> None:
    ten = core.KEPT_FREE_BYTES + core.SESSION_BYTES_PER_S * 600

    assert core.seconds_left(space(ten), 1) == 600
    assert not core.is_low(space(ten), 1)
    assert core.is_low(space(ten - 1), 1)
    assert core.is_low(space(ten), 2)
    assert core.seconds_left(space(0), 1) == 0
    assert core.is_low(space(0), 0) is False
