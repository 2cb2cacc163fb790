"""What one read of the socket sends, for the Python path: packets of one subscriber and one size leave as one datagram.

The kernel cuts it (UDP_SEGMENT), which halves what a packet costs there. Where it does not, or the way there refuses, they leave singly.
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable, Container
from typing import Any, Final

from media.forward.path import DownStream, Lane
from media.net.ice_lite import Address
from media.net.srtp import SrtpBuffer

UDP_SEGMENT: Final = 103  # linux/udp.h
# Packets that wait for each other at most.
PLACES: Final = 64
# In one datagram: 40 of 1,500 bytes are less than the 64 KiB that UDP takes.
SEGMENTS: Final = 40
_NOT_THERE: Final = (errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.EOPNOTSUPP)
Waiting = tuple[memoryview, DownStream, int]  # sealed packet, where to, bytes of its payload


class Outbox:
    """`buffers[count]` is free for the next packet; `put` it, and `flush` when the batch ends or `is_full`."""

    __slots__ = ("_places", "_refused", "_socket", "_uncut", "_waiting", "buffers", "count")

    def __init__(self, port: socket.socket, cuts: bool, refused: Callable[[DownStream, int, OSError], None]) -> None:
        """cuts  whether the kernel does.   refused  is told of each packet that was not sent, with its payload's bytes."""
        self._socket = port
        self._refused = refused
        self._waiting: dict[Lane, list[Waiting]] = {}
        self._uncut: set[Address] = set()  # ways that take no segmentation
        self._places = PLACES if cuts else 1
        self.buffers = [SrtpBuffer() for _ in range(self._places)]
        self.count = 0

    def put(self, down: DownStream, buffer: SrtpBuffer, body: int) -> None:
        """Send it with the others."""
        waiting = self._waiting.get(down.lane)
        if waiting is None:
            waiting = self._waiting[down.lane] = []
        waiting.append((buffer.view[: buffer.length[0]], down, body))
        self.count += 1
        if self.count == self._places:
            self.flush()

    def forget_all_but(self, addresses: Container[Address]) -> None:
        """The others are in use no more."""
        self._uncut = {address for address in self._uncut if address in addresses}

    def flush(self) -> None:
        """Send all that waits."""
        if not self.count:
            return
        for lane, waiting in self._waiting.items():
            address = lane.address
            if lane.tx is None:  # he has left in the middle of the batch
                continue
            if len(waiting) == 1 or len(address) == 3 or address in self._uncut:
                self._send_singly(waiting, address)
            else:
                self._send_cut(waiting, address)
        self._waiting.clear()
        self.count = 0

    def _send_singly(self, waiting: list[Waiting], address: Address) -> None:
        for packet, down, body in waiting:
            try:
                self._socket.sendto(packet, address)
            except OSError as refusal:
                self._refused(down, body, refusal)

    def _send_cut(self, waiting: list[Waiting], address: Address) -> None:
        """Runs of one size, the last of which may be shorter."""
        first = 0
        while first < len(waiting):
            size, end = len(waiting[first][0]), first + 1
            while end < len(waiting) and end - first < SEGMENTS and len(waiting[end - 1][0]) == size:
                if len(waiting[end][0]) > size:
                    break
                end += 1
            self._send_run(waiting[first:end], size, address)
            first = end

    def _send_run(self, run: list[Waiting], size: int, address: Address) -> None:
        if len(run) == 1:
            self._send_singly(run, address)
            return
        cut: Any = [(socket.IPPROTO_UDP, UDP_SEGMENT, size.to_bytes(2, sys.byteorder))]
        try:
            self._socket.sendmsg([packet for packet, _, _ in run], cut, 0, address)
        except OSError as refusal:
            if refusal.errno in _NOT_THERE:
                self._uncut.add(address)
                self._send_singly(run, address)
                return
            for _, down, body in run:
                self._refused(down, body, refusal)
