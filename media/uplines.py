"""What is done about a line that loses by chance on its way to us: its browser is not told, and is asked for what is missing until it is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from media.core.quality import SeatQuality
from media.core.up_line import Counted
from media.forward.path import ForwardPath, Lane, UpStream


class Sender(Protocol):
    """A peer, as far as he sends."""

    @property
    def lane(self) -> Lane: ...

    @property
    def quality(self) -> SeatQuality: ...

    @property
    def ups(self) -> Sequence[UpStream]: ...


def look_at_line(sender: Sender, path: ForwardPath, now: float) -> None:
    """Once a second and peer."""
    lane, line = sender.lane, sender.lane.arrivals.line
    line.look(_counted(lane, sender.ups, now), sender.quality.rtt_s)
    path.forgive(lane, line.by_chance)
    for up in sender.ups:
        up.loss.persists = line.by_chance


def _counted(lane: Lane, ups: Sequence[UpStream], now: float) -> Counted:
    """By the numbers over all streams where they are noted here, else by each stream's."""
    octets = sum(up.octets for up in ups)
    arrivals = lane.arrivals
    if arrivals.forgives and lane.count_ident:
        return Counted(arrivals.expected, arrivals.expected - arrivals.came, octets, now, by_number=True)
    pairs = [up.reception.lost() for up in ups]
    return Counted(sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs), octets, now, by_number=False)
