"""Packets on a byte stream: two bytes of length, then that many bytes. Source: RFC 4571 §2. Pure."""

from __future__ import annotations

from typing import Final

from media.core.rtp import Buffer

LENGTH_BYTES: Final = 2


class BadFrame(ValueError):
    """A packet was announced that is longer than any we take; the stream cannot be followed any further."""


def framed(packet: Buffer) -> bytes:
    """One packet as it goes on the stream. Raises OverflowError above 65,535 bytes."""
    return len(packet).to_bytes(LENGTH_BYTES, "big") + packet


class Unframer:
    """Cuts a stream into packets; holds at most one unfinished one of `longest` bytes."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._pending = b""

    def receive(self, data: bytes) -> list[bytes]:
        """Packets completed by `data`, in order; empty ones are left out. Raises BadFrame; then the stream must be ended."""
        pending = self._pending + data if self._pending else data
        packets: list[bytes] = []
        at, have = 0, len(pending)
        while have - at >= LENGTH_BYTES:
            start = at + LENGTH_BYTES
            length = int.from_bytes(pending[at:start], "big")
            if length > self._longest:
                raise BadFrame(f"a packet of {length} bytes")
            if start + length > have:
                break
            at = start + length
            if length:
                packets.append(pending[start:at])
        self._pending = pending[at:]
        return packets
