"""What is read of a packet by the shape of the one before is what a walk through it finds."""

from __future__ import annotations

import random
import struct

import pytest

from media.core.rtp import SILENCE, loudest, payload_start
from media.core.shape import HeaderShape, shape_of
from media.core.transport_cc import Arrivals, note_packet

NUMBER, LEVEL = 5, 1
Element = tuple[int, bytes]  # identifier and data; identifier 0: padding


def packet(elements: list[Element], first: int = 0x90, form: int = 0xBEDE, rest: bytes = bytes(50)) -> bytes:
    block = b"".join(bytes([ident << 4 | len(data) - 1]) + data if ident else b"\0" for ident, data in elements)
    block += bytes(-len(block) % 4)
    return struct.pack("!BBHII", first, 96, 1, 2, 3) + struct.pack("!HH", form, len(block) // 4) + block + rest


def by_shape(shape: HeaderShape, data: bytes) -> tuple[list[tuple[int, float]], int, int]:
    at = shape.number_at
    noted = [(data[at] << 8 | data[at + 1], 1.0)] if at else []
    level = data[shape.level_at] & 0x7F if shape.level_at else SILENCE
    return noted, min(level, SILENCE), shape.start


def by_walk(data: bytes) -> tuple[list[tuple[int, float]], int, int]:
    arrivals = Arrivals()
    note_packet(arrivals, data, NUMBER, 1.0)
    return arrivals._noted, loudest(SILENCE, data, len(data), LEVEL), payload_start(data, len(data))


def some_elements(chance: random.Random) -> list[Element]:
    return [
        (chance.choice([0, 1, 3, 5, 5, 9, 14]), chance.randbytes(chance.choice([1, 2, 2, 3, 16])))
        for _ in range(chance.randrange(5))
    ]


@pytest.mark.parametrize("seed", range(20))
def test_what_fits_is_read_as_a_walk_reads_it(seed: int) -> None:
    chance, fitting = random.Random(seed), 0
    for _ in range(200):
        elements = some_elements(chance)
        shape = shape_of(packet(elements), NUMBER, LEVEL)
        assert shape is not None
        same = [(ident, chance.randbytes(len(data))) for ident, data in elements]
        for data in (packet(same), packet(some_elements(chance)), packet(same, rest=b""), chance.randbytes(90)):
            if shape.fits(data, NUMBER):
                fitting += 1
                assert by_shape(shape, data) == by_walk(data)

    assert fitting >= 400


def test_each_head_counts() -> None:
    whole = packet([(LEVEL, b"\x1e"), (NUMBER, b"\x01\x02"), (9, b"abc")])
    shape = shape_of(whole, NUMBER, LEVEL)
    assert shape is not None
    assert shape.fits(whole, NUMBER)
    for at in (0, 12, 13, 14, 15, 16, 18, 21):
        assert not shape.fits(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :], NUMBER)
    assert not shape.fits(whole[: shape.start - 1], NUMBER)
    assert not shape.fits(whole, NUMBER + 1), "negotiated anew"


@pytest.mark.parametrize(
    "data",
    [
        packet([(NUMBER, b"\x01\x02")], first=0x80),
        packet([(NUMBER, b"\x01\x02")], first=0x91),
        packet([(NUMBER, b"\x01\x02")], form=0x1000),
        packet([(15, b"\x01\x02")]),
        packet([(NUMBER, b"\x01\x02")], rest=b"")[:-1],
        packet([(NUMBER, b"\x01\x02")])[:14],
        packet([])[:14] + b"\0\1" + b"\x5f" + bytes(30),
        b"",
    ],
)
def test_what_is_unusual_is_not_remembered(data: bytes) -> None:
    assert shape_of(data, NUMBER, LEVEL) is None
