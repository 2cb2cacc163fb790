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

RTP, SENDER_REPORT, MISSING_PACKETS = 1, 2, 3


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no blanks, UTF-8: what we write. Readers hash the bytes as they stand."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


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


@dataclass(frozen=True, slots=True)
class Block:
    """A block's header as read: the parsed first line, the descriptors, and the raw lines that are hashed."""

    line: bytes
    facts: dict[str, Any]
    leaves: tuple[bytes, ...]
    chunks: tuple[dict[str, Any], ...]
    stated: Head

    @property
    def number(self) -> int:
        return int(self.facts["block"])

    @property
    def body_bytes(self) -> int:
        return sum(int(chunk["len"]) for chunk in self.chunks)


def encode_block(line: bytes, leaves: Sequence[bytes], head: Head) -> bytes:
    """Prefix and header; the ciphertexts follow in the order of the descriptors."""
    last = canonical({"head": head.sha256.hex(), "sm3": head.sm3.hex()})
    header = b"\n".join((line, *leaves, last))
    return PREFIX.pack(BLOCK_MAGIC, len(header)) + header


def decode_block(header: bytes) -> Block:
    """Raises ValueError naming what is wrong."""
    lines = header.split(b"\n")
    if len(lines) < 2:
        raise BadLayout("block header has fewer than two lines")
    parsed = [_object(line) for line in lines]
    facts, chunks, last = parsed[0], parsed[1:-1], parsed[-1]
    if not isinstance(facts.get("block"), int):
        raise BadLayout("block header has no block number")
    for chunk in chunks:
        if not isinstance(chunk.get("len"), int) or chunk["len"] < 0:
            raise BadLayout(f"block {facts['block']}: a chunk has no length")
    head = Head(facts["block"], _digest(last, "head"), _digest(last, "sm3"))
    return Block(lines[0], facts, tuple(lines[1:-1]), tuple(chunks), head)


def encode_segment(line: bytes) -> bytes:
    return PREFIX.pack(SEGMENT_MAGIC, len(line)) + line


def decode_segment(line: bytes) -> dict[str, Any]:
    """Raises ValueError naming what is wrong."""
    facts = _object(line)
    if facts.get("format") != FORMAT:
        raise BadLayout(f"format {facts.get('format')!r} is not {FORMAT}")
    for name in ("session", "room", "salt", "key_id", "prev", "prev_sm3"):
        if not isinstance(facts.get(name), str):
            raise BadLayout(f"segment header has no {name}")
    return facts


def _object(line: bytes) -> dict[str, Any]:
    value = json.loads(line)
    if isinstance(value, dict):
        return value
    raise BadLayout("header line is not an object")


def _digest(line: dict[str, Any], name: str) -> bytes:
    value = line.get(name)
    if not isinstance(value, str) or len(value) != 64:
        raise BadLayout(f"block header has no {name}")
    return bytes.fromhex(value)
