"""What is done about a line that loses by chance on its way to us: its browser is not told, and is asked for what is missing until it is there.

And about one on which packets overtake each other: its browser is told no time of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

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


# What a browser whose line loses by chance shall take its round trip for: what it is asked for again, it sends again.
RTT_TOLD_S: Final = 0.05


def told_sooner_s(sender: Sender) -> float:
    """How much shorter than it is his round trip is told (core/reception.py)."""
    return max(0.0, sender.quality.rtt_s - RTT_TOLD_S) if _persists(sender.lane) else 0.0


def _persists(lane: Lane) -> bool:
    """Whether to ask until it is there: not where most of what is missing is only late."""
    return lane.arrivals.line.loses and not lane.arrivals.overtaking.often


def begin_line(path: ForwardPath, lane: Lane) -> None:
    """Its browser is about to send for the first time."""
    path.tell_gently(lane, forgives=lane.arrivals.line.undecided, at_once=False)


def look_at_line(sender: Sender, path: ForwardPath, now: float) -> None:
    """Once a second and peer."""
    lane, line = sender.lane, sender.lane.arrivals.line
    line.look(_counted(lane, sender.ups, now), sender.quality.rtt_s)
    overtaken = sum(up.loss.overtaken for up in sender.ups)
    overtaking = lane.arrivals.overtaking
    overtaking.look(sum(up.reception.lost()[0] for up in sender.ups), overtaken, sender.quality.rtt_s, now)
    path.tell_gently(lane, forgives=line.by_chance or line.undecided, at_once=overtaking.often)
    for up in sender.ups:
        up.loss.persists = _persists(lane)


def _counted(lane: Lane, ups: Sequence[UpStream], now: float) -> Counted:
    """By the numbers over all streams where they are noted here, else by each stream's."""
    octets = sum(up.octets for up in ups)
    arrivals = lane.arrivals
    if arrivals.forgives and lane.count_ident:
        return Counted(arrivals.expected, arrivals.expected - arrivals.came, octets, now, by_number=True)
    pairs = [up.reception.lost() for up in ups]
    return Counted(sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs), octets, now, by_number=False)
