"""Which layers of a picture its browser may leave out: nobody has taken them for a while. Pure.

A layer that is wanted again takes a message to the page and a key frame, so one rests only after `rest_after_s`, and counts as there
from when somebody wants it until WAKE_S later (`counts_until`). What the page was told is said again while something else comes: a
page may have missed it, or may have made a new connection meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

REPEAT_S: Final = 5.0
REPEAT_AT_LATEST_S: Final = 60.0  # a browser whose line carries no more than it sends is not talked to for ever
WAKE_S: Final = 3.0
SMALL: Final = (
    "small"  # a word among the layers: the smallest of them shall take no more than beside a voice on 64 kbit/s
)


class Resting:
    """One line with layers; `rids` from small to large. At first all are wanted."""

    __slots__ = ("_repeat_at", "_repeat_s", "_rest_after_s", "_rids", "_used_at", "_wanted", "_woken_at")

    def __init__(self, rids: Sequence[str], rest_after_s: float, now: float) -> None:
        self._rids = rids
        self._rest_after_s = rest_after_s
        self._used_at = dict.fromkeys(rids, now)
        self._wanted = tuple(rids)
        self._woken_at: dict[str, float] = {}
        self._repeat_s = REPEAT_S
        self._repeat_at = now + REPEAT_S

    def look(
        self, used: Collection[str], coming: Collection[str], now: float, *, small: bool = False
    ) -> tuple[str, ...] | None:
        """What the browser shall send, when it has to be told so; else None.

        used    what somebody is sent, waits for or records.   coming  what comes; SMALL if it does.
        small   whether the smallest shall be smaller still.
        """
        self._used_at.update(dict.fromkeys(used, now))
        # Whoever comes next has a picture at once, if a small one.
        lately = [rid for rid in self._rids if now - self._used_at[rid] < self._rest_after_s]
        wanted = (*(lately or self._rids[:1]), *([SMALL] if small else []))
        if wanted != self._wanted:
            self._woken_at.update({rid: now for rid in wanted if rid not in self._wanted})
            self._wanted, self._repeat_s = wanted, REPEAT_S
        elif set(coming) == set(wanted) or now < self._repeat_at:
            return None
        else:
            self._repeat_s = min(REPEAT_AT_LATEST_S, 2 * self._repeat_s)
        self._repeat_at = now + self._repeat_s
        return wanted

    def counts_until(self, rid: str) -> float:
        """Until when a layer counts as there although nothing comes: for ever while it rests."""
        return self._woken_at.get(rid, float("-inf")) + WAKE_S if rid in self._wanted else float("inf")
