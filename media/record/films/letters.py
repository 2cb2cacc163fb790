"""Words as masks of grey for the composed film: drawn from a font file, or else the 8x16 letters that FFmpeg's text-screen decoder carries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import av

from media.record.films.sfnt import Face, read_face

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

    def can_write(self, text: str) -> bool: ...


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

    def can_write(self, text: str) -> bool:
        return all(character in self._cells for character in text)

    def draw(self, text: str, height: int) -> Mask:
        scale = max(1, height // _CELL_HEIGHT)
        cells = [self._cells.get(letter, self._cells["?"]) for letter in text]
        rows = []
        for y in range(_CELL_HEIGHT):
            row = b"".join(cell[y] for cell in cells)
            wide = row if scale == 1 else bytes(pixel for pixel in row for _ in range(scale))
            rows += [wide] * scale
        return Mask(len(text) * _CELL_WIDTH * scale, _CELL_HEIGHT * scale, tuple(rows))


class OutlineLetters:
    """Letters of a font file; what it lacks is shown as a question mark."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._drawn: dict[tuple[str, int], Mask] = {}

    def can_write(self, text: str) -> bool:
        return all(self._face.has(character) for character in text)

    def draw(self, text: str, height: int) -> Mask:
        masks = [self._letter(character if self._face.has(character) else "?", height) for character in text]
        rows = tuple(b"".join(mask.rows[y] for mask in masks) for y in range(height))
        return Mask(sum(mask.width for mask in masks), height, rows)

    def _letter(self, character: str, height: int) -> Mask:
        known = self._drawn.get((character, height))
        if known is None:
            known = self._drawn[(character, height)] = self._rasterize(character, height)
        return known

    def _rasterize(self, character: str, height: int) -> Mask:
        face = self._face
        glyph = face.glyphs.get(ord(character), 0)
        scale = height / (face.ascent - face.descent)
        width = max(1, round(face.width(glyph) * scale))
        contours = [[(x * scale, (face.ascent - y) * scale) for x, y in contour] for contour in face.outline(glyph)]
        return Mask(width, height, fill_contours(contours, width, height))


def open_letters(font: Path | None) -> Letters:
    """The font's letters, or our own where there is no font. Raises BadFont, OSError."""
    return OutlineLetters(read_face(font)) if font is not None else PixelLetters()


Contours = Sequence[Sequence[tuple[float, float]]]
# Lines per pixel row: enough for strokes of one pixel to stay grey where they should.
_SUBLINES = 4


def fill_contours(contours: Contours, width: int, height: int) -> tuple[bytes, ...]:
    """Rows of ink, by the nonzero winding rule; exact to the part of a pixel across, in quarters down."""
    edges = [
        (a, b) for contour in contours for a, b in zip(contour, [*contour[1:], contour[0]], strict=True) if a[1] != b[1]
    ]
    rows = []
    for y in range(height):
        ink = [0.0] * width
        for part in range(_SUBLINES):
            _fill_line(ink, _crossings(edges, y + (part + 0.5) / _SUBLINES), width)
        rows.append(bytes(min(255, round(value * 255 / _SUBLINES)) for value in ink))
    return tuple(rows)


def _crossings(edges: list[tuple[tuple[float, float], tuple[float, float]]], y: float) -> list[tuple[float, int]]:
    found = []
    for (ax, ay), (bx, by) in edges:
        if ay <= y < by or by <= y < ay:
            found.append((ax + (y - ay) * (bx - ax) / (by - ay), 1 if by > ay else -1))
    return sorted(found)


def _fill_line(ink: list[float], crossings: list[tuple[float, int]], width: int) -> None:
    winding, start = 0, 0.0
    for x, turn in crossings:
        if winding == 0:
            start = x
        winding += turn
        if winding == 0:
            _fill_span(ink, max(0.0, start), min(float(width), x))


def _fill_span(ink: list[float], start: float, end: float) -> None:
    for x in range(int(start), min(len(ink), math.ceil(end))):
        ink[x] += max(0.0, min(end, x + 1) - max(start, x))
