"""Recent packets of one up stream, kept for retransmission: a ring addressed by extended sequence number.

Capped by count (the ring) and by age (`forget`), because caches are most of a participant's memory: a second of 1.5
Mbit/s is 190 KiB. The newest packet stays, however old: what follows a stream that has ended goes on behind its numbers.
"""

from __future__ import annotations

from array import array

VIDEO_PACKETS = 512  # about 3 s at 1.5 Mbit/s; a power of two
AUDIO_PACKETS = 128  # 2.5 s at 20 ms
MAX_AGE_S = 1.0  # RTT 200 ms and four attempts; a later repair finds the picture gone
ANY_AGE = float("-inf")  # as `now` of `get`
_LOOKED_AT_EACH = 32  # packets: a timer alone would leave as much again as is kept


class PacketCache:
    """Plain (decrypted) packets: `get` gives back byte for byte what was stored under that number, or None."""

    __slots__ = ("_ages", "_mask", "_newest", "_packets", "_seqs", "_tail", "bytes_held", "max_age_s")

    def __init__(self, packets: int = VIDEO_PACKETS, max_age_s: float = MAX_AGE_S) -> None:
        """packets  ring size, a power of two."""
        if packets < 1 or packets & (packets - 1):
            raise ValueError(f"packets: {packets} is not a power of two")
        self._mask = packets - 1
        self._seqs = array("q", [-1]) * packets
        self._ages = array("d", [0.0]) * packets
        self._packets = [b""] * packets
        self._newest = -1
        self._tail = 0  # everything below has been forgotten
        self.max_age_s = max_age_s
        self.bytes_held = 0

    def store(self, ext: int, packet: bytes, now: float) -> None:
        """Keep one packet under its extended number; one that lies a whole ring behind the newest is ignored."""
        i = ext & self._mask
        if ext > self._newest:
            if self._newest < 0:
                self._tail = ext
            self._newest = ext
        elif self._seqs[i] > ext:
            return
        elif ext < self._tail:
            self._tail = ext
        self.bytes_held += len(packet) - len(self._packets[i])
        self._seqs[i] = ext
        self._ages[i] = now
        self._packets[i] = packet
        if not ext % _LOOKED_AT_EACH:
            self.forget(now)

    def get(self, ext: int, now: float) -> bytes | None:
        """The packet of that extended number unless it never came, was overwritten or is older than `max_age_s`."""
        i = ext & self._mask
        if self._seqs[i] != ext or now - self._ages[i] > self.max_age_s:
            return None
        return self._packets[i] or None

    def forget(self, now: float) -> None:
        """Free what is too old, oldest first, but for the newest; each packet is visited once, so it may be called on every tick."""
        limit = now - self.max_age_s
        ext = max(self._tail, self._newest - self._mask)
        while ext < self._newest:
            i = ext & self._mask
            if self._packets[i]:  # of this number, or of one a ring earlier whose successor in this place was lost
                if self._ages[i] >= limit:
                    break
                self.bytes_held -= len(self._packets[i])
                self._packets[i] = b""
            ext += 1
        self._tail = ext
