"""Segment files of one journal: making, appending, and reading back where a writer before us stopped."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media.record import layout
from media.record.chain import GENESIS, Head, after_block, after_segment, sha256
from media.record.layout import BLOCK_MAGIC, PREFIX, SEGMENT_MAGIC, Block, Chunk, SegmentHeader

SUFFIX = ".lzj"


class JournalDamaged(ValueError):
    """A journal cannot be continued as it stands."""


def segment_path(directory: Path, number: int) -> Path:
    return directory / f"journal-{number:06d}{SUFFIX}"


def list_segments(*directories: Path) -> list[Path]:
    """The segment files of one journal, in order; they may lie on several volumes."""
    found = (path for directory in directories for path in directory.glob(f"journal-*{SUFFIX}"))
    return sorted(found, key=lambda path: path.name)


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


def walk_blocks(data: bytes | memoryview, start: int) -> Iterator[Found]:
    """Blocks from byte `start` up to the first place that is not a whole block. Checks lengths, not hashes."""
    found = parse_block(data, start)
    while found is not None:
        yield found
        found = parse_block(data, found.end)


def chunk_bytes(data: bytes | memoryview, found: Found) -> Iterator[tuple[Chunk, bytes | memoryview]]:
    """Each chunk's descriptor with its ciphertext."""
    at = found.body
    for chunk in found.block.chunks:
        yield chunk, data[at : at + chunk.length]
        at += chunk.length


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a journal ends: what a continuing writer needs to know. header None: nothing was ever written."""

    head: Head = GENESIS
    segment: int = -1
    next_event: int = 0
    next_stream: int = 0
    wall_us: int = 0
    header: SegmentHeader | None = None
    torn: tuple[dict[str, Any], ...] = ()


def read_tail(*directories: Path) -> Tail:
    """The end of the journal in these directories. Checks the hashes of the last segment that has a whole header.

    Raises JournalDamaged when files before the last one have no whole header.
    """
    paths = list_segments(*directories)
    torn: list[dict[str, Any]] = []
    for path in reversed(paths):
        tail = _tail_of(path, segment_number(paths[-1]), torn)
        if tail is not None:
            return tail
    if len(paths) > 1:
        raise JournalDamaged(f"no segment of {len(paths)} has a whole header")
    return Tail(segment=segment_number(paths[-1]), torn=tuple(torn)) if paths else Tail()


def segment_number(path: Path) -> int:
    return int(path.stem.removeprefix("journal-"))


def _read_from_disk(path: Path) -> bytes:
    """What the disk has. After a failed fsync the page cache shows as clean what was never written; it is thrown away first."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return file.read()


def _tail_of(path: Path, last: int, torn: list[dict[str, Any]]) -> Tail | None:
    data = _read_from_disk(path)
    opened = read_segment_header(data)
    if opened is None:
        torn.append(_torn(path, data, 0))
        return None
    header, at = opened
    head, next_event, next_stream, wall_us = (
        after_segment(header.previous, header.line),
        header.next_event,
        header.next_stream,
        header.wall_us,
    )
    for found in walk_blocks(data, at):
        block = found.block
        after = after_block(head, block.number, block.line, block.leaves)
        if after != block.stated or not _chunks_whole(data, found):
            break
        head, at, next_event, next_stream, wall_us = (
            after,
            found.end,
            block.next_event,
            block.next_stream,
            block.wall_us,
        )
    if data[at:].strip(b"\x00"):
        torn.append(_torn(path, data, at))
    return Tail(head, last, next_event, next_stream, wall_us, header, tuple(torn))


def tear_of(path: Path, number: int, valid: int) -> tuple[dict[str, Any], ...]:
    """What a failed call may have left behind byte `valid` of a segment, as a later segment declares it; () when there is no such file."""
    with contextlib.suppress(OSError):
        return (_torn(path, _read_from_disk(path), valid),) if path.exists() else ()
    # It cannot be read now; perhaps one day it can.
    return ({"segment": number, "valid_bytes": valid, "torn_bytes": None, "torn_sha256": None},)


def _chunks_whole(data: bytes, found: Found) -> bool:
    return all(sha256(sealed).hex() == chunk.sha256 for chunk, sealed in chunk_bytes(data, found))


def _torn(path: Path, data: bytes, at: int) -> dict[str, Any]:
    rest = data[at:]
    return {
        "segment": segment_number(path),
        "valid_bytes": at,
        "torn_bytes": len(rest),
        "torn_sha256": sha256(rest).hex(),
    }


def read_segment_header(data: bytes | memoryview) -> tuple[SegmentHeader, int] | None:
    """The header and the offset of the first block, or None when it is not whole."""
    if len(data) < PREFIX.size:
        return None
    magic, length = PREFIX.unpack_from(data, 0)
    end = PREFIX.size + length
    if magic != SEGMENT_MAGIC or length > layout.MAX_HEADER_BYTES or end > len(data):
        return None
    try:
        return layout.decode_segment(bytes(data[PREFIX.size : end])), end
    except ValueError:
        return None


def parse_block(data: bytes | memoryview, at: int) -> Found | None:
    """The block at byte `at`, or None when there is no whole one. Checks lengths, not hashes."""
    if at + PREFIX.size > len(data):
        return None
    magic, length = PREFIX.unpack_from(data, at)
    body = at + PREFIX.size + length
    if magic != BLOCK_MAGIC or length > layout.MAX_HEADER_BYTES or body > len(data):
        return None
    try:
        block = layout.decode_block(bytes(data[at + PREFIX.size : body]))
    except ValueError:
        return None
    end = body + block.body_bytes
    return Found(block, at, body, end) if end <= len(data) else None
