"""What one subscriber is sent, from the rates of real streams and what his browser believes."""

from __future__ import annotations

from collections import Counter

from media.adapting import LAYER_GONE_S, LOOK_EVERY_S, Adapting, Offered
from media.core.bandwidth import FITS, FULL_S
from media.forward.path import DownStream, UpStream
from media.forward.self_test import Notes, Wire, wired_python
from media.leaving_out import note_rate

RATES = (80_000, 250_000, 800_000)


class Screen:
    """A subscriber with slots for pictures, and publishers with layers. Time stands still unless `look` moves it."""

    def __init__(self) -> None:
        self.path, _ = wired_python(Wire(), Notes(), Counter[str]())
        self.lane = self.path.new_lane(Notes(), 1, 0.0)
        self.now = 50.0
        self.adapting = Adapting(self.now)
        self.pictures: list[Offered] = []

    def show(self, *rates: int, sharp: bool = False) -> Offered:
        number = 10 * (len(self.pictures) + 1)
        ups = [self._up(number + i, rate) for i, rate in enumerate(rates)]
        down = self.path.new_down(self.lane, "video", 90000, number, 0, 0)
        self.pictures.append(Offered(down, ups, sharp))
        return self.pictures[-1]

    def _up(self, handle: int, rate: int) -> UpStream:
        up = self.path.new_up(handle, self.lane, "video", "VP8", 90000, handle, nack=True)
        up.rate.bps, up.last_at = rate, self.now
        return up

    def look(self) -> list[int | None]:
        """The rate of what each picture is sent from now on."""
        assert self.adapting.is_due(self.now)
        self.adapting.look([offered.down for offered in self.pictures], self.pictures, self.now)
        return [self._sent(offered.down, offered) for offered in self.pictures]

    def _sent(self, down: DownStream, offered: Offered) -> int | None:
        down.up = self.adapting.pick(down, offered.layers, self.now)
        return None if down.up is None else down.up.rate.bps

    def later(self, seconds: float, *silent: UpStream) -> None:
        """All layers but `silent` go on."""
        self.now += seconds
        for offered in self.pictures:
            offered.down.octets += int(seconds * (offered.down.up.rate.bps if offered.down.up else 0) / 8)
            for up in offered.layers:
                if up not in silent:
                    up.last_at = self.now


def test_the_first_picture_is_a_small_one_until_it_is_known_what_fits() -> None:
    screen = Screen()
    face = screen.show(*RATES)

    assert screen.adapting.pick(face.down, face.layers, screen.now) is face.layers[0]
    assert screen.look() == [250_000]


def test_a_layer_that_has_ended_is_followed_by_the_next_smaller_one() -> None:
    screen = Screen()
    face = screen.show(80_000, 150_000, 200_000)
    assert screen.look() == [200_000]

    screen.later(LAYER_GONE_S, face.layers[2])

    assert screen.adapting.pick(face.down, face.layers, screen.now) is face.layers[1]
    assert screen.look() == [150_000]
    screen.later(LAYER_GONE_S, *face.layers)
    assert screen.look() == [150_000]  # nothing comes at all: nothing is changed


def test_what_does_not_fit_even_small_is_paused_the_document_stays() -> None:
    screen = Screen()
    screen.show(*RATES)
    screen.show(200_000, sharp=True)
    assert screen.look() == [250_000, 200_000]
    screen.later(LOOK_EVERY_S)
    assert screen.look() == [250_000, 200_000]

    screen.adapting.estimate.note_belief(600_000, screen.now)
    screen.adapting.estimate.note_belief(180_000, screen.now)
    screen.later(LOOK_EVERY_S)

    assert screen.look() == [None, 200_000]


def test_it_is_looked_at_twice_a_second() -> None:
    adapting = Adapting(7.0)

    assert adapting.is_due(7.0)
    assert not adapting.is_due(7.0 + LOOK_EVERY_S - 0.01)
    assert adapting.is_due(7.0 + LOOK_EVERY_S)


def test_a_layer_that_rests_is_chosen_like_one_that_comes_but_not_as_the_first_picture() -> None:
    screen = Screen()
    face = screen.show(*RATES)
    small, half, full = face.layers
    small.counts_until = half.counts_until = float("inf")
    screen.later(LAYER_GONE_S, small, half)

    assert screen.adapting.pick(face.down, face.layers, screen.now) is full
    assert screen.look() == [250_000]  # what fits as far as anybody knows
    half.counts_until = 0.0
    assert screen.adapting.pick(face.down, face.layers, screen.now) is not half


def test_the_rate_of_a_stream_that_rests_stays() -> None:
    screen = Screen()
    up = screen.show(100_000).layers[0]
    up.octets = 1000
    up.rate.bps = 100_000
    up.counts_until = float("inf")
    note_rate(up, screen.now)
    note_rate(up, screen.now + 60)
    up.counts_until = screen.now + 63
    note_rate(up, screen.now + 61)
    assert up.rate.bps == 100_000

    up.octets, up.last_at = 1000 + 12_500, screen.now + 62
    note_rate(up, screen.now + 62)
    assert up.rate.bps == 100_000


def test_what_his_reports_tell_is_measured_from_what_was_sent_meanwhile() -> None:
    screen = Screen()
    down = screen.show(*RATES).down
    estimate = screen.adapting.estimate
    estimate.note_belief(200_000, screen.now)
    estimate.note_belief(10_000, screen.now)
    screen.adapting.note_report(down, 0, 0, 0.05, screen.now)
    assert estimate.budget_bps(screen.now) == 10_000  # the first one has no beginning

    down.packets, down.octets = 20, 25_000
    screen.now += 1
    screen.adapting.note_report(down, 20, 4, 0.05, screen.now)

    assert estimate.budget_bps(screen.now) == int(160_000 * FITS)


def test_a_voice_tells_of_the_line_and_not_of_pictures() -> None:
    screen = Screen()
    voice = screen.path.new_down(screen.lane, "audio", 48000, 99, 0, 0)
    screen.adapting.estimate.note_belief(100_000, screen.now)
    assert screen.adapting.estimate.may_try(200_000, screen.now + 10)

    screen.adapting.note_report(voice, 50, 0, 2.0, screen.now + 10)

    assert not screen.adapting.estimate.may_try(200_000, screen.now + 10)
    assert screen.adapting.estimate.is_scarce(screen.now + 10)


def test_on_a_full_line_repairs_and_new_beginnings_are_few() -> None:
    screen = Screen()
    down = screen.show(*RATES).down
    assert len(screen.adapting.worth_repairing(down, range(100), 0.05, screen.now)) == 100
    assert screen.adapting.may_restart(screen.now)
    assert screen.adapting.may_restart(screen.now)

    screen.adapting.estimate.note_sent(500_000, screen.now)
    screen.adapting.estimate.note_belief(600_000, screen.now)
    screen.adapting.estimate.note_belief(300_000, screen.now)

    assert len(screen.adapting.worth_repairing(down, range(200, 300), 0.05, screen.now)) < 10
    assert not screen.adapting.may_restart(screen.now)
    assert not screen.adapting.may_restart(screen.now + FULL_S / 2)
    assert screen.adapting.may_restart(screen.now + FULL_S)


def test_a_line_that_was_measured_to_be_narrow_begins_with_what_fits() -> None:
    """What was chosen before it was known is not begun, and nothing goes before it is chosen anew."""
    screen = Screen()
    face = screen.show(160_000)
    screen.adapting.look([face.down], screen.pictures, screen.now)

    screen.adapting.note_width(64_000, screen.now)
    assert screen.adapting.pick(face.down, face.layers, screen.now) is None
    assert screen.look() == [None]

    screen.later(LOOK_EVERY_S)
    face.layers[0].rate.bps = 20_000
    assert screen.look() == [20_000]


def test_a_line_that_was_measured_to_be_wide_is_as_any() -> None:
    screen = Screen()
    screen.show(160_000)
    screen.adapting.note_width(None, screen.now)

    assert screen.look() == [160_000]
