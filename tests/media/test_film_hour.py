"""A long session over a bad line with two reconnects, on an invented clock: sound and picture stay together to its end.

LAIZUO_TEST_MINUTES=60 gives the hour that the promise is about; the usual run does two minutes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from media.record.film import make_films
from media.record.films.spec import Spec
from tests.support.synthetic_session import FLASH_EVERY_S, KEY, Measured, Person, measure, record

MINUTES = float(os.environ.get("LAIZUO_TEST_MINUTES", "2"))
LENGTH_S = MINUTES * 60
WINDOW_S = min(120.0, LENGTH_S / 4)
TOGETHER_S = 0.040
# Further apart they are not the same mark.
SAME_MARK_S = 0.3
FPS = 25


@dataclass(frozen=True)
class Window:
    """Marks of one part of a film, in seconds: sound minus picture, and how far each picture is from when it was taken."""

    name: str
    offsets: list[float]
    late_marks: int
    pictures: list[float]

    def __str__(self) -> str:
        near = sum(abs(offset) <= TOGETHER_S for offset in self.offsets)
        return (
            f"{self.name}: {len(self.offsets)} marks, median {median(self.offsets) * 1000:+.1f} ms, {near} within 40 ms, "
            f"{self.late_marks} whose first picture was lost; {len(self.pictures)} pictures "
            f"{min(self.pictures) * 1000:+.1f} to {max(self.pictures) * 1000:+.1f} ms behind their taking"
        )


def windows(film: Measured) -> list[Window]:
    starts = {"start": 0.0, "middle": (LENGTH_S - WINDOW_S) / 2, "end": LENGTH_S - WINDOW_S}
    return [window(film, name, at, at + WINDOW_S) for name, at in starts.items()]


def window(film: Measured, name: str, start_s: float, end_s: float) -> Window:
    """The first picture of a flash may be lost: the number in the one that is seen first says when the flash began."""
    index_at = dict(film.numbers)
    late = {flash: index_at[flash] % round(FLASH_EVERY_S * FPS) / FPS for flash in film.flashes}
    beeps = [at for at in film.beeps if start_s <= at < end_s]
    nearest = [(beep, min(film.flashes, key=lambda flash: abs(flash - beep))) for beep in beeps]
    pairs = [(beep, flash) for beep, flash in nearest if abs(beep - flash) < SAME_MARK_S]
    return Window(
        name,
        [beep - (flash - late[flash]) for beep, flash in pairs],
        sum(late[flash] > 0 for _, flash in pairs),
        [at - index / FPS for at, index in film.numbers if start_s <= at < end_s],
    )


def test_sound_and_picture_are_together_at_start_middle_and_end(tmp_path: Path) -> None:
    away = [(LENGTH_S * 0.30, LENGTH_S * 0.30 + 7.0), (LENGTH_S * 0.64, LENGTH_S * 0.64 + 12.5)]
    person = Person(
        "a",
        size=(160, 120),
        leaves=LENGTH_S,
        loss=0.05,
        jitter_ms=40,
        drift_ppm=60,
        clock_offset_s=-1234.5,
        away=away,
        key_every_s=0.2,
        fps=FPS,
        numbered=True,
    )
    record(tmp_path / "journal", [person], LENGTH_S)
    spec = Spec((tmp_path / "journal",), KEY, tmp_path / "films", kinds=("person",), sealed=False)
    make_films(spec, lambda *_: None)

    film = measure(str(tmp_path / "films" / "a-face.webm"), numbered=True)

    assert abs(film.length_s - LENGTH_S) < 0.5
    found = windows(film)
    print(*(f"{MINUTES:g} minutes, {part}" for part in found), sep="\n", flush=True)
    for part in found:
        assert len(part.offsets) >= WINDOW_S / FLASH_EVERY_S / 2, str(part)
        assert all(abs(offset) <= TOGETHER_S for offset in part.offsets), str(part)
        assert max(part.pictures) - min(part.pictures) <= TOGETHER_S, str(part)
