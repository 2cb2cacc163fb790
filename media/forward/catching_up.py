"""What a newcomer is sent at once: the key frame that came a moment ago, and everything since.

A key frame is asked for when a newcomer's first valid check comes, and he has keys two round trips later: mostly it is there by then. It is
also what spares a publisher a key frame for each of several who come within a second. Only what is whole is sent, nothing of before the
publisher's pause or move, and nothing of before the newcomer belonged to the room: which that is, says the room (`since`).

Until he has everything he waits, as for a key frame, and what comes is sent from the cache in its turn (media/beginnings.py says when).
A newer key frame ends that: he goes on with it.
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
from media.core.seqno import SEQ_MASK
from media.forward.path import DownStream, Lane, UpStream
from media.forward.wiring import Wiring
from media.net.srtp import SrtpBuffer

# Older, and what he sees begins in the past: a browser shows pictures no faster than they were taken.
LATEST_S: Final = 0.6
MOST_PACKETS: Final = 96
NO_KEY: Final = -1  # as UpStream.key_ext: none is known
COMPLETE: Final = -1  # as the number that comes next: he has everything, or is sent it in another way
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
        up.waiting = [*up.waiting, down]
        return True

    def send_on(self, up: UpStream, down: DownStream, ext: int, bits: float, now: float) -> tuple[int, int]:
        if down.up is not up or down not in up.waiting:  # elsewhere, or on his way with a newer key frame
            return COMPLETE, 0
        if up.key_ext != down.begun_at:  # it was paused meanwhile; with its end a key frame is asked for
            self._cut(up, down)
            return COMPLETE, 0
        used = 0
        while ext <= up.loss.highest and used < bits:
            size = self._send_kept(up, down, ext, now)
            if size < 0:
                self._congested(down)
                return COMPLETE, used
            used += size * 8
            ext += 1
        if ext <= up.loss.highest:
            return ext, used
        up.waiting = [other for other in up.waiting if other is not down]
        up.downs = [*up.downs, down]
        return COMPLETE, used

    def _send_kept(self, up: UpStream, down: DownStream, ext: int, now: float) -> int:
        """Bytes sent; 0 of what is missing, and comes late or is asked for like anything later; -1 when there is no more sense in it."""
        packet = up.cache.get(ext, now)
        if packet is None and not up.loss.waits_for(ext & SEQ_MASK):  # it was there, and is too old by now
            return -1
        written = write_down(self._out.data, down, packet, ext, now) if packet is not None else None
        if written is None:
            return 0
        if not self._protect_and_send(down.lane, written[0], self._seal):
            return -1
        down.packets += 1
        down.octets += written[0] - written[1]
        self.packets_out += 1
        return written[0]
