"""Redaction zones: stretches of a recording whose chunk keys are never given out, so that the rest stays provable (EVIDENCE.md, section 9).

A chunk that nobody may open keeps its place in the Merkle tree of its block: the chain is checked without reading it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from media.record.reader import BlockSeen, Damage, KeySource, Segment, examine, open_chunk, read_events

# What was sent in a zone may have come later: lost packets are asked for again for four seconds.
LATE_US = 4_000_000


@dataclass(frozen=True, slots=True)
class Zone:
    """From and to in unix microseconds; of one seat and source, None: of all. cause: why it is hidden."""

    from_us: int
    to_us: int
    seat: str | None
    source: str | None
    cause: str

    def hides(self, seat: str, source: str, after_us: int, until_us: int) -> bool:
        """Whether a chunk of this stream, with what arrived between these times, shows anything of the zone."""
        of_it = self.seat in (None, seat) and self.source in (None, source)
        return of_it and after_us < self.to_us + LATE_US and until_us > self.from_us


def zones_of(entries: Sequence[Mapping[str, Any]]) -> tuple[Zone, ...]:
    """From JSON. Raises KeyError, ValueError for one that has no end behind its beginning, or no cause."""
    zones = tuple(
        Zone(int(e["from_us"]), int(e["to_us"]), e.get("seat"), e.get("source"), str(e["cause"])) for e in entries
    )
    for zone in zones:
        if zone.to_us <= zone.from_us or not zone.cause.strip():
            raise ValueError("a redaction zone needs an end behind its beginning, and a cause")
    return zones


def hidden_places(segments: Sequence[Segment], keys: KeySource, zones: Sequence[Zone]) -> frozenset[tuple[int, int]]:
    """(block, chunk) of every chunk of media that shows anything of a zone. Events stay: they are the record of it."""
    places: set[tuple[int, int]] = set()
    streams: dict[int, tuple[str, str]] = {}
    before_us: int | None = None
    for seen in examine(segments, content=False) if zones else ():
        if not isinstance(seen, BlockSeen):
            continue
        block = seen.block
        # The first block of a writer has none before it: it holds at most what a block holds.
        after_us = block.wall_us - LATE_US if before_us is None else min(before_us, block.wall_us)
        for chunk in block.chunks:
            if chunk.stream is None:
                streams |= _declared(seen, chunk.index, keys)
            elif any(zone.hides(*streams.get(chunk.stream, ("", "")), after_us, block.wall_us) for zone in zones):
                places.add((block.number, chunk.index))
        before_us = block.wall_us
    return frozenset(places)


def _declared(seen: BlockSeen, chunk: int, keys: KeySource) -> dict[int, tuple[str, str]]:
    """Streams that this chunk of events declares: number -> (seat, source)."""
    opened = open_chunk(seen, chunk, keys)
    if isinstance(opened, Damage) or opened.plaintext is None:
        return {}
    found = (event for event in read_events(opened.plaintext) if event.get("kind") == "stream")
    return {int(event["data"]["stream"]): (str(event["seat"]), str(event["data"]["source"])) for event in found}


class KeysWithout:
    """A source of keys that keeps some chunks closed."""

    def __init__(self, keys: KeySource, places: frozenset[tuple[int, int]]) -> None:
        self._keys = keys
        self._places = places

    def chunk_key(self, segment: Segment, block: int, chunk: int) -> bytes | None:
        return None if (block, chunk) in self._places else self._keys.chunk_key(segment, block, chunk)
