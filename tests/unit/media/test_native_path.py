"""What only the C path does: batches, segmentation, the gate's table, memory that follows the rate. Policy: test_forward_path.py."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import itertools
import os
import random
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from media.core.packetcache import VIDEO_PACKETS, PacketCache
from media.core.rtcp import (
    BandwidthEstimate,
    Goodbye,
    Nack,
    Packet,
    PictureLoss,
    ReceiverReport,
    SenderReport,
    SourceDescription,
    write_compound,
)
from media.core.rtp import HEADER
from media.core.transport_cc import Arrivals, note_packet
from media.forward.native_memory import ARRIVALS, UpMemory
from media.forward.native_objects import LARGEST_ARENA, NativeLane, SharedCache, address_of, sockaddr
from media.forward.native_path import NativePath
from media.forward.path import DownStream, Lane, LaneOwner
from media.forward.self_test import Notes, Wire, check_native, wired_native
from media.net.ice_lite import Address
from media.net.srtp import SrtpBuffer, SrtpSessions, protect, protect_rtcp
from tests.support.eventually import eventually
from tests.support.native import native_library

GCM, KEY, OURS = 7, bytes(range(28)), bytes(range(1, 29))  # SRTP_PROFILE_AEAD_AES_128_GCM
TICKS, MOST_TICKS = 3, 50  # fastpath.h
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


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    made.subscriber(1)
    made.subscriber(2)
    made.send(1, KEY_FRAME)
    made.path.read()
    made.wire.messages.clear()
    made.wire.sent.clear()
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(2, 14))
def test_stories_leave_the_same_bytes_on_both_paths(seed: int) -> None:
    check_native(native_library(), seed, steps=700)


@pytest.mark.parametrize("seed", range(4))
def test_arrivals_are_told_in_the_same_words(seed: int) -> None:
    chance = random.Random(seed)
    lane = NativeLane(native_library(), 1, cast(LaneOwner, Notes()), 5, 0.0)
    lane.count_ident = 3
    both = Arrivals(), lane.arrivals
    now, seq = 1000.0, 65000
    for _ in range(300):
        for _ in range(chance.choice([0, 1, 7, 20, 200, 500])):
            now += chance.choice([0.0, 0.0002, 0.003, 0.07])
            seq += chance.choice([1] * 30 + [0, 2, 9, -3, -900, -2000, 300, 20_000])
            for arrivals in both:
                arrivals.note(seq & 0xFFFF, now)
        assert both[1].take() == both[0].take()


@pytest.mark.parametrize("seed", range(4))
def test_what_is_told_gently_is_told_in_the_same_words(seed: int) -> None:
    chance = random.Random(seed)
    lane = NativeLane(native_library(), 1, cast(LaneOwner, Notes()), 5, 0.0)
    lane.count_ident = 3
    both = Arrivals(), lane.arrivals
    for arrivals in both:
        arrivals.begin(forgives=seed < 3, at_once=seed > 1)
    now, seq = 1000.0, 65000
    for _ in range(300):
        for _ in range(chance.choice([0, 1, 7, 20, 200])):
            now += chance.choice([0.0, 0.0002, 0.003, 0.07])
            seq += chance.choice([1] * 30 + [0, 2, 9, -3])
            for arrivals in both:
                arrivals.note(seq & 0xFFFF, now)
        assert both[1].take() == both[0].take()
    assert (both[0].expected, both[0].came) == (both[1].expected, both[1].came)
    assert both[0].came < both[0].expected


def test_a_packets_number_is_found_in_either_form_of_extension_as_in_python(room: Room) -> None:
    """Blocks at random, most of them bent; libsrtp seals only what has a header that fits."""
    chance = random.Random(8)
    room.lane.count_ident = 3
    noting, found = Arrivals(), Counter[bytes]()
    for seq in range(2, 2000):
        form = chance.choice([b"\xbe\xde", b"\x10\x00", b"\x10\x07", b"\x00\x00"])
        before = bytes(chance.choice([0, 0x10, 0x11, 1, 2, 0xF0, 0xFF]) for _ in range(chance.randrange(7)))
        number = chance.choice([b"\x31", b"\x03\x02", b"\x03\x01", b"\x30"]) + seq.to_bytes(2, "big")
        elements = (before + number + bytes(12))[:12]
        block = form + bytes([0, chance.choice([1, 2, 3])]) + elements
        packet = HEADER.pack(0x90, 96, seq, 0, 77) + block + OTHER
        room.send(seq, block + OTHER, first=0x90)
        room.path.read()
        note_packet(noting, packet, 3, 1.0)

        told, expected = room.lane.arrivals.take(), noting.take()

        assert [body[:4] for body in told] == [body[:4] for body in expected], block.hex()  # first number, how many
        found[form] += bool(expected)
    assert min(found[form] for form in (b"\xbe\xde", b"\x10\x00", b"\x10\x07")) > 10, found


def test_what_finds_no_room_is_not_told_as_lost() -> None:
    lane = NativeLane(native_library(), 1, cast(LaneOwner, Notes()), 5, 0.0)
    lane.count_ident = 3
    for seq in range(ARRIVALS + 100):
        lane.arrivals.note(seq, 1.0)
    assert sum(int.from_bytes(body[2:4], "big") for body in lane.arrivals.take()) == ARRIVALS

    lane.arrivals.note(ARRIVALS + 100, 1.1)

    ((first, count),) = [(body[:2], body[2:4]) for body in lane.arrivals.take()]
    assert (int.from_bytes(first, "big"), int.from_bytes(count, "big")) == (ARRIVALS + 100, 1)


def test_one_subscribers_packets_leave_as_one(room: Room) -> None:
    for seq, size in enumerate((600, 600, 600, 200, 600, 700), start=2):
        room.send(seq, OTHER + bytes(size))

    room.path.read()

    sizes = [[len(packet) - 12 - 2 - 16 for packet in message] for message in room.wire.messages]
    assert sizes == [[600, 600, 600, 200], [600], [700]] * 2
    assert (room.path.packets_out, room.path.packets_in) == (14, 7)


def test_a_way_without_segmentation_gets_single_packets_from_then_on(room: Room) -> None:
    room.wire.cuts = False
    for seq in range(2, 6):
        room.send(seq, OTHER + bytes(100))
    room.path.read()
    assert len(room.wire.sent) == 8

    room.wire.cuts = True
    room.wire.messages.clear()
    for seq in range(6, 9):
        room.send(seq, OTHER + bytes(100))
    room.path.read()

    assert [len(message) for message in room.wire.messages] == [1] * 6
    assert not room.dropped


def test_what_the_kernel_refuses_is_counted_and_does_not_hold_up_the_rest(room: Room) -> None:
    room.wire.error = errno.EPERM
    room.send(2, OTHER)
    room.path.read()
    room.wire.error = 0
    room.send(3, OTHER)
    room.path.read()

    assert room.dropped == {"send_failed": 2}
    assert len(room.wire.sent) == 2
    assert [down.packets for down in room.up.downs] == [2, 2]


def test_more_than_a_call_takes_is_taken_by_the_next(room: Room) -> None:
    for seq in range(2, 202):
        room.send(seq, OTHER)
    room.path.read()
    assert room.path.packets_in == 129

    room.path.read()

    assert (room.path.packets_in, room.path.packets_out) == (201, 402)


def test_a_packet_came_when_the_kernel_had_it_not_when_we_looked(room: Room) -> None:
    native_library().stamp(room.port.fileno())

    # Two clocks cannot be read at once: whoever is interrupted between them is wrong by that, and tries again.
    assert any(_came_while_it_was_sent(room, seq) for seq in range(2, 22))


def _came_while_it_was_sent(room: Room, seq: int) -> bool:
    """Whether a packet that is read 5 ms after it was sent came when it was sent, by 4 ms."""
    before = time.monotonic()
    room.send(seq, OTHER)
    after = time.monotonic()
    while time.monotonic() < after + 0.005:
        pass
    room.path.read()

    assert room.lane.heard == room.up.last_at
    assert room.up.downs[0].map.last_now >= after + 0.005
    return before - 0.004 <= room.up.last_at <= after + 0.004


def test_a_gap_is_told_once_and_what_comes_late_takes_its_place(room: Room) -> None:
    for seq in (2, 5, 6, 4, 3, 7):
        room.send(seq, OTHER + bytes([seq]))
    room.path.read()

    assert room.up.loss.waiting == 0
    numbers = [int.from_bytes(data[2:4], "big") for data, address in room.wire.sent if address[1] == 7001]
    assert sorted(numbers) == list(range(numbers[0], numbers[0] + 6))
    assert room.up.reception.lost() == (7, 0)


def test_losses_are_asked_for_as_on_the_other_path(room: Room) -> None:
    for seq in (2, 5, 6, 7):
        room.send(seq, OTHER)
    room.path.read()

    assert room.up.loss.waiting == 2
    assert room.up.loss.due(room.up.last_at + 0.5) == [3, 4]


def test_a_members_flood_ends_with_his_budget(room: Room) -> None:
    room.lane.budget = 3
    for seq in range(2, 10):
        room.send(seq, OTHER)
    room.path.read()

    assert room.dropped == {"flood": 5}
    assert len(room.wire.sent) == 6


def test_only_the_lanes_own_address_gets_in(room: Room) -> None:
    home = room.browser.getsockname()
    room.move(room.lane, ("127.0.0.1", 1))
    room.send(2, OTHER)
    room.path.read()
    assert room.dropped == {"unknown_source": 1}

    room.move(room.lane, home)
    room.send(3, OTHER)
    room.path.read()

    assert len(room.wire.sent) == 2


def test_who_is_reached_another_way_gets_his_packets_through_python(room: Room) -> None:
    lane = cast(Any, room.up.downs[1].lane)
    lane.by_python = True
    room.send(2, OTHER + b"both")
    room.path.read()

    assert [address[1] for _, address in room.wire.sent] == [7001, 7002]
    assert room.wire.messages == [], "C sent nothing"


def test_hundreds_of_addresses_are_told_apart() -> None:
    room = Room()
    chance = random.Random(3)
    places = {(f"10.{chance.randrange(256)}.{chance.randrange(256)}.9", chance.randrange(1, 65536)) for _ in range(300)}
    lanes = {place: room.new_lane(place) for place in places}
    notes = room.notes.told
    for place in places:
        # Nobody has these keys: what gets past the gate is found wrong by libsrtp
        room.path.take(bytes([0x80, 96]) + bytes(60), place, 1.0)
    room.path.take(bytes([0x80, 96]) + bytes(60), ("10.0.0.1", 5), 1.0)

    assert room.dropped == {"bad_auth": len(lanes), "unknown_source": 1}
    assert notes == []
    room.close()


def test_ipv6_is_read_and_answered() -> None:
    try:
        room = Room("::1")
    except OSError as error:
        pytest.skip(f"did not run: no IPv6 on this machine ({error})")
    room.subscriber(1)
    room.send(1, KEY_FRAME)
    room.send(2, OTHER)
    room.path.read()

    assert [address for _, address in room.wire.sent] == [("::1", 7001, 0, 0)] * 2
    room.close()


def test_stun_and_dtls_go_to_the_port_with_their_source(room: Room) -> None:
    here = room.browser.getsockname()
    for datagram in (b"\x00\x01stun", b"\x16\xfe\xfddtls", b"\x40channel", b"", b"\x80\x60short"):
        room.browser.send(datagram)
    room.path.take(b"\x16\xfe\xfdhello", ("192.0.2.77", 9), 1.0)
    room.path.read()

    told = [entry[1:3] for entry in room.notes.told if entry[0] == "datagram"]
    assert told == [(b"\x00\x01stun", here), (b"\x16\xfe\xfddtls", here)]
    assert room.dropped == {"unknown_kind": 2, "empty": 1, "unknown_source": 1}


def test_nothing_reaches_a_peer_that_has_left_in_the_same_call(room: Room) -> None:
    """A handler in the middle of the tray ends the peer that the rest of the tray is about."""

    def leave(compound: bytes, now: float) -> None:
        heard.append(compound)
        room.path.remove_up(room.up)
        room.path.close_lane(room.lane)

    heard: list[bytes] = []
    cast(Any, room.lane).owner = type("Owner", (), {"on_feedback": staticmethod(leave)})()
    keys = SrtpSessions("test", GCM, OURS, KEY)
    for _ in range(2):
        sealed = SrtpBuffer()
        sealed.data[:8], sealed.length[0] = bytes([0x80, 201, 0, 1, 0, 0, 0, 1]), 8
        assert protect_rtcp(keys.tx, sealed.c, sealed.length) == 0
        room.browser.send(sealed.view[: sealed.length[0]])
    room.path.read()

    assert len(heard) == 1


@pytest.mark.parametrize(
    "address", [("192.0.2.1", 1), ("255.1.0.9", 65535), ("2001:db8::9", 40000, 0, 0), ("fe80::1", 7, 5, 3)]
)
def test_addresses_survive_the_kernels_form(address: Any) -> None:
    assert address_of(sockaddr(address)) == address


def test_cache_gives_back_what_it_was_given_while_it_grows_and_shrinks() -> None:
    chance = random.Random(5)
    plain, memory = PacketCache(VIDEO_PACKETS), UpMemory()
    shared = SharedCache(memory, native_library(), "video")
    now, ext, sizes = 0.0, 70_000, [int(memory.arena_size)]
    for second in range(40):
        rate = (20, 400, 150, 5, 5)[second // 8]
        for _ in range(rate):
            now += 1 / rate
            ext += chance.choice([1, 1, 1, 2])
            packet = chance.randbytes(chance.choice([60, 900, 1400]))
            late = ext - chance.randrange(1, 40) if chance.random() < 0.05 else ext
            plain.store(late, packet, now)
            shared.store(late, packet, now)
        for number in range(ext - 600, ext + 2):
            found = shared.get(number, now)
            assert found is None or found == plain.get(number, now)
        recent = [number for number in range(ext - rate // 4, ext + 1) if plain.get(number, now) is not None]
        assert second % 8 == 0 or all(shared.get(number, now) is not None for number in recent)
        shared.forget(now)
        sizes.append(int(memory.arena_size))

    assert 300_000 < max(sizes) <= LARGEST_ARENA["video"]
    assert sizes[0] == sizes[-1] < max(sizes) / 4


def test_a_path_can_be_closed_before_it_was_started() -> None:
    path, _ = wired_native(native_library(), Wire(), Notes(), Counter())
    assert isinstance(path, NativePath)
    path.close()
    path.close()


async def test_under_load_a_timer_wakes_it_and_afterwards_the_socket_again(room: Room) -> None:
    """Nothing is lost at either change."""
    path, loop = room.path, asyncio.get_running_loop()
    room.notes.socket = room.port
    path.start(loop, room.notes)
    room.lane.budget = 1 << 30
    seq = 1

    async def load() -> str | None:
        nonlocal seq
        for _ in range(100):
            seq += 1
            room.send(seq, OTHER)
            await asyncio.sleep(0)
        return None if path.memory.timer >= 0 else f"{seq} packets and still woken by the socket"

    await eventually(load)
    await load()
    await eventually(lambda: None if path.memory.timer < 0 else "still woken by the timer")
    seq += 1
    room.send(seq, OTHER)
    await eventually(lambda: None if path.packets_in == seq else f"{path.packets_in} of {seq} packets")

    assert path.packets_out == 2 * seq
    path.close()


def test_by_the_timer_one_call_takes_several_ticks_unless_the_loop_has_something_to_do(room: Room) -> None:
    """A pipe stands for all that the loop waits for."""
    memory = room.path.memory
    busy, wants = os.pipe()
    memory.timer, memory.loop_fd, memory.every, memory.window = room.path._library.timer(), busy, 0.001, 1e9
    try:
        before = memory.woken
        room.path.read()
        assert memory.woken == before + TICKS

        os.write(wants, b"!")
        room.path.read()
        assert memory.woken == before + TICKS + 1, "something else was kept waiting"

        os.read(busy, 1)
        room.path.read()
        assert memory.woken == before + TICKS + 2, "what the loop wrote was kept waiting"

        room.browser.send(b"\x00" * 20)  # for Python: it looks like STUN
        room.path.read()
        assert memory.woken == before + TICKS + 3, "what Python must see was kept waiting"
        assert select.select([memory.timer], [], [], 30)[0], "and then nobody was woken again"

        memory.loop_fd = -1
        room.path.read()
        assert memory.woken == before + TICKS + 4, "nobody can say what the loop waits for"
    finally:
        for descriptor in (memory.timer, busy, wants):
            os.close(descriptor)
        memory.timer = -1


def test_reports_wait_for_the_end_of_a_call_and_what_is_asked_for_does_not(room: Room) -> None:
    memory = room.path.memory
    quiet, wants = os.pipe()
    memory.timer, memory.loop_fd, memory.every, memory.window = room.path._library.timer(), quiet, 0.001, 1e9
    names = SourceDescription(((77, "name"),))
    reports: list[Packet] = [
        ReceiverReport(77, ()),
        SenderReport(77, 1, 2, 3, 4, ()),
        BandwidthEstimate(77, 500_000, (1,)),
        names,
    ]

    def take(*compounds: Sequence[Packet]) -> int:
        """Ticks of the call that brings these."""
        before, sent = memory.woken, [room.send_rtcp(*packets) for packets in compounds]
        room.notes.told.clear()
        room.path.read()
        assert [told[1] for told in room.notes.told if told[0] == "rtcp"] == sent, "all of them, in order"
        return cast(int, memory.woken - before)

    try:
        assert take(reports) == TICKS
        assert take(reports[:1], reports[1:], [names]) == TICKS
        wishes: list[Packet] = [Nack(77, 1001, (5,)), PictureLoss(77, 1001), Goodbye((77,))]
        for asked in wishes:
            assert take([reports[0], asked]) == 1
            assert take([reports[0]], [asked], reports) == 1
    finally:
        for descriptor in (memory.timer, quiet, wants):
            os.close(descriptor)
        memory.timer = -1


@pytest.mark.parametrize(("due_ms", "ticks"), [(-1, MOST_TICKS), (500, MOST_TICKS), (7, 7), (1, 1), (0, 1)], ids=str)
def test_by_the_timer_one_call_ends_before_the_loop_has_a_timer_due(room: Room, due_ms: int, ticks: int) -> None:
    memory = room.path.memory
    quiet, wants = os.pipe()
    asked: list[int] = []

    def answer(loop: int) -> int:
        asked.append(loop)
        return due_ms

    due = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(answer)

    memory.timer, memory.loop_fd, memory.every, memory.window = room.path._library.timer(), quiet, 0.001, 1e9
    memory.due, memory.loop = ctypes.cast(due, ctypes.c_void_p).value, 4711
    try:
        before = memory.woken
        room.path.read()

        assert memory.woken == before + ticks
        assert asked == [4711]
    finally:
        for descriptor in (memory.timer, quiet, wants):
            os.close(descriptor)
        memory.timer, memory.due = -1, None


def test_by_the_socket_one_call_waits_for_more_while_the_loop_has_nothing_else_to_do(room: Room) -> None:
    memory = room.path.memory
    other, wants = os.pipe()
    loop = select.epoll()
    loop.register(room.port.fileno(), select.EPOLLIN)
    loop.register(other, select.EPOLLIN)
    due_ms, seqs = [50], itertools.count(2)
    due = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda _: due_ms[0])
    memory.loop_fd, memory.window = loop.fileno(), 1e9
    memory.due = ctypes.cast(due, ctypes.c_void_p).value

    def take() -> int:
        """Batches that one call takes while a second packet is on its way."""
        before = memory.woken
        room.send(next(seqs), OTHER)
        later = threading.Timer(0.005, room.send, (next(seqs), OTHER))
        later.start()
        room.path.read()
        batches = cast(int, memory.woken - before)
        later.join()
        memory.loop_fd, was = -1, memory.loop_fd
        room.path.read()  # what came too late
        memory.loop_fd = was
        return batches

    try:
        assert any(take() == 2 for _ in range(100)), "it never waited for the packet"

        due_ms[0] = 0
        assert take() == 1, "the loop has something to do at once"

        due_ms[0] = 50
        os.write(wants, b"!")
        assert take() == 1, "something else was kept waiting"
    finally:
        loop.close()
        for descriptor in (other, wants):
            os.close(descriptor)
        memory.loop_fd, memory.due = -1, None
