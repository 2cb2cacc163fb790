"""Asks for the lost ends of pictures on lines that lose by chance (core/picture_end.py), between the packets that would tell of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from media.core.loss import REPEAT_S
from media.core.picture_end import LOOKS_FOR_S, PictureEnd
from media.core.rtcp import Nack, write_compound
from media.core.seqno import FIRST_CYCLE, SEQ_MASK, unwrap_seq
from media.forward.path import ForwardPath, Lane, UpStream

# Attended once a second: who was not for so long is gone.
ATTENDED_S: Final = 2.5


@dataclass(slots=True)
class _Line:
    """One person's."""

    path: ForwardPath
    ups: Sequence[UpStream]
    until: float
    came: dict[int, float] = field(default_factory=dict)  # extended number over all streams -> when
    ends: dict[UpStream, PictureEnd] = field(default_factory=dict)
    newest: int = -1

    def note(self, arrived: Sequence[tuple[int, float]], now: float) -> None:
        for seq, at in arrived:
            number = FIRST_CYCLE + seq if self.newest < 0 else unwrap_seq(seq, self.newest)
            self.newest = max(self.newest, number)
            self.came.setdefault(number, at)
        for number in [number for number, at in self.came.items() if now - at > 2 * LOOKS_FOR_S]:
            del self.came[number]


class PictureEnds:
    """One per worker. Who is `attended` is looked at each REPEAT_S; others cost nothing."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.monotonic) -> None:
        self._loop, self._clock = loop, clock
        self._lines: dict[Lane, _Line] = {}
        self._timer: asyncio.TimerHandle | None = None

    def attend(self, path: ForwardPath, lane: Lane, ups: Sequence[UpStream], now: float) -> None:
        """Once a second. `ups` of a line that forgives its losses (core/transport_cc.py), where what came is noted here."""
        videos = [up for up in ups if up.kind == "video" and up.nack]
        if not (videos and lane.arrivals.forgives and lane.count_ident):
            self._lines.pop(lane, None)
            return
        line = self._lines.setdefault(lane, _Line(path, videos, now))
        line.ups, line.until = videos, now + ATTENDED_S
        line.ends = {up: line.ends.get(up) or PictureEnd() for up in videos}
        if self._timer is None:
            self._timer = self._loop.call_later(REPEAT_S, self._look)

    def _look(self) -> None:
        now = self._clock()
        for lane, line in list(self._lines.items()):
            if now > line.until or not lane.arrivals.forgives:
                del self._lines[lane]
                continue
            line.note(lane.arrivals.noted(), now)
            for up in line.ups:
                self._ask(lane, line, up, now)
        self._timer = self._loop.call_later(REPEAT_S, self._look) if self._lines else None

    def _ask(self, lane: Lane, line: _Line, up: UpStream, now: float) -> None:
        if up.paused or up.loss.highest < 0:
            return
        numbers = line.ends[up].look(line.came, up.loss.highest, up.last_at, now)
        if numbers:
            seqs = tuple(number & SEQ_MASK for number in numbers)
            line.path.send_rtcp(lane, write_compound([Nack(lane.rtcp_ssrc, up.ssrc, seqs)]))
