"""What receiver reports of a lossy line set going: voice several times in a packet, pictures once more over RTX; and that it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from media.adapting import Adapting
from media.core.bandwidth import SCARCE_S
from media.core.line_loss import LineLoss
from media.core.quality import SeatQuality
from media.core.red import Block, pack
from media.core.reports import PublisherClock, WorkerClock
from media.core.rtcp import ReceiverReport, ReportBlock, write_compound
from media.feedback import LOSSY_AGE_S, Feedback
from media.forward.path import DownStream, Lane, UpStream
from tests.support.forward_stage import VP8_KEY, Stage


@dataclass
class Timers:
    """An event loop that runs nothing by itself."""

    due: list[Callable[[], None]] = field(default_factory=list)

    def call_later(self, _: float, call: Callable[[], None]) -> object:
        self.due.append(call)
        return object()


@dataclass
class Viewer:
    """A peer, as far as the feedback lane looks."""

    lane: Lane
    downs: dict[int, DownStream]
    ups: list[UpStream] = field(default_factory=list)
    cname: str = "viewer"
    pictures: int = 0
    clock: PublisherClock = field(default_factory=PublisherClock)
    quality: SeatQuality = field(default_factory=lambda: SeatQuality(100.0))
    adapting: Adapting = field(default_factory=lambda: Adapting(100.0))
    line_loss: LineLoss = field(default_factory=lambda: LineLoss(100.0))


class Watched:
    """One picture, one who sees it, and the feedback lane between them on a clock of the test's."""

    def __init__(self, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage, self.timers = Stage(path), Timers()
        monkeypatch.setattr("media.feedback.time.monotonic", lambda: self.stage.now)
        self.down = self.stage.subscriber()
        self.stage.path.connect(self.stage.up, self.down)
        self.viewer = Viewer(self.down.lane, {self.down.ssrc: self.down})
        self.feedback = Feedback(cast(Any, self.timers), WorkerClock(0.0))
        self.feedback.path = self.stage.path
        self.sent = 0

    def second(self, lost_share: float) -> list[int]:
        """Fifty packets, a report about them, timers each 20 ms; returns the numbers that went out over RTX."""
        again: list[int] = []
        for _ in range(50):
            self.stage.now += 0.02
            self.stage.receive(self.sent, VP8_KEY + b"x", ts=self.sent * 1800)
            self.sent += 1
            due, self.timers.due = self.timers.due, []
            for call in due:
                call()
            again += [int.from_bytes(body[:2], "big") for head, body in self.stage.taken() if head.pt == 103]
        block = ReportBlock(self.down.ssrc, 0, int(self.sent * lost_share), self.sent, 0, 0, 0)
        report = write_compound([ReceiverReport(1, (block,))])
        self.feedback.receive(self.viewer, report, self.stage.now)
        return again


@pytest.fixture(params=["python", "native"])
def watched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(request.param, monkeypatch)


def test_pictures_go_once_more_while_the_line_loses(watched: Watched) -> None:
    assert watched.second(0.05) == watched.second(0.05) == [], "nothing is known yet"

    again = watched.second(0.05)

    assert 45 <= len(again) <= 50
    assert len(again) == len(set(again)), "twice where once was due"
    watched.feedback.report(watched.viewer, watched.stage.now)
    publisher = Viewer(watched.stage.up.lane, {}, [watched.stage.up])
    watched.feedback.report(publisher, watched.stage.now)
    assert watched.stage.up.cache.max_age_s == LOSSY_AGE_S


def test_a_line_that_loses_nothing_gets_everything_once(watched: Watched) -> None:
    assert [watched.second(0.0) for _ in range(4)] == [[]] * 4
    assert watched.timers.due == []


def test_it_ends_when_nobody_is_shown_the_picture_any_more(watched: Watched) -> None:
    for _ in range(3):
        watched.second(0.05)

    watched.stage.path.disconnect(watched.down)

    assert watched.second(0.05) == []
    assert watched.timers.due == []


def test_what_waits_in_a_full_queue_is_not_sent_twice(watched: Watched) -> None:
    for _ in range(3):
        watched.second(0.05)
    estimate = watched.viewer.adapting.estimate
    estimate.note_sent(500_000, watched.stage.now)
    for belief_bps, rtt_s in ((400_000, 0.05), (200_000, 0.9)):
        estimate.note_belief(belief_bps, watched.stage.now + 0.9)
        estimate.note_loss(0.05, watched.stage.now + 0.9)
        estimate.note_rtt(rtt_s, watched.stage.now + 0.9)
    assert estimate.is_full(watched.stage.now + 1.0)
    assert watched.second(0.05) != []

    assert watched.second(0.05) == []


def test_voice_carries_more_of_what_was_before() -> None:
    stage = Stage("python", "audio", "opus")
    down = stage.subscriber()
    down.red_pt = 104
    viewer, feedback = Viewer(down.lane, {down.ssrc: down}), Feedback(cast(Any, Timers()), WorkerClock(0.0))
    feedback.path = stage.path

    depths = []
    for second, lost in enumerate((0, 15, 30, *[45] * 30), 1):
        block = ReportBlock(down.ssrc, 0, lost, second * 50, 0, 0, 0)
        feedback.receive(viewer, write_compound([ReceiverReport(1, (block,))]), 100.0 + second)
        depths.append(down.depth)

    assert depths[:4] == [0, 3, 3, 3]
    assert depths[-1] == 0


@pytest.mark.parametrize("path", ["python", "native"])
@pytest.mark.parametrize("same_number", [True, False])
def test_on_a_line_that_carries_hardly_a_voice_it_goes_once(path: str, same_number: bool) -> None:
    """Not where his Opus has another number than the publisher's blocks say: he never gets them as RED."""
    opus, red, theirs = 96, 95, 96 if same_number else 97
    stage = Stage(path, "audio", "opus")
    stage.up.red_pt = red
    down = stage.subscriber()
    down.pt = bytes({opus: theirs, red: 104 if same_number else theirs}.get(n & 0x7F, 0) for n in range(128)) * 2
    down.red_pt, down.block_pt = 104, theirs
    stage.path.connect(stage.up, down)
    viewer, feedback = Viewer(down.lane, {down.ssrc: down}), Feedback(cast(Any, Timers()), WorkerClock(0.0))
    feedback.path = stage.path

    def second(number: int) -> tuple[int, bytes]:
        stage.now = 100.0 + number
        stage.receive(number, pack([Block(0, b"before"), Block(960, b"own")], opus), ts=960, pt=red)
        block = ReportBlock(down.ssrc, 0, 0, number * 50, 0, 0, 0)
        feedback.receive(viewer, write_compound([ReceiverReport(1, (block,))]), stage.now)
        [(head, body)] = stage.taken()
        return head.pt, body

    both = (104, pack([Block(0, b"before"), Block(960, b"own")], opus)) if same_number else (theirs, b"own")
    assert [second(1), second(2)] == [both, both]
    viewer.adapting.estimate.note_sent(500_000, 102.5)
    for belief_bps in (400_000, 40_000):
        viewer.adapting.estimate.note_belief(belief_bps, 102.5)

    assert [second(3), second(4), second(5)] == [both, (theirs, b"own"), (theirs, b"own")]
    assert [second(3 + int(SCARCE_S)), second(4 + int(SCARCE_S))] == [(theirs, b"own"), both]
