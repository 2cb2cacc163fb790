"""What loss by chance on the way up sets going, and that it ends: on both paths, with a clock of the test's own."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any, cast

import pylibsrtp
import pytest

from media.coming import come_back
from media.core.reports import WorkerClock
from media.core.rtcp import BandwidthEstimate, Packet, PictureLoss, parse_compound
from media.core.up_line import FORGIVEN_BPS
from media.feedback import GRANTED_BPS, Feedback
from media.uplines import RTT_TOLD_S, begin_line, told_sooner_s
from tests.support.forward_stage import GCM, OUR_KEY, VP8_DELTA, VP8_KEY, Stage
from tests.unit.media.test_repeating import Timers, Viewer


class Talk:
    """One who sends a picture of a hundred packets a second, of which some are lost."""

    def __init__(self, path: str) -> None:
        self.stage, self._chance, self._number = Stage(path), random.Random(3), 1
        self.sender = Viewer(self.stage.lane, {}, [self.stage.up], pictures=1)
        self._feedback = Feedback(cast(Any, Timers()), WorkerClock(0.0))
        self._feedback.path = self.stage.path
        policy = pylibsrtp.Policy(OUR_KEY, pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=GCM)
        self._browser = pylibsrtp.Session(policy)

    def seconds(self, count: int, lost_share: float) -> int:
        """Returns what he is granted at the end, in bit/s."""
        granted = 0
        for _ in range(count):
            for _ in range(100):
                self._number += 1
                if self._chance.random() >= lost_share:
                    self.stage.receive(self._number, VP8_KEY + bytes(400), ts=self._number * 900)
            self.stage.now += 1.0
            self.stage.wire.sent.clear()
            self._feedback.report(self.sender, self.stage.now)
            for packet in self.said():
                granted = packet.bitrate_bps if isinstance(packet, BandwidthEstimate) else granted
        return granted

    def said(self) -> list[Packet]:
        """What he was sent since he was asked last."""
        sent, self.stage.wire.sent = self.stage.wire.sent, []
        return [packet for data, _ in sent for packet in parse_compound(self._browser.unprotect_rtcp(data))]

    def lose(self, count: int) -> int:
        """Returns the number of the packet after these."""
        self._number += count + 1
        return self._number

    def come_back(self) -> None:
        come_back(self._feedback, cast(Any, SimpleNamespace(peer=self.sender)), self.stage.now)

    def restless_seconds(self, count: int) -> None:
        """Every second packet comes 30 ms after the one that was sent behind it."""
        for _ in range(count):
            for _ in range(50):
                self._number += 2
                for number in (self._number, self._number - 1):
                    self.stage.receive(number, VP8_KEY + bytes(400), ts=number * 900)
                    self.stage.now += 0.03 if number == self._number else 0.0
            self._feedback.report(self.sender, self.stage.now)

    def is_told_at_once(self) -> bool:
        return self.stage.lane.arrivals.at_once

    def is_forgiven(self) -> bool:
        return self.stage.lane.arrivals.forgives


@pytest.mark.parametrize("path", ["python", "native"])
def test_loss_by_chance_is_forgiven_and_asked_for_until_it_ends(path: str) -> None:
    talk = Talk(path)
    assert (talk.seconds(4, 0.0), talk.is_forgiven()) == (GRANTED_BPS, False)
    assert (talk.seconds(6, 0.3), talk.is_forgiven()) == (FORGIVEN_BPS, True)
    assert talk.stage.up.loss.persists
    assert (talk.seconds(20, 0.0), talk.is_forgiven()) == (GRANTED_BPS, False)


@pytest.mark.parametrize("path", ["python", "native"])
def test_nothing_is_said_of_the_lost_before_it_is_known_why(path: str) -> None:
    for lost_share, forgiven in ((0.0, False), (0.3, True)):
        talk = Talk(path)
        begin_line(talk.stage.path, talk.stage.lane)
        assert (talk.seconds(1, lost_share), talk.is_forgiven()) == (GRANTED_BPS, True)

        talk.seconds(3, lost_share)

        assert talk.is_forgiven() is forgiven


@pytest.mark.parametrize("path", ["python", "native"])
def test_from_little_loss_on_repairs_may_be_lost_too(path: str) -> None:
    talk = Talk(path)
    talk.sender.quality.rtt_s = 0.2
    talk.seconds(4, 0.0)
    assert told_sooner_s(talk.sender) == 0.0

    talk.seconds(6, 0.04)

    assert (talk.stage.up.loss.persists, talk.is_forgiven()) == (True, False)
    assert told_sooner_s(talk.sender) == pytest.approx(0.2 - RTT_TOLD_S)
    talk.sender.quality.rtt_s = 1.0
    talk.seconds(1, 0.04)
    assert told_sooner_s(talk.sender) == 0.0, "a queue"


@pytest.mark.parametrize("path", ["python", "native"])
def test_where_packets_overtake_each_other_all_is_told_as_come_at_once(path: str) -> None:
    talk = Talk(path)
    talk.seconds(4, 0.0)
    assert not talk.is_told_at_once()

    talk.restless_seconds(5)
    assert talk.is_told_at_once()

    talk.seconds(20, 0.0)
    assert not talk.is_told_at_once()


@pytest.mark.parametrize("path", ["python", "native"])
def test_when_a_dead_line_returns_a_new_picture_is_asked_for_and_none_of_the_lost(path: str) -> None:
    talk = Talk(path)
    talk.stage.path.connect(talk.stage.up, talk.stage.subscriber())
    talk.seconds(2, 0.0)
    talk.stage.now += 6.0
    talk.said()

    talk.come_back()
    assert [type(packet) for packet in talk.said()] == [PictureLoss]
    talk.stage.receive(talk.lose(180), VP8_DELTA, ts=900_000)

    assert talk.stage.up.loss.due(talk.stage.now + 0.1) == []
    talk.stage.receive(talk.lose(1), VP8_DELTA, ts=900_900)
    assert len(talk.stage.up.loss.due(talk.stage.now + 0.1)) == 1
