"""What a newcomer is sent at once: the key frame that came a moment ago, and everything since.

A key frame is asked for when a newcomer's first valid check comes, and he has keys two round trips later: mostly it is there by then. It is
also what spares a publisher a key frame for each of several who come within a second. Only what is whole is sent, nothing of before the
publisher's pause or move, and nothing of before the newcomer belonged to the room: which that is, says the room (`since`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from media.core.picture_ids import shift_numbers
from media.core.rtp import (
    EXTENSION_BIT,
    FIXED_HEADER,
    HEADER,
    HEADER_ABS,
    HEADER_ABS_SIZE,
    PADDING_BIT,
    VERSION_2,
    abs_send_time,
    payload_start,
)
from media.core.seqmap import NOTHING
from media.forward.path import DownStream, Lane, UpStream
from media.forward.wiring import Wiring
from media.net.srtp import SrtpBuffer

# Older, and what he sees begins in the past: a browser shows pictures no faster than they were taken.
LATEST_S: Final = 0.6
MOST_PACKETS: Final = 96
NO_KEY: Final = -1  # as UpStream.key_ext: none is known
_ONE_WORD: Final = 0xBEDE0001


def run_since_key_frame(up: UpStream, since: float, now: float) -> list[bytes]:
    """Packets from `up.key_ext` on; none if it came before `since` or too long ago, or if one of them is missing."""
    count = up.loss.highest + 1 - up.key_ext
    fresh = up.key_at >= since and now - up.key_at <= LATEST_S
    if up.key_ext == NO_KEY or up.paused or not fresh or not 0 < count <= MOST_PACKETS:
        return []
    found = [up.cache.get(up.key_ext + n, now) for n in range(count)]
    packets = [packet for packet in found if packet is not None]
    return packets if len(packets) == count else []


def write_down(out: bytearray, down: DownStream, packet: bytes, ext: int, now: float) -> tuple[int, int] | None:
    """A packet as `down` gets it, in the clear: (size, where its payload begins); None if he takes none of this kind."""
    first, marker_pt, _, ts, _ = HEADER.unpack_from(packet)
    out_pt = down.pt[marker_pt]
    packed = down.map.forward(ext, ts, now) if out_pt else NOTHING
    if packed == NOTHING:
        return None
    bits, seq, out_ts = first & PADDING_BIT | VERSION_2, packed >> 32, packed & 0xFFFFFFFF
    start = FIXED_HEADER
    if down.abs_base:
        start = HEADER_ABS_SIZE
        word = down.abs_base | abs_send_time(now)
        HEADER_ABS.pack_into(out, 0, bits | EXTENSION_BIT, out_pt, seq, out_ts, down.ssrc, _ONE_WORD, word)
    else:
        HEADER.pack_into(out, 0, bits, out_pt, seq, out_ts, down.ssrc)
    body = packet[payload_start(packet, len(packet)) :]
    end = start + len(body)
    out[start:end] = body
    if down.shift:
        shift_numbers(out, start, end, down.shift)
    return end, start


class CatchingUp(Wiring, ABC):
    """The part of a packet path that does it."""

    _out: SrtpBuffer
    _seal: Callable[..., int]
    packets_out: int

    @abstractmethod
    def _protect_and_send(self, lane: Lane, size: int, seal: Callable[..., int]) -> bool:
        """What stands in `_out`, to whom the lane belongs; False when nothing more can be sent now."""

    def catch_up(self, up: UpStream, down: DownStream, since: float, now: float) -> bool:
        packets = run_since_key_frame(up, since, now)
        if not packets or down.numbered == up.handle or down.lane.tx is None:
            return False
        self.disconnect(down)
        down.up = up
        down.map.switch(up.handle)
        self._renumber(up, down, packets[0], payload_start(packets[0], len(packets[0])), up.key_ext)
        up.downs = [*up.downs, down]
        for ext, packet in enumerate(packets, up.key_ext):
            written = write_down(self._out.data, down, packet, ext, now)
            if written is None:
                continue
            if not self._protect_and_send(down.lane, written[0], self._seal):
                self._congested(down)
                break
            down.packets += 1
            down.octets += written[0] - written[1]
            self.packets_out += 1
        return True
