"""What one read of the socket sends, for the Python path: packets of one subscriber and one size leave as one datagram, all in one call.

The kernel cuts it (UDP_SEGMENT), which halves what a packet costs there. Where it does not, or the way there refuses, they leave singly.
Where libc has sendmmsg, what goes to several subscribers goes in one call. What it does not take is offered to the socket
by itself, which says why.
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable, Container, Sequence
from ctypes import addressof, c_void_p
from typing import Any, Final

from media.forward.parcel import CUT_BYTES, UDP_SEGMENT, Parcel, Slot, Way
from media.forward.path import DownStream, Lane
from media.net.ice_lite import Address
from media.net.mmsg import (
    CONTROL_SIZE,
    MESSAGE_BYTES,
    NAME,
    NAME_SIZE,
    VECTOR_COUNT,
    WORDS,
    Call,
    Message,
    libc_call,
    words_of,
)
from media.net.sockaddr import sockaddr

# Packets that wait for each other at most.
PLACES: Final = 64
_NOT_THERE: Final = (errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.EOPNOTSUPP)


class Outbox:
    """Fill `slots[count]`, put it into a parcel of `open` or one that `begin` gives, count it, and `flush` when the batch ends or all are full."""

    __slots__ = (
        "_messages",
        "_parcels",
        "_refused",
        "_send",
        "_socket",
        "_start",
        "_uncut",
        "_used",
        "_ways",
        "_words",
        "count",
        "odd",
        "open",
        "places",
        "slots",
    )

    def __init__(
        self, port: socket.socket, cuts: bool, refused: Callable[[DownStream, int, OSError], None], *, many: bool
    ) -> None:
        """cuts  whether the kernel does.   refused  is told of each packet that was not sent, with its payload's bytes.
        many  whether messages to several may leave in one call.
        """
        self._socket = port
        self._refused = refused
        self._send = libc_call("sendmmsg") if many else None
        self._uncut: set[Address] = set()  # ways that take no segmentation
        self._ways: dict[Address, Way] = {}
        self.places = PLACES if cuts else 1
        self._messages = (Message * self.places)()
        self._words = words_of(self._messages)
        self._start = c_void_p(addressof(self._messages))
        self._parcels: list[Parcel] = []  # as many as were ever needed at once; the first are in use
        self._used = 0
        self.slots = [Slot() for _ in range(self.places)]
        self.count = 0  # packets that wait, in as many of the slots
        self.open: dict[Lane, Parcel] = {}  # those of the batch that may take more
        self.odd = False  # something of the batch must not go together with the rest

    def begin(self, lane: Lane, size: int) -> Parcel:
        """For the lane's next packet, of so many bytes before it is sealed. Nothing may be filled in an earlier one."""
        used = self._used
        if used == self.places:  # nothing was sealed for some
            self.flush()
            used = 0
        self._used = used + 1
        if used == len(self._parcels):
            self._parcels.append(Parcel(self._messages[used], used * WORDS))
        parcel = self.open[lane] = self._parcels[used]
        parcel.size = size
        way, words = self._ways.get(lane.address) or self._learn(lane.address), self._words
        words[parcel.at + NAME] = way.at
        words[parcel.at + NAME_SIZE] = way.size
        if not way.size:
            self.odd = True
        return parcel

    def _learn(self, address: Address) -> Way:
        """The same as long as it is in use: messages of the batch point to it."""
        way = self._ways.get(address)
        if way is None:
            way = self._ways[address] = Way(b"" if address in self._uncut else sockaddr(address))
        return way

    def forget_all_but(self, addresses: Container[Address]) -> None:
        """The others are in use no more, or another's."""
        self._uncut = {address for address in self._uncut if address in addresses}
        self._ways = {address: way for address, way in self._ways.items() if address in addresses}
        self.odd = True

    def flush(self) -> None:
        """Send all that waits."""
        used = self._used
        if not used:
            return
        parcels = self._parcels if used == len(self._parcels) else self._parcels[:used]
        if self._send is None or self.odd or not self._label(parcels):
            for parcel in parcels:
                self._send_by_itself(parcel)
            self.odd = False
        else:
            self._send_together(self._send, parcels)
        for parcel in parcels:
            parcel.count = 0
            parcel.taken.clear()
        self.open.clear()
        self._used = self.count = 0

    def _label(self, parcels: Sequence[Parcel]) -> bool:
        """Tell the kernel how many packets each has, and where to cut. False if one has none: nothing could be sealed for it."""
        words = self._words
        for parcel in parcels:
            at = parcel.at
            words[at + VECTOR_COUNT] = parcel.count
            if parcel.count > 1:
                parcel.cut[0] = parcel.lengths[0][0]
                words[at + CONTROL_SIZE] = CUT_BYTES
            elif parcel.count:
                words[at + CONTROL_SIZE] = 0
            else:
                return False
        return True

    def _send_together(self, send: Call, parcels: Sequence[Parcel]) -> None:
        count, start, first = len(parcels), self._start, 0
        while True:
            done = send(self._socket.fileno(), start, count - first, 0)
            if done == count - first:
                return
            first += max(done, 0)
            self._send_by_itself(parcels[first])  # the socket says why
            first += 1
            if first == count:
                return
            start = c_void_p(addressof(self._messages) + first * MESSAGE_BYTES)

    def _send_by_itself(self, parcel: Parcel) -> None:
        if not parcel.count:
            return
        lane = parcel.taken[0][0].lane
        if lane.tx is None:  # he has left in the middle of the batch
            return
        address = lane.address
        if parcel.count == 1 or len(address) == 3 or address in self._uncut:
            self._send_singly(parcel, address)
        else:
            self._send_cut(parcel, address)

    def _send_singly(self, parcel: Parcel, address: Address) -> None:
        for packet, (down, body, _) in zip(parcel.packets(), parcel.taken, strict=True):
            try:
                self._socket.sendto(packet, address)
            except OSError as refusal:
                self._refused(down, body, refusal)

    def _send_cut(self, parcel: Parcel, address: Address) -> None:
        packets = parcel.packets()
        cut: Any = [(socket.IPPROTO_UDP, UDP_SEGMENT, len(packets[0]).to_bytes(2, sys.byteorder))]
        try:
            self._socket.sendmsg(packets, cut, 0, address)
        except OSError as refusal:
            if refusal.errno in _NOT_THERE:
                self._uncut.add(address)
                self._learn(address).size = 0
                self._send_singly(parcel, address)
                return
            for down, body, _ in parcel.taken:
                self._refused(down, body, refusal)
