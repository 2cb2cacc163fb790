"""Posters: the text is the text, no markup; a missing character is named; the page is A4 and has its QR."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.posters.making import Poster, make
from server.posters.type import NoGlyph, check_text, known_characters, read_cmap

POSTER = Poster(
    lang="zh",
    kicker="榕川市公共法律服务中心",
    title="婚姻家事来聊聊",
    subtitle="",
    issuer="榕川市公共法律服务中心",
    footer="每月第三个周六",
    link="https://example.test/events/1",
    call="扫码报名",
    facts=(("时间", "11月21日 周六 09:00-11:30", True), ("主讲", "张䶮、𬭎、㛃", False)),
    columns=("日期", "时间", "服务", "值班人员"),
    rows=(("11月21日 周六", "09:00-11:30", "公证", "李婉清（公证员）", ""),),
)


def test_a_poster_is_a_pdf_of_one_page() -> None:
    pdf = make(POSTER)

    assert pdf.startswith(b"%PDF-")
    assert b"/Type/Pages/Count 1/" in pdf
    assert len(pdf) < 200_000


def test_the_same_words_give_the_same_picture_and_other_words_another() -> None:
    first, again, other = make(POSTER, "png"), make(POSTER, "png"), make(replace(POSTER, title="换一个题目"), "png")

    assert first == again != other
    assert first.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "text",
    ['#panic("x")', "*粗* _斜_ $x$ #let a = 1", '[#image("/etc/passwd")]', "\\ @ref <label> = 标题", '"; sys.inputs'],
)
def test_words_are_never_markup(text: str) -> None:
    """What would be a command in typst stands on the paper as it was written, and breaks nothing."""
    assert make(replace(POSTER, title=text, says=text, rows=(("a", "b", "c", text, ""),)), "png").startswith(b"\x89PNG")


@pytest.mark.parametrize(("text", "named"), [("王小明😀", "U\\+1F600"), ("\U000200ff", "U\\+200FF")])
def test_a_character_without_a_glyph_is_named(text: str, named: str) -> None:
    with pytest.raises(NoGlyph, match=named):
        make(replace(POSTER, rows=(("a", "b", "c", text, ""),)))


def test_rare_names_and_all_of_gb2312_are_in_the_font() -> None:
    signs = [bytes((row, column)) for row in range(0xB0, 0xF8) for column in range(0xA1, 0xFF)]
    gb2312 = "".join(sign.decode("gb2312", "ignore") for sign in signs)

    check_text(gb2312 + "䶮㛃𬭎①℃·（）《》", known_characters())
    assert len(gb2312) == 6763


def test_a_font_without_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^cmap: the font has none"):
        read_cmap(b"\0\1\0\0\0\0" + b"\0" * 8)
