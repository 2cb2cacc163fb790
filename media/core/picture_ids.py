"""VP8's own numbers: picture id and TL0PICIDX, read and shifted in place.

A decoder expects both to go on by one from picture to picture. Each layer and each person counts for himself, so a slot that goes
over to another adds a constant to both, as SeqMap does to sequence numbers:  out = in + shift.

A *shift* is one integer, picture id << 8 | TL0PICIDX, so that "nothing to do" is 0.

Source: RFC 7741 §4.2.
"""

from __future__ import annotations

from media.core.rtp import Buffer

UNKNOWN = -1
NO_SHIFT = 0
_PICTURE_ID, _TL0, _EXTENDED, _WIDE = 0x80, 0x40, 0x80, 0x80


def read_numbers(packet: Buffer, start: int, end: int) -> tuple[int, int]:
    """(picture id, TL0PICIDX) of the VP8 payload at start..end; UNKNOWN for what is not there or cut off."""
    if start + 1 >= end or not packet[start] & _EXTENDED:
        return UNKNOWN, UNKNOWN
    flags, at = packet[start + 1], start + 2
    picture = tl0 = UNKNOWN
    if flags & _PICTURE_ID:
        if at >= end:
            return UNKNOWN, UNKNOWN
        wide = bool(packet[at] & _WIDE)
        if wide and at + 1 < end:
            picture = (packet[at] & 0x7F) << 8 | packet[at + 1]
        elif not wide:
            picture = packet[at]
        at += 2 if wide else 1
    if flags & _TL0 and at < end:
        tl0 = packet[at]
    return picture, tl0


def make_shift(last: tuple[int, int], first: tuple[int, int]) -> int:
    """What takes the numbers of a key frame (`first`) to those right behind the last picture sent (`last`)."""
    picture = 0 if UNKNOWN in (last[0], first[0]) else (last[0] + 1 - first[0]) & 0x7FFF
    tl0 = 0 if UNKNOWN in (last[1], first[1]) else (last[1] + 1 - first[1]) & 0xFF
    return picture << 8 | tl0


def shifted(numbers: tuple[int, int], shift: int) -> tuple[int, int]:
    """The numbers as they went out."""
    picture, tl0 = numbers
    return (
        UNKNOWN if picture == UNKNOWN else (picture + (shift >> 8)) & 0x7FFF,
        UNKNOWN if tl0 == UNKNOWN else (tl0 + shift) & 0xFF,
    )


def shift_numbers(packet: bytearray, start: int, end: int, shift: int) -> None:
    """Add the shift in place. A descriptor that is cut off stays as far as it is cut off (fastpath.c does the same)."""
    if start + 1 >= end or not packet[start] & _EXTENDED:
        return
    flags, at = packet[start + 1], start + 2
    if flags & _PICTURE_ID:
        if at >= end:
            return
        if packet[at] & _WIDE:
            if at + 1 >= end:
                return
            picture = ((packet[at] & 0x7F) << 8 | packet[at + 1]) + (shift >> 8)
            packet[at], packet[at + 1] = _WIDE | picture >> 8 & 0x7F, picture & 0xFF
            at += 2
        else:
            packet[at] = packet[at] + (shift >> 8) & 0x7F
            at += 1
    if flags & _TL0 and at < end:
        packet[at] = packet[at] + shift & 0xFF
