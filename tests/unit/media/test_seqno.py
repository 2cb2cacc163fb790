from __future__ import annotations

import pytest

from media.core.seqno import seq_distance, ts_distance, unwrap_seq, unwrap_ts


@pytest.mark.parametrize(
    ("later", "earlier", "steps"),
    [
        (1, 0, 1),
        (0, 65535, 1),
        (65535, 0, -1),
        (3, 65533, 6),
        (65533, 3, -6),
        (7, 7, 0),
        (32767, 0, 32767),
        (32768, 0, -32768),
    ],
)
def test_seq_distance_takes_the_short_way_round(later: int, earlier: int, steps: int) -> None:
    assert seq_distance(later, earlier) == steps


@pytest.mark.parametrize(
    ("later", "earlier", "ticks"),
    [(90, 0, 90), (10, 0xFFFFFFF6, 20), (0xFFFFFFF6, 10, -20), (0x80000000, 0, -(1 << 31))],
)
def test_ts_distance_takes_the_short_way_round(later: int, earlier: int, ticks: int) -> None:
    assert ts_distance(later, earlier) == ticks


@pytest.mark.parametrize(
    ("seq", "near", "extended"),
    [
        (5, 65536 + 4, 65536 + 5),
        (0, 65535, 65536),  # wrap
        (65535, 65536, 65535),  # late, from before the wrap
        (65530, 3 * 65536 + 2, 3 * 65536 - 6),
        (2, 2 * 65536 - 3, 2 * 65536 + 2),
    ],
)
def test_unwrap_seq_lands_nearest(seq: int, near: int, extended: int) -> None:
    assert unwrap_seq(seq, near) == extended


def test_unwrap_ts_over_a_wrap() -> None:
    assert unwrap_ts(100, 0xFFFFFF00) == (1 << 32) + 100
    assert unwrap_ts(0xFFFFFF00, (1 << 32) + 100) == 0xFFFFFF00
