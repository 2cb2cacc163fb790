"""RTP packets as the browser stand-in sends and sees them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

OPUS, VP8, RTX = 111, 96, 97
LEVEL_EXTENSION, MID_EXTENSION, ABS_EXTENSION = 1, 3, 5
RTP_HEADER = struct.Struct("!BBHII")


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet that came down; `rtx` says over which stream."""

    ssrc: int
    pt: int
    marker: bool
    seq: int
    ts: int
    payload: bytes
    rtx: bool


def read_packet(plain: bytes, rtx_of: Mapping[int, int]) -> Packet:
    """Of a decrypted packet. rtx_of: the repaired SSRC by the one that repairs it."""
    first, second, seq, ts, ssrc = RTP_HEADER.unpack_from(plain)
    offset = 12 + 4 * (first & 15)
    if first & 0x10:
        offset += 4 + 4 * int.from_bytes(plain[offset + 2 : offset + 4], "big")
    payload, rtx = plain[offset:], ssrc in rtx_of
    if rtx:
        seq, payload, ssrc = int.from_bytes(payload[:2], "big"), payload[2:], rtx_of[ssrc]
    return Packet(ssrc, second & 0x7F, second >= 0x80, seq, ts, payload, rtx)


def write_header(marker_pt: int, seq: int, ts: int, ssrc: int, mid: str, level: int) -> bytes:
    """With the mid extension, as a browser does until it is heard, and the level of a voice (mid 0), in -dBov."""
    level_element = bytes([LEVEL_EXTENSION << 4, 0x80 | level]) if mid == "0" else b"\x00\x00"
    extension = bytes([MID_EXTENSION << 4 | 0]) + mid.encode() + level_element
    return RTP_HEADER.pack(0x90, marker_pt, seq, ts, ssrc) + b"\xbe\xde\x00\x01" + extension


def continuous(packets: list[Packet], unsettled: int = 0) -> bool:
    """Whether the sequence numbers of a line are without gap and without repetition, whatever the order.

    unsettled  so many of the newest numbers may still be waiting for a repair.
    """
    if not packets:
        return True
    start = packets[0].seq
    numbers = sorted(((p.seq - start + 0x8000) & 0xFFFF) - 0x8000 for p in packets)
    settled = [n for n in numbers if n <= numbers[-1] - unsettled]
    return settled == list(range(numbers[0], numbers[0] + len(settled)))
