"""Words as masks of grey for the composed film. Without a font file: the 8x16 letters that FFmpeg's text-screen decoder carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import av

_CELL_WIDTH, _CELL_HEIGHT = 8, 16
_FIRST, _LAST = 32, 126


@dataclass(frozen=True, slots=True)
class Mask:
    """rows[y] is one byte per pixel, 0 (nothing) to 255 (ink)."""

    width: int
    height: int
    rows: tuple[bytes, ...]


class Letters(Protocol):
    """Draws one line of text, about `height` pixels tall."""

    def draw(self, text: str, height: int) -> Mask: ...


class PixelLetters:
    """ASCII only, any other character is shown as a question mark. Scaled by whole pixels, so it looks the same everywhere."""

    def __init__(self) -> None:
        decoder: Any = av.codec.CodecContext.create("ansi", "r")
        decoder.width, decoder.height = _CELL_WIDTH * (_LAST - _FIRST + 1), _CELL_HEIGHT
        # The last column is left out: a full line would scroll the screen away.
        frame = decoder.decode(av.Packet(bytes(range(_FIRST, _LAST))))[0]
        plane = frame.planes[0]
        pixels = bytes(plane)
        self._cells = {
            chr(code): tuple(
                bytes(
                    255 if pixel else 0
                    for pixel in pixels[y * plane.line_size + x : y * plane.line_size + x + _CELL_WIDTH]
                )
                for y in range(_CELL_HEIGHT)
            )
            for code, x in zip(range(_FIRST, _LAST), range(0, decoder.width, _CELL_WIDTH), strict=False)
        }

    def draw(self, text: str, height: int) -> Mask:
        scale = max(1, height // _CELL_HEIGHT)
        cells = [self._cells.get(letter, self._cells["?"]) for letter in text]
        rows = []
        for y in range(_CELL_HEIGHT):
            row = b"".join(cell[y] for cell in cells)
            wide = row if scale == 1 else bytes(pixel for pixel in row for _ in range(scale))
            rows += [wide] * scale
        return Mask(len(text) * _CELL_WIDTH * scale, _CELL_HEIGHT * scale, tuple(rows))
