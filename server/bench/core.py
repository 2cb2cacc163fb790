"""What a benchmark says, and the arithmetic behind it. Pure: no clock, no process, no printing.

Figures of one machine on one day say little; ratios taken in the same seconds say much. So every comparison here is *paired*: in each
round ours and the peer are measured one shortly after the other, the ratio is taken inside the round, and the median, the smallest and
the largest of these ratios are reported.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

# Latency histogram: bucket i holds the values up to 2**(i / 20) microseconds. 20 steps an octave are 3.5 % each; 400 reach 1.05 s.
STEPS_PER_OCTAVE = 20
HISTOGRAM_SIZE = 400

Number = int | float
Value = int | float | str


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `unit` is `us`, `ms`, `s`, `min`, `share` (of 1), `B`, `KiB`, `1/s`, `count` or `name`."""

    value: Value
    unit: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours divided by the peer's, over the rounds in which both were measured. Below 1: ours is cheaper."""

    median: float
    min: float
    max: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Result:
    """All that one benchmark found. `absent` tells for each figure or ratio that could not be measured why, and how to get it."""

    name: str
    machine: Mapping[str, Value]
    versions: Mapping[str, str]
    figures: Mapping[str, Figure]
    ratios: Mapping[str, Ratio] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)


def paired_ratio(ours: Mapping[int, Number], peer: Mapping[int, Number]) -> Ratio | None:
    """Ratios of two series keyed by round number; None where no round holds both, or the peer's value is not positive."""
    ratios = [ours[n] / peer[n] for n in sorted(ours) if peer.get(n, 0) > 0]
    if not ratios:
        return None
    return Ratio(round(median(ratios), 4), round(min(ratios), 4), round(max(ratios), 4), len(ratios))


def bucket_of(microseconds: float) -> int:
    """The histogram bucket of one latency; below 1 us counts as 1 us, beyond the end as the last bucket."""
    steps = math.ceil(STEPS_PER_OCTAVE * math.log2(max(microseconds, 1.0)))
    return min(steps, HISTOGRAM_SIZE - 1)


def percentile_us(histogram: Sequence[int], share: float) -> float | None:
    """Upper edge (us) of the bucket that holds the value at `share` (0..1) of all; None for an empty histogram."""
    total = sum(histogram)
    if total == 0:
        return None
    seen = 0
    for index, count in enumerate(histogram):
        seen += count
        if seen >= share * total and count:
            return float(round(2 ** (index / STEPS_PER_OCTAVE), 1))
    raise AssertionError("a share above 1 was asked for")


def quantile(values: Sequence[float], share: float) -> float:
    """The value at `share` (0..1) of the sorted values, nearest rank: never a value that was not measured.

    Raises   ValueError for no values.
    """
    if not values:
        raise ValueError("values: none were measured")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def extended(sequence: int, highest: int) -> int:
    """The 16-bit number as an index that does not wrap: the candidate nearest to `highest`. Source: RFC 3711 section 3.3.1."""
    return highest + ((sequence - highest + 0x8000) & 0xFFFF) - 0x8000


def loss_share(flows: Sequence[tuple[int, int]], flows_expected: int) -> float:
    """Share of lost packets over all flows, one flow being one stream as one receiver sees it.

    flows           (expected, received) per flow, expected from the span of its sequence numbers.
    flows_expected  how many flows there ought to be; a flow of which nothing came counts as lost whole, at the mean size of the others.
    Returns         0..1; 1 when nothing came at all though something was expected.
    """
    if flows_expected == 0:
        return 0.0
    expected = sum(flow[0] for flow in flows)
    if expected == 0:
        return 1.0
    lost = sum(max(0, flow[0] - flow[1]) for flow in flows)
    silent = max(0, flows_expected - len(flows)) * expected / len(flows)
    return (lost + silent) / (expected + silent)


def to_json(result: Result) -> str:
    """One line. Keys stand in this order in every benchmark and every version."""
    return json.dumps(
        {
            "name": result.name,
            "machine": dict(result.machine),
            "versions": dict(result.versions),
            "figures": {key: {"value": figure.value, "unit": figure.unit} for key, figure in result.figures.items()},
            "ratios": {
                key: {"median": ratio.median, "min": ratio.min, "max": ratio.max, "rounds": ratio.rounds}
                for key, ratio in result.ratios.items()
            },
            "absent": dict(result.absent),
        },
        ensure_ascii=False,
        allow_nan=False,
    )


def to_table(result: Result) -> str:
    """The same for reading."""
    rows = [f"bench {result.name}", ""]
    rows += _aligned([(key, str(value)) for key, value in {**result.machine, **result.versions}.items()])
    rows += ["", *_aligned([(key, f"{figure.value} {figure.unit}") for key, figure in result.figures.items()])]
    if result.ratios:
        rows += ["", *_aligned([(key, _ratio_text(ratio)) for key, ratio in result.ratios.items()])]
    if result.absent:
        rows += ["", "not measured", *_aligned(list(result.absent.items()))]
    return "\n".join(rows)


def _ratio_text(ratio: Ratio) -> str:
    return f"{ratio.median:.3f}  [{ratio.min:.3f} to {ratio.max:.3f}, {ratio.rounds} rounds]"


def _aligned(pairs: Sequence[tuple[str, str]]) -> list[str]:
    width = max((len(key) for key, _ in pairs), default=0)
    return [f"  {key.ljust(width)}  {text}" for key, text in pairs]
