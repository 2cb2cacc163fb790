"""Segment files of one journal: making, appending, and reading back where a writer before us stopped."""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media.record import layout
from media.record.chain import GENESIS, Head, after_block, after_segment, sha256
from media.record.layout import BLOCK_MAGIC, PREFIX, SEGMENT_MAGIC, Block

SUFFIX = ".lzj"


class JournalBusy(RuntimeError):
    """Another process is writing this journal."""


class JournalDamaged(ValueError):
    """A journal cannot be continued as it stands."""


def segment_path(directory: Path, number: int) -> Path:
    return directory / f"journal-{number:06d}{SUFFIX}"


def list_segments(directory: Path) -> list[Path]:
    return sorted(directory.glob(f"journal-*{SUFFIX}"))


def lock_directory(directory: Path) -> int:
    """The lock dies with the process, so a killed writer never blocks the next. Raises JournalBusy."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise JournalBusy("another process is writing this journal") from None
    return descriptor


def write_all(descriptor: int, parts: Sequence[bytes]) -> int:
    """Writes every byte or raises OSError; a short write is continued, as write(2) allows it."""
    data = b"".join(parts)
    view, done = memoryview(data), 0
    while done < len(data):
        done += os.write(descriptor, view[done:])
    return done


def sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Found:
    """One block in a segment file: its header, where it starts, where its ciphertexts start and end."""

    block: Block
    start: int
    body: int
    end: int


def walk_blocks(data: bytes | mmap.mmap, start: int) -> Iterator[Found]:
    """Blocks from byte `start` up to the first place that is not a whole block. Checks lengths, not hashes."""
    at, size = start, len(data)
    while at + PREFIX.size <= size:
        magic, length = PREFIX.unpack_from(data, at)
        body = at + PREFIX.size + length
        if magic != BLOCK_MAGIC or length > layout.MAX_HEADER_BYTES or body > size:
            return
        try:
            block = layout.decode_block(data[at + PREFIX.size : body])
        except ValueError:
            return
        end = body + block.body_bytes
        if end > size:
            return
        yield Found(block, at, body, end)
        at = end


def chunk_views(data: bytes | mmap.mmap, found: Found) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Each chunk's descriptor with its ciphertext."""
    at = found.body
    for chunk in found.block.chunks:
        end = at + int(chunk["len"])
        yield chunk, data[at:end]
        at = end


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a journal ends: what a continuing writer needs to know."""

    head: Head
    segment: int
    next_event: int
    next_stream: int
    facts: dict[str, Any]
    clock: dict[str, int]
    torn: tuple[dict[str, Any], ...]


def read_tail(directory: Path) -> Tail | None:
    """The end of the journal in `directory`; None when there is none. Checks the last segment's hashes.

    A segment of which not even the header is whole counts as torn, and the one before it is the last.
    Raises JournalDamaged when no segment has a whole header though files exist.
    """
    paths = list_segments(directory)
    torn: list[dict[str, Any]] = []
    for path in reversed(paths):
        tail = _tail_of(path, _number(paths[-1]), torn)
        if tail is not None:
            return tail
    if paths and any(path.stat().st_size for path in paths[:-1]):
        raise JournalDamaged(f"no segment of {len(paths)} has a whole header")
    return Tail(GENESIS, _number(paths[-1]), 0, 0, {}, {}, tuple(torn)) if paths else None


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("journal-"))


def _tail_of(path: Path, last: int, torn: list[dict[str, Any]]) -> Tail | None:
    data = path.read_bytes()
    opened = read_segment_header(data)
    if opened is None:
        torn.append(_torn(path, data, 0))
        return None
    facts, line, at = opened
    head = after_segment(Head(int(facts["block"]), bytes.fromhex(facts["prev"]), bytes.fromhex(facts["prev_sm3"])), line)
    next_event, next_stream, clock = int(facts["next_event"]), int(facts["next_stream"]), dict(facts["clock"])
    for found in walk_blocks(data, at):
        after = after_block(head, found.block.number, found.block.line, found.block.leaves)
        if after != found.block.stated or not _chunks_whole(data, found):
            break
        head, at, line_facts = after, found.end, found.block.facts
        next_event, next_stream = int(line_facts["next_event"]), int(line_facts["next_stream"])
        clock = {**clock, "wall_us": int(line_facts["wall_us"]), "mono_us": int(line_facts["mono_us"])}
    if data[at:].strip(b"\x00"):
        torn.append(_torn(path, data, at))
    return Tail(head, last, next_event, next_stream, facts, clock, tuple(torn))


def _chunks_whole(data: bytes, found: Found) -> bool:
    return all(sha256(sealed).hex() == chunk["sha256"] for chunk, sealed in chunk_views(data, found))


def _torn(path: Path, data: bytes, at: int) -> dict[str, Any]:
    return {"segment": _number(path), "valid_bytes": at, "torn_bytes": len(data) - at, "torn_sha256": sha256(data[at:]).hex()}


def read_segment_header(data: bytes | mmap.mmap) -> tuple[dict[str, Any], bytes, int] | None:
    """(facts, the line as hashed, offset of the first block), or None when the header is not whole."""
    if len(data) < PREFIX.size:
        return None
    magic, length = PREFIX.unpack_from(data, 0)
    end = PREFIX.size + length
    if magic != SEGMENT_MAGIC or length > layout.MAX_HEADER_BYTES or end > len(data):
        return None
    line = data[PREFIX.size : end]
    try:
        return layout.decode_segment(line), line, end
    except ValueError:
        return None
