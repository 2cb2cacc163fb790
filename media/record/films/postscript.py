"""PostScript outlines of an OpenType font: the CFF table and its Type 2 charstrings.

Source: Adobe Technical Notes 5176 (Compact Font Format) and 5177 (Type 2 Charstring Format). Hints are skipped, flex curves are drawn,
arithmetic operators (which fonts do not use) end the glyph.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable

Contour = list[tuple[float, float]]
_SUBR_DEPTH = 10


def _index(data: bytes, at: int) -> tuple[list[tuple[int, int]], int]:
    """((start, end) of each object, offset behind the index)."""
    (count,) = struct.unpack_from(">H", data, at)
    if not count:
        return [], at + 2
    size = data[at + 2]
    base = at + 3 + size * (count + 1) - 1
    offsets = [int.from_bytes(data[at + 3 + size * n : at + 3 + size * (n + 1)], "big") for n in range(count + 1)]
    return [(base + a, base + b) for a, b in itertools.pairwise(offsets)], base + offsets[-1]


def _dictionary(data: bytes) -> dict[int, list[int]]:
    """Operators (two-byte ones as 1200 + second byte) with their operands; reals are not needed and read as 0."""
    found: dict[int, list[int]] = {}
    operands: list[int] = []
    at = 0
    while at < len(data):
        first = data[at]
        if first <= 21:
            operator, at = (1200 + data[at + 1], at + 2) if first == 12 else (first, at + 1)
            found[operator], operands = operands, []
        else:
            value, at = _operand(data, at, first)
            operands.append(value)
    return found


def _operand(data: bytes, at: int, first: int) -> tuple[int, int]:
    if first == 28:
        return struct.unpack_from(">h", data, at + 1)[0], at + 3
    if first == 29:
        return struct.unpack_from(">i", data, at + 1)[0], at + 5
    if first == 30:
        at += 1
        while data[at] & 0x0F != 0x0F:
            at += 1
        return 0, at + 1
    if first < 247:
        return first - 139, at + 1
    if first < 251:
        return (first - 247) * 256 + data[at + 1] + 108, at + 2
    return -(first - 251) * 256 - data[at + 1] - 108, at + 2


class Cff:
    """The table, ready to give outlines."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        _, at = _index(data, data[2])
        tops, at = _index(data, at)
        _, at = _index(data, at)
        self._global, _ = _index(data, at)
        top = _dictionary(data[slice(*tops[0])])
        self._glyphs, _ = _index(data, top[17][0])
        self._local: list[list[tuple[int, int]]] = []
        self._select: bytes | None = None
        if 1236 in top:
            fonts, _ = _index(data, top[1236][0])
            self._local = [self._private(_dictionary(data[slice(*font)])) for font in fonts]
            self._select = self._selection(top[1237][0], len(self._glyphs))
        else:
            self._local = [self._private(top)]

    def _private(self, font: dict[int, list[int]]) -> list[tuple[int, int]]:
        size, start = font.get(18, [0, 0])
        private = _dictionary(self._data[start : start + size])
        return _index(self._data, start + private[19][0])[0] if 19 in private else []

    def _selection(self, at: int, count: int) -> bytes:
        data = self._data
        if data[at] == 0:
            return data[at + 1 : at + 1 + count]
        (ranges,) = struct.unpack_from(">H", data, at + 1)
        chosen = bytearray(count)
        for number in range(ranges):
            first, font, after = struct.unpack_from(">HBH", data, at + 3 + 3 * number)
            chosen[first:after] = bytes([font]) * (after - first)
        return bytes(chosen)

    def outline(self, glyph: int, steps: int) -> list[Contour]:
        local = self._local[self._select[glyph] if self._select else 0]
        pen = _Pen(steps)
        _Charstring(self._data, self._global, local, pen).run(*self._glyphs[glyph], _SUBR_DEPTH)
        return pen.contours


class _Pen:
    """Collects contours; curves become straight pieces."""

    def __init__(self, steps: int) -> None:
        self.contours: list[Contour] = []
        self._steps = steps
        self._x = self._y = 0.0

    def move(self, dx: float, dy: float) -> None:
        self._x, self._y = self._x + dx, self._y + dy
        self.contours.append([(self._x, self._y)])

    def line(self, dx: float, dy: float) -> None:
        self._x, self._y = self._x + dx, self._y + dy
        self.contours[-1].append((self._x, self._y))

    def curve(self, a: float, b: float, c: float, d: float, e: float, f: float) -> None:
        x0, y0 = self._x, self._y
        x1, y1 = x0 + a, y0 + b
        x2, y2 = x1 + c, y1 + d
        x3, y3 = x2 + e, y2 + f
        for step in range(1, self._steps + 1):
            t = step / self._steps
            u = 1 - t
            w0, w1, w2, w3 = u * u * u, 3 * t * u * u, 3 * t * t * u, t * t * t
            self.contours[-1].append((w0 * x0 + w1 * x1 + w2 * x2 + w3 * x3, w0 * y0 + w1 * y1 + w2 * y2 + w3 * y3))
        self._x, self._y = x3, y3


class _Charstring:
    """Runs one glyph's program."""

    def __init__(
        self, data: bytes, global_subrs: list[tuple[int, int]], local_subrs: list[tuple[int, int]], pen: _Pen
    ) -> None:
        self._data = data
        self._subrs = {10: local_subrs, 29: global_subrs}
        self._pen = pen
        self._stack: list[float] = []
        self._hints = 0

    def run(self, at: int, end: int, depth: int) -> bool:
        """False when the glyph is finished."""
        data = self._data
        while at < end:
            first = data[at]
            if first >= 32 or first == 28:
                at = self._push(at, first)
            elif first in (10, 29):
                at += 1
                subrs = self._subrs[first]
                bias = 107 if len(subrs) < 1240 else 1131 if len(subrs) < 33900 else 32768
                if not depth or not self.run(*subrs[int(self._stack.pop()) + bias], depth - 1):
                    return False
            elif first == 11:
                return True
            elif first == 14:
                return False
            elif first in (19, 20):
                self._hints += len(self._stack) // 2
                self._stack.clear()
                at += 1 + (self._hints + 7) // 8
            elif first == 12:
                self._flex(data[at + 1])
                at += 2
            else:
                self._draw(first)
                at += 1
        return True

    def _push(self, at: int, first: int) -> int:
        if first == 255:
            self._stack.append(struct.unpack_from(">i", self._data, at + 1)[0] / 65536)
            return at + 5
        value, at = _operand(self._data, at, first)
        self._stack.append(value)
        return at

    def _draw(self, operator: int) -> None:
        stack, self._stack = self._stack, []
        if operator in (1, 3, 18, 23):
            self._hints += len(stack) // 2
        elif operator == 21:
            self._pen.move(*stack[-2:])
        elif operator == 22:
            self._pen.move(stack[-1], 0)
        elif operator == 4:
            self._pen.move(0, stack[-1])
        elif operator in _DRAWING:
            _DRAWING[operator](self._pen, stack)

    def _flex(self, operator: int) -> None:
        s, self._stack = self._stack, []
        if operator == 35:
            pieces = [s[:6], s[6:12]]
        elif operator == 34:
            pieces = [[s[0], 0, s[1], s[2], s[3], 0], [s[4], 0, s[5], -s[2], s[6], 0]]
        elif operator == 36:
            pieces = [[s[0], s[1], s[2], s[3], s[4], 0], [s[5], 0, s[6], s[7], s[8], -(s[1] + s[3] + s[7])]]
        elif operator == 37:
            dx, dy = s[0] + s[2] + s[4] + s[6] + s[8], s[1] + s[3] + s[5] + s[7] + s[9]
            last = [s[10], -dy] if abs(dx) > abs(dy) else [-dx, s[10]]
            pieces = [s[:6], [*s[6:10], *last]]
        else:
            return
        for a, b, c, d, e, f in pieces:
            self._pen.curve(a, b, c, d, e, f)


def _lines(pen: _Pen, s: list[float]) -> None:
    for n in range(0, len(s) - 1, 2):
        pen.line(s[n], s[n + 1])


def _alternate_lines(pen: _Pen, s: list[float], *, horizontal: bool) -> None:
    for value in s:
        pen.line(*((value, 0) if horizontal else (0, value)))
        horizontal = not horizontal


def _curves(pen: _Pen, s: list[float]) -> None:
    for n in range(0, len(s) - 5, 6):
        pen.curve(s[n], s[n + 1], s[n + 2], s[n + 3], s[n + 4], s[n + 5])


def _alternate_curves(pen: _Pen, s: list[float], *, horizontal: bool) -> None:
    while len(s) >= 4:
        last = s[4] if len(s) == 5 else 0
        a, b, c, d = s[:4]
        if horizontal:
            pen.curve(a, 0, b, c, last, d)
        else:
            pen.curve(0, a, b, c, d, last)
        s, horizontal = s[4:], not horizontal


def _level_curves(pen: _Pen, s: list[float]) -> None:
    """hhcurveto"""
    dy = s.pop(0) if len(s) % 4 else 0
    for n in range(0, len(s) - 3, 4):
        pen.curve(s[n], dy, s[n + 1], s[n + 2], s[n + 3], 0)
        dy = 0


def _upright_curves(pen: _Pen, s: list[float]) -> None:
    """vvcurveto"""
    dx = s.pop(0) if len(s) % 4 else 0
    for n in range(0, len(s) - 3, 4):
        pen.curve(dx, s[n], s[n + 1], s[n + 2], 0, s[n + 3])
        dx = 0


def _curves_then_line(pen: _Pen, s: list[float]) -> None:
    _curves(pen, s[:-2])
    _lines(pen, s[-2:])


def _lines_then_curve(pen: _Pen, s: list[float]) -> None:
    _lines(pen, s[:-6])
    _curves(pen, s[-6:])


_DRAWING: dict[int, Callable[[_Pen, list[float]], None]] = {
    5: _lines,
    6: lambda pen, s: _alternate_lines(pen, s, horizontal=True),
    7: lambda pen, s: _alternate_lines(pen, s, horizontal=False),
    8: _curves,
    24: _curves_then_line,
    25: _lines_then_curve,
    26: _upright_curves,
    27: _level_curves,
    30: lambda pen, s: _alternate_curves(pen, s, horizontal=False),
    31: lambda pen, s: _alternate_curves(pen, s, horizontal=True),
}
