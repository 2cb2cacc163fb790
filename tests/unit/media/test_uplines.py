"""What loss by chance on the way up sets going, and that it ends: on both paths, with a clock of the test's own."""

from __future__ import annotations

import random
from typing import Any, cast

import pylibsrtp
import pytest

from media.core.reports import WorkerClock
from media.core.rtcp import BandwidthEstimate, parse_compound
from media.core.up_line import FORGIVEN_BPS
from media.feedback import GRANTED_BPS, Feedback
from tests.unit.media.test_forward_path import GCM, OUR_KEY, VP8_KEY, Stage
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
            for data, _ in self.stage.wire.sent:
                for packet in parse_compound(self._browser.unprotect_rtcp(data)):
                    granted = packet.bitrate_bps if isinstance(packet, BandwidthEstimate) else granted
        return granted

    def is_forgiven(self) -> bool:
        return self.stage.lane.arrivals.forgives


@pytest.mark.parametrize("path", ["python", "native"])
def test_loss_by_chance_is_forgiven_and_asked_for_until_it_ends(path: str) -> None:
    talk = Talk(path)
    assert (talk.seconds(4, 0.0), talk.is_forgiven()) == (GRANTED_BPS, False)
    assert (talk.seconds(6, 0.3), talk.is_forgiven()) == (FORGIVEN_BPS, True)
    assert talk.stage.up.loss.persists
    assert (talk.seconds(20, 0.0), talk.is_forgiven()) == (GRANTED_BPS, False)
