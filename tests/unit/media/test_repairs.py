"""What of a NACK is sent again."""

from __future__ import annotations

from media.core.repairs import FULL_WAIT_S, REMEMBERED, Repairs

SSRC = 7


def test_a_packet_goes_again_only_when_the_repair_before_can_have_been_answered() -> None:
    repairs = Repairs(0.0)

    assert repairs.worth(SSRC, [1, 2, 2], 0.2, None, 1.0) == [1, 2]
    assert repairs.worth(SSRC, [1, 2, 3], 0.2, None, 1.1) == [3]
    assert repairs.worth(SSRC + 1, [1], 0.2, None, 1.1) == [1]
    assert repairs.worth(SSRC, [1, 3], 0.2, None, 1.2) == [1]
    assert repairs.asked_again == 4


def test_while_the_line_is_full_repairs_have_a_share_of_it_and_wait() -> None:
    repairs = Repairs(0.0)

    assert len(repairs.worth(SSRC, range(100), 0.05, 360_000, 10.0)) == 5
    assert repairs.worth(SSRC, range(100, 200), 0.05, 360_000, 10.0) == []
    assert repairs.worth(SSRC, [0], 0.05, 360_000, 10.0 + FULL_WAIT_S / 2) == []
    assert len(repairs.worth(SSRC, range(100), 0.05, 360_000, 10.0 + FULL_WAIT_S)) == 5
    assert repairs.crowded_out == 95 + 100 + 95
    assert len(repairs.worth(SSRC, range(1000, 1100), 0.05, None, 10.6)) == 100


def test_it_remembers_no_more_than_it_says() -> None:
    repairs = Repairs(0.0)
    for start in range(0, 10 * REMEMBERED, 100):
        repairs.worth(SSRC, range(start, start + 100), 0.2, None, 1.0)

    assert repairs.worth(SSRC, [0], 0.2, None, 1.0) == [0]
    assert repairs.worth(SSRC, [10 * REMEMBERED - 1], 0.2, None, 1.0) == []
