"""When packets came, noted in C (media/forward/arrivals.h): told to the publisher in the same words as by Python."""

from __future__ import annotations

import random
from collections import Counter
from typing import cast

import pytest

from media.core.rtp import HEADER
from media.core.transport_cc import Arrivals, note_packet
from media.forward.native_memory import ARRIVALS
from media.forward.native_objects import NativeLane
from media.forward.path import LaneOwner
from media.forward.self_test import Notes
from tests.support.native import native_library
from tests.support.native_room import OTHER, Room


def new_lane() -> NativeLane:
    lane = NativeLane(native_library(), 1, cast(LaneOwner, Notes()), 5, 0.0)
    lane.count_ident = 3
    return lane


@pytest.mark.parametrize("seed", range(4))
def test_arrivals_are_told_in_the_same_words(seed: int) -> None:
    chance, lane = random.Random(seed), new_lane()
    both = Arrivals(), lane.arrivals  # which do not keep the lane alive
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
    chance, lane = random.Random(seed), new_lane()
    both = Arrivals(), lane.arrivals  # which do not keep the lane alive
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
    lane = new_lane()
    for seq in range(ARRIVALS + 100):
        lane.arrivals.note(seq, 1.0)
    assert sum(int.from_bytes(body[2:4], "big") for body in lane.arrivals.take()) == ARRIVALS

    lane.arrivals.note(ARRIVALS + 100, 1.1)

    ((first, count),) = [(body[:2], body[2:4]) for body in lane.arrivals.take()]
    assert (int.from_bytes(first, "big"), int.from_bytes(count, "big")) == (ARRIVALS + 100, 1)
