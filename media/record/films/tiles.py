"""Who stands where in the composed picture. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from media.record.films.canvas import Rect

# Who leads the act stands first; everybody else comes after in order of arrival.
ROLE_ORDER = ("in_charge", "staff")
# Between two pictures, so that it is clear where one ends.
MARGIN = 4
SHARED_SOURCES = ("screen", "document")


@dataclass(frozen=True, slots=True)
class Tile:
    seat: str
    source: str
    label: str
    rect: Rect


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture that needs a place, in order of arrival."""

    seat: str
    source: str
    role: str
    label: str


def arrange(wanted: Sequence[Wanted], width: int, height: int) -> list[Tile]:
    """Faces in a grid, by role; shared pictures (document, screen) take the left two thirds and the faces a column."""
    ordered = sorted(wanted, key=lambda w: ROLE_ORDER.index(w.role) if w.role in ROLE_ORDER else len(ROLE_ORDER))
    shared = [w for w in ordered if w.source in SHARED_SOURCES]
    faces = [w for w in ordered if w.source not in SHARED_SOURCES]
    if not shared:
        return _grid(faces, Rect(0, 0, width, height))
    left = _even(width * 2 // 3)
    return [*_grid(shared, Rect(0, 0, left, height)), *_grid(faces, Rect(left, 0, width - left, height), columns=1)]


def _grid(wanted: Sequence[Wanted], area: Rect, columns: int | None = None) -> list[Tile]:
    if not wanted:
        return []
    across = columns or math.ceil(math.sqrt(len(wanted)))
    down = math.ceil(len(wanted) / across)
    wide, tall = _even(area.width // across), _even(area.height // down)
    return [
        Tile(
            w.seat,
            w.source,
            w.label,
            Rect(area.x + index % across * wide, area.y + index // across * tall, wide - MARGIN, tall - MARGIN),
        )
        for index, w in enumerate(wanted)
    ]


def fit(width: int, height: int, into: Rect) -> Rect:
    """The largest even rectangle of this shape, centred: nothing is cut off a person."""
    scale = min(into.width / max(width, 1), into.height / max(height, 1))
    wide, tall = max(2, _even(int(width * scale))), max(2, _even(int(height * scale)))
    return Rect(into.x + _even((into.width - wide) // 2), into.y + _even((into.height - tall) // 2), wide, tall)


def _even(value: int) -> int:
    return value & ~1
