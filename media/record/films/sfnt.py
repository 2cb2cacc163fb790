"""Reads an OpenType font file: which glyph a character has, how wide it is, and its outline in font units.

Both kinds of outline are read: TrueType (`glyf`) and PostScript (`CFF `, see postscript.py). Of a collection the simplified Chinese face is taken.
Source: OpenType 1.9.1; variable fonts are drawn in their default instance.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from media.record.films.postscript import Cff

# One contour: straight pieces between points, closed.
Contour = list[tuple[float, float]]
# Steps of a curve: at the sizes of a film nobody sees more.
CURVE_STEPS = 4
_DEPTH = 6


class BadFont(ValueError):
    """The file is no font that we can draw with; the message says why."""


@dataclass(frozen=True, slots=True)
class Face:
    """One font. Outlines in units of 1/units_per_em, y upwards."""

    data: bytes
    tables: dict[str, tuple[int, int]]
    units_per_em: int
    ascent: int
    descent: int
    glyphs: dict[int, int]
    widths: tuple[int, ...]
    offsets: tuple[int, ...]
    cff: Cff | None

    def has(self, character: str) -> bool:
        return ord(character) in self.glyphs

    def width(self, glyph: int) -> int:
        return self.widths[min(glyph, len(self.widths) - 1)]

    def outline(self, glyph: int) -> list[Contour]:
        """Contours of a glyph; empty for a blank. Raises BadFont."""
        try:
            return self.cff.outline(glyph, CURVE_STEPS) if self.cff else self._glyf(glyph, _DEPTH)
        except (struct.error, IndexError) as error:
            raise BadFont(f"glyph {glyph}: {error}") from None

    def _glyf(self, glyph: int, depth: int) -> list[Contour]:
        start, end = self.offsets[glyph], self.offsets[glyph + 1]
        if start == end or not depth:
            return []
        at = self.tables["glyf"][0] + start
        (contours,) = struct.unpack_from(">h", self.data, at)
        return self._simple(at + 10, contours) if contours >= 0 else self._composite(at + 10, depth)

    def _simple(self, at: int, contours: int) -> list[Contour]:
        ends = struct.unpack_from(f">{contours}H", self.data, at)
        at += 2 * contours
        at += 2 + struct.unpack_from(">H", self.data, at)[0]
        count = ends[-1] + 1 if ends else 0
        flags, at = self._flags(at, count)
        xs, at = self._coordinates(at, flags, 0x02, 0x10)
        ys, at = self._coordinates(at, flags, 0x04, 0x20)
        starts = [0, *(end + 1 for end in ends[:-1])]
        points = [(x, y, bool(flag & 1)) for x, y, flag in zip(xs, ys, flags, strict=True)]
        return [_flatten(points[start : end + 1]) for start, end in zip(starts, ends, strict=True)]

    def _flags(self, at: int, count: int) -> tuple[list[int], int]:
        flags: list[int] = []
        while len(flags) < count:
            flag, times = self.data[at], 1
            at += 1
            if flag & 8:
                times, at = self.data[at] + 1, at + 1
            flags += [flag] * times
        return flags[:count], at

    def _coordinates(self, at: int, flags: list[int], short: int, same: int) -> tuple[list[int], int]:
        values, value = [], 0
        for flag in flags:
            if flag & short:
                value += self.data[at] if flag & same else -self.data[at]
                at += 1
            elif not flag & same:
                value += struct.unpack_from(">h", self.data, at)[0]
                at += 2
            values.append(value)
        return values, at

    def _composite(self, at: int, depth: int) -> list[Contour]:
        out: list[Contour] = []
        more = True
        while more:
            flags, glyph = struct.unpack_from(">HH", self.data, at)
            at += 4
            dx, dy = struct.unpack_from(">hh" if flags & 1 else ">bb", self.data, at)
            at += 4 if flags & 1 else 2
            a, b, c, d, at = self._matrix(at, flags)
            if not flags & 2:  # places given by points: rare, and not moved then
                dx = dy = 0
            for contour in self._glyf(glyph, depth - 1):
                out.append([(a * x + c * y + dx, b * x + d * y + dy) for x, y in contour])
            more = bool(flags & 0x20)
        return out

    def _matrix(self, at: int, flags: int) -> tuple[float, float, float, float, int]:
        if flags & 0x08:
            (scale,) = struct.unpack_from(">h", self.data, at)
            return scale / 16384, 0.0, 0.0, scale / 16384, at + 2
        if flags & 0x40:
            x, y = struct.unpack_from(">hh", self.data, at)
            return x / 16384, 0.0, 0.0, y / 16384, at + 4
        if flags & 0x80:
            a, b, c, d = struct.unpack_from(">hhhh", self.data, at)
            return a / 16384, b / 16384, c / 16384, d / 16384, at + 8
        return 1.0, 0.0, 0.0, 1.0, at


def _flatten(points: list[tuple[int, int, bool]]) -> Contour:
    """Quadratic splines to straight pieces; between two control points lies an implied point."""
    if not points:
        return []
    full: list[tuple[float, float, bool]] = []
    for (x, y, on), (nx, ny, next_on) in zip(points, [*points[1:], points[0]], strict=True):
        full.append((x, y, on))
        if not on and not next_on:
            full.append(((x + nx) / 2, (y + ny) / 2, True))
    first = next((index for index, point in enumerate(full) if point[2]), 0)
    full = [*full[first:], *full[: first + 1]]
    out: Contour = [full[0][:2]]
    for before, point, after in zip(full, full[1:], full[2:] + full[:1], strict=False):
        if point[2]:
            out.append(point[:2])
        else:
            steps = [step / CURVE_STEPS for step in range(1, CURVE_STEPS)]
            out += [tuple(_bezier(t, before[i], point[i], after[i]) for i in (0, 1)) for t in steps]  # type: ignore[misc]
    return out


def _bezier(t: float, a: float, b: float, c: float) -> float:
    return (1 - t) * (1 - t) * a + 2 * t * (1 - t) * b + t * t * c


def read_face(path: Path) -> Face:
    """Raises BadFont, OSError."""
    data = path.read_bytes()
    try:
        return _read(data, _pick(data))
    except (struct.error, KeyError, IndexError) as error:
        raise BadFont(f"{path.name}: {error!r}") from None


def _pick(data: bytes) -> int:
    if data[:4] != b"ttcf":
        return 0
    (count,) = struct.unpack_from(">I", data, 8)
    starts = struct.unpack_from(f">{count}I", data, 12)
    simplified = [start for start in starts if "SC" in _name(data, _tables(data, start)).split()]
    return int((simplified or starts)[0])


def _tables(data: bytes, at: int) -> dict[str, tuple[int, int]]:
    (count,) = struct.unpack_from(">H", data, at + 4)
    rows = (struct.unpack_from(">4sIII", data, at + 12 + 16 * index) for index in range(count))
    return {tag.decode("latin-1"): (offset, length) for tag, _, offset, length in rows}


def _name(data: bytes, tables: dict[str, tuple[int, int]]) -> str:
    """The family's name (name id 1) as Windows has it."""
    start = tables["name"][0]
    count, strings = struct.unpack_from(">HH", data, start + 2)
    for index in range(count):
        platform, _, _, ident, length, offset = struct.unpack_from(">6H", data, start + 6 + 12 * index)
        if (platform, ident) == (3, 1):
            at = start + strings + offset
            return data[at : at + length].decode("utf-16-be", "replace")
    return ""


def _read(data: bytes, at: int) -> Face:
    tables = _tables(data, at)
    head, hhea = tables["head"][0], tables["hhea"][0]
    (units,) = struct.unpack_from(">H", data, head + 18)
    (long_offsets,) = struct.unpack_from(">h", data, head + 50)
    ascent, descent = struct.unpack_from(">hh", data, hhea + 4)
    (metrics,) = struct.unpack_from(">H", data, hhea + 34)
    widths = struct.unpack_from(">" + "Hh" * metrics, data, tables["hmtx"][0])[::2]
    cff = Cff(data[tables["CFF "][0] : sum(tables["CFF "])]) if "CFF " in tables else None
    offsets: tuple[int, ...] = ()
    if cff is None:
        (count,) = struct.unpack_from(">H", data, tables["maxp"][0] + 4)
        form = f">{count + 1}{'I' if long_offsets else 'H'}"
        offsets = tuple(
            value * (1 if long_offsets else 2) for value in struct.unpack_from(form, data, tables["loca"][0])
        )
    return Face(data, tables, units, ascent, descent, _characters(data, tables["cmap"][0]), widths, offsets, cff)


def _characters(data: bytes, start: int) -> dict[int, int]:
    (count,) = struct.unpack_from(">H", data, start + 2)
    rows = [struct.unpack_from(">HHI", data, start + 4 + 8 * index) for index in range(count)]
    found: dict[int, int] = {}
    for platform, encoding, offset in sorted(rows):
        (form,) = struct.unpack_from(">H", data, start + offset)
        if (platform, encoding) in ((0, 3), (3, 1)) and form == 4:
            found |= _format_4(data, start + offset)
        elif (platform, encoding) in ((0, 4), (0, 6), (3, 10)) and form == 12:
            found |= _format_12(data, start + offset)
    return found


def _format_4(data: bytes, at: int) -> dict[int, int]:
    segments = struct.unpack_from(">H", data, at + 6)[0] // 2
    columns = [
        struct.unpack_from(f">{segments}{kind}", data, at + 14 + 2 * segments * n + (2 if n else 0))
        for n, kind in enumerate("HHhH")
    ]
    ranges_at = at + 16 + 6 * segments
    found: dict[int, int] = {}
    for index, (end, first, delta, offset) in enumerate(zip(*columns, strict=True)):
        for code in range(first, min(end, 0xFFFE) + 1):
            glyph = code
            if offset:
                (glyph,) = struct.unpack_from(">H", data, ranges_at + 2 * index + offset + 2 * (code - first))
            found[code] = (glyph + delta) & 0xFFFF if glyph or not offset else 0
    return {code: glyph for code, glyph in found.items() if glyph}


def _format_12(data: bytes, at: int) -> dict[int, int]:
    (groups,) = struct.unpack_from(">I", data, at + 12)
    found: dict[int, int] = {}
    for index in range(groups):
        first, last, glyph = struct.unpack_from(">III", data, at + 16 + 12 * index)
        found.update(zip(range(first, last + 1), range(glyph, glyph + last - first + 1), strict=True))
    return found
