"""How lossy a line is, by rows of reports, and how often voice is sent for it."""

from __future__ import annotations

import pytest

from media.core.line_loss import LineLoss


def told(*shares: float, packets: int = 50) -> LineLoss:
    """A report a second."""
    line = LineLoss(0.0)
    for second, share in enumerate(shares, 1):
        line.note(packets, round(packets * share), float(second))
    return line


@pytest.mark.parametrize(
    ("loss", "depth"), [(0.0, 0), (0.005, 0), (0.02, 1), (0.05, 2), (0.10, 2), (0.20, 3), (0.30, 3), (1.0, 3)]
)
def test_the_more_is_lost_the_more_often_a_voice_is_sent(loss: float, depth: int) -> None:
    line = told(*[loss] * 10, packets=200)

    assert line.share == pytest.approx(loss)
    assert line.depth == depth


def test_one_bad_second_is_forgotten_and_a_depth_does_not_go_to_and_fro() -> None:
    assert told(0.0, 0.2).depth == 2
    assert told(0.0, 0.2, *[0.0] * 14).depth == 0
    assert told(0.04, *[0.03, 0.04] * 5).depth == 2  # around the threshold


def test_a_handful_of_packets_says_nothing() -> None:
    line = LineLoss(0.0)
    line.note(5, 3, 1.0)

    assert (line.share, line.depth) == (0.0, 0)


def test_what_never_came_to_us_is_not_the_fault_of_his_line() -> None:
    """A publisher's line that loses is heard of by all who are shown him."""
    line = LineLoss(0.0)

    assert [line.of_ours(9, lost, 1, missing) for lost, missing in ((0, 100), (20, 115), (10, 130), (5, 128))] == [
        0,
        5,
        0,
        5,
    ]
    assert line.of_ours(9, 20, 2, 500) == 20  # somebody else is shown: his losses of before are not new
    assert line.of_ours(9, 20, 2, 510) == 10
