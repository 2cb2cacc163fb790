"""Repairs asked for all at once: how they leave, and what a voice on the same line feels of it. In virtual time."""

from __future__ import annotations

import random
from typing import Any, cast

import pytest

from media.core.pacer import AT_ONCE_BITS, LEAST_BPS, LONGEST_S, PACE, Pacer
from media.core.reports import WorkerClock
from media.core.rtcp import Nack, write_compound
from media.feedback import Feedback
from media.spreading import FEW, PACKET_BITS
from tests.support.forward_stage import VP8_DELTA, VP8_KEY, Stage
from tests.unit.media.test_repeating import Timers, Viewer

PACKET, TICK_S = 9_600, 0.01


def leave(pacer: Pacer[int], budget_bps: int, seconds: float, begun: float = 0.0) -> list[tuple[float, int]]:
    """When each goes."""
    times = [begun + n * TICK_S for n in range(int(seconds / TICK_S))]
    return [(now, item) for now in times for item in pacer.due(budget_bps, now)]


def test_a_few_go_at_once() -> None:
    pacer = Pacer[int](0.0)
    for n in range(AT_ONCE_BITS // PACKET):
        pacer.put(n, PACKET, 600_000)

    assert pacer.due(600_000, 0.0) == list(range(AT_ONCE_BITS // PACKET))
    assert len(pacer) == 0


@pytest.mark.parametrize("seed", range(8))
def test_no_more_leaves_than_the_pace_and_nothing_waits_long(seed: int) -> None:
    dice = random.Random(seed)
    budget = dice.choice([0, 50_000, 300_000, 2_000_000])
    rate = max(LEAST_BPS, budget) * PACE
    pacer, put, gone, given_up = Pacer[int](0.0), {}, {}, set()
    for n in range(600):
        now = n * TICK_S
        for _ in range(dice.choice([0, 0, 0, 0, 1, 3, 60])):
            put[len(put)] = now
            lost = pacer.put(len(put) - 1, PACKET, budget)
            given_up |= set() if lost is None else {lost}
        gone |= dict.fromkeys(pacer.due(budget, now), now)
    gone |= {item: at for at, item in leave(pacer, budget, 2.0, 6.0)}

    assert set(gone) | given_up == set(put)
    assert not set(gone) & given_up
    assert pacer.dropped == len(given_up)
    assert list(gone) == sorted(gone)
    longest = max(at - put[item] for item, at in gone.items())
    assert longest <= LONGEST_S + (AT_ONCE_BITS + PACKET) / rate + TICK_S
    for begun in range(0, 600, 50):
        within = sum(begun / 100 <= at < begun / 100 + 1.0 for at in gone.values())
        assert within * PACKET <= AT_ONCE_BITS + rate + PACKET


def test_a_voice_waits_less_behind_what_a_dead_line_left_to_repair() -> None:
    """A megabit, 600 kbit/s of it a picture; 130 packets are asked for at once."""
    assert longest_wait(spread=False) > 1.0
    assert longest_wait(spread=True) < 0.3


def longest_wait(*, spread: bool) -> float:
    pacer, free_at, worst = Pacer[int](0.0), 0.0, 0.0
    for n in range(130):
        pacer.put(n, PACKET, 600_000)
    for n in range(300):
        now = n * TICK_S
        bits = 6_400 + (sum(PACKET for _ in pacer.due(600_000, now)) if spread else 130 * PACKET * (not n))
        free_at = max(free_at, now) + bits / 1e6
        worst = max(worst, free_at - now)
    return worst


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[Stage, Feedback, Timers, Viewer]:
    """Sixty packets of a picture have gone out."""
    stage, timers = Stage("native"), Timers()
    monkeypatch.setattr("media.spreading.time.monotonic", lambda: stage.now)
    down = stage.subscriber()
    stage.path.connect(stage.up, down)
    for n in range(60):
        stage.receive(n, VP8_DELTA if n else VP8_KEY, ts=n)
    stage.taken()
    feedback = Feedback(cast(Any, timers), WorkerClock(0.0))
    feedback.path = stage.path
    return stage, feedback, timers, Viewer(down.lane, {down.ssrc: down})


def sent(stage: Stage) -> int:
    """How many packets went to the subscriber since the last call."""
    wire, stage.wire.sent = stage.wire.sent, []
    return sum(address[1] == 2 for _, address in wire)


def nack(stage: Stage, feedback: Feedback, viewer: Viewer, first: int, count: int) -> int:
    """How many leave at once."""
    seqs = tuple(65530 + n & 0xFFFF for n in range(first, first + count))
    [ssrc] = viewer.downs
    feedback.receive(viewer, write_compound([Nack(1, ssrc, seqs)]), stage.now)
    return sent(stage)


def test_few_repairs_go_at_once_and_many_one_by_one(asked: tuple[Stage, Feedback, Timers, Viewer]) -> None:
    stage, feedback, timers, viewer = asked

    assert nack(stage, feedback, viewer, 0, FEW) == FEW
    assert timers.due == []
    at_once = nack(stage, feedback, viewer, FEW, 30)
    assert FEW <= at_once <= FEW + 1

    seen = at_once
    while timers.due:
        stage.now += TICK_S
        [tick] = timers.due
        timers.due = []
        tick()
        left = sent(stage)
        assert left <= 1 + PACE * 600_000 * TICK_S / PACKET_BITS
        seen += left
    assert seen == 30


def test_for_what_is_given_up_a_key_frame_is_asked(asked: tuple[Stage, Feedback, Timers, Viewer]) -> None:
    stage, feedback, _, viewer = asked
    stage.up.keys.arrived()

    nack(stage, feedback, viewer, 0, 59)

    assert stage.up.keys.requests == 1
