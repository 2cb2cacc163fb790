"""Which layer of each picture a subscriber gets out of his budget. Pure.

Rules, in this order:
1. Audio is not asked: it is always sent.
2. Each picture gets its smallest layer, documents and screens before faces, faces by who was last heard to speak, then in the order of the
   slots. A face that is shown keeps its place until another has been heard STAYS_S longer: each exchange costs a key frame.
3. What is left raises one picture after another by one step, in the order of the slots, until nothing fits: who speaks is no reason to
   exchange sizes that both fit.
4. What does not fit rule 2 is paused, the last first; but only when the line is known to be full (`scarce`).
5. A step up must fit with HEADROOM to spare, or layers would go to and fro with the estimate. What is shown already stays while
   KEEP of it fits: a browser that got less than we send believes in 0.85 of what came (bandwidth.py), so less would fit then. A
   smallest layer stays while KEEP_SMALLEST of it fits: a picture that comes late is better than none, and a belief may err.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PAUSED: Final = -1
HEADROOM: Final = 1.15
KEEP: Final = 0.85
KEEP_SMALLEST: Final = 0.5
STAYS_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a subscriber. `rates`: bit/s of its layers that arrive, from small to large; `shown`: which of them he has."""

    rates: tuple[int, ...]
    shown: int = PAUSED
    sharp: bool = False  # a document or a screen
    spoke_at: float = float("-inf")  # when its person was last heard

    @property
    def claim(self) -> tuple[bool, float]:
        """The smaller, the earlier it gets its smallest layer."""
        return not self.sharp, -(self.spoke_at + (STAYS_S if self.shown != PAUSED else 0.0))


def allot(budget_bps: int, pictures: Sequence[Picture], *, scarce: bool = True, stuck: bool = False) -> list[int]:
    """The layer of each picture: an index of its `rates`, or PAUSED."""
    order = sorted(range(len(pictures)), key=lambda i: not pictures[i].sharp)
    chosen = [PAUSED] * len(pictures)
    left = float(budget_bps)
    smallest = KEEP if stuck else KEEP_SMALLEST
    for i in sorted(order, key=lambda i: pictures[i].claim):
        left = _raise(chosen, i, pictures[i], left, smallest, surely=not scarce)
    moved = True
    while moved:
        before = list(chosen)
        for i in order:
            if chosen[i] != PAUSED:
                left = _raise(chosen, i, pictures[i], left)
        moved = chosen != before
    return chosen


def _raise(
    chosen: list[int], i: int, picture: Picture, left: float, smallest: float = KEEP, *, surely: bool = False
) -> float:
    """One step up if it fits, or surely; returns what is left then."""
    step = chosen[i] + 1
    if step >= len(picture.rates):
        return left
    cost = picture.rates[step] - (picture.rates[chosen[i]] if chosen[i] != PAUSED else 0)
    kept = step <= picture.shown
    price = cost * (KEEP if kept else HEADROOM)
    enough = cost * smallest if kept and not step else price
    if enough > left and not surely:
        return left
    chosen[i] = step
    return max(0.0, left - price)


def next_step_bps(pictures: Sequence[Picture], chosen: Sequence[int]) -> int | None:
    """The least budget that raises one of them by one step; None when all are at their top."""
    steps: list[int] = []
    for i, picture in enumerate(pictures):
        if chosen[i] + 1 < len(picture.rates):
            steps.append(_price([*chosen[:i], chosen[i] + 1, *chosen[i + 1 :]], pictures))
    return min(steps) if steps else None


def _price(chosen: Sequence[int], pictures: Sequence[Picture]) -> int:
    """The budget under which `allot` lets this be."""
    price = 0.0
    for picture, at in zip(pictures, chosen, strict=True):
        below = 0
        for step, rate in enumerate(picture.rates[: at + 1]):
            price += (rate - below) * (HEADROOM if step > picture.shown else KEEP)
            below = rate
    return int(price) + 1
