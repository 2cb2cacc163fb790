"""Where a picture can be entered: does a key frame start here, and when may the publisher be asked for one.

Source: RFC 7741 §4.2, §4.3 (VP8); RFC 6184 §5.4, §5.7, §5.8 (H.264); RFC 9628 §4.2 (VP9); RTP payload format for AV1 1.0 §4.4 (AV1).
"""

from __future__ import annotations

from collections.abc import Callable

from media.core.rtp import Buffer

# One request a second and stream at most: a key frame is five to ten times an ordinary one, and a room of twelve would
# else ask twelve times.
PLI_INTERVAL_S = 1.0
# Somebody who has no picture at all yet may wait for one less long: people notice a black square at once, and coming is rare.
FIRST_PICTURE_INTERVAL_S = 0.3
# Chromium passes over a request within 0.3 s of its last key frame, which a newcomer misses easily: then a second of black is too long.
FIRST_PICTURE_AGAIN = 3
# A request that cannot have been answered yet is not repeated: on a full line each key frame makes the queue longer. A stale figure
# must not hold it up for ever.
AGAIN_RTT = 1.25
RTT_MOST_S = 4.0

_IDR, _SPS, _STAP_A, _FU_A = 5, 7, 24, 28
_VP9_PICTURE_ID, _VP9_REFERS, _VP9_LAYERS, _VP9_FLEXIBLE, _VP9_BEGINS = 0x80, 0x40, 0x20, 0x10, 0x08
_AV1_GOES_ON, _AV1_SEQUENCE = 0x80, 0x08


def is_vp8_key_frame(packet: Buffer, offset: int, end: int) -> bool:
    """Whether the VP8 payload at offset..end begins a key frame. False for anything cut off."""
    if offset >= end:
        return False
    first = packet[offset]
    if not first & 0x10 or first & 0x07:  # not the start of partition 0
        return False
    offset += 1
    if first & 0x80:
        if offset >= end:
            return False
        optional = packet[offset]
        offset += 1
        if optional & 0x80 and offset < end:  # picture id: one byte or two
            offset += 2 if packet[offset] & 0x80 else 1
        if optional & 0x40:  # tl0picidx
            offset += 1
        if optional & 0x30:  # tid, keyidx
            offset += 1
    return offset < end and not packet[offset] & 0x01


def is_h264_key_frame(packet: Buffer, offset: int, end: int) -> bool:
    """Whether the H.264 payload begins a key frame: SPS or IDR slice, alone, aggregated (STAP-A) or fragmented (FU-A).

    An IDR without parameter sets counts too: a hardware encoder may send them once only, and waiting for ever is worse
    than one undecodable frame that the subscriber's own PLI repairs.
    """
    if offset >= end:
        return False
    kind = packet[offset] & 0x1F
    if kind == _STAP_A:
        return _aggregate_has_key(packet, offset + 1, end)
    if kind == _FU_A:
        return offset + 1 < end and bool(packet[offset + 1] & 0x80) and packet[offset + 1] & 0x1F in (_IDR, _SPS)
    return kind in (_IDR, _SPS)


def _aggregate_has_key(packet: Buffer, offset: int, end: int) -> bool:
    while offset + 2 < end:
        if packet[offset + 2] & 0x1F in (_IDR, _SPS):
            return True
        offset += 2 + (packet[offset] << 8 | packet[offset + 1])
    return False


def is_vp9_key_frame(packet: Buffer, offset: int, end: int) -> bool:
    """Whether the VP9 payload begins a key frame: the start (B) of a picture that refers to none before it (no P), in its lowest spatial layer."""
    if offset >= end:
        return False
    first = packet[offset]
    if first & _VP9_REFERS or not first & _VP9_BEGINS:
        return False
    at = offset + 1
    if first & _VP9_PICTURE_ID:
        if at >= end:
            return False
        at += 2 if packet[at] & 0x80 else 1
    if not first & _VP9_LAYERS:
        return at < end
    # temporal layer, switching point, spatial layer, whether it refers to the layer below; in non-flexible mode TL0PICIDX follows
    return at + (1 if first & _VP9_FLEXIBLE else 2) < end and not packet[at] & 0x0F


def is_av1_key_frame(packet: Buffer, offset: int, end: int) -> bool:
    """Whether the AV1 payload begins a coded video sequence (N) and not with the rest of a unit (Z): that is a key frame with its sequence header."""
    return offset + 1 < end and packet[offset] & (_AV1_SEQUENCE | _AV1_GOES_ON) == _AV1_SEQUENCE


KEY_FRAME_TESTS: dict[str, Callable[[Buffer, int, int], bool]] = {
    "VP8": is_vp8_key_frame,
    "H264": is_h264_key_frame,
    "VP9": is_vp9_key_frame,
    "AV1": is_av1_key_frame,
}


class KeyFrameThrottle:
    """One per up stream. Requests in between are not lost: `due` lets them go when their time has come."""

    __slots__ = ("_asked_at", "_hurried", "_interval_s", "_rtt_s", "requests", "wanted")

    def __init__(self, interval_s: float = PLI_INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._asked_at = float("-inf")
        self._hurried = 0  # times that it is asked again soon
        self._rtt_s = 0.0
        self.wanted = False
        self.requests = 0

    def measure_rtt(self, sample_s: float) -> None:
        """A round trip to the publisher, by his receiver report."""
        self._rtt_s = min(sample_s, RTT_MOST_S)

    def ask(self, now: float, first_picture: bool = False) -> bool:
        """A key frame is wanted, `first_picture` by somebody who has seen nothing yet. True: send a PLI now."""
        self.wanted = True
        if first_picture:
            self._hurried = FIRST_PICTURE_AGAIN
        return self._send_after(FIRST_PICTURE_INTERVAL_S if first_picture else self._interval_s, now)

    def due(self, now: float) -> bool:
        """On a timer: True if a key frame is still wanted and a PLI may go out now."""
        if not self.wanted or not self._send_after(
            FIRST_PICTURE_INTERVAL_S if self._hurried else self._interval_s, now
        ):
            return False
        self._hurried = max(0, self._hurried - 1)
        return True

    def _send_after(self, interval_s: float, now: float) -> bool:
        if now - self._asked_at < max(interval_s, AGAIN_RTT * self._rtt_s):
            return False
        self._asked_at = now
        self.requests += 1
        return True

    def arrived(self) -> None:
        """A key frame began: nobody waits any more."""
        self.wanted = False
        self._hurried = 0
