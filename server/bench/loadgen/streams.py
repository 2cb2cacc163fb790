"""What one participant sends: streams shaped like a browser's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.bench.loadgen.peer import Peer

REPAIR_TYPE = 97  # RTX of VP8 in our offers; not counted as forwarded media
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Stream:
    """What one participant sends: frames of `burst` packets of `size` bytes (header to trailer, before SRTP), one each `interval_ns`."""

    kind: str
    ssrc: int
    payload_type: int
    mid: str
    size: int
    burst: int
    interval_ns: int
    timestamp_step: int


def video_stream(ssrc: int, mid: str) -> Stream:
    """Like 1.5 Mbit/s VP8 at 30 frames/s: frames of 5 packets of 1,200 bytes."""
    return Stream("video", ssrc, 96, mid, 1200, 5, SECOND_NS // 30, 3000)


def audio_stream(ssrc: int, mid: str) -> Stream:
    """Like Opus at 20 ms frames: 50 packets/s of 100 bytes."""
    return Stream("audio", ssrc, 111, mid, 100, 1, SECOND_NS // 50, 960)


# Per room, per participant: what he sends.
Plan = Sequence[Sequence[Sequence[Stream]]]
# Every peer connection with what it sends.
Joined = list[tuple[Peer, Sequence[Stream]]]
