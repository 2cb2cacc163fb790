"""Letters, tiles and the canvas of the composed film."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.record.films.canvas import BLACK, Canvas, Rect
from media.record.films.composed import CAPTIONS, caption
from media.record.films.letters import OutlineLetters, PixelLetters, fill_contours
from media.record.films.sfnt import BadFont, read_face
from media.record.films.tape import Event
from media.record.films.tiles import MARGIN, Wanted, arrange, fit

SQUARE = [(1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0)]
HOLE = [(1.5, 1.5), (1.5, 2.5), (2.5, 2.5), (2.5, 1.5)]


def shape(mask_rows: tuple[bytes, ...]) -> list[str]:
    return ["".join("#" if value > 127 else "." for value in row) for row in mask_rows]


def test_our_own_letters_draw_ascii_and_say_what_they_lack() -> None:
    letters = PixelLetters()

    mask = letters.draw("I?", 16)

    assert (mask.width, mask.height, len(mask.rows)) == (16, 16, 16)
    assert shape(mask.rows)[2][:8] == "..####.."
    assert letters.draw("李", 16).rows == letters.draw("?", 16).rows
    assert (letters.can_write("Li Wanqing"), letters.can_write("李")) == (True, False)
    assert letters.draw("I", 32).rows[4] == bytes(255 if pixel == "#" else 0 for pixel in "....########....")


def test_contours_are_filled_by_winding_with_holes() -> None:
    assert fill_contours([SQUARE], 4, 4) == (bytes(4), bytes([0, 255, 255, 0]), bytes([0, 255, 255, 0]), bytes(4))
    ring = fill_contours([SQUARE, HOLE], 4, 4)
    assert all(0 < value < 255 for value in ring[1][1:3])


def test_half_a_pixel_is_half_grey() -> None:
    assert fill_contours([[(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]], 1, 1) == (bytes([128]),)


# ---------------------------------------------------------------- a font of our own: one square letter


def font(path: Path, glyph: bytes) -> Path:
    """A TrueType font whose letter A is this glyph, 1000 units to the em."""
    cmap = struct.pack(">HHHHI", 0, 1, 3, 10, 12) + struct.pack(">HHIIIIII", 12, 0, 28, 0, 1, 65, 65, 1)
    name = struct.pack(">HHH", 0, 0, 6)
    tables = {
        "cmap": cmap,
        "glyf": glyph,
        "head": bytes(18) + struct.pack(">H", 1000) + bytes(30) + struct.pack(">hh", 1, 0),
        "hhea": bytes(4) + struct.pack(">hh", 800, -200) + bytes(26) + struct.pack(">H", 2),
        "hmtx": struct.pack(">HhHh", 500, 0, 1000, 0),
        "loca": struct.pack(">III", 0, 0, len(glyph)),
        "maxp": bytes(4) + struct.pack(">H", 2),
        "name": name,
    }
    at, head, body = 12 + 16 * len(tables), b"", b""
    for tag, data in tables.items():
        head += struct.pack(">4sIII", tag.encode(), 0, at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    path.write_bytes(b"\x00\x01\x00\x00" + struct.pack(">HHHH", len(tables), 0, 0, 0) + head + body)
    return path


def square_glyph() -> bytes:
    """Corners (0, 0), (500, 0), (500, 500), (0, 500), counter-clockwise or not: winding does not care."""
    points = struct.pack(">hhhhh", 1, 0, 0, 500, 500) + struct.pack(">HH", 3, 0) + bytes([1, 1, 1, 1])
    return points + struct.pack(">hhhh", 0, 500, 0, -500) + struct.pack(">hhhh", 0, 0, 500, 0)


def test_a_truetype_letter_is_drawn_at_its_place(tmp_path: Path) -> None:
    letters = OutlineLetters(read_face(font(tmp_path / "one.ttf", square_glyph())))

    mask = letters.draw("A", 10)

    assert (mask.width, mask.height) == (10, 10)
    assert shape(mask.rows) == [".........."] * 3 + ["#####....."] * 5 + [".........."] * 2
    assert (letters.can_write("A"), letters.can_write("AB")) == (True, False)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_font_are_told(junk: bytes) -> None:
    import tempfile  # noqa: PLC0415

    with tempfile.NamedTemporaryFile() as file:
        file.write(junk)
        file.flush()
        with pytest.raises(BadFont):
            read_face(Path(file.name))


SYSTEM_FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")


@pytest.mark.skipif(
    not SYSTEM_FONT.is_file(), reason="fonts-noto-cjk is not installed: PostScript outlines are not tried"
)
def test_chinese_names_are_drawn_from_a_postscript_font() -> None:
    letters = OutlineLetters(read_face(SYSTEM_FONT))

    one, mouth = (shape(letters.draw(character, 32).rows) for character in "一口")

    assert letters.can_write("李婉清公证员无画面")
    assert 1 <= sum(row.count("#") > 12 for row in one) <= 4  # one stroke across
    assert sum(row.count("#") > 10 for row in mouth) >= 2  # an upper and a lower stroke
    sides = [row.strip(".") for row in mouth if "....." in row.strip(".")]
    assert len(sides) > 8
    assert all(row.startswith("#") and row.endswith("#") for row in sides)


# ---------------------------------------------------------------- tiles and canvas


def wanted(*roles: str, source: str = "face") -> list[Wanted]:
    return [Wanted(f"seat{number}", source, role, role) for number, role in enumerate(roles)]


def test_who_leads_stands_first_the_others_as_they_came() -> None:
    tiles = arrange(wanted("party", "applicant", "staff", "in_charge"), 1280, 672)

    assert [tile.label for tile in tiles] == ["in_charge", "staff", "party", "applicant"]
    assert [(tile.rect.x, tile.rect.y) for tile in tiles] == [(0, 0), (640, 0), (0, 336), (640, 336)]


def test_a_shared_document_takes_the_larger_part() -> None:
    tiles = arrange([*wanted("in_charge", "party"), *wanted("party", source="document")], 1280, 672)

    assert tiles[0].source == "document"
    assert tiles[0].rect.width > 2 * max(tile.rect.width for tile in tiles[1:]) - 2 * MARGIN


@given(st.integers(1, 20), st.integers(0, 4))
def test_tiles_lie_in_the_picture_apart_from_each_other_and_on_even_pixels(faces: int, shared: int) -> None:
    tiles = arrange([*wanted(*["party"] * faces), *wanted(*["party"] * shared, source="screen")], 1280, 672)

    assert len(tiles) == faces + shared
    for number, tile in enumerate(tiles):
        rect = tile.rect
        assert rect.x >= 0 <= rect.y
        assert rect.x + rect.width <= 1280
        assert rect.y + rect.height <= 672
        assert not any(value % 2 for value in (rect.x, rect.y, rect.width, rect.height))
        for other in tiles[number + 1 :]:
            assert apart(rect, other.rect)


def apart(a: Rect, b: Rect) -> bool:
    return a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y


@given(st.integers(16, 4000), st.integers(16, 4000))
def test_a_picture_keeps_its_shape_and_stays_in_its_tile(width: int, height: int) -> None:
    rect = fit(width, height, Rect(100, 50, 636, 332))

    assert rect.x >= 100
    assert rect.y >= 50
    assert rect.x + rect.width <= 736
    assert rect.y + rect.height <= 382


def test_the_canvas_gives_back_what_was_filled() -> None:
    canvas = Canvas(64, 32)
    canvas.fill(Rect(8, 4, 16, 8), (200, 90, 60))

    frame = canvas.frame()

    luma, blue = frame.planes[0], frame.planes[1]
    assert bytes(luma)[4 * luma.line_size + 8] == 200
    assert bytes(luma)[4 * luma.line_size + 7] == BLACK[0]
    assert bytes(blue)[2 * blue.line_size + 4] == 90


def test_captions_name_the_person_and_nothing_of_the_data() -> None:
    event = Event(1, 0, 0, "identity_checked", "a", {"number": "110101199003070073"})

    assert caption(event, {"a": "李婉清"}, chinese=True) == "身份已核验: 李婉清"
    assert caption(event, {}, chinese=False) == "identity checked"
    assert caption(Event(1, 0, 0, "unheard_of", None, {}), {}, chinese=False) == ""
    assert all(zh and en for zh, en in CAPTIONS.values())
