"""A picture in yuv420p as three byte arrays: paste, fill, write. Copies rows, computes nothing per pixel but text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av

from media.record.films.letters import Mask

Colour = tuple[int, int, int]
BLACK: Colour = (16, 128, 128)
PANEL: Colour = (38, 130, 126)
INK: Colour = (235, 128, 128)


_INK_ON_BLACK = bytes(BLACK[0] + (INK[0] - BLACK[0]) * ink // 255 for ink in range(256))


@dataclass(frozen=True, slots=True)
class Rect:
    """All even: chroma has half the resolution."""

    x: int
    y: int
    width: int
    height: int


class Canvas:
    """width and height must be even."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._planes = [bytearray(width * height), bytearray(width * height // 4), bytearray(width * height // 4)]
        self.fill(Rect(0, 0, width, height), BLACK)

    def fill(self, rect: Rect, colour: Colour) -> None:
        for number, plane in enumerate(self._planes):
            shift = 1 if number else 0
            stride, width = self.width >> shift, rect.width >> shift
            row = bytes([colour[number]]) * width
            for y in range(rect.y >> shift, (rect.y + rect.height) >> shift):
                at = y * stride + (rect.x >> shift)
                plane[at : at + width] = row

    def paste(self, frame: Any, x: int, y: int) -> None:
        """A yuv420p frame of even size with its upper left corner at (x, y), both even."""
        for number, plane in enumerate(self._planes):
            shift = 1 if number else 0
            source = frame.planes[number]
            view, line, stride = memoryview(source), source.line_size, self.width >> shift
            width, height = frame.width >> shift, frame.height >> shift
            at = (y >> shift) * stride + (x >> shift)
            for row in range(height):
                plane[at : at + width] = view[row * line : row * line + width]
                at += stride

    def write(self, mask: Mask, x: int, y: int) -> None:
        """White letters on a black ground, which they cover; what does not fit is cut off."""
        luma = self._planes[0]
        width = min(mask.width, self.width - x)
        for row in range(min(mask.height, self.height - y)):
            at = (y + row) * self.width + x
            luma[at : at + width] = mask.rows[row][:width].translate(_INK_ON_BLACK)

    def frame(self) -> Any:
        """The picture as a frame for an encoder."""
        frame = av.VideoFrame(self.width, self.height, "yuv420p")
        for number, plane in enumerate(self._planes):
            target = frame.planes[number]
            width = self.width >> (1 if number else 0)
            target.update(bytes(plane) if target.line_size == width else _padded(plane, width, target.line_size))
        return frame


def _padded(plane: bytearray, width: int, line: int) -> bytes:
    gap = bytes(line - width)
    return b"".join(plane[at : at + width] + gap for at in range(0, len(plane), width))
