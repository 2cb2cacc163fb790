"""What a subscriber sees when his line becomes narrow while he watches: estimate, layers and repairs together, in virtual time."""

from __future__ import annotations

from typing import Any

from media.core.line_width import LONG_BITS
from tests.support.crowded_line import Crowd, Packet

SETTLED_S = 5
FULL_BPS, SMALL_BPS = 155_000, 20_000


class Village(Crowd):
    """64 kbit/s, five seconds of queue, and a publisher who makes his picture as small as he is told. His own line up is slow at first."""

    def _rtt_s(self) -> float:
        return super()._rtt_s() + (1.2 if self.now < 118 else 0.3)

    def _look(self) -> None:
        super()._look()
        share = self.adapting.share.bps
        wanted = FULL_BPS if share is None else SMALL_BPS if share < 2 * SMALL_BPS else min(FULL_BPS, share)
        for up in self.pictures[0].layers:
            up.rate.bps = (up.rate.bps + wanted) // 2


def narrowed(width_bps: float, faces: int, voices_bps: float) -> Crowd:
    """One who had all there is over a wide line, SETTLED_S after it became narrow."""
    crowd = Crowd(faces=faces, voices_bps=voices_bps)
    crowd.watch(20)
    assert crowd.layers() == [1] * faces
    crowd.width_bps = width_bps
    crowd.watch(SETTLED_S)
    return crowd


def delayed(crowd: Crowd, seconds: float, longer_than_s: float) -> float:
    """For which share of the last seconds what was sent had to wait so long."""
    window = crowd.delays[-int(seconds * 100) :]
    return sum(delay > longer_than_s for delay in window) / len(window)


def test_a_line_that_becomes_narrow_goes_on_with_the_small_layer() -> None:
    """As seen with Chromium: repairs filled the queue, its belief fell to a tenth of the line, and for a minute nothing moved."""
    crowd = narrowed(420_000, faces=2, voices_bps=80_000)

    moved = [crowd.watch(1)[0] for _ in range(55)]

    assert min(moved) > 0, moved
    assert delayed(crowd, 55, 0.4) < 0.2
    assert crowd.repairs < crowd.dropped / 2


def test_both_small_layers_fit_and_stay() -> None:
    crowd = narrowed(512_000, faces=2, voices_bps=80_000)
    crowd.watch(10)

    moved = [crowd.watch(1) for _ in range(60)]

    assert sum(min(both) > 0 for both in moved) > 45, moved


def test_where_no_picture_fits_the_voices_have_the_line() -> None:
    crowd = narrowed(64_000, faces=1, voices_bps=40_000)

    crowd.watch(20)
    crowd.watch(60)

    assert delayed(crowd, 60, 0.3) < 0.35


def test_a_line_that_becomes_wide_again_gets_the_large_layer() -> None:
    crowd = narrowed(300_000, faces=1, voices_bps=80_000)
    crowd.watch(20)
    assert crowd.layers() != [1]

    crowd.width_bps = 20_000_000
    crowd.watch(70)

    assert crowd.layers() == [1]


def test_a_village_line_with_a_long_queue_is_tried_rarely() -> None:
    """64 kbit/s with sixty packets of queue: what a picture leaves there, voices wait for half a minute."""
    crowd = Crowd(faces=1, voices_bps=36_000, width_bps=64_000, queue_s=9.0)

    crowd.watch(240)

    assert crowd.dropped == 0
    assert delayed(crowd, 240, 1.0) < 0.5
    assert delayed(crowd, 120, 1.0) < 0.15


def test_on_a_village_line_a_picture_that_is_made_small_stays() -> None:
    crowd = Village(faces=1, rates=(FULL_BPS, FULL_BPS), voices_bps=36_000, width_bps=64_000, queue_s=5.0)
    crowd.watch(8)
    crowd.voices_bps = 22_000  # once, not twice
    crowd.watch(17)

    moved = [crowd.watch(1)[0] for _ in range(45)]

    assert min(moved) > 0, moved
    assert crowd.dropped < 150


VILLAGE_LINE: dict[str, Any] = {
    "faces": 1,
    "rates": (FULL_BPS, FULL_BPS),
    "voices_bps": 14_000,
    "width_bps": 64_000,
    "queue_s": 5.0,
}


def shows_a_picture_each_second(crowd: Crowd, seconds: int) -> None:
    """Once his publisher has had the time to make it small."""
    crowd.watch(8)
    moved = [crowd.watch(1)[0] for _ in range(seconds)]
    assert min(moved) > 0, moved


def test_a_village_line_that_was_measured_is_never_full() -> None:
    """The queue of such a line takes a quarter of a minute to empty: nothing may be sent into it that it does not carry."""
    crowd = Village(**VILLAGE_LINE)
    crowd.adapting.note_width(64_000, crowd.now)

    shows_a_picture_each_second(crowd, 60)

    assert max(crowd.delays) < 1.0
    assert crowd.dropped == 0


def test_a_line_that_was_measured_too_narrow_gets_its_picture_all_the_same() -> None:
    crowd = Crowd(faces=1, voices_bps=36_000)
    crowd.adapting.note_width(64_000, crowd.now)

    crowd.watch(240)

    assert crowd.layers() == [1]


class Measured(Village):
    """And his line is measured again whenever that is asked for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.measured = 0
        self.adapting.measure = self._measure

    def _measure(self, now: float) -> None:
        self.measured += 1
        for _ in range(3):
            self._put(Packet(0, 0, LONG_BITS))
        self.adapting.note_width(40_000 if self.width_bps < 120_000 else None, now)


def test_a_narrow_line_is_measured_again_instead_of_filled_to_see() -> None:
    crowd = Measured(**VILLAGE_LINE)
    crowd.adapting.note_width(64_000, crowd.now)

    shows_a_picture_each_second(crowd, 300)

    assert max(crowd.delays) < 0.5
    assert 5 <= crowd.measured <= 10

    crowd.width_bps = 20_000_000
    crowd.watch(240)
    assert crowd.pictures[0].layers[0].rate.bps > 4 * SMALL_BPS
    assert crowd.layers() == [1]


def test_a_line_that_does_not_answer_again_is_tried() -> None:
    crowd = Crowd(faces=1, voices_bps=36_000)
    crowd.adapting.measure = lambda now: None
    crowd.adapting.note_width(64_000, crowd.now)

    crowd.watch(240)

    assert crowd.layers() == [1]
