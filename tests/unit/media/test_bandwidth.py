"""A subscriber's estimate and layers on a narrow line, in virtual time: what he is sent, second by second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from media.core.bandwidth import ARRIVED_S, LOSS_FLOOR_BPS, START_BPS, TRY_AFTER_S, WALL_S, DownlinkEstimate, Rate
from media.core.layers import PAUSED, Picture, allot, next_step_bps
from tests.support.narrow_line import Believer, NarrowLine

STEP_S = 0.5
FACE = (80_000, 250_000, 800_000)


@dataclass
class Viewer:
    """One who watches so many faces over a line; `seen` is what he got each half second."""

    line: NarrowLine
    faces: int = 1
    rates: tuple[int, ...] = FACE
    remb: bool = True
    now: float = 100.0
    seen: list[list[int]] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    trials: int = 0

    def __post_init__(self) -> None:
        self.estimate = DownlinkEstimate(self.now)
        self.browser = Believer()
        self.chosen = [PAUSED] * self.faces

    def watch(self, seconds: float) -> None:
        for _ in range(int(seconds / STEP_S)):
            self._look()
            self.now += STEP_S
            sent = sum(self.rates[at] for at in self.chosen if at != PAUSED)
            got, delay, lost = self.line.step(sent, STEP_S)
            belief = self.browser.hear(got, delay, STEP_S, self.now)
            if belief is not None and self.remb:
                self.estimate.note_belief(belief, self.now)
            if sent and self.now % 1 < STEP_S:
                self.estimate.note_loss(lost, self.now)
            self.estimate.note_sent(sent, self.now)
            self.seen.append(list(self.chosen))
            self.delays.append(delay)

    def _look(self) -> None:
        """As media/adapting.py does."""
        pictures = [Picture(self.rates, shown) for shown in self.chosen]
        budget = self.estimate.budget_bps(self.now)
        scarce = self.estimate.is_scarce(self.now)
        self.chosen = allot(budget, pictures, scarce=scarce)
        needed = next_step_bps(pictures, self.chosen)
        if needed is not None and needed > budget and self.estimate.may_try(needed, self.now):
            self.estimate.begin_trial(needed, self.now)
            self.trials += 1
            self.chosen = allot(needed, pictures, scarce=scarce)

    def share_of_time(self, test: Callable[[list[int]], bool], last_s: float) -> float:
        """For which share of the last seconds this held."""
        window = self.seen[-int(last_s / STEP_S) :]
        return sum(test(chosen) for chosen in window) / len(window)


@pytest.mark.parametrize("remb", [True, False])
def test_wide_line_gets_the_largest_layer_of_all_and_keeps_it(remb: bool) -> None:
    viewer = Viewer(NarrowLine(20_000_000), faces=3, remb=remb)

    viewer.watch(60)

    assert viewer.seen[-1] == [2, 2, 2]
    assert viewer.share_of_time(lambda chosen: chosen == [2, 2, 2], 20) == 1


@pytest.mark.parametrize(("width", "wanted"), [(512_000, 1), (200_000, 0), (1_500_000, 2)])
def test_narrow_line_gets_what_fits_within_seconds(width: int, wanted: int) -> None:
    viewer = Viewer(NarrowLine(width))

    viewer.watch(120)

    assert viewer.share_of_time(lambda chosen: chosen == [wanted], 60) >= 0.85, viewer.seen[-120:]


def test_trials_on_a_narrow_line_become_rare() -> None:
    viewer = Viewer(NarrowLine(512_000))
    viewer.watch(60)
    before = viewer.trials

    viewer.watch(240)

    assert viewer.trials - before <= 7
    queued = sum(delay > 0.4 for delay in viewer.delays[120:]) / len(viewer.delays[120:])
    assert queued < 0.1


def test_a_line_that_gets_narrow_is_followed_within_five_seconds_and_back_up() -> None:
    line = NarrowLine(5_000_000)
    viewer = Viewer(line)
    viewer.watch(60)
    assert viewer.seen[-1] == [2]

    line.width_bps = 300_000
    viewer.watch(5)
    assert viewer.seen[-1] != [2]
    viewer.watch(25)
    assert max(viewer.seen[-20:]) <= [1]
    line.width_bps = 5_000_000
    viewer.watch(70)

    assert viewer.seen[-1] == [2]


def test_video_is_paused_last_and_one_after_the_other() -> None:
    viewer = Viewer(NarrowLine(130_000), faces=3)

    viewer.watch(120)

    assert viewer.share_of_time(lambda chosen: chosen[0] == 0, 60) >= 0.9
    assert viewer.share_of_time(lambda chosen: chosen[2] == PAUSED, 60) >= 0.7
    assert viewer.share_of_time(lambda chosen: max(chosen) <= 0, 60) >= 0.9


def test_loss_by_nature_takes_layers_but_never_the_smallest_picture() -> None:
    viewer = Viewer(NarrowLine(20_000_000, loss=0.3), remb=False)

    viewer.watch(120)

    assert all(chosen[0] != PAUSED for chosen in viewer.seen)
    assert viewer.estimate.budget_bps(viewer.now) >= LOSS_FLOOR_BPS


def test_before_anything_is_known() -> None:
    estimate = DownlinkEstimate(0.0)

    assert estimate.budget_bps(0.0) == START_BPS
    estimate.note_belief(90_000, 5.0)  # the first one says what came, not what could
    estimate.note_sent(90_000, 5.0)
    assert estimate.may_try(1_000_000, 5.0)


def test_trouble_in_a_trial_ends_it_and_doubles_the_wait() -> None:
    estimate = DownlinkEstimate(0.0)
    estimate.note_belief(1_000_000, 1.0)
    estimate.begin_trial(2_000_000, 5.0)
    assert estimate.budget_bps(6.0) == 2_000_000

    estimate.note_belief(700_000, 6.0)

    assert estimate.budget_bps(6.1) == 700_000
    estimate.note_belief(800_000, 7.0)
    assert not estimate.may_try(1_000_000, 6.0 + 7.9)
    assert estimate.may_try(1_000_000, 6.0 + 8.0)


def test_a_small_fall_that_mends_changes_nothing_and_one_that_stays_counts() -> None:
    """As seen with a Chromium that was short of CPU: 392 to 200 kbit/s while 240 were sent, and up again."""
    for mends in (True, False):
        estimate = DownlinkEstimate(0.0)
        for tick in range(20):
            estimate.note_sent(240_000, tick * 0.5)
        estimate.note_belief(392_000, 9.5)
        estimate.note_belief(200_000, 10.0)
        assert estimate.budget_bps(11.0) == 240_000

        estimate.note_belief(226_000 if mends else 198_000, 11.2)
        estimate.note_sent(240_000, 11.6)

        assert allot(estimate.budget_bps(11.6), [Picture((130_000, 255_000), 1)]) == [1 if mends else 0]
        assert estimate.is_scarce(11.6) is not mends


def test_the_only_picture_comes_back_although_nothing_is_sent_that_could_be_measured() -> None:
    """A browser that gets nothing says nothing: its last belief stands."""
    viewer = Viewer(NarrowLine(5_000_000), rates=(250_000,))
    viewer.watch(10)
    viewer.browser.belief = 100_000
    viewer.estimate.note_belief(100_000, viewer.now)
    viewer.watch(1)
    assert viewer.seen[-1] == [PAUSED]

    viewer.watch(6)

    assert viewer.seen[-1] == [0]


def test_rate_follows_the_octets() -> None:
    rate = Rate()
    for tick in range(21):
        rate.note(tick * 6_250, tick * 0.5)
    assert rate.bps == 100_000

    rate.note(20 * 6_250, 11.0)
    assert rate.bps == 0


def test_documents_come_before_faces() -> None:
    face, document = Picture(FACE), Picture((300_000,), sharp=True)

    assert allot(400_000, [face, document]) == [PAUSED, 0]
    assert allot(1_000_000, [face, document]) == [1, 0]


def test_nobody_is_denied_a_picture_before_the_line_was_full() -> None:
    large = [Picture((1_500_000,)), Picture((1_500_000,))]

    assert allot(START_BPS, large, scarce=False) == [0, 0]
    assert allot(START_BPS, large) == [PAUSED, PAUSED]
    viewer = Viewer(NarrowLine(20_000_000), faces=9, rates=(250_000,))
    viewer.watch(30)
    assert viewer.share_of_time(lambda chosen: chosen == [0] * 9, 30) == 1


def test_what_is_shown_stays_where_a_newcomer_would_not_fit() -> None:
    assert allot(250_000, [Picture(FACE)]) == [0]
    assert allot(250_000, [Picture(FACE, shown=1)]) == [1]


@pytest.mark.parametrize("shown", [PAUSED, 0, 1])
def test_the_next_step_is_what_allot_lets_through(shown: int) -> None:
    pictures = [Picture(FACE, shown), Picture(FACE, 0)]
    chosen = allot(100_000, pictures)

    needed = next_step_bps(pictures, chosen)

    assert needed is not None
    raised = allot(needed, pictures)
    assert sum(raised) == sum(chosen) + 1
    assert sum(allot(needed // 2, pictures)) <= sum(chosen)
    assert next_step_bps(pictures, [2, 2]) is None


def test_what_arrives_is_carried_whatever_the_browser_believes() -> None:
    """Chromium's belief after a full queue: a tenth of what came, rising by 4 kbit/s a second."""
    estimate = DownlinkEstimate(0.0)
    estimate.note_sent(150_000, 1.0)
    estimate.note_belief(300_000, 1.0)
    estimate.note_belief(30_000, 2.0)
    assert estimate.budget_bps(2.0) == 30_000

    estimate.note_rtt(0.05, 2.5)
    estimate.note_arrived(150_000, 2.5)

    assert allot(estimate.budget_bps(2.5), [Picture((150_000, 400_000), 0)]) == [0]
    assert estimate.budget_bps(2.5 + ARRIVED_S + 0.1) == 30_000


def test_a_queue_that_does_not_empty_takes_the_smallest_picture() -> None:
    estimate = DownlinkEstimate(0.0)
    for second in range(12):
        estimate.note_sent(150_000, second)
        estimate.note_belief(160_000 + second, second)
        estimate.note_loss(0.1 if second > 5 else 0.0, second)
        estimate.note_rtt(0.6 if second > 5 else 0.02, second)
        estimate.note_arrived(110_000, second)

    assert estimate.is_full(11.0)
    assert estimate.is_stuck(11.0)
    assert allot(estimate.budget_bps(11.0), [Picture((150_000,), 0)], stuck=True) == [PAUSED]

    estimate.note_rtt(0.05, 16.0)  # by a voice; no picture comes
    assert not estimate.is_full(16.0)
    assert not estimate.is_stuck(16.0)


def test_a_long_way_up_is_no_queue_on_the_way_down() -> None:
    estimate = DownlinkEstimate(0.0)
    for second in range(12):
        estimate.note_sent(150_000, second)
        estimate.note_belief(200_000, second)
        estimate.note_loss(0.0, second)
        estimate.note_rtt(0.9 if second > 5 else 0.02, second)
        estimate.note_arrived(150_000, second)

    assert not estimate.is_full(11.0)
    assert not estimate.is_stuck(11.0)


def test_a_trial_that_arrives_whole_passes_although_the_belief_stands_still() -> None:
    for arrives in (True, False):
        estimate = DownlinkEstimate(0.0)
        estimate.note_belief(80_000, 1.0)
        estimate.note_rtt(0.05, 5.0)
        estimate.note_arrived(40_000, 5.0)
        estimate.begin_trial(180_000, 5.0)
        for tick in range(1, 8):
            now = 5.0 + tick / 2
            estimate.note_rtt(0.05, now)
            estimate.note_arrived(180_000 if arrives else 100_000, now)
            estimate.note_sent(180_000, now)

        assert estimate.budget_bps(8.5) == (180_000 if arrives else 85_000)


def test_what_did_not_fit_is_not_tried_soon_and_less_is() -> None:
    estimate = DownlinkEstimate(0.0)
    estimate.note_belief(200_000, 1.0)
    estimate.note_rtt(0.05, 5.0)
    estimate.note_arrived(150_000, 5.0)
    estimate.begin_trial(500_000, 5.0)
    for tick in range(1, 7):
        estimate.note_rtt(0.05, 5.0 + tick / 2)
        estimate.note_arrived(300_000, 5.0 + tick / 2)
        estimate.note_sent(500_000, 5.0 + tick / 2)
    assert estimate.budget_bps(8.0) < 500_000

    estimate.note_sent(150_000, 16.0)
    estimate.note_belief(210_000, 16.5)
    assert estimate.may_try(300_000, 17.0)
    assert not estimate.may_try(500_000, 17.0)
    assert not estimate.may_try(500_000, 8.0 + WALL_S - 0.1)
    assert estimate.may_try(500_000, 8.0 + WALL_S)
    estimate.note_sent(300_000, 8.0 + WALL_S)
    assert not estimate.may_try(500_000, 8.0 + WALL_S), "a browser that believes in less than it gets sees queues"


def test_a_belief_that_falls_on_a_lossy_line_fills_nothing() -> None:
    for lossy in (False, True):
        estimate = DownlinkEstimate(0.0)
        estimate.note_sent(300_000, 0.0)
        estimate.note_rtt(0.2, 0.5)
        estimate.note_loss(0.08 if lossy else 0.0, 0.5)
        estimate.note_belief(400_000, 0.5)
        estimate.note_belief(200_000, 1.0)
        assert estimate.is_full(1.1) is not lossy

        estimate.note_rtt(0.9, 1.2)
        assert estimate.is_full(1.3)


def test_a_line_that_is_full_from_the_beginning_gets_what_arrives() -> None:
    estimate = DownlinkEstimate(0.0)
    estimate.note_sent(250_000, 1.0)
    estimate.note_rtt(1.4, 1.0)
    estimate.note_arrived(30_000, 1.0)

    assert estimate.budget_bps(1.0) < 30_000
    assert allot(estimate.budget_bps(1.0), [Picture((250_000,), 0)], scarce=estimate.is_scarce(1.0)) == [PAUSED]


def test_what_came_through_a_full_line_is_tried_again_as_soon_as_its_queue_is_gone() -> None:
    """A picture that was given up, and has been made smaller since: no calm of seconds is waited for."""
    estimate = DownlinkEstimate(0.0)
    estimate.note_rtt(0.05, 0.0)
    estimate.note_belief(200_000, 1.0)
    estimate.note_sent(150_000, 1.0)
    estimate.note_belief(30_000, 2.0)
    estimate.note_rtt(2.0, 2.0)
    estimate.note_arrived(40_000, 2.0)
    estimate.note_sent(0, 2.5)
    assert not estimate.may_try(20_000, 2.5), "the queue stands"
    assert estimate.may_try(20_000, 1.0 + TRY_AFTER_S), "his own line up may make the round trip long"

    estimate.note_rtt(0.06, 3.0)

    assert estimate.may_try(20_000, 3.0)
    assert not estimate.may_try(35_000, 3.0)
    estimate.begin_trial(20_000, 3.0)
    assert not estimate.may_try(20_000, 3.1)
    estimate.note_sent(20_000, 3.5)
    estimate.note_loss(0.5, 3.5)
    estimate.note_sent(0, 4.0)
    assert not estimate.may_try(20_000, 4.0), "it failed"


def test_what_measuring_does_to_a_narrow_line_is_no_trouble() -> None:
    """Seen with Chromium: its train of checks stood in the queue, fewer frames came that second, and the picture was away for four."""
    estimate = DownlinkEstimate(100.0)
    estimate.note_width(64_000, 100.0)
    for second in range(101, 139):
        watched(estimate, 22_000, 0.05, second)
    fits = estimate.budget_bps(139.0)

    estimate.note_measuring(139.0)
    estimate.stays_narrow(139.5)
    watched(estimate, 12_000, 0.6, 140.0)
    estimate.note_belief(5_000, 140.0)

    assert estimate.budget_bps(140.0) == fits
    watched(estimate, 12_000, 0.6, 144.0)
    estimate.note_belief(5_000, 144.0)
    assert estimate.budget_bps(144.0) < 12_000


def watched(estimate: DownlinkEstimate, arrived_bps: int, rtt_s: float, now: float) -> None:
    estimate.note_rtt(rtt_s, now)
    estimate.note_belief(40_000, now - 0.1)
    estimate.note_sent(22_000, now)
    estimate.note_arrived(arrived_bps, now)
