"""A packet that a subscriber misses, as he gets it once more: on the RTX stream's own SSRC and numbers.

Source: RFC 4588 §4.
"""

from __future__ import annotations

from media.core.picture_ids import shift_numbers
from media.core.rtp import HEADER, MARKER_BIT, PADDING_BIT, payload_start, write_header, write_rtx_payload
from media.forward.path import DownStream


def write_repair(out: bytearray, down: DownStream, packet: bytes, out_seq: int, ts_delta: int) -> int:
    """`packet` of the publisher into `out`, in the clear; returns its size. The next number of `down`'s RTX is its own.

    out_seq, ts_delta  the number it went to him under, and what its timestamp was moved by.
    """
    start = payload_start(packet, len(packet))
    first, marker_pt, _, ts, _ = HEADER.unpack_from(packet)
    out_ts = ts + ts_delta & 0xFFFFFFFF
    padding, rtx_pt = bool(first & PADDING_BIT), marker_pt & MARKER_BIT | down.rtx_pt
    end = write_header(out, padding, rtx_pt, down.rtx_seq, out_ts, down.rtx_ssrc)
    size = write_rtx_payload(out, end, out_seq, packet[start:])
    if down.shift:
        shift_numbers(out, end + 2, size, down.shift)
    return size
