"""Key frames that just came, and all since, on their way to newcomers (forward/catching_up.py): what his line bears at once goes at once.

The rest leaves at the pace of repairs (core/pacer.py), but faster than it comes, in its order, the pictures of one person one after the
other: a run of ninety packets is more than the queue of a narrow line holds, and what falls out of it is the key frame or somebody's voice.
What comes meanwhile waits behind the run, so nothing overtakes it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from media.adapting import Adapting
from media.core.pacer import LEAST_BPS, PACE
from media.forward.catching_up import COMPLETE
from media.forward.path import DownStream, ForwardPath, UpStream

log = logging.getLogger(__name__)

TICK_S: Final = 0.01
# Than his pictures come: they will flow to him in any case, and a run of LATEST_S is caught up with before the cache forgets it.
FASTER: Final = 3.0
# Of the budget, for all his pictures: a small picture with what came since, on a line of which nothing is known.
AT_ONCE_S: Final = 0.3


@dataclass(slots=True)
class _Run:
    """One picture: what comes next."""

    up: UpStream
    down: DownStream
    ext: int


@dataclass(slots=True)
class _Line:
    """One newcomer's. `credit`: bits that may go now."""

    credit: float
    at: float
    runs: list[_Run] = field(default_factory=list)


class Beginnings:
    """See the module. One per worker; nothing is kept of who has everything."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, path: ForwardPath, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._loop, self._path, self._clock = loop, path, clock
        self._lines: dict[Adapting, _Line] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, adapting: Adapting, up: UpStream, down: DownStream, since: float, now: float) -> bool:
        """Whether there is something to begin with; as ForwardPath.catch_up."""
        if not self._path.catch_up(up, down, since, now):
            return False
        line = self._lines.get(adapting)
        if line is None:
            line = self._lines[adapting] = _Line(AT_ONCE_S * _rate(adapting, now), now)
        line.runs = [*(run for run in line.runs if run.down is not down), _Run(up, down, up.key_ext)]
        self._let_go(line, now)
        self._wait()
        return True

    def _on_timer(self) -> None:
        now, self._timer = self._clock(), None
        for adapting, line in list(self._lines.items()):
            try:
                is_over = self._go_on(adapting, line, now)
            except Exception:
                log.exception("somebody's beginning broke")
                is_over = True
            if is_over:
                del self._lines[adapting]
        self._wait()

    def _go_on(self, adapting: Adapting, line: _Line, now: float) -> bool:
        """Whether he has everything, and might be sent as much again."""
        line.runs = [run for run in line.runs if run.down.up is run.up]
        rate, comes = _rate(adapting, now), sum(run.up.rate.bps for run in line.runs)
        earned = max(PACE * rate, FASTER * comes) * (now - line.at)
        line.credit, line.at = min(max(AT_ONCE_S * rate, earned), line.credit + earned), now
        self._let_go(line, now)
        return not line.runs and line.credit >= AT_ONCE_S * rate

    def _wait(self) -> None:
        if self._lines and self._timer is None:
            self._timer = self._loop.call_later(TICK_S, self._on_timer)

    def _let_go(self, line: _Line, now: float) -> None:
        while line.runs and line.credit > 0:
            run = line.runs[0]
            run.ext, bits = self._path.send_on(run.up, run.down, run.ext, line.credit, now)
            line.credit -= bits
            if run.ext == COMPLETE:
                del line.runs[0]


def _rate(adapting: Adapting, now: float) -> int:
    return max(LEAST_BPS, adapting.estimate.budget_bps(now))
