"""A session whose journal went over to the second volume: films and pack are made of both, and nothing is missing in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from media.record.film import make_films
from media.record.films.spec import Spec
from media.record.packs.check import check_bytes
from media.record.segments import list_segments
from tests.support.moved_journal import pack_of, record_moved
from tests.support.synthetic_session import KEY, Person

LENGTH_S, FPS = 4.0, 25


def films_of(output: Path, *journals: Path) -> tuple[dict[str, Any], bytes]:
    """(what is told, the one film)."""
    made = make_films(Spec(journals, KEY, output, kinds=("person",), sealed=False), lambda *_: None)
    film: Path = output / made["films"][0]["file"]
    return made, film.read_bytes()


def test_films_and_pack_are_made_of_both_volumes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    record_moved(first, second, [Person("a", size=(160, 120), leaves=LENGTH_S, fps=FPS)], LENGTH_S)
    assert [path.parent for path in list_segments(first, second)] == [first, second]

    made, film = films_of(tmp_path / "films", first, second)
    again, _ = films_of(tmp_path / "one volume", first)

    [told] = made["films"]
    assert (told["frames"], told["frames_lost"], told["gaps"]) == (LENGTH_S * FPS, 0, [])
    assert (made["problems"], made["interruptions"]) == ([], [])
    assert "volume_changed" in [event["kind"] for event in made["events"]]
    assert again["films"][0]["frames"] < told["frames"]  # the second volume is really needed
    assert films_of(tmp_path / "anew", first, second)[1] == film
    assert [str(damage) for damage in check_bytes(memoryview(pack_of(first, second))).damages] == []
