"""The Python path's batches: packets of one subscriber and one size leave as one datagram when the batch ends."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import pytest

from media.core.rtp import HEADER
from media.forward.choose import kernel_cuts_datagrams
from media.forward.fanning_out import LONGEST_RUN
from media.forward.outbox import PLACES, Outbox
from media.forward.parcel import SEGMENTS
from media.forward.path import DownStream, Lane, LaneOwner
from media.forward.python_path import PythonPath
from media.forward.self_test import Notes, Story, Wire
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


def test_who_was_refused_something_gets_nothing_more_of_the_run() -> None:
    """His picture would go on without what it refers to."""
    room = Room()
    downs = [room.subscriber(number) for number in range(1, 6)]
    room.receive(1, KEY_FRAME)
    room.subscriber(6)  # lets out what waits, to each of the five
    room.wire.full = True
    for seq in range(2, 2 + LONGEST_RUN):  # more than there are places
        room.receive(seq, OTHER + bytes(100))
    room.wire.full = False

    room.path.flush()

    assert room.wire.sent == []
    assert (room.up.downs, room.path.packets_out) == ([], 0)
    assert [(down.packets, down.octets, down.map.open) for down in downs] == [(0, 0, False)] * 5


def test_who_leaves_in_the_middle_of_a_batch_gets_nothing_of_it(room: Room) -> None:
    down, other = room.up.downs
    room.receive(2, OTHER + bytes(100))
    room.path.disconnect(down)
    room.path.close_lane(down.lane)

    room.path.flush()

    assert [address for _, address in room.wire.sent] == [other.lane.address]


def test_batches_leave_one_after_the_other(room: Room) -> None:
    room.receive(2, OTHER + bytes(100))
    room.path.flush()
    room.receive(3, OTHER + bytes(100))
    room.receive(4, OTHER + bytes(100))
    room.path.flush()

    numbers = [[int.from_bytes(packet[2:4], "big") for packet in message] for message in room.wire.messages]
    assert numbers == [[2], [2], [3, 4], [3, 4]]


def test_what_came_before_a_pause_is_on_its_way(room: Room) -> None:
    room.receive(2, OTHER + bytes(100))
    room.path.pause(room.up, True)
    room.receive(3, OTHER + bytes(100))
    room.path.flush()

    assert [len(message) for message in room.wire.messages] == [1, 1]


def test_who_comes_in_the_middle_of_a_batch_gets_what_comes_then(room: Room) -> None:
    room.receive(2, OTHER + bytes(100))
    room.subscriber(3)
    room.receive(3, KEY_FRAME + bytes(100))
    room.receive(4, OTHER + bytes(100))
    room.path.flush()

    by_number = {number: [data for data, to in room.wire.sent if to[1] == number] for number in (1, 2, 3)}
    assert [len(packets) for packets in by_number.values()] == [3, 3, 2]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("many", [True, False], ids=["together", "one by one"])
def test_all_get_theirs_over_a_real_socket(family: socket.AddressFamily, many: bool) -> None:
    """Runs, single packets, and one who is nowhere, whose packet is refused and spoils no other's."""
    if not kernel_cuts_datagrams(family):
        pytest.skip("did not run: this kernel has no UDP segmentation")
    refused: list[tuple[int, int]] = []
    with socket.socket(family, socket.SOCK_DGRAM) as port, ExitStack() as opened:
        port.setblocking(False)
        takers = [opened.enter_context(socket.socket(family, socket.SOCK_DGRAM)) for _ in range(3)]
        outbox = Outbox(port, True, lambda down, body, _: refused.append((down.ssrc, body)), many=many)
        downs = [a_down(number) for number in range(4)]
        for taker, down in zip(takers, downs, strict=False):
            taker.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
            taker.settimeout(30)
            down.lane.address = taker.getsockname()
        downs[3].lane.address = ("::1", 0) if family == socket.AF_INET6 else ("127.0.0.1", 0)  # no such port
        for sizes in ([(0, 9), (0, 9), (0, 4), (3, 5), (1, 7), (2, 8), (2, 8)], [(1, 6)]):
            for number, size in sizes:
                fill(outbox, downs[number], size)
            outbox.flush()

        got = [[taker.recv(100) for _ in range(count)] for taker, count in zip(takers, (3, 2, 2), strict=True)]

    assert got == [[b"0" * 9, b"0" * 9, b"0" * 4], [b"1" * 7, b"1" * 6], [b"2" * 8, b"2" * 8]]
    assert refused == [(3, 5)]


class BatchedStory(Story):
    """Ends a batch now and then, and before anything happens that is no packet: so does the port."""

    def _happen(self, chance: random.Random, now: float) -> None:
        self._wire.full = False
        state = chance.getstate()
        something, this_time = chance.random() < 0.17, chance.random() < 0.2
        chance.setstate(state)
        if something or this_time:
            self._path.flush()
        super()._happen(chance, now)


@pytest.mark.parametrize("seed", range(4))
def test_a_story_in_batches_leaves_the_same_packets(seed: int) -> None:
    stories = []
    for cuts in (False, True):
        wire, notes, buffer = CuttingWire(), Notes(), SrtpBuffer()
        path = PythonPath(cast(Any, wire), Counter(), notes, cuts=cuts)

        def feed(lane: Lane, data: bytes, now: float, path: PythonPath = path, buffer: SrtpBuffer = buffer) -> None:
            buffer.data[: len(data)], buffer.length[0] = data, len(data)
            take = path.on_rtcp if 192 <= data[1] <= 223 else path.on_rtp
            take(lane, buffer, now)

        story = BatchedStory(path, feed, wire, notes, GCM, len(KEY))
        story.play(random.Random(seed), 400)
        path.flush()
        stories.append([(name, sorted(what) if name == "datagrams" else what) for name, what in story.outcome()])  # type: ignore[call-overload]

    batched = [message for message in wire.messages if len(message) > 1]
    assert stories[0] == stories[1]
    assert len(batched) > 3


def a_down(number: int) -> DownStream:
    lane = Lane(cast(LaneOwner, Notes()), 1, 0.0)
    lane.tx = object()
    return DownStream(lane, "audio", 48000, number, 1, 1)


def fill(outbox: Outbox, down: DownStream, size: int) -> None:
    parcel = outbox.open.get(down.lane)
    if parcel is None or (size != parcel.size and not parcel.takes(size)):
        parcel = outbox.begin(down.lane, size)
    number, slot = parcel.count, outbox.slots[outbox.count]
    slot.data[:size] = str(down.ssrc).encode() * size
    (parcel.lengths[number] if number < len(parcel.lengths) else parcel.grow())[0] = size
    parcel.pieces[2 * number] = slot.at
    parcel.taken.append((down, size, slot))
    parcel.count += 1
    outbox.count += 1


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
        port.close()

    assert [len(packet) - 12 - 16 for packet in got] == [900 if seq % 5 < 4 else 300 for seq in range(20)]
    assert [int.from_bytes(packet[2:4], "big") for packet in got] == list(range(1, 21))
    assert not room.dropped
