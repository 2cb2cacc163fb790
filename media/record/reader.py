"""Reads a journal and says what is wrong with it, where and at which second (EVIDENCE.md, section 5).

One pass over the segments in order. Nothing is raised for damage: it is a value, and reading goes on behind it.
"""

from __future__ import annotations

import mmap
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag

from media.record import layout
from media.record.chain import (
    GENESIS,
    ChunkKeys,
    Head,
    after_block,
    after_segment,
    chunk_commitment,
    decrypt_chunk,
    key_id,
    sha256,
    sm3,
)
from media.record.layout import (
    BLOCK_MAGIC,
    PREFIX,
    BadLayout,
    Block,
    Chunk,
    SegmentHeader,
)
from media.record.segments import list_segments, parse_block, read_segment_header


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment file: its name for reports, its bytes, and its header once it was read."""

    name: str
    data: memoryview
    header: SegmentHeader | None = None


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it was written. second counts from the journal's first entry, by the wall clock."""

    file: str
    block: int | None
    second: float | None
    what: str

    def __str__(self) -> str:
        place = [self.file]
        place += [] if self.block is None else [f"block {self.block}"]
        place += [] if self.second is None else [f"second {self.second:.1f}"]
        return f"{', '.join(place)}: {self.what}"


@dataclass(frozen=True, slots=True)
class Note:
    """Something unusual that the journal itself declares or that a crash explains."""

    file: str
    what: str


@dataclass(frozen=True, slots=True)
class BlockSeen:
    """One block found; its chunks may still be damaged."""

    segment: Segment
    block: Block
    body: int

    def sealed(self, index: int) -> memoryview:
        start = self.body + sum(chunk.length for chunk in self.block.chunks[:index])
        return self.segment.data[start : start + self.block.chunks[index].length]


class KeySource(Protocol):
    """Where chunk keys come from: the session's key, or the ones released in a pack."""

    def chunk_key(self, segment: Segment, block: int, chunk: int) -> bytes | None: ...


class SessionKeys:
    """All chunk keys, from the session's key."""

    def __init__(self, session_key: bytes) -> None:
        self._key = session_key
        self._name = key_id(session_key)
        self._by_salt: dict[bytes, ChunkKeys] = {}

    def chunk_key(self, segment: Segment, block: int, chunk: int) -> bytes | None:
        header = segment.header
        if header is None or header.key_id != self._name:
            return None
        if header.salt not in self._by_salt:
            self._by_salt[header.salt] = ChunkKeys(self._key, header.salt)
        return self._by_salt[header.salt].key(block, chunk)


def load_segments(directories: Sequence[Path]) -> list[Segment]:
    """Segment files of one journal, which may lie on several volumes, mapped into memory and in order."""
    return [Segment(path.name, _map(path)) for path in list_segments(*directories)]


def _map(path: Path) -> memoryview:
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


Seen = BlockSeen | Damage | Note


class Examination:
    """State of one pass: the running head, and the heads that the next link may name."""

    def __init__(self, *, content: bool) -> None:
        self._content = content
        self.head = GENESIS
        self.accepted = {GENESIS.sha256}
        self.start_us: int | None = None
        self.last_us = 0

    def second(self, wall_us: int | None = None) -> float | None:
        if self.start_us is None:
            return None
        return max(0.0, ((self.last_us if wall_us is None else wall_us) - self.start_us) / 1e6)

    def accept(self, head: Head, stated: Head) -> None:
        self.head = stated
        self.accepted = {head.sha256, stated.sha256}

    def run(self, segments: Sequence[Segment]) -> Iterator[Seen]:
        """Every block in order, with damages and notes where they are."""
        declared = _declared_tears(segments)
        for index, raw in enumerate(segments):
            opened = yield from self._open(_before_tear(raw, declared), index)
            if opened is not None:
                end = yield from self._blocks(*opened)
                yield from self._tail(raw, end, declared, is_last=index == len(segments) - 1)
            elif raw.name in declared:
                yield Note(
                    raw.name, "not even its header was written when the writer stopped; declared by a later segment"
                )
            else:
                yield Damage(raw.name, None, self.second(), "the segment's header is not readable")

    def _open(self, raw: Segment, index: int) -> Generator[Seen, None, tuple[Segment, int] | None]:
        """Its result: the segment with its header and the offset of its first block, or None when it has none."""
        found = read_segment_header(raw.data)
        if found is None:
            return None
        header, first = found
        if self.start_us is None:
            self.start_us = self.last_us = header.wall_us
        if header.previous.sha256 not in self.accepted:
            said = "the journal's beginning is missing" if index == 0 else "the chain is broken before this segment"
            yield Damage(
                raw.name, None, self.second(), f"{said}: it continues a head that is not the one found before it"
            )
        head = after_segment(header.previous, header.line)
        self.accept(head, head)
        return Segment(raw.name, raw.data, header), first

    def _blocks(self, segment: Segment, at: int) -> Generator[Seen, None, int]:
        """Its result: the offset behind the last block found."""
        while True:
            found = parse_block(segment.data, at)
            if found is None:
                after = _next_block(segment.data, at + 1)
                if after is None:
                    return at
                yield Damage(
                    segment.name, self.head.block + 1, self.second(), f"bytes {at} to {after} are not a readable block"
                )
                at = after
            else:
                yield from self._block(BlockSeen(segment, found.block, found.body))
                at = found.end

    def _block(self, seen: BlockSeen) -> Iterator[Seen]:
        block, name = seen.block, seen.segment.name
        head = after_block(block.previous, block.number, block.line, block.leaves)
        # A header that was changed may say any time: then the block before it tells where we are.
        wall_us = block.wall_us if head == block.stated else self.last_us
        second = self.second(wall_us)
        if block.number != self.head.block + 1:
            yield Damage(
                name, block.number, second, f"expected block {self.head.block + 1}: blocks are missing or out of place"
            )
        elif block.previous.sha256 not in self.accepted:
            yield Damage(name, block.number, second, "the chain is broken before this block: it names another head")
        if head != block.stated:
            yield Damage(
                name,
                block.number,
                second,
                "the block's header was changed: it does not give the head written beside it",
            )
        self.accept(head, block.stated)
        self.last_us = wall_us
        yield seen
        for chunk in block.chunks if self._content else ():
            problem = _check_chunk(seen, chunk)
            if problem:
                yield Damage(name, block.number, second, problem)

    def _tail(self, segment: Segment, end: int, declared: dict[str, Tear], *, is_last: bool) -> Iterator[Seen]:
        rest = bytes(segment.data[end:])
        if not rest.strip(b"\x00"):
            return
        tear = declared.get(segment.name)
        if tear is not None and tear.holds(end, rest):
            yield Note(
                segment.name, f"{len(rest)} bytes of an unfinished block at the end, declared by the segment after it"
            )
        elif is_last and _unfinished(rest):
            yield Note(
                segment.name,
                f"{len(rest)} bytes of an unfinished block at the end: the writer was stopped and nobody continued",
            )
        else:
            yield Damage(
                segment.name,
                self.head.block + 1,
                self.second(),
                f"{len(rest)} bytes at the end are not a readable block",
            )


def examine(segments: Sequence[Segment], *, content: bool = True) -> Iterator[Seen]:
    """Check the whole chain. Yields blocks, damages and notes in the order of the journal.

    content  False: the ciphertexts' digests are not computed, for a second pass; opening a chunk still checks its tag
    """
    return Examination(content=content).run(segments)


@dataclass(frozen=True, slots=True)
class Tear:
    """What a later segment's header declares of a segment: behind so many bytes lies nothing of the journal, whatever it looks like.

    digest  of what lies there; None: nobody could read it
    """

    valid: int
    digest: str | None

    def holds(self, end: int, rest: bytes) -> bool:
        """Whether what was found behind the last block is what was declared."""
        return end == self.valid and self.digest in (None, sha256(rest).hex())


def _declared_tears(segments: Sequence[Segment]) -> dict[str, Tear]:
    """By file name."""
    tears: dict[str, Tear] = {}
    for segment in segments:
        found = read_segment_header(segment.data)
        for torn in found[0].torn if found else ():
            number, valid, digest = torn.get("segment"), torn.get("valid_bytes"), torn.get("torn_sha256")
            if type(number) is int and type(valid) is int and valid >= 0:
                tears[f"journal-{number:06}.lzj"] = Tear(valid, None if digest is None else str(digest))
    return tears


def _before_tear(segment: Segment, declared: dict[str, Tear]) -> Segment:
    tear = declared.get(segment.name)
    return segment if tear is None else Segment(segment.name, segment.data[: tear.valid])


def _next_block(data: memoryview, start: int) -> int | None:
    """Offset of the next whole block whose header agrees with itself; None when there is none."""
    raw = bytes(data[start:])
    at = raw.find(BLOCK_MAGIC)
    while at >= 0:
        found = parse_block(data, start + at)
        if found is not None and _self_consistent(found.block):
            return start + at
        at = raw.find(BLOCK_MAGIC, at + 1)
    return None


def _self_consistent(block: Block) -> bool:
    return after_block(block.previous, block.number, block.line, block.leaves) == block.stated


def _unfinished(rest: bytes) -> bool:
    """Whether these bytes can be the start of a block that was not written to its end."""
    if len(rest) < PREFIX.size:
        return BLOCK_MAGIC.startswith(rest[:4])
    magic, length = PREFIX.unpack_from(rest, 0)
    header_end = PREFIX.size + int(length)
    if magic != BLOCK_MAGIC or length > layout.MAX_HEADER_BYTES:
        return False
    try:
        return header_end > len(rest) or header_end + layout.decode_block(
            rest[PREFIX.size : header_end]
        ).body_bytes > len(rest)
    except ValueError:
        return False


def _check_chunk(seen: BlockSeen, chunk: Chunk) -> str | None:
    sealed = seen.sealed(chunk.index)
    what = "events" if chunk.stream is None else f"stream {chunk.stream}"
    if sha256(sealed).hex() != chunk.sha256:
        return f"the bytes of chunk {chunk.index} ({what}) were changed"
    if chunk.sm3 is not None and sm3(sealed).hex() != chunk.sm3:
        return f"chunk {chunk.index} ({what}) does not match its SM3 digest"
    return None


@dataclass(frozen=True, slots=True)
class Opened:
    """One chunk in the clear: stream None means events. plaintext None means that its key is not at hand."""

    seen: BlockSeen
    index: int
    stream: int | None
    plaintext: bytes | None


def open_chunk(seen: BlockSeen, index: int, keys: KeySource) -> Opened | Damage:
    """Decrypt one chunk; Damage when the key is not the committed one or the bytes do not fit it."""
    chunk = seen.block.chunks[index]
    number = seen.block.number
    key = keys.chunk_key(seen.segment, number, index)
    if key is None:
        return Opened(seen, index, chunk.stream, None)
    if chunk_commitment(key) != chunk.commit:
        return Damage(
            seen.segment.name, number, None, f"the key given for chunk {index} is not the one it was sealed with"
        )
    try:
        return Opened(seen, index, chunk.stream, decrypt_chunk(key, seen.sealed(index)))
    except InvalidTag:
        return Damage(seen.segment.name, number, None, f"chunk {index} does not open with its key")


def read_events(plaintext: bytes) -> list[dict[str, Any]]:
    """Events of one chunk. Raises BadLayout when a line is not an event."""
    events = [layout.read_object(line) for line in plaintext.split(b"\n") if line]
    for event in events:
        if not isinstance(event.get("n"), int) or not isinstance(event.get("kind"), str):
            raise BadLayout("an event has no number or kind")
    return events
