"""Repairs on their way to subscribers who asked for many at once: core/pacer.py says when, a timer lets them go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from media.adapting import Adapting
from media.core.pacer import AT_ONCE_BITS, Pacer
from media.forward.path import DownStream

TICK_S: Final = 0.01
PACKET_BITS: Final = 10_000
FEW: Final = AT_ONCE_BITS // PACKET_BITS
Send = Callable[[DownStream, Sequence[int], float], object]
Wanted = tuple[DownStream, int]


class Spreading:
    """See the module. One per worker; nothing is kept of who asks for few."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pacers: dict[Adapting, tuple[Pacer[Wanted], Send]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def takes(self, adapting: Adapting, seqs: Sequence[int]) -> bool:
        """Whether these have to wait for one another, or for others."""
        return len(seqs) > FEW or adapting in self._pacers

    def put(self, adapting: Adapting, down: DownStream, seqs: Sequence[int], send: Send, now: float) -> list[int]:
        """Send them in their time by `send`; returns numbers that are given up."""
        pacer, _ = self._pacers.setdefault(adapting, (Pacer(now), send))
        budget_bps = adapting.estimate.budget_bps(now)
        given_up = [pacer.put((down, seq), PACKET_BITS, budget_bps) for seq in seqs]
        self._let_go(adapting, now)
        if self._timer is None and self._pacers:
            self._timer = self._loop.call_later(TICK_S, self._on_timer)
        return [wanted[1] for wanted in given_up if wanted is not None and wanted[0] is down]

    def _on_timer(self) -> None:
        now = time.monotonic()
        for adapting in list(self._pacers):
            self._let_go(adapting, now)
        self._timer = self._loop.call_later(TICK_S, self._on_timer) if self._pacers else None

    def _let_go(self, adapting: Adapting, now: float) -> None:
        pacer, send = self._pacers[adapting]
        due: dict[DownStream, list[int]] = {}
        for down, seq in pacer.due(adapting.estimate.budget_bps(now), now):
            due.setdefault(down, []).append(seq)
        for down, seqs in due.items():
            send(down, seqs, now)
        if not pacer:
            del self._pacers[adapting]
