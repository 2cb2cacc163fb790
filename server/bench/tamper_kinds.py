"""Damage of every kind to a pack, by chance and seed, and whether a finding says where it is.

    flip          one bit anywhere in the archive
    drop, swap    blocks of the journal left out, or two of them exchanged
    truncate      the archive, or the journal inside a rebuilt archive, cut off anywhere
    redate        a block says another time, and its own digest is computed anew

A rebuilt archive has right sizes, offsets and CRCs: what is found then is found by digests and the chain, not by zip.
*Located* means: a finding names the file, and for the journal a block beside the damage and a second within one of its own.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from media.record.chain import Head, after_block
from media.record.layout import canonical, encode_block
from media.record.packs.archive import ArchiveWriter, Member, content, read_members
from media.record.reader import BlockSeen, Damage, Segment, examine
from server.bench.sample_pack import BLOCK_US

JOURNAL = "journal/r1/journal-000000.lzj"
SEGMENT = "journal-000000.lzj"
WITHIN_S = 1.0
# Besides single flips.
KINDS = ("drop", "swap", "truncate", "redate")


@dataclass(frozen=True, slots=True)
class Tampered:
    """A damaged pack: what was done, the file it is in, and the blocks (of the whole journal) it touches; none: not in the journal."""

    kind: str
    data: bytes
    file: str
    blocks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """One block of the sample's journal: its bytes [start, end) in the segment."""

    number: int
    start: int
    end: int


class Tamperer:
    """Knows a whole pack and does one damage at a time to a copy of it."""

    def __init__(self, pack: bytes, seed: int) -> None:
        self._pack, self._seed, self._dice = pack, seed, random.Random(seed)
        self._members, problem = read_members(memoryview(pack))
        assert problem is None, problem
        self._journal = bytes(content(memoryview(pack), self._of(JOURNAL)))
        seen = [one for one in examine([Segment(SEGMENT, memoryview(self._journal))]) if isinstance(one, BlockSeen)]
        ends = [one.body + one.block.body_bytes for one in seen]
        self._seen = seen
        self._blocks = [
            Block(one.block.number, start, end)
            for one, start, end in zip(seen, [self._journal.find(b"LZB1"), *ends[:-1]], ends, strict=True)
        ]

    def damaged(self, kind: str, number: int) -> Tampered:
        """The `number`-th damage of this seed, whatever was done before it."""
        self._dice = random.Random(f"{self._seed} {number}")
        damage: Callable[[], Tampered] = getattr(self, kind)
        return damage()

    def flip(self) -> Tampered:
        at, bit = self._dice.randrange(len(self._pack)), self._dice.randrange(8)
        changed = bytearray(self._pack)
        changed[at] ^= 1 << bit
        holder = next((m for m in self._members if m.start <= at < m.start + m.size), None)
        if holder is None:
            return Tampered("flip", bytes(changed), "the archive")
        inside = at - holder.start
        hit = tuple(b.number for b in self._blocks if b.start <= inside < b.end) if holder.name == JOURNAL else ()
        return Tampered("flip", bytes(changed), holder.name, hit)

    def drop(self) -> Tampered:
        """One block less; not the last two, which only the manifest misses (that is what truncate shows)."""
        out = self._dice.choice(self._blocks[:-2])
        return self._with_blocks("drop", [b for b in self._blocks if b is not out], (out.number,))

    def swap(self) -> Tampered:
        one, other = sorted(self._dice.sample(range(len(self._blocks)), 2))
        order = list(self._blocks)
        order[one], order[other] = order[other], order[one]
        return self._with_blocks("swap", order, (one, other))

    def truncate(self) -> Tampered:
        if self._dice.random() < 0.5:
            return Tampered("truncate", self._pack[: self._dice.randrange(len(self._pack))], "the archive")
        at = self._dice.randrange(self._blocks[0].start, len(self._journal) - 1)
        last = max((b.number for b in self._blocks if b.end <= at), default=0)
        return Tampered("truncate", self._rebuilt(self._journal[:at]), "journal/r1", (last,))

    def redate(self) -> Tampered:
        """The block's time moved by up to an hour, and its own head computed anew, as a careful forger would."""
        index = self._dice.randrange(len(self._blocks) - 1)
        block = self._seen[index].block
        facts = json.loads(block.line)
        facts["wall_us"] += self._dice.choice([-1, 1]) * self._dice.randrange(1, 3_600_000_000)
        line = canonical(facts)
        head: Head = after_block(block.previous, block.number, line, block.leaves)
        body = self._journal[self._seen[index].body : self._blocks[index].end]
        forged = encode_block(line, block.leaves, head) + body
        place = self._blocks[index]
        journal = self._journal[: place.start] + forged + self._journal[place.end :]
        return Tampered("redate", self._rebuilt(journal), JOURNAL, (place.number,))

    def _with_blocks(self, kind: str, order: Sequence[Block], touched: tuple[int, ...]) -> Tampered:
        head = self._journal[: self._blocks[0].start]
        return Tampered(
            kind, self._rebuilt(head + b"".join(self._journal[b.start : b.end] for b in order)), JOURNAL, touched
        )

    def _rebuilt(self, journal: bytes) -> bytes:
        target = io.BytesIO()
        archive = ArchiveWriter(target)
        for member in self._members:
            archive.add(member.name, [journal if member.name == JOURNAL else content(memoryview(self._pack), member)])
        archive.close()
        return target.getvalue()

    def _of(self, name: str) -> Member:
        return next(member for member in self._members if member.name == name)


def is_located(done: Tampered, damages: Sequence[Damage]) -> bool:
    """Whether a finding says where it is."""
    if not done.blocks:
        # The names and sizes in the archive decide which member is read: damage there may show as the member's.
        return any(d.file == done.file for d in damages) or (done.file == "the archive" and bool(damages))
    near = {number + step for number in done.blocks for step in (-1, 0, 1)}
    return any(_names_second(d, done) for d in damages if d.block in near) or any(
        d.file == "journal/r1" and f"block {done.blocks[0]} " in d.what for d in damages
    )


def _names_second(damage: Damage, done: Tampered) -> bool:
    if damage.second is None:
        return False
    seconds = [(number * BLOCK_US) / 1e6 for number in done.blocks]
    return done.kind == "redate" or any(abs(damage.second - second) <= WITHIN_S for second in seconds)
