"""Letters, tiles and the canvas of the composed film."""

from __future__ import annotations

from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFont

from media.record.films.canvas import BLACK, Canvas, Rect
from media.record.films.composed import CAPTIONS, caption
from media.record.films.fonts import find_font
from media.record.films.letters import BadFont, Letters, open_letters
from media.record.films.making import ROLES, role_word
from media.record.films.tape import Event
from media.record.films.tiles import MARGIN, Wanted, arrange, fit


def shape(mask_rows: tuple[bytes, ...]) -> list[str]:
    return ["".join("#" if value > 127 else "." for value in row) for row in mask_rows]


def test_without_a_font_ascii_is_drawn_and_the_rest_is_a_question_mark() -> None:
    letters = Letters(None)

    mask = letters.draw("I?", 16)

    assert (mask.height, len(mask.rows), {len(row) for row in mask.rows}) == (16, 16, {mask.width})
    assert any("#" in row for row in shape(mask.rows))
    assert letters.draw("李", 16).rows == letters.draw("?", 16).rows
    assert letters.draw("I", 16).rows != letters.draw("?", 16).rows
    assert (letters.can_write("Li Wanqing"), letters.can_write("李")) == (True, False)


# ---------------------------------------------------------------- a font of our own: one square letter


def font(path: Path) -> Path:
    """A TrueType font whose letter A is a square at the baseline, half as wide as its place; 1000 units to the em."""
    pen = TTGlyphPen(None)
    for number, point in enumerate([(0, 0), (0, 500), (500, 500), (500, 0)]):
        (pen.lineTo if number else pen.moveTo)(point)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "A"])
    builder.setupCharacterMap({65: "A"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "A": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "A": (1000, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Square", "styleName": "Regular"})
    builder.setupPost()
    builder.setupMaxp()
    builder.save(path)
    return path


def test_a_truetype_letter_is_drawn_at_its_place(tmp_path: Path) -> None:
    letters = Letters(font(tmp_path / "one.ttf"))

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
            open_letters(Path(file.name))


def test_chinese_names_are_drawn_from_the_font_that_we_bring() -> None:
    brought = find_font()
    assert brought is not None
    assert brought.name == "NotoSansSC[wght].ttf"
    letters = open_letters(brought)

    one, mouth = (shape(letters.draw(character, 32).rows) for character in "一口")

    assert letters.can_write("李婉清公证员无画面䶮㛃𬭎")
    assert 1 <= sum(row.count("#") > 12 for row in one) <= 4  # one stroke across
    assert sum(row.count("#") > 10 for row in mouth) >= 2  # an upper and a lower stroke
    sides = [row.strip(".") for row in mouth if "....." in row.strip(".")]
    assert len(sides) > 8
    assert all(row.startswith("#") and row.endswith("#") for row in sides)


def test_a_variable_font_is_drawn_in_its_regular_weight() -> None:
    brought = find_font()
    letters = open_letters(brought)
    thin = ImageFont.truetype(str(brought), 66)  # 96 pixels from ascender to descender

    ours = sum(map(sum, letters.draw("公", 96).rows))

    assert ours > 1.3 * sum(thin.getmask("公"))


def test_who_has_no_name_is_called_by_the_role_and_never_by_an_identifier() -> None:
    assert role_word({"role": "applicant"}, True) == "申请人"
    assert role_word({"role": "applicant", "name": ""}, False) == "applicant"
    assert role_word({}, False) == "participant"
    assert all(zh and en for zh, en in ROLES.values())


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
