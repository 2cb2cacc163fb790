"""How wide the lines of those who come are: sends checks of ours and takes their answers (core/line_width.py says what they mean)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from media.core.line_width import TRAIN, LineWidth
from media.forward.path import Lane
from media.net.ice_lite import Address, Credentials
from media.net.own_check import Side, answered, is_authentic, own_check

# An answer that took longer is of no use: the picture has begun.
ANSWERED_WITHIN_S: Final = 2.0


@dataclass(slots=True)
class Measured:
    """One line. `told` hears what it carries in bit/s; None: enough."""

    lane: Lane
    ours: Credentials
    theirs: Side
    told: Callable[[int | None, float], None]
    width: LineWidth = field(default_factory=LineWidth)


@dataclass(frozen=True, slots=True)
class Sent:
    """One check under way."""

    line: Measured
    address: Address
    place: int
    at: float


class Measuring:
    """One per worker."""

    def __init__(self, send: Callable[[bytes, Address], bool]) -> None:
        self._send = send
        self._under_way: dict[bytes, Sent] = {}  # by transaction, the oldest first

    def begin(self, line: Measured, now: float) -> None:
        """Measure it, the first time before anything else is sent there: its address must be one that an authentic check came from."""
        address = line.lane.address
        if len(address) == 3:  # a connection has no packets to tell apart
            return
        line.width = LineWidth()
        self._forget_old(now)
        for place, padding in enumerate(TRAIN):
            transaction = secrets.token_bytes(12)
            self._under_way[transaction] = Sent(line, address, place, now)
            self._send(own_check(transaction, line.ours, line.theirs, padding), address)

    def take(self, datagram: bytes, source: Address, now: float) -> bool:
        """Whether a STUN datagram is an answer that was waited for."""
        transaction = answered(datagram)
        sent = self._under_way.get(transaction) if transaction is not None else None
        if transaction is None or sent is None or sent.address != source:
            return False
        if not is_authentic(datagram, sent.line.theirs):
            return False
        del self._under_way[transaction]
        if now - sent.at <= ANSWERED_WITHIN_S and sent.line.width.note(sent.place, now):
            sent.line.told(sent.line.width.bps, now)
        return True

    def _forget_old(self, now: float) -> None:
        for transaction, sent in list(self._under_way.items()):
            if now - sent.at <= ANSWERED_WITHIN_S:
                break
            del self._under_way[transaction]
