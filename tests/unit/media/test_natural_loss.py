"""A line that loses by chance is no full line: less is sent on it, and no picture is denied."""

from __future__ import annotations

import pytest

from media.core.bandwidth import DownlinkEstimate
from media.core.layers import Picture, allot


def lossy(share: float, belief_bps: int, sent_bps: int = 250_000) -> DownlinkEstimate:
    """A quarter of a minute: a report and a belief each second."""
    estimate = DownlinkEstimate(0.0)
    for half in range(30):
        now = half / 2
        estimate.note_sent(sent_bps, now)
        if half % 2:
            estimate.note_belief(belief_bps, now)
            estimate.note_loss(share, now)
    return estimate


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_loss_while_the_delay_stays_denies_nobody_a_picture(share: float) -> None:
    estimate = lossy(share, belief_bps=375_000)

    assert not estimate.is_scarce(15.0)
    assert estimate.budget_bps(15.0) < 250_000
    assert allot(estimate.budget_bps(15.0), [Picture((250_000,))], scarce=estimate.is_scarce(15.0)) == [0]


def test_loss_out_of_a_full_queue_is_trouble() -> None:
    assert lossy(0.3, belief_bps=90_000).is_scarce(15.0)
