"""The font of posters, and whether it has every character of a text. Pure but for finding the file."""

from __future__ import annotations

import struct
from functools import cache
from importlib.util import find_spec
from pathlib import Path

FONT = "NotoSansSC[wght].ttf"
_INSIDE = "fonts/ofl/notosanssc"
_SYSTEM = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
_BREAKS = frozenset("\n\u00a0\u200b")  # drawn by no glyph


class NoFont(Exception):
    """No Chinese font with known characters was found: install the package justmytype-intl-cjk, or NotoSansSC[wght].ttf as a system font."""


class NoGlyph(ValueError):
    """A text holds a character that the font lacks; the poster would show an empty box in somebody's name."""

    def __init__(self, character: str, where: str) -> None:
        super().__init__(f"{where}: the font has no {character!r} (U+{ord(character):04X})")
        self.character = character


@cache
def font_file() -> Path:
    """The variable Noto Sans SC: of the package, else of the system. Raises NoFont."""
    spec = find_spec("justmytype_intl_cjk")
    for place in spec.submodule_search_locations or () if spec else ():
        found = Path(place) / _INSIDE / FONT
        if found.is_file():
            return found
    for folder in _SYSTEM:
        for candidate in folder.rglob(FONT) if folder.is_dir() else ():
            return candidate
    raise NoFont(NoFont.__doc__)


@cache
def known_characters() -> frozenset[int]:
    """Code points of the font's cmap."""
    return read_cmap(font_file().read_bytes())


def read_cmap(font: bytes) -> frozenset[int]:
    """Code points that a TrueType font maps to a glyph, by its format 12 table. Source: OpenType specification, `cmap`.

    Raises ValueError where there is no such table.
    """
    tables = struct.unpack_from(">H", font, 4)[0]
    for n in range(tables):
        tag, _, offset, _ = struct.unpack_from(">4sIII", font, 12 + 16 * n)
        if tag == b"cmap":
            return _format_12(font, offset)
    raise ValueError("cmap: the font has none")


def _format_12(font: bytes, base: int) -> frozenset[int]:
    (count,) = struct.unpack_from(">H", font, base + 2)
    for n in range(count):
        _, _, offset = struct.unpack_from(">HHI", font, base + 4 + 8 * n)
        if struct.unpack_from(">H", font, base + offset)[0] == 12:
            (groups,) = struct.unpack_from(">I", font, base + offset + 12)
            ranges = (struct.unpack_from(">III", font, base + offset + 16 + 12 * g) for g in range(groups))
            return frozenset(code for first, last, _ in ranges for code in range(first, last + 1))
    raise ValueError("cmap: no table of format 12")


def check_text(value: object, known: frozenset[int], where: str = "poster") -> None:
    """Raise NoGlyph for the first character of any text in `value` (dict, list, str) that the font lacks."""
    if isinstance(value, str):
        for character in value:
            if ord(character) not in known and character not in _BREAKS:
                raise NoGlyph(character, where)
    elif isinstance(value, dict):
        for key, entry in value.items():
            if key != "qr":  # drawn, not written
                check_text(entry, known, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for entry in value:
            check_text(entry, known, where)
