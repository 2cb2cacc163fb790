"""What only the C path does: batches, segmentation, the gate's table, memory that follows the rate. Policy: test_forward_path.py."""

from __future__ import annotations

import errno
import random
import time
from collections import Counter
from typing import Any, cast

import pytest

from media.core.packetcache import VIDEO_PACKETS, PacketCache
from media.forward.native_memory import UpMemory
from media.forward.native_objects import LARGEST_ARENA, NativeDown, SharedCache
from media.forward.native_path import NativePath
from media.forward.self_test import Notes, Wire, check_native, wired_native
from media.net.sockaddr import address_of, sockaddr
from media.net.srtp import SrtpBuffer, SrtpSessions, protect_rtcp
from tests.support.forward_stage import VP8_DELTA, VP8_KEY, Stage
from tests.support.native import native_library
from tests.support.native_room import GCM, KEY, KEY_FRAME, OTHER, OURS, Room


@pytest.mark.parametrize("seed", range(2, 14))
def test_stories_leave_the_same_bytes_on_both_paths(seed: int) -> None:
    check_native(native_library(), seed, steps=700)


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


def test_who_waits_already_when_a_full_socket_is_told_of_is_not_passed_over_later() -> None:
    """Python met the full socket too, in the same call, and took him out of the stream's list first."""
    stage = Stage("native")
    down = cast(NativeDown, stage.subscriber())
    stage.path.connect(stage.up, down)
    down.memory.stalled = cast(NativePath, stage.path).memory.stalled_any = True

    stage.receive(499, VP8_DELTA)
    for number, payload in ((500, VP8_KEY), (501, VP8_DELTA), (502, VP8_DELTA)):
        stage.receive(number, payload)

    assert len(stage.taken()) == 3


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
