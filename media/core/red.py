"""Voice sent more than once: RED for Opus. Taking such a payload apart, and making one with as many frames as a line needs.

A RED payload is a row of block headers, then the blocks, the oldest first; the last one is the frame whose time stands in the packet:

    1 | pt (7) | timestamp offset (14) | length (10)      for each block but the last
    0 | pt (7)                                            for the last, which takes the rest

Source: RFC 2198 §3, §4; draft-ietf-avtcore-multi-codec-red (several blocks of one codec).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from media.core.depacketize import Packet
from media.core.rtp import Buffer
from media.core.seqno import TS_MASK

NO_PT = 0xFF  # as the payload type of RED: not negotiated
MAX_OFFSET = (1 << 14) - 1  # 341 ms
MAX_LENGTH = (1 << 10) - 1
MAX_BLOCKS = 16  # more is no voice that we know of
MAX_BYTES = 1200  # of a payload that we make: it stays a datagram on every line
# Frames that are remembered: as many as a packet may carry behind its own, and as many again that came late.
KEPT = 16


class BadRed(ValueError):
    """A payload that is no RED; the message names the field."""


@dataclass(frozen=True, slots=True)
class Block:
    """One encoded frame. ts: 32 bits, its own time."""

    ts: int
    data: bytes


def primary_offset(packet: Buffer, start: int, end: int) -> int:
    """Where the last block of the payload at start..end begins: the frame of the packet's own time. Raises BadRed."""
    at, behind = start, 0
    while at < end and packet[at] & 0x80:
        if at + 4 > end:
            raise BadRed("red header: cut off")
        behind += (packet[at + 2] & 0x03) << 8 | packet[at + 3]
        at += 4
    at += 1 + behind
    if at > end:
        raise BadRed("red blocks: longer than the payload")
    return at


def split(payload: bytes, ts: int) -> list[Block]:
    """All frames of a RED payload, oldest first, the packet's own last; some may be empty. Raises BadRed."""
    heads: list[tuple[int, int]] = []
    end = len(payload)
    primary = primary_offset(payload, 0, end)
    at = 0
    while payload[at] & 0x80:
        word = int.from_bytes(payload[at : at + 4], "big")
        heads.append((word >> 10 & MAX_OFFSET, word & MAX_LENGTH))
        at += 4
    if len(heads) >= MAX_BLOCKS:
        raise BadRed(f"red blocks: {len(heads) + 1}")
    at += 1
    blocks: list[Block] = []
    for offset, length in heads:
        blocks.append(Block(ts - offset & TS_MASK, payload[at : at + length]))
        at += length
    return [*blocks, Block(ts, payload[primary:])]


def pack(blocks: list[Block], pt: int) -> bytes:
    """A RED payload of these frames, oldest first; what lies too far back or is too long is left out. pt: of each of them."""
    own = blocks[-1]
    heads = bytearray()
    body = bytearray()
    for block in blocks[:-1]:
        offset = own.ts - block.ts & TS_MASK
        if 0 < offset <= MAX_OFFSET and len(block.data) <= MAX_LENGTH:
            heads += ((0x80 | pt) << 24 | offset << 10 | len(block.data)).to_bytes(4, "big")
            body += block.data
    return bytes(heads) + bytes([pt]) + bytes(body) + own.data


class RecentVoice:
    """The newest frames of one voice, each once, whichever packet brought it."""

    __slots__ = ("_frames", "_newest")

    def __init__(self) -> None:
        self._frames: dict[int, bytes] = {}  # by timestamp
        self._newest: int | None = None

    def take(self, payload: bytes, ts: int, *, red: bool) -> None:
        """The frames of a packet that came, late ones too. What is no RED brings none."""
        with suppress(BadRed):
            self.note(split(payload, ts) if red else [Block(ts, payload)])

    def note(self, blocks: list[Block]) -> None:
        for block in filter(_is_voice, blocks):
            if self._newest is None or (self._newest - block.ts & TS_MASK) > TS_MASK // 2:
                self._newest = block.ts
            self._frames[block.ts] = block.data
        while len(self._frames) > KEPT:
            del self._frames[max(self._frames, key=self._age)]

    def _age(self, ts: int) -> int:
        return (self._newest or 0) - ts & TS_MASK

    def behind(self, own: Block, depth: int) -> list[Block]:
        """Up to `depth` frames just before `own`, oldest first, and `own`, as far as they fit a packet."""
        ages = sorted((age, ts) for ts in self._frames if 0 < (age := own.ts - ts & TS_MASK) <= MAX_OFFSET)
        chosen, size = [own], len(own.data) + 1
        for _, ts in ages[:depth]:
            size += 4 + len(self._frames[ts])
            if size > MAX_BYTES:
                break
            chosen.append(Block(ts, self._frames[ts]))
        return chosen[::-1]


def _is_voice(block: Block) -> bool:
    return bool(block.data)


def voice_for(payload: bytes, ts: int, recent: RecentVoice | None, depth: int, pt: int, *, red: bool) -> bytes:
    """A packet of voice for one who does not get it as it came: its own frame alone, or RED with `depth` frames before it.

    pt      of each frame, as the subscriber calls Opus.   red: whether `payload` is RED.
    Raises  BadRed.
    """
    own = payload[primary_offset(payload, 0, len(payload)) :] if red else payload
    return pack(recent.behind(Block(ts, own), depth), pt) if depth and recent is not None else own


def unfold(packet: Packet) -> Iterator[tuple[Packet, bool]]:
    """(frame as a packet of its own, whether it is the packet's own), those of the packets before it first. What is no RED is empty."""
    try:
        *spare, own = split(packet.payload, packet.ts & TS_MASK)
    except BadRed:
        yield replace(packet, payload=b""), True
        return
    for at, block in enumerate(spare):
        if block.data:
            ts = packet.ts - (packet.ts - block.ts & TS_MASK)
            yield Packet(packet.seq - len(spare) + at, ts, False, block.data), False
    yield replace(packet, payload=own.data), True
