"""What is taken for loss by chance on the way up, on lines of the test's own; the clock is the test's, chance is seeded."""

from __future__ import annotations

import random
from collections.abc import Callable

from media.core.up_line import BARRED_S, FORGIVEN_BPS, UNDECIDED_S, Counted, UpLine

PACKET_BYTES = 500
# What a browser sends while it is told of nothing, and what it gives way to.
CALM_BPS, LEAST_BPS = 120_000.0, 80_000.0


class Talk:
    """A browser on a line: it sends more while it hears of no loss, and gives way when it does."""

    def __init__(
        self, loses: Callable[[float], float], rtt_s: Callable[[float], float] = lambda _: 0.2, seed: int = 1
    ) -> None:
        """loses, rtt_s  by what is sent, in bit/s: the share that does not come, and the round trip."""
        self.line, self._loses, self._rtt_s = UpLine(), loses, rtt_s
        self._dice = random.Random(seed)
        self._expected = self._lost = 0
        self.now, self.bps = 100.0, CALM_BPS

    def second(self) -> bool:
        count = int(self.bps / 8 / PACKET_BYTES)
        lost = sum(self._dice.random() < self._loses(self.bps) for _ in range(count))
        self._expected, self._lost, self.now = self._expected + count, self._lost + lost, self.now + 1
        octets = (self._expected - self._lost) * PACKET_BYTES
        self.line.look(Counted(self._expected, self._lost, octets, self.now, by_number=False), self._rtt_s(self.bps))
        told_of_loss = lost and not self.line.by_chance
        self.bps = max(LEAST_BPS, self.bps * 0.8) if told_of_loss else min(FORGIVEN_BPS, self.bps * 1.2)
        return self.line.by_chance

    def seconds(self, count: int) -> list[bool]:
        return [self.second() for _ in range(count)]


def test_a_third_lost_by_chance_is_believed_and_the_browser_sends_what_it_may() -> None:
    for seed in range(5):
        talk = Talk(lambda _: 0.3, seed=seed)

        assert sum(talk.seconds(120)[10:]) >= 105, f"seed {seed}"
        assert talk.bps == FORGIVEN_BPS


def test_a_line_is_undecided_until_its_first_packets_are_there() -> None:
    talk = Talk(lambda _: 0.3)
    assert talk.line.undecided

    talk.seconds(2)
    assert talk.line.undecided, "30 packets"
    talk.seconds(3)
    assert (talk.line.undecided, talk.line.by_chance) == (False, True)


def test_who_sends_hardly_anything_is_not_undecided_for_ever() -> None:
    talk = Talk(lambda _: 0.0)
    talk.bps = 5_000.0

    line = talk.line
    for _ in range(int(UNDECIDED_S) + 1):
        talk.now += 1
        line.look(Counted(1, 0, 500, talk.now, by_number=False), 0.0)

    assert not line.undecided


def test_a_line_that_loses_nothing_is_left_alone() -> None:
    assert not any(Talk(lambda _: 0.0).seconds(30))
    assert not any(Talk(lambda _: 0.02).seconds(60))


def test_a_policer_is_found_out_and_asked_less_and_less_often() -> None:
    """It drops what is above 120 kbit/s, and has no queue."""
    talk = Talk(lambda bps: max(0.0, 1 - 120_000 / bps))
    talk.bps = 150_000.0

    believed = talk.seconds(400)

    assert not talk.line.by_chance or sum(believed[-60:]) < 30
    first = believed.index(True)
    end = believed.index(False, first)
    assert not any(believed[end : end + int(BARRED_S) - 1])
    assert sum(believed[200:]) < sum(believed[:200])


def test_a_queue_is_not_by_chance() -> None:
    """It fills, a round trip takes a second more, and a tenth finds no room in it."""
    line = [(0.0, 0.2)]
    talk = Talk(lambda _: line[0][0], rtt_s=lambda _: line[0][1])
    talk.seconds(10)

    line[0] = (0.1, 1.2)

    assert not any(talk.seconds(30))


def test_nothing_is_believed_beyond_a_half() -> None:
    assert not any(Talk(lambda _: 0.6).seconds(30)[5:])


def test_it_ends_with_the_loss() -> None:
    share = [0.3]
    talk = Talk(lambda _: share[0])
    assert talk.seconds(20)[-1]

    share[0] = 0.0

    assert not any(talk.seconds(40)[20:])


def test_a_queue_that_was_full_from_the_beginning_is_not_by_chance() -> None:
    assert not any(Talk(lambda _: 0.1, rtt_s=lambda _: 1.5).seconds(30))
