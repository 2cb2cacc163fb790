"""Work that comes round for everybody, a few at a time and evenly: no packet waits until all of a full worker have had their turn.

Ninety people looked at one after the other take thirty milliseconds when all are due a report, and they are when all came at once, as the
people of a worker that was killed do. So eight have their turn at a time, and whenever LONGEST_S of it are over,
the packets that have come go first. One after another they are cheaper than each at a time of his own: most of a turn is waiting for memory.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

log = logging.getLogger(__name__)

AT_ONCE: Final = 8
LONGEST_S: Final = 0.0003
# More steps than this would cost more in waking up than they spare in waiting.
MOST_STEPS: Final = 20
T = TypeVar("T")


def shares(members: Sequence[T], at_once: int = AT_ONCE) -> list[Sequence[T]]:
    """The members in order, cut into so many nearly equal parts as a round has steps; at least one, which may be empty."""
    count = len(members)
    steps = max(1, min(MOST_STEPS, math.ceil(count / at_once)))
    return [members[step * count // steps : (step + 1) * count // steps] for step in range(steps)]


def _nothing(_step: int, _steps: int) -> None:
    pass


async def take_turns(
    round_s: float,
    gather: Callable[[], Sequence[T]],
    work: Callable[[T], object],
    at_once: int = AT_ONCE,
    begin: Callable[[int, int], object] = _nothing,
) -> None:
    """Rounds without end, each of about `round_s` seconds.

    gather  begins a round: who has a turn in it.
    begin   a step of it, of `at_once` turns or so: which, of how many.
    work    is one's turn; he may have left since the round began.
    What breaks once is logged and tried again in the next round.
    """
    while True:
        try:
            steps = shares(gather(), at_once)
        except Exception:
            log.exception("a round did not begin")
            steps = [()]
        for number, some in enumerate(steps):
            await asyncio.sleep(round_s / len(steps))
            until = time.monotonic() + LONGEST_S
            _try(begin, number, len(steps))
            for member in some:
                if time.monotonic() >= until:
                    await asyncio.sleep(0)
                    until = time.monotonic() + LONGEST_S
                _try(work, member)


def _try(work: Callable[..., object], *arguments: Any) -> None:
    try:
        work(*arguments)
    except Exception:
        log.exception("a turn broke")
