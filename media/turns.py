"""Work that comes round for everybody, a few at a time and evenly: no packet waits until all of a full worker have had their turn.

Ninety people looked at one after the other take four milliseconds; fifteen of them, six times in a round, less than one each time.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

log = logging.getLogger(__name__)

AT_ONCE: Final = 15
# More steps than this would cost more in waking up than they spare in waiting.
MOST_STEPS: Final = 20
T = TypeVar("T")


def shares(members: Sequence[T], at_once: int = AT_ONCE) -> list[Sequence[T]]:
    """The members in order, cut into so many nearly equal parts as a round has steps; at least one, which may be empty."""
    count = len(members)
    steps = max(1, min(MOST_STEPS, math.ceil(count / at_once)))
    return [members[step * count // steps : (step + 1) * count // steps] for step in range(steps)]


async def take_turns(
    round_s: float,
    gather: Callable[[], Sequence[T]],
    work: Callable[[Sequence[T], int, int], None],
    at_once: int = AT_ONCE,
) -> None:
    """Rounds without end, each of about `round_s` seconds.

    gather  begins a round: who has a turn in it.
    work    about `at_once` of them, and which step of how many this is; they may have left since the round began.
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
            try:
                work(some, number, len(steps))
            except Exception:
                log.exception("a turn broke")
