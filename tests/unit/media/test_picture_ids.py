"""VP8's own numbers go on by one over a change of source. Descriptors as in RFC 7741 §4.2."""

from __future__ import annotations

import ctypes
import random
from pathlib import Path

import pytest

from media.core.picture_ids import UNKNOWN, make_shift, read_numbers, shift_numbers, shifted
from media.forward.build import SOURCES, compile_into, find_compiler
from tests.support.tools import program

WIDE = b"\x90\xc0\xff\xfe\x07\x01"  # picture id 0x7ffe, TL0PICIDX 7
NARROW = b"\x90\xc0\x7e\xff\x01"
ONLY_TL0 = b"\x90\x40\x09\x01"
BARE = b"\x10\x01"


@pytest.mark.parametrize(
    ("payload", "numbers"),
    [
        (WIDE, (0x7FFE, 7)),
        (NARROW, (0x7E, 0xFF)),
        (ONLY_TL0, (UNKNOWN, 9)),
        (BARE, (UNKNOWN, UNKNOWN)),
        (WIDE[:3], (UNKNOWN, UNKNOWN)),
        (b"\x90", (UNKNOWN, UNKNOWN)),
        (b"", (UNKNOWN, UNKNOWN)),
    ],
)
def test_numbers_are_read(payload: bytes, numbers: tuple[int, int]) -> None:
    assert read_numbers(b"head" + payload, 4, 4 + len(payload)) == numbers


def test_the_first_picture_of_another_source_follows_the_last() -> None:
    packet = bytearray(WIDE)
    shift = make_shift((200, 255), read_numbers(packet, 0, len(packet)))

    shift_numbers(packet, 0, len(packet), shift)

    assert read_numbers(packet, 0, len(packet)) == (201, 0)
    assert packet[4:] == bytes([0, 1])  # the picture itself is untouched
    assert shifted((0x7FFF, 8), shift) == (202, 1)


def test_a_narrow_number_stays_narrow() -> None:
    packet = bytearray(NARROW)
    shift_numbers(packet, 0, len(packet), make_shift((10, 3), (0x7E, 0xFF)))

    assert packet == b"\x90\xc0\x0b\x04\x01"


def test_unknown_numbers_are_left_alone() -> None:
    assert make_shift((UNKNOWN, UNKNOWN), (5, 5)) == 0
    assert make_shift((5, 5), (UNKNOWN, UNKNOWN)) == 0


def test_reading_and_shifting_agree_on_any_bytes() -> None:
    chance = random.Random(7)
    for _ in range(3000):
        packet = bytearray(chance.randbytes(chance.randrange(8)))
        before, shift = read_numbers(packet, 0, len(packet)), chance.randrange(1 << 23)
        size = len(packet)
        shift_numbers(packet, 0, size, shift)
        after = read_numbers(packet, 0, size)
        assert len(packet) == size
        assert (after[0] == UNKNOWN, after[1] == UNKNOWN) == (before[0] == UNKNOWN, before[1] == UNKNOWN)
        assert after[1] == shifted(before, shift)[1]
        assert after[0] in (shifted(before, shift)[0], shifted(before, shift)[0] & 0x7F)


@pytest.fixture
def compiled(tmp_path: Path) -> ctypes.CDLL:
    """fastpath.c with a door to its own `shift_numbers`, which it calls while it sends and shows to nobody."""
    program("compiler")
    compiler = find_compiler()
    assert compiler is not None
    door = "void shift(uint8_t *d, uint32_t size, uint32_t by) { shift_numbers(d, size, by); }"
    source = tmp_path / "door.c"
    source.write_text(f'#include "{SOURCES[-1]}"\nvoid shift(uint8_t *, uint32_t, uint32_t);\n{door}\n')
    return ctypes.CDLL(str(compile_into(tmp_path / "library", compiler, sources=(source,))))


def test_c_shifts_as_python_does(compiled: ctypes.CDLL) -> None:
    """Borders around it: nothing outside of the payload is written."""
    chance, border = random.Random(11), bytes(range(0xA0, 0xB0))
    for _ in range(20_000):
        payload, shift = chance.randbytes(chance.randrange(9)), chance.randrange(1 << 23)
        start, end = len(border), len(border) + len(payload)
        by_python, by_c = bytearray(border + payload + border), bytearray(border + payload + border)

        shift_numbers(by_python, start, end, shift)
        memory = (ctypes.c_uint8 * len(by_c)).from_buffer(by_c)
        compiled.shift(ctypes.byref(memory, start), len(payload), shift)

        assert by_c == by_python, payload.hex()
