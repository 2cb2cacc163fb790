"""What a browser makes of a line on which its packets overtake each other, and of one that is full, in virtual time; chance is seeded."""

from __future__ import annotations

import heapq
import random
from collections import deque

import pytest

from media.core.loss import VIDEO_LOSS, LossTracker
from media.core.overtaking import Overtaking
from media.core.transport_cc import Arrivals
from tests.support.delay_estimator import DelayEstimator
from tests.unit.media.test_transport_cc import read

BEGUN_BPS = 300_000.0
PICTURE_BPS = 400_000.0  # of what it makes at most
VOICE_BPS = 64_000.0
HEADERS = 40


class Line:
    """A browser that sends voice and pictures as fast as it believes its line to be, the line, and us at its end. In ms."""

    def __init__(self, seed: int, *, jitter_ms: float = 0.0, bps: float = 0.0, gently: bool = True) -> None:
        """jitter_ms  sigma of what each packet takes by itself.  bps  of the narrow place, 0: none."""
        self.estimator, self._arrivals, self._overtaking = DelayEstimator(BEGUN_BPS), Arrivals(), Overtaking()
        self.bps, self.queue_ms, self._dice = bps, 0.0, random.Random(seed)
        self._jitter_ms, self._gently, self.now = jitter_ms, gently, 0
        self._sent: list[tuple[int, int]] = []  # when, bytes
        self._loss = LossTracker(VIDEO_LOSS)
        self._under_way: list[tuple[float, int]] = []
        self._due: deque[int] = deque()
        self._free, self._next_picture, self._may_send = 0.0, 0.0, 0.0
        self._acked: deque[tuple[int, int]] = deque()

    def run(self, seconds: int) -> list[int]:
        """What it sends by then, in bit/s, after each second."""
        sent: list[int] = []
        for _ in range(seconds * 1000):
            self._make()
            self._send()
            while self._under_way and self._under_way[0][0] <= self.now:
                at, number = heapq.heappop(self._under_way)
                self._arrivals.note(number & 0xFFFF, at / 1000)
                self._loss.receive(number & 0xFFFF, at / 1000)
            if self.now % 10 == 0:
                self._loss.due(self.now / 1000)
            if self.now % 100 == 0:
                self._report()
            if self.now % 1000 == 0:
                self._look()
                sent.append(int(self.estimator.bps))
            self.now += 1
        return sent

    def _make(self) -> None:
        if self.now % 20 == 0:
            self._due.appendleft(160)
        if self.now >= self._next_picture:
            self._next_picture += 1000 / 15
            size = max(200.0, self._dice.gauss(1, 0.2) * min(self.estimator.bps - VOICE_BPS, PICTURE_BPS) / 15 / 8)
            count = 1 + int(size) // 1150
            self._due.extend([int(size / count) + HEADERS] * count)

    def _send(self) -> None:
        while self._due and self._may_send <= self.now:
            size = self._due.popleft()
            self._sent.append((self.now, size))
            self._may_send = max(self._may_send, self.now) + size * 8000 / (2.5 * self.estimator.bps)
            at = float(self.now)
            if self.bps:
                self._free = at = max(self._free, at) + size * 8000 / self.bps
            at += max(0.0, self._dice.gauss(100, self._jitter_ms))
            heapq.heappush(self._under_way, (at, len(self._sent) - 1))
        self.queue_ms = max(self.queue_ms * 0.999, self._free - self.now)

    def _report(self) -> None:
        told: list[tuple[float, float]] = []
        for data in self._arrivals.take():
            base, came, _ = read(data)
            base += (len(self._sent) - base) // 0x10000 * 0x10000
            told += [(self._sent[base + i][0], at * 1000) for i, at in enumerate(came) if at is not None]
            self._acked.extend((self.now, self._sent[base + i][1] * 8) for i, at in enumerate(came) if at is not None)
        while self._acked and self._acked[0][0] <= self.now - 500:
            self._acked.popleft()
        if told and self.now > 1000:
            self.estimator.hear(told, sum(bits for _, bits in self._acked) * 2, self.now)

    def _look(self) -> None:
        rtt_s = 0.2 + max(0.0, self._free - self.now) / 1000
        self._loss.measure_rtt(rtt_s)
        self._overtaking.look(len(self._sent), self._loss.overtaken, rtt_s, self.now / 1000)
        often = self._overtaking.often and self._gently
        if often != self._arrivals.at_once:
            self._arrivals.begin(forgives=False, at_once=often)

    @property
    def often(self) -> bool:
        return self._overtaking.often


@pytest.mark.parametrize("seed", range(4))
def test_who_is_overtaken_often_is_not_taken_for_one_with_a_queue(seed: int) -> None:
    gently, as_it_is = Line(seed, jitter_ms=40), Line(seed, jitter_ms=40, gently=False)

    sent = gently.run(60)

    assert gently.often
    assert min(sent[15:]) > 1.5 * BEGUN_BPS, sent
    assert as_it_is.run(60)[-1] < 0.8 * BEGUN_BPS, "the estimator of this test is none"
    assert gently.estimator.overuses < as_it_is.estimator.overuses / 4


@pytest.mark.parametrize("seed", range(3))
def test_a_queue_on_such_a_line_makes_it_give_way(seed: int) -> None:
    """A megabit becomes 256 kbit/s while packets overtake each other."""
    line = Line(seed, jitter_ms=40, bps=1_000_000)
    assert line.run(30)[-1] > 256_000

    line.bps = 256_000
    sent = line.run(30)

    assert max(sent[5:]) < 350_000, sent
    assert sum(sent[5:]) / len(sent[5:]) < 256_000, sent
    assert line.queue_ms < 700
    assert line.estimator.overuses > 3


def test_where_nobody_overtakes_all_is_told_as_it_is() -> None:
    for line in (Line(1), Line(1, bps=256_000), Line(1, bps=100_000), Line(1, jitter_ms=10)):
        line.run(20)

        assert not line.often


def test_it_ends_with_the_overtaking_and_with_a_queue() -> None:
    overtaking = Overtaking()

    def look(seconds: int, overtaken: int, rtt_s: float) -> bool:
        for _ in range(seconds):
            totals[0] += 80
            totals[1] += overtaken
            totals[2] += 1
            overtaking.look(totals[0], totals[1], rtt_s, float(totals[2]))
        return overtaking.often

    totals = [0, 0, 0]
    assert not look(5, 2, 0.2)
    assert look(5, 30, 0.25)
    assert not look(1, 30, 0.5), "a queue"
    assert look(1, 30, 0.25)
    assert not look(15, 0, 0.25)
