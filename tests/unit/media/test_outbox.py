"""The Python path's batches: packets of one subscriber and one size leave as one datagram when the batch ends."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

import pytest

from media.core.rtp import HEADER
from media.forward.choose import kernel_cuts_datagrams
from media.forward.outbox import PLACES, SEGMENTS
from media.forward.path import DownStream, Lane, LaneOwner
from media.forward.python_path import PythonPath
from media.forward.self_test import Notes, Wire
from media.net.ice_lite import Address
from media.net.srtp import SrtpBuffer, SrtpSessions, protect
from media.net.udp import UdpPort

GCM, KEY, OURS = 7, bytes(range(28)), bytes(range(1, 29))  # SRTP_PROFILE_AEAD_AES_128_GCM
KEY_FRAME, OTHER = b"\x10\x00", b"\x10\x01"
HEADER_AND_TAG = 12 + 2 + 16


@dataclass(slots=True, repr=False)
class CuttingWire(Wire):
    """Also takes what the kernel shall cut."""

    def sendto(self, data: memoryview, address: Address) -> int:
        size = Wire.sendto(self, data, address)
        self.messages.append([bytes(data)])
        return size

    def sendmsg(
        self, packets: list[memoryview], control: list[tuple[int, int, bytes]], _flags: int, to: Address
    ) -> int:
        ((_, _, cut),) = control
        size = int.from_bytes(cut, sys.byteorder)
        assert {len(packet) for packet in packets[:-1]} == {size}
        assert len(packets[-1]) <= size
        if self.full:
            raise BlockingIOError
        if not self.cuts:
            raise OSError(errno.EIO, "no segmentation here")
        self.messages.append([bytes(packet) for packet in packets])
        self.sent += [(bytes(packet), to) for packet in packets]
        return sum(map(len, packets))


class Room:
    """A publisher, and subscribers on the wire."""

    def __init__(self) -> None:
        self.wire, self.notes, self.dropped = CuttingWire(), Notes(), Counter[str]()
        self.buffer, self.sealed = SrtpBuffer(), SrtpBuffer()
        self.path = PythonPath(cast(Any, self.wire), self.dropped, self.notes, cuts=True)
        self.keys = SrtpSessions("test", GCM, OURS, KEY)
        self.lane = self.new_lane(("192.0.2.1", 1))
        self.up = self.path.new_up(1, self.lane, "video", "VP8", 90000, 77, nack=True)
        self.up.pt = 96
        self.path.add_up(self.up)

    def new_lane(self, address: Address) -> Lane:
        lane = self.path.new_lane(cast(LaneOwner, self.notes), 1, 0.0)
        lane.address = address
        self.path.open_lane(lane, SrtpSessions("test", GCM, KEY, OURS))
        return lane

    def subscriber(self, number: int) -> DownStream:
        down = self.path.new_down(self.new_lane(("192.0.2.2", number)), "video", 90000, 1000 + number, 1, 1)
        down.pt = bytes(n if n & 0x7F == 96 else 0 for n in range(256))
        self.path.connect(self.up, down)
        return down

    def sealed_packet(self, seq: int, body: bytes) -> bytes:
        plain, sealed = HEADER.pack(0x80, 96, seq, 0, 77) + body, self.sealed
        sealed.data[: len(plain)], sealed.length[0] = plain, len(plain)
        assert protect(self.keys.tx, sealed.c, sealed.length) == 0
        return bytes(sealed.view[: sealed.length[0]])

    def receive(self, seq: int, body: bytes) -> None:
        packet = self.sealed_packet(seq, body)
        self.buffer.data[: len(packet)], self.buffer.length[0] = packet, len(packet)
        self.path.on_rtp(self.lane, self.buffer, 1.0)


@pytest.fixture
def room() -> Room:
    made = Room()
    made.subscriber(1)
    made.subscriber(2)
    made.receive(1, KEY_FRAME)
    made.path.flush()
    made.wire.messages.clear()
    made.wire.sent.clear()
    return made


def test_one_subscribers_packets_leave_as_one(room: Room) -> None:
    for seq, size in enumerate((600, 600, 600, 200, 600, 700), start=2):
        room.receive(seq, OTHER + bytes(size))
    assert room.wire.messages == []

    room.path.flush()

    sizes = [[len(packet) - HEADER_AND_TAG for packet in message] for message in room.wire.messages]
    assert sizes == [[600, 600, 600, 200], [600], [700]] * 2
    assert (room.path.packets_out, room.path.packets_in) == (14, 7)


def test_a_way_without_segmentation_gets_single_packets_from_then_on(room: Room) -> None:
    room.wire.cuts = False
    for start in (2, 6):
        for seq in range(start, start + 4):
            room.receive(seq, OTHER + bytes(100))
        room.path.flush()
        room.wire.cuts = True

    assert [len(message) for message in room.wire.messages] == [1] * 16
    assert not room.dropped


def test_what_a_full_socket_refused_was_not_sent_and_the_picture_waits_for_a_key_frame(room: Room) -> None:
    downs = room.up.downs
    room.wire.full = True
    room.receive(2, OTHER + bytes(100))
    room.receive(3, OTHER + bytes(100))

    room.path.flush()

    assert room.dropped["send_full"] == 4
    assert (room.path.packets_out, [down.packets for down in downs]) == (2, [1, 1])
    assert (room.up.downs, room.up.waiting) == ([], downs)


def test_no_more_wait_than_there_are_places(room: Room) -> None:
    for seq in range(2, 2 + PLACES // 2):
        room.receive(seq, OTHER + bytes(100))

    assert [len(message) for message in room.wire.messages] == [PLACES // 2] * 2
    assert PLACES // 2 <= SEGMENTS


def test_who_leaves_in_the_middle_of_a_batch_gets_nothing_of_it(room: Room) -> None:
    down, other = room.up.downs
    room.receive(2, OTHER + bytes(100))
    room.path.disconnect(down)
    room.path.close_lane(down.lane)

    room.path.flush()

    assert [address for _, address in room.wire.sent] == [other.lane.address]


async def test_a_real_kernel_cuts_what_a_real_port_read() -> None:
    """A publisher's burst comes through the port and arrives at the subscriber packet by packet, in order."""
    if not kernel_cuts_datagrams(socket.AF_INET):
        pytest.skip("did not run: this kernel has no UDP segmentation")
    room, loop = Room(), asyncio.get_running_loop()
    port = UdpPort("127.0.0.1", 0, lambda *_: None, room.dropped)
    path = PythonPath(port.socket, room.dropped, room.notes, cuts=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as browser, socket.socket(type=socket.SOCK_DGRAM) as viewer:
        for end in (browser, viewer):
            end.bind(("127.0.0.1", 0))
            end.connect(port.address)
            end.setblocking(False)
        sender, taker = (path.new_lane(cast(LaneOwner, room.notes), 1, 0.0) for _ in range(2))
        sender.address, taker.address = browser.getsockname(), viewer.getsockname()
        for lane in (sender, taker):
            path.open_lane(lane, SrtpSessions("test", GCM, KEY, OURS))
            port.lanes[lane.address] = lane
        up = path.new_up(1, sender, "video", "H265", 90000, 77, nack=True)
        up.pt = 96
        path.add_up(up)
        down = path.new_down(taker, "video", 90000, 1000, 1, 1)
        down.pt = bytes(n if n & 0x7F == 96 else 0 for n in range(256))
        path.connect(up, down)
        path.start(loop, port)
        for seq in range(20):
            browser.send(room.sealed_packet(seq, bytes([seq]) * (900 if seq % 5 < 4 else 300)))

        got = [await loop.sock_recv(viewer, 2000) for _ in range(20)]
        port.close(loop)

    assert [len(packet) - 12 - 16 for packet in got] == [900 if seq % 5 < 4 else 300 for seq in range(20)]
    assert [int.from_bytes(packet[2:4], "big") for packet in got] == list(range(1, 21))
    assert not room.dropped
