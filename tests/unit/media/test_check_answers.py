"""Ten minutes of checks on a line that loses, and to whom an answer goes more than once. Seeded; virtual clock."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, cast

import pytest

from media.answering import GOOG_NETWORK_INFO, Answering
from media.core.check_answers import AGAIN_S, KEPT_S, SILENT_S, CheckAnswers
from media.core.line_loss import LineLoss
from media.forward.path import Lane, LaneOwner
from tests.support.checking_browser import watch
from tests.support.hand_loop import HandLoop

SEEDS = range(8)
HOME, ELSEWHERE = ("192.0.2.1", 4000), ("192.0.2.66", 4000)


def test_a_browser_that_is_answered_once_loses_faith_again_and_again() -> None:
    """What the model says of that is what was seen: a break every minute or two."""
    runs = [watch(loss=0.30, seconds=600, seed=seed, lossy=False) for seed in SEEDS]

    assert min(run.breaks for run in runs) >= 2
    assert all(run.kept == 0 for run in runs)


def test_ten_minutes_at_thirty_percent_pass_without_a_break() -> None:
    runs = [watch(loss=0.30, seconds=600, seed=seed) for seed in SEEDS]

    assert [run.breaks for run in runs] == [0] * len(runs)
    assert max(run.answers / run.checks for run in runs) < 3


def test_one_that_does_not_remember_is_answered_each_time() -> None:
    runs = [watch(loss=0.30, seconds=600, seed=seed, remembers=False) for seed in SEEDS]

    assert sum(run.breaks for run in runs) <= 2 * len(runs)
    assert all(run.kept == 0 for run in runs)


def test_the_kept_check_is_answered_when_others_stay_out() -> None:
    answers = CheckAnswers()
    assert answers.check(b"first", True, True, 0.0)
    assert not answers.check(b"kept", True, True, 2.5)
    assert answers.check(b"third", True, True, 3.5)

    said = [(at, reply) for at in range(4, 12) for reply in answers.due(float(at))]

    assert {reply for at, reply in said if at < 3.5 + SILENT_S[0]} == {b"third"}
    assert [reply for at, reply in said if at >= 3.5 + SILENT_S[0]] == [b"kept"] * len(SILENT_S)
    assert answers.next_at is None


def test_nothing_is_kept_longer_than_a_browser_remembers() -> None:
    answers = CheckAnswers()
    times = [2.5 * number for number in range(40)]

    kept = [at for at in times if not answers.check(b"reply", True, True, at)]

    assert all(KEPT_S < later - earlier <= KEPT_S + 2.5 for earlier, later in itertools.pairwise(kept))
    assert len(kept) == 3


@dataclass
class Peer:
    lane: Lane
    line_loss: LineLoss


class Port:
    """Where answers go, and who is there."""

    def __init__(self, lane: Lane) -> None:
        self.lanes = {HOME: lane}
        self.sent: list[tuple[bytes, object]] = []

    def send(self, datagram: bytes, address: object) -> bool:
        self.sent.append((datagram, address))
        return True


class Stage:
    def __init__(self, lost: int) -> None:
        """lost  of a hundred packets that were sent to him."""
        lane = Lane(cast(LaneOwner, None), 5, 0.0)
        lane.address = HOME
        self.loop, self.port = HandLoop(), Port(lane)
        self.peer = Peer(lane, LineLoss(0.0))
        self.peer.line_loss.note(100, lost, 0.0)
        self.answering = Answering(cast(Any, self.loop), cast(Any, self.port), lambda: self.loop.now)

    def check(self, source: tuple[str, int] = HOME, check: bytes = GOOG_NETWORK_INFO) -> None:
        self.answering.answer(self.peer, check, b"answer", source, self.loop.now)


def test_on_a_lossy_line_an_answer_goes_several_times() -> None:
    stage = Stage(lost=30)

    stage.check()
    stage.loop.move(10.0)

    assert stage.port.sent == [(b"answer", HOME)] * (1 + len(AGAIN_S))


@pytest.mark.parametrize(("lost", "source"), [(0, HOME), (2, HOME), (30, ELSEWHERE)])
def test_elsewhere_once(lost: int, source: tuple[str, int]) -> None:
    """Whoever repeats somebody's check from another address gets no more than he sent."""
    stage = Stage(lost)

    stage.check(source)
    stage.loop.move(10.0)

    assert stage.port.sent == [(b"answer", source)]


@pytest.mark.parametrize("check", [GOOG_NETWORK_INFO, b"of another browser"])
def test_only_one_that_remembers_has_to_wait_for_an_answer(check: bytes) -> None:
    stage = Stage(lost=30)
    stage.check(check=check)
    stage.loop.move(2.5)
    stage.port.sent.clear()

    stage.check(check=check)

    assert stage.port.sent == ([] if check == GOOG_NETWORK_INFO else [(b"answer", HOME)])


def test_nothing_goes_to_one_who_has_left() -> None:
    stage = Stage(lost=30)
    stage.check()
    stage.port.sent.clear()

    del stage.port.lanes[HOME]
    stage.loop.move(10.0)

    assert stage.port.sent == []
