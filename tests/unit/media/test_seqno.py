from __future__ import annotations

import pytest

from media.core.seqno import unwrap_seq, unwrap_ts


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
