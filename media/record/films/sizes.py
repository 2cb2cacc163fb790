"""How large a picture is, from the packet that begins its key frame: a film's track must be as large as the largest of them."""

from __future__ import annotations

from media.core.depacketize import BadPayload, vp8_head, vp8_size
from media.core.rtp import RtpError, payload_start

Size = tuple[int, int]

# Stands near the beginning of every VP8 key frame (RFC 6386 section 9.1); few other packets have it there.
_MARK, _WITHIN = b"\x9d\x01\x2a", 96


def key_size(rtp: memoryview) -> Size | None:
    """(width, height) when this packet begins a VP8 key frame."""
    if _MARK not in bytes(rtp[:_WITHIN]):
        return None
    try:
        payload = bytes(rtp[payload_start(rtp, len(rtp)) :])
        head = vp8_head(payload)
    except (RtpError, BadPayload):
        return None
    return vp8_size(payload[head.offset :]) if head.begins else None


def larger(a: Size | None, b: Size | None) -> Size | None:
    """The one with the greater area; None counts for nothing."""
    return max((one for one in (a, b) if one), key=lambda one: (one[0] * one[1], one), default=None)
