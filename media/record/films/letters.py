"""Words as masks of grey for the composed film: drawn by Pillow from a font file, or else with Pillow's own letters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

# A variable font stands at its thinnest weight until told otherwise; names are read from afar.
REGULAR = 400
_ASCII = frozenset(range(0x20, 0x7F))


class BadFont(ValueError):
    """A file that is no font we can draw with."""


@dataclass(frozen=True, slots=True)
class Mask:
    """rows[y] is one byte per pixel, 0 (nothing) to 255 (ink)."""

    width: int
    height: int
    rows: tuple[bytes, ...]


class Letters:
    """Draws one line of text in exactly `height` pixels, from the highest ascender to the lowest descender."""

    def __init__(self, font: Path | None) -> None:
        self._font = font
        self._known = _ASCII if font is None else known_characters(font)
        self._of_height = lru_cache(8)(self._open)

    def can_write(self, text: str) -> bool:
        return all(ord(character) in self._known for character in text)

    def draw(self, text: str, height: int) -> Mask:
        """What the font lacks is shown as a question mark."""
        font = self._of_height(height)
        shown = "".join(character if ord(character) in self._known else "?" for character in text)
        width = max(1, round(font.getlength(shown)))
        picture = Image.new("L", (width, height))
        ImageDraw.Draw(picture).text((0, 0), shown, fill=255, font=font)
        pixels = picture.tobytes()
        return Mask(width, height, tuple(pixels[y * width : (y + 1) * width] for y in range(height)))

    def _open(self, height: int) -> ImageFont.FreeTypeFont:
        """The font at the largest size whose line is no higher than `height`."""
        size = height
        font = self._at(size)
        while size > 1 and sum(font.getmetrics()) > height:
            size -= 1
            font = self._at(size)
        return font

    def _at(self, size: int) -> ImageFont.FreeTypeFont:
        if self._font is None:
            font = ImageFont.load_default(size)
            if not isinstance(font, ImageFont.FreeTypeFont):
                raise BadFont("Pillow was built without FreeType")
            return font
        # The plain layout is the same wherever Pillow runs: films of one journal are the same bytes.
        font = ImageFont.truetype(str(self._font), size, layout_engine=ImageFont.Layout.BASIC)
        if _read(self._font)[1]:
            font.set_variation_by_axes([REGULAR])
        return font


@lru_cache(4)
def known_characters(font: Path) -> frozenset[int]:
    """Code points that a font file has letters for. Raises BadFont, OSError."""
    return _read(font)[0]


@lru_cache(4)
def _read(font: Path) -> tuple[frozenset[int], bool]:
    """(its characters, whether its weight can be set)."""
    with font.open("rb") as file:
        try:
            opened = TTFont(file, fontNumber=0, lazy=True)
            return frozenset(opened.getBestCmap() or {}), "fvar" in opened
        except (
            Exception
        ) as error:  # fontTools raises whatever its tables raise: struct.error, KeyError, AssertionError ...
            raise BadFont(f"not a font that can be used: {type(error).__name__}") from error


def open_letters(font: Path | None) -> Letters:
    """The font's letters, or Pillow's own where there is no font. Raises BadFont, OSError."""
    letters = Letters(font)
    letters.draw("A", 16)
    return letters
