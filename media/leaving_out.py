"""Which layers a person's browser is told to leave out, and what that means for those that are left out (core/resting.py decides)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from media.adapting import is_alive
from media.control.messages import Layers
from media.core.resting import SMALL, Resting
from media.core.slots import EXTRA_PICTURES
from media.forward.path import UpStream
from media.seat import Seat

SMALL_BPS: Final = 40_000  # a page that was told so sends less


def note_rate(up: UpStream, now: float) -> None:
    """Measure a stream. One that rests keeps the rate it had: by that it is chosen again."""
    rests = now < up.counts_until and (up.counts_until == float("inf") or not is_alive(up, now))
    (up.rate.skip if rests else up.rate.note)(up.octets, now)


def leave_out(room: str, seat: Seat, recorded: bool, rest_after_s: float, now: float) -> Iterator[Layers]:
    """On a timer: for each picture whose browser has to be told what to send, the event that tells it."""
    for line in seat.up_lines():
        layers = seat.peer.layers_of(line) if len(line.rids) > 1 else []
        if not layers or layers[0].paused:
            continue
        resting = seat.resting.get((line.mid, line.rids))
        if resting is None:
            resting = seat.resting[line.mid, line.rids] = Resting(line.rids, rest_after_s, now)
        used = {up.rid for up in layers if up.downs or up.waiting or up.tap is not None}
        if recorded:
            used.add(line.rids[-1])
        coming = {up.rid for up in layers if is_alive(up, now)}
        small = seat.adapting.small and line.source not in EXTRA_PICTURES
        if small and layers[0].rate.bps < SMALL_BPS:
            coming.add(SMALL)
        told = resting.look(used, coming, now, small=small)
        for up in layers:
            up.counts_until = resting.counts_until(up.rid)
        if told is not None:
            yield Layers(
                at=time.time(),
                room=room,
                seat=seat.name,
                connection=seat.connection,
                source=line.source or "",
                send=list(told),
            )
