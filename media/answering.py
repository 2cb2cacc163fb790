"""Answers the checks of browsers; where a line loses by chance, in the way of core/check_answers.py."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from media.core.check_answers import LOSES, CheckAnswers
from media.core.line_loss import LineLoss
from media.forward.path import Lane
from media.net.ice_lite import Address
from media.net.udp import UdpPort

# The head of an attribute that libwebrtc writes into each of its checks, and nobody else does: it remembers them for a minute.
GOOG_NETWORK_INFO: Final = b"\xc0\x57\x00\x04"

# Without a check for so long the next one begins anew.
FORGOTTEN_S: Final = 10.0


class Answered(Protocol):
    """A peer, as far as his checks are answered."""

    @property
    def lane(self) -> Lane: ...

    @property
    def line_loss(self) -> LineLoss: ...


@dataclass(slots=True)
class _Line:
    """One that loses."""

    address: Address
    answers: CheckAnswers = field(default_factory=CheckAnswers)
    timer: asyncio.TimerHandle | None = None


class Answering:
    """One per worker; nothing is kept of lines that lose little."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, port: UdpPort, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._loop, self._port, self._clock = loop, port, clock
        self._lines: dict[Lane, _Line] = {}

    def answer(self, peer: Answered, check: bytes, reply: bytes, source: Address, now: float) -> None:
        """check  authentic, of that peer. Only to the address that he has proven and uses, one answer is more than one datagram."""
        lane = peer.lane
        loses = max(peer.line_loss.share, lane.arrivals.line.share) >= LOSES
        line = self._lines.get(lane)
        if source != lane.address or len(source) == 3 or not (loses or line):
            self._port.send(reply, source)
            return
        if line is None or line.address != source:
            self._forget(lane)
            line = self._lines[lane] = _Line(source)
        if line.answers.check(reply, loses, GOOG_NETWORK_INFO in check, now):
            self._port.send(reply, source)
        self._wait(lane, line)
        if not loses:
            self._forget(lane)

    def _wait(self, lane: Lane, line: _Line) -> None:
        if line.timer is not None:
            line.timer.cancel()
        if line.answers.next_at is None:  # all is said
            line.timer = self._loop.call_later(FORGOTTEN_S, self._forget, lane)
        else:
            line.timer = self._loop.call_later(line.answers.next_at - self._clock(), self._on_timer, lane, line)

    def _on_timer(self, lane: Lane, line: _Line) -> None:
        replies = line.answers.due(self._clock())
        if self._port.lanes.get(line.address) is not lane:  # gone, or elsewhere
            self._forget(lane)
            return
        for reply in replies:
            self._port.send(reply, line.address)
        self._wait(lane, line)

    def _forget(self, lane: Lane) -> None:
        line = self._lines.pop(lane, None)
        if line is not None and line.timer is not None:
            line.timer.cancel()
