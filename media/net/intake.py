"""What the socket has, read several datagrams at a time.

Each lies in a place of its own, which libsrtp works on. Who sent it is known by what the kernel wrote (struct sockaddr), so that an
address becomes text once and not for each packet. Where libc has no recvmmsg, or it does not do what it should, one is read at a time.
"""

from __future__ import annotations

import ctypes
import select
import socket
from functools import cache
from typing import Final

from media.net.ice_lite import Address
from media.net.mmsg import Message, Vector, libc_call
from media.net.sockaddr import SOCKADDR_BYTES, address_of, sockaddr
from media.net.srtp import SrtpBuffer, ffi

# Datagrams of one call. A frame has five; the more places, the more memory is gone through under load.
PLACES: Final = 16
# Whoever forges sources must not fill memory.
MOST_KNOWN: Final = 4096
_SOON_S = 0.2


class Place(SrtpBuffer):
    """A datagram: `length[0]` bytes of `data`, and `source`, the sender's sockaddr."""

    __slots__ = ("source",)

    def __init__(self, message: Message, source: memoryview) -> None:
        super().__init__()
        self.source = source
        if message.vectors:
            self.length = ffi.cast("int *", ctypes.addressof(message) + Message.length.offset)


class Intake:
    """`take`, then look at as many `places`, which are good until the next `take`. `known` are senders by their sockaddr."""

    __slots__ = ("_messages", "_names", "_port", "_receive", "_start", "_vectors", "at_once", "known", "places")

    def __init__(self, port: socket.socket, *, many: bool) -> None:
        """port  non-blocking.   many  whether several may be read at once (`reads_many`)."""
        self._port = port
        self._receive = libc_call("recvmmsg") if many else None
        self.at_once = PLACES if self._receive else 1
        self.known: dict[bytes, Address] = {}
        size = SOCKADDR_BYTES[port.family]
        self._names = memoryview(bytearray(PLACES * size))
        self._messages, self._vectors = (Message * self.at_once)(), (Vector * self.at_once)()
        self.places = [self._place(number, size) for number in range(self.at_once)]
        self._start = ctypes.c_void_p(ctypes.addressof(self._messages))

    def _place(self, number: int, size: int) -> Place:
        message, vector = self._messages[number], self._vectors[number]
        source = self._names[number * size : (number + 1) * size]
        message.name, message.name_size = ctypes.addressof(ctypes.c_char.from_buffer(source)), size
        message.vectors, message.vector_count = ctypes.addressof(vector), 1
        place = Place(message, source)
        vector.base, vector.size = int(ffi.cast("uintptr_t", place.c)), len(place.data)
        return place

    def take(self) -> int:
        """How many datagrams came, 0 when nothing is there. Raises OSError."""
        if self._receive is not None:
            count = self._receive(self._port.fileno(), self._start, PLACES, 0, None)
            if count > 0:
                return count
        return self._take_one()  # or learn what is wrong

    def _take_one(self) -> int:
        place = self.places[0]
        try:
            place.length[0], source = self._port.recvfrom_into(place.data)
        except BlockingIOError:
            return 0
        place.source[:] = sockaddr(source)
        return 1

    def learn(self, place: Place) -> Address:
        """Where a datagram came from, as `socket.recvfrom` would say it; `known` has it from then on, while nobody forges many."""
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        packed = place.source.tobytes()
        return self.known.setdefault(packed, address_of(packed))


@cache
def reads_many(family: socket.AddressFamily) -> bool:
    """Whether two datagrams read at once are those that were sent: tried out, because some sandboxes only say so."""
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as here, socket.socket(family, socket.SOCK_DGRAM) as there:
            here.bind((host, 0))
            there.bind((host, 0))
            there.setblocking(False)
            for datagram in (b"one", b"two more"):
                here.sendto(datagram, there.getsockname())
            return _read(there, 2) == [(b"one", here.getsockname()), (b"two more", here.getsockname())]
    except OSError:
        return False


def _read(port: socket.socket, wanted: int) -> list[tuple[bytes, Address]]:
    intake, found = Intake(port, many=True), list[tuple[bytes, Address]]()
    while intake.at_once > 1 and len(found) < wanted and select.select([port], [], [], _SOON_S)[0]:
        places = intake.places[: intake.take()]
        found += [(place.view[: place.length[0]].tobytes(), intake.learn(place)) for place in places]
    return found
