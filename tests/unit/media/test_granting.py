"""What a publisher is granted, by the lines of those who see him; in virtual time."""

from __future__ import annotations

import itertools

from media.core.granting import LEAST_BPS, VOICE_BPS, WIDE_BPS, Share, granted_bps


def test_nobody_is_bound_while_somebody_has_room() -> None:
    assert granted_bps([], 1) is None
    assert granted_bps([None], 1) is None
    assert granted_bps([30_000, None, 80_000], 1) is None


def test_the_best_served_of_narrow_lines_says_how_much() -> None:
    assert granted_bps([30_000, 80_000], 1) == 80_000 + VOICE_BPS
    assert granted_bps([30_000], 2) == 60_000 + VOICE_BPS
    assert granted_bps([30_000], 0) is None


def test_a_wide_line_has_no_bound() -> None:
    share = Share(0.0)
    share.note(40_000, 1, False, 1.0)
    assert share.bps is None


def test_pictures_share_what_a_scarce_line_has_and_none_gets_less_than_a_browser_sends() -> None:
    share = Share(0.0)
    share.note(120_000, 3, True, 1.0)
    assert share.bps == 40_000
    share.note(20_000, 1, True, 2.0)
    assert share.bps == LEAST_BPS


def test_a_bound_grows_away_step_by_step() -> None:
    share = Share(0.0)
    share.note(100_000, 1, True, 0.0)
    seen = []
    for second in range(1, 60):
        share.note(100_000, 1, False, float(second))
        seen.append(share.bps)

    bound = [bps for bps in seen if bps is not None]
    assert all(later <= earlier * 1.06 for earlier, later in itertools.pairwise(bound))
    assert bound == sorted(bound)
    assert bound[-1] < WIDE_BPS
    assert seen[-1] is None, "the bound never ends"


def test_nothing_to_share_changes_nothing() -> None:
    share = Share(0.0)
    share.note(10_000, 0, True, 1.0)
    assert share.bps is None
