"""Whose password a line is measured with, when the browser has made new ones (an ICE restart): the one it answers to there."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from aioice import stun

from media.core.line_width import TRAIN
from media.engine import Engine
from media.measuring import Measuring
from media.peer import Peer
from media.timing import Timing
from tests.support.rtc_client import RtcClient

BEFORE, AFTER = ("127.0.0.1", 40001), ("127.0.0.1", 40002)


class Listener:
    """Does nothing with what it hears."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_arguments: None


class Line:
    """A browser and its peer; `sent` is what the peer measured with, and where to."""

    def __init__(self, engine: Engine) -> None:
        self.sent: list[tuple[bytes, object]] = []
        engine.measuring = Measuring(self._take)
        self.engine, self.browser = engine, RtcClient("a")
        self.peer = Peer(engine, cast(Any, Listener()), time.monotonic())
        self.offer()

    def _take(self, datagram: bytes, address: object) -> bool:
        self.sent.append((datagram, address))
        return True

    def offer(self) -> None:
        answer = self.peer.answer(self.browser.offer(), self.browser.sources, time.monotonic())
        self.browser.take_answer(answer)

    def restart(self) -> None:
        self.browser.ufrag, self.browser.pwd = "restarted", "another56789abcdef012345"
        self.offer()

    def check(self, address: tuple[str, int], check: bytes | None = None) -> None:
        assert self.engine._on_stun(check or self.browser.check(), address, time.monotonic()) is None

    def measured_as(self) -> tuple[str, object]:
        """By which names, all of it authentic by the browser's password of now, and where to."""
        self.sent.clear()
        self.peer.adapting.measure(time.monotonic())
        assert len(self.sent) == len(TRAIN)
        datagram, address = self.sent[-1]
        message = stun.parse_message(datagram)
        assert message.check_message_integrity(self.browser.pwd.encode())
        return str(message.attributes["USERNAME"]), address


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    engine = Engine("127.0.0.1", 0, ["127.0.0.1"], Timing(), "python", tmp_path)
    made = Line(engine)
    yield made
    await made.browser.close()
    made.peer.close("left", time.monotonic())
    await engine.close()


async def test_after_a_restart_a_line_is_measured_with_the_password_of_now(line: Line) -> None:
    line.check(BEFORE)
    theirs, ours = line.browser.ufrag, line.browser.remote_ufrag
    assert line.measured_as() == (f"{theirs}:{ours}", BEFORE)

    line.restart()
    line.check(AFTER)

    assert line.browser.remote_ufrag != ours
    assert line.measured_as() == (f"restarted:{line.browser.remote_ufrag}", AFTER)


async def test_until_the_new_way_is_nominated_the_old_one_is_measured_by_its_own(line: Line) -> None:
    """A browser holds the port of before open for its names of before, and the new one for the new."""
    line.check(BEFORE)
    expected, password, check = line.measured_as(), line.browser.pwd, line.browser.check()

    line.restart()
    line.check(BEFORE, check)

    line.browser.pwd = password
    assert line.measured_as() == expected
