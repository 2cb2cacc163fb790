"""Bytes of a journal: segment headers, blocks, records (EVIDENCE.md, section 2). No I/O, no clock."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from media.record.chain import Head

FORMAT = 1


class BadLayout(ValueError):
    """Bytes that are not what EVIDENCE.md describes; the message names the field."""


SEGMENT_MAGIC = b"LZJ1"
BLOCK_MAGIC = b"LZB1"
PREFIX = struct.Struct(">4sI")
# A header of 64 streams is 30 KiB; more than this is damage, not data.
MAX_HEADER_BYTES = 4 << 20

RECORD = struct.Struct(">HBQ")  # length of what follows the length, type, arrival in microseconds
RECORD_BODY_AT = RECORD.size
_TYPE_AND_ARRIVAL = 9
REPORT = struct.Struct(">QIII")  # NTP 32.32, RTP timestamp, packets sent, octets sent
MISSING = struct.Struct(">HH")  # first sequence number, count

RTP, SENDER_REPORT, MISSING_PACKETS, WITHHELD_PACKETS = 1, 2, 3, 4


_READER = json.JSONDecoder()
_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no blanks, UTF-8: what we write. Readers hash the bytes as they stand."""
    return _WRITER.encode(value).encode()


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a stream. arrival_us is the writer's monotonic clock."""

    kind: int
    arrival_us: int
    body: memoryview


def encode_record(kind: int, arrival_us: int, body: bytes | memoryview) -> bytes:
    return RECORD.pack(len(body) + _TYPE_AND_ARRIVAL, kind, arrival_us) + body


def split_records(plaintext: bytes) -> Iterator[Record]:
    """Records of a chunk in the order written. Raises ValueError when the lengths do not fit the chunk."""
    view = memoryview(plaintext)
    at, end = 0, len(plaintext)
    unpack = RECORD.unpack_from
    while at < end:
        if end - at < RECORD.size:
            raise BadLayout(f"record at byte {at}: {end - at} bytes left, a record has at least {RECORD.size}")
        length, kind, arrival_us = unpack(view, at)
        after = at + 2 + length
        if length < _TYPE_AND_ARRIVAL or after > end:
            raise BadLayout(f"record at byte {at}: length {length} does not fit")
        yield Record(kind, arrival_us, view[at + RECORD_BODY_AT : after])
        at = after


def count_records(plaintext: bytes) -> int:
    """Number of records, lengths checked. Raises BadLayout as split_records does."""
    at, end, count = 0, len(plaintext), 0
    while at + 2 <= end:
        length = plaintext[at] << 8 | plaintext[at + 1]
        if length < _TYPE_AND_ARRIVAL:
            break
        at += 2 + length
        count += 1
    if at != end:
        raise BadLayout(f"the records end at byte {at} of {end}")
    return count


@dataclass(frozen=True, slots=True)
class Chunk:
    """A descriptor. stream None means events."""

    index: int
    stream: int | None
    records: int
    length: int
    sha256: str
    sm3: str | None
    commit: str
    private: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A block's header as read; line and leaves are the bytes that are hashed. stated is the head written beside them."""

    line: bytes
    leaves: tuple[bytes, ...]
    number: int
    previous: Head
    wall_us: int
    mono_us: int
    next_event: int
    next_stream: int
    chunks: tuple[Chunk, ...]
    stated: Head

    @property
    def body_bytes(self) -> int:
        return sum(chunk.length for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """A segment's first line as read; torn are the unfinished ends of earlier files that it declares."""

    line: bytes
    session: str
    room: str
    number: int
    salt: bytes
    key_id: str
    previous: Head
    next_event: int
    next_stream: int
    torn: tuple[dict[str, Any], ...]
    wall_us: int
    mono_us: int
    boot: str


def encode_block(line: bytes, leaves: Sequence[bytes], head: Head) -> bytes:
    """Prefix and header; the ciphertexts follow in the order of the descriptors."""
    last = canonical({"head": head.sha256.hex(), "sm3": head.sm3.hex()})
    header = b"\n".join((line, *leaves, last))
    return PREFIX.pack(BLOCK_MAGIC, len(header)) + header


def decode_block(header: bytes) -> Block:
    """Raises BadLayout naming what is wrong."""
    lines = header.split(b"\n")
    if len(lines) < 2:
        raise BadLayout("block header has fewer than two lines")
    facts, *chunks, last = (read_object(line) for line in lines)
    number = _count(facts, "block")
    return Block(
        lines[0],
        tuple(lines[1:-1]),
        number,
        Head(number - 1, _digest(facts, "prev"), _digest(facts, "prev_sm3")),
        _count(facts, "wall_us"),
        _count(facts, "mono_us"),
        _count(facts, "next_event"),
        _count(facts, "next_stream"),
        tuple(_chunk(index, chunk) for index, chunk in enumerate(chunks)),
        Head(number, _digest(last, "head"), _digest(last, "sm3")),
    )


def _chunk(index: int, facts: dict[str, Any]) -> Chunk:
    if facts.get("chunk") != index:
        raise BadLayout(f"descriptor {index} says it is chunk {facts.get('chunk')!r}")
    return Chunk(
        index,
        _count(facts, "stream") if "stream" in facts else None,
        _count(facts, "records"),
        _count(facts, "len"),
        _digest(facts, "sha256").hex(),
        _digest(facts, "sm3").hex() if "sm3" in facts else None,
        _digest(facts, "commit").hex(),
        facts.get("private") is True,
    )


def encode_segment(line: bytes) -> bytes:
    return PREFIX.pack(SEGMENT_MAGIC, len(line)) + line


def decode_segment(line: bytes) -> SegmentHeader:
    """Raises BadLayout naming what is wrong."""
    facts = read_object(line)
    if facts.get("format") != FORMAT:
        raise BadLayout(f"format {facts.get('format')!r} is not {FORMAT}")
    clock, torn = facts.get("clock"), facts.get("torn")
    if not isinstance(clock, dict) or not isinstance(torn, list) or not all(isinstance(tear, dict) for tear in torn):
        raise BadLayout("segment header has no clock or no list torn")
    block = facts.get("block")
    return SegmentHeader(
        line,
        _text(facts, "session"),
        _text(facts, "room"),
        _count(facts, "segment"),
        _hex(facts, "salt", 16),
        _text(facts, "key_id"),
        Head(-1 if block == -1 else _count(facts, "block"), _digest(facts, "prev"), _digest(facts, "prev_sm3")),
        _count(facts, "next_event"),
        _count(facts, "next_stream"),
        tuple(torn),
        _count(clock, "wall_us"),
        _count(clock, "mono_us"),
        _text(clock, "boot"),
    )


def read_object(line: bytes) -> dict[str, Any]:
    """One JSON object. Raises BadLayout."""
    try:
        value = _READER.decode(str(line, "utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadLayout(f"not JSON: {error}") from None
    if isinstance(value, dict):
        return value
    raise BadLayout("not a JSON object")


def _count(facts: dict[str, Any], name: str) -> int:
    value = facts.get(name)
    if type(value) is int and 0 <= value < 1 << 63:
        return value
    raise BadLayout(f"{name} is not a count: {value!r}")


def _text(facts: dict[str, Any], name: str) -> str:
    value = facts.get(name)
    if isinstance(value, str):
        return value
    raise BadLayout(f"{name} is not a text: {value!r}")


def _digest(facts: dict[str, Any], name: str) -> bytes:
    return _hex(facts, name, 32)


def _hex(facts: dict[str, Any], name: str, size: int) -> bytes:
    value = _text(facts, name)
    try:
        raw = bytes.fromhex(value)
    except ValueError:
        raw = b""
    # fromhex takes capitals and blanks too; we do not.
    if len(raw) == size and raw.hex() == value:
        return raw
    raise BadLayout(f"{name} is not {size} bytes in lower-case hex")
