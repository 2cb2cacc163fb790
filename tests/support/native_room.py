"""A publisher on a real socket and his subscribers on the C path, with real libsrtp."""

from __future__ import annotations

import socket
from collections import Counter
from typing import Any, cast

from media.core.rtcp import Packet, write_compound
from media.core.rtp import HEADER
from media.forward.path import DownStream, Lane, LaneOwner
from media.forward.self_test import Notes, Wire, wired_native
from media.net.ice_lite import Address
from media.net.srtp import SrtpBuffer, SrtpSessions, protect, protect_rtcp
from tests.support.native import native_library

GCM, KEY, OURS = 7, bytes(range(28)), bytes(range(1, 29))  # SRTP_PROFILE_AEAD_AES_128_GCM
KEY_FRAME, OTHER = b"\x10\x00", b"\x10\x01"


class Room:
    """A publisher on a real socket, subscribers on the wire."""

    def __init__(self, host: str = "127.0.0.1", *, gso: bool = True) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.port, self.browser = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
        self.port.bind((host, 0))
        self.port.setblocking(False)
        self.browser.bind((host, 0))
        self.browser.connect(self.port.getsockname())
        self.wire, self.notes, self.dropped = Wire(), Notes(), Counter[str]()
        self.path, _ = wired_native(native_library(), self.wire, self.notes, self.dropped, gso=gso)
        self.path.memory.fd = self.port.fileno()
        self.lanes: dict[Address, Lane] = {}
        self.lane = self.new_lane(self.browser.getsockname())
        self.up = self.path.new_up(1, self.lane, "video", "VP8", 90000, 77, nack=True)
        self.up.pt = 96
        self.path.add_up(self.up)
        self._keys = SrtpSessions("test", GCM, OURS, KEY)
        self._sealed = SrtpBuffer()

    def new_lane(self, address: Address) -> Lane:
        lane = self.path.new_lane(cast(LaneOwner, self.notes), 1, 0.0)
        self.path.open_lane(lane, SrtpSessions("test", GCM, KEY, OURS))
        self.move(lane, address)
        return lane

    def move(self, lane: Lane, address: Address) -> None:
        self.lanes = {key: value for key, value in self.lanes.items() if value is not lane} | {address: lane}
        lane.address = address
        self.path.use_addresses(self.lanes)

    def subscriber(self, number: int) -> DownStream:
        host, _, *rest = self.browser.getsockname()
        place: Any = (host, 7000 + number, *rest)
        lane = self.new_lane(place)
        down = self.path.new_down(lane, "video", 90000, 1000 + number, 1, 1)
        down.pt = bytes(n if n & 0x7F == 96 else 0 for n in range(256))
        self.path.connect(self.up, down)
        return down

    def send(self, seq: int, body: bytes, first: int = 0x80) -> None:
        plain = HEADER.pack(first, 96, seq & 0xFFFF, 0, 77) + body
        sealed = self._sealed
        sealed.data[: len(plain)], sealed.length[0] = plain, len(plain)
        assert protect(self._keys.tx, sealed.c, sealed.length) == 0
        self.browser.send(sealed.view[: sealed.length[0]])

    def send_rtcp(self, *packets: Packet) -> bytes:
        plain, sealed = write_compound(packets), self._sealed
        sealed.data[: len(plain)], sealed.length[0] = plain, len(plain)
        assert protect_rtcp(self._keys.tx, sealed.c, sealed.length) == 0
        self.browser.send(sealed.view[: sealed.length[0]])
        return plain

    def close(self) -> None:
        self.port.close()
        self.browser.close()
