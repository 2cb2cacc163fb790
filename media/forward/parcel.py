"""Packets of one subscriber and one size that leave as one message, where they lie in memory.

libsrtp writes the length of what it seals straight into the list that the kernel reads, so that nothing is gathered before it is sent.
"""

from __future__ import annotations

import socket
import struct
from ctypes import addressof
from typing import Any, Final

from media.forward.path import DownStream
from media.net.mmsg import Message, Vector, words_of
from media.net.srtp import MAX_PACKET, TRAILER, ffi

UDP_SEGMENT: Final = 103  # linux/udp.h
# In one datagram: 40 of 1,500 bytes are less than the 64 KiB that UDP takes.
SEGMENTS: Final = 40
# struct cmsghdr and the size of a segment (cmsg(3)); what it says itself ends with the data, not with the padding.
_CUT: Final = struct.Struct("=QiiH6x")
CUT_BYTES: Final = _CUT.size
_CUT_AT: Final = 8  # in words of 16 bits


class Way:
    """Where a name (struct sockaddr) stands in memory. Of no bytes: messages do not go there, packets go singly."""

    __slots__ = ("_name", "at", "size")

    def __init__(self, name: bytes) -> None:
        self._name = bytearray(name)
        self.at, self.size = _address(self._name), len(name)


class Slot:
    """Room for one packet: `at` is where it is in memory, `c` the same for libsrtp."""

    __slots__ = ("at", "c", "data")

    def __init__(self) -> None:
        self.data = bytearray(MAX_PACKET + TRAILER)
        self.c: Any = ffi.from_buffer(self.data)
        self.at = _address(self.c)


class Parcel:
    """Of packet n of `count`, slot `taken[n][2]` is named in `pieces[2 * n]`, and its length is `lengths[n][0]`.

    `taken` says by whom each packet is paid for: the stream and the bytes of its payload.
    """

    __slots__ = ("_control", "_vectors", "at", "count", "cut", "lengths", "pieces", "size", "taken")

    def __init__(self, message: Message, at: int) -> None:
        """at  where the message begins among the words of all."""
        self.at = at
        self.count = 0
        self.size = 0  # of a packet before it is sealed; -1: complete
        self.taken: list[tuple[DownStream, int, Slot]] = []
        self._vectors = (Vector * SEGMENTS)()
        self.pieces = words_of(self._vectors)
        self.lengths: list[Any] = []  # made when they are needed first
        self._control = bytearray(CUT_BYTES)
        _CUT.pack_into(self._control, 0, CUT_BYTES - 6, socket.IPPROTO_UDP, UDP_SEGMENT, 0)
        self.cut = memoryview(self._control).cast("H")[_CUT_AT:]
        message.control = _address(self._control)
        message.vectors = addressof(self._vectors)

    def grow(self) -> Any:
        """Where the length of one packet more stands, for libsrtp."""
        length = ffi.cast("int *", addressof(self._vectors[len(self.lengths)]) + Vector.size.offset)
        self.lengths.append(length)
        return length

    def packets(self) -> list[memoryview]:
        return [
            memoryview(slot.data)[: length[0]] for (_, _, slot), length in zip(self.taken, self.lengths, strict=False)
        ]

    def takes(self, size: int) -> bool:
        """Whether a packet may come into it that is not like those before, or of which there are enough: a shorter one, as the last."""
        if size > self.size or self.count == SEGMENTS:
            return False
        self.size = -1 if self.count else size
        return True


def _address(memory: Any) -> int:
    """Of a bytearray, or of what cffi made of one."""
    return int(ffi.cast("uintptr_t", ffi.from_buffer(memory) if isinstance(memory, bytearray) else memory))
