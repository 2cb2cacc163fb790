"""From RTP timestamps to one timeline: the session's.

Three clocks take part: the stream's RTP clock, the sender's wall clock (NTP), and our arrival clock. Two steps join them.

1. Sender reports pair the RTP clock with the sender's wall clock. Both streams of a person lie on the same wall clock afterwards, which is
   what keeps lips and voice together, whatever the network does to either.
2. A packet arrives later than it was sent, never earlier: the lower envelope of (arrival - sent) is the offset of the two clocks plus the
   least delay. It is a convex chain of lines, so that a sender's clock that runs fast or slow is followed for hours.

Source: RFC 3550 section 6.4.1 and appendix A.8.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]

# Chromium's reports are exact to a few ms; ten of them average that away and still follow a drift within ten seconds.
REPORTS_PER_KNOT = 10
# A report this far from what the RTP clock says is a jump of the sender's wall clock, not jitter: 100 ms is 2 s of a clock 5 % wrong.
JUMP_US = 100_000
# Below a minute a slope from measured points is worth less than the nominal one.
TRUSTED_SPAN_US = 60_000_000
# Quartz is good to 200 ppm; a steeper envelope is a queue that drains, not a clock.
MAX_DRIFT = 500e-6


class ClockUnknown(ValueError):
    """A stream has no sender report and no packet to place it by."""


@dataclass(frozen=True, slots=True)
class Line:
    """A chain of straight pieces through the knots, continued with `before` and `after` (slopes) beyond its ends."""

    knots: tuple[Point, ...]
    before: float
    after: float

    def at(self, x: float) -> float:
        knots = self.knots
        index = bisect_right(knots, (x, float("inf")))
        if index == 0:
            x0, y0 = knots[0]
            return y0 + (x - x0) * self.before
        x0, y0 = knots[index - 1]
        if index == len(knots):
            return y0 + (x - x0) * self.after
        x1, y1 = knots[index]
        return y0 + (x - x0) * (y1 - y0) / (x1 - x0)


def ntp_us(ntp: int) -> int:
    """Microseconds of a 64-bit NTP time, 32.32 fixed point, since 1900."""
    return (ntp * 1_000_000) >> 32


def sender_line(reports: Sequence[tuple[int, int]], clock_rate: int) -> Line:
    """The line from extended RTP timestamps to the sender's wall clock in microseconds.

    reports  (extended RTP timestamp, NTP microseconds) in the order received; jumps of the wall clock are taken out.
    Raises   ClockUnknown without a report.
    """
    if not reports:
        raise ClockUnknown("no sender report")
    nominal = 1e6 / clock_rate
    points = _without_jumps(sorted(set(reports)), nominal)
    knots = _centroids(points)
    trusted = (knots[-1][0] - knots[0][0]) * nominal >= TRUSTED_SPAN_US
    slope = (knots[-1][1] - knots[0][1]) / (knots[-1][0] - knots[0][0]) if trusted else nominal
    return Line(knots if trusted else (_centroid(points),), slope, slope)


def _without_jumps(reports: Sequence[tuple[int, int]], nominal: float) -> list[Point]:
    points: list[Point] = [(float(reports[0][0]), float(reports[0][1]))]
    taken_out = 0.0
    for (rtp_before, ntp_before), (rtp, ntp) in pairwise(reports):
        off = (ntp - ntp_before) - (rtp - rtp_before) * nominal
        taken_out += off if abs(off) > JUMP_US else 0.0
        if rtp > rtp_before:
            points.append((float(rtp), ntp - taken_out))
    return points


def _centroids(points: Sequence[Point]) -> tuple[Point, ...]:
    groups = [points[at : at + REPORTS_PER_KNOT] for at in range(0, len(points), REPORTS_PER_KNOT)]
    if len(groups) > 1 and len(groups[-1]) < REPORTS_PER_KNOT:
        groups[-2:] = [[*groups[-2], *groups[-1]]]
    return tuple(_centroid(group) for group in groups)


def _centroid(points: Sequence[Point]) -> Point:
    # Sums over differences: NTP microseconds are near 2**52, where a sum of ten would lose its last bits.
    x0, y0 = points[0]
    size = len(points)
    return x0 + sum(x - x0 for x, _ in points) / size, y0 + sum(y - y0 for _, y in points) / size


def arrival_line(samples: Sequence[tuple[float, float]]) -> Line:
    """The line from the sender's clock to our arrival clock, both in microseconds: the lower envelope of the delays.

    samples  (sent, arrived) of packets, in any order; thousands are fine, one per half second is enough.
    Raises   ClockUnknown without a sample.
    """
    if not samples:
        raise ClockUnknown("no packet")
    hull = _lower_hull(sorted((sent, arrived - sent) for sent, arrived in samples))
    spans = [((b[1] - a[1]) / (b[0] - a[0]), b[0] - a[0], a, b) for a, b in pairwise(hull)]
    slopes = [piece for piece in spans if abs(piece[0]) <= MAX_DRIFT]
    if not slopes or hull[-1][0] - hull[0][0] < TRUSTED_SPAN_US:
        sent, delay = min(hull, key=lambda point: point[1])
        return Line(((sent, sent + delay),), 1.0, 1.0)
    kept = [slopes[0][2], *(piece[3] for piece in slopes)]
    first, last = 1 + slopes[0][0], 1 + slopes[-1][0]
    return Line(tuple((sent, sent + delay) for sent, delay in kept), first, last)


def _lower_hull(points: Sequence[Point]) -> list[Point]:
    """Andrew's monotone chain, lower half; one point per x."""
    hull: list[Point] = []
    for point in points:
        if hull and hull[-1][0] == point[0]:
            continue
        while len(hull) > 1 and _right_turn(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _right_turn(a: Point, b: Point, c: Point) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) <= 0


@dataclass(frozen=True, slots=True)
class Placement:
    """Puts the timestamps of one stream on the arrival clock."""

    sender: Line
    arrival: Line

    def place(self, rtp: int) -> int:
        """Microseconds of the arrival clock at which this extended RTP timestamp was captured, plus the least delay."""
        return round(self.arrival.at(self.sender.at(rtp)))


def nominal_line(clock_rate: int) -> Line:
    """Stands in for sender_line when a stream never sent a report: its own RTP clock, in microseconds."""
    slope = 1e6 / clock_rate
    return Line(((0.0, 0.0),), slope, slope)
