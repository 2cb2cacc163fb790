"""Arithmetic on numbers that wrap: 16-bit sequence numbers and 32-bit timestamps (RFC 3550 §4, §A.1; RFC 1982).

An *extended* sequence number is the 16-bit one continued past its wraps: it only grows, so that two of them can be
compared with `<`.
"""

from __future__ import annotations

SEQ_MASK = 0xFFFF
TS_MASK = 0xFFFFFFFF
# A first packet starts in the second cycle, so that packets sent before it still get an extended number >= 0.
FIRST_CYCLE = 1 << 16


def unwrap_seq(seq: int, near: int) -> int:
    """The extended number that ends in the 16 bits of `seq` and lies closest to the extended number `near`."""
    return near + ((seq - near + 0x8000) & SEQ_MASK) - 0x8000


def unwrap_ts(ts: int, near: int) -> int:
    """As `unwrap_seq`, for 32-bit timestamps."""
    return near + ((ts - near + 0x80000000) & TS_MASK) - 0x80000000
