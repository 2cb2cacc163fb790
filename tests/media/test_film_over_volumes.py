"""A session whose journal went over to the second volume: films and pack are made of both, and the films are those of an undisturbed one."""

from __future__ import annotations

from pathlib import Path

from media.record.film import make_films
from media.record.films.spec import Spec
from media.record.packs.check import check_bytes
from media.record.segments import list_segments
from tests.support.moved_journal import pack_of, record_moved
from tests.support.synthetic_session import KEY, Person, record

LENGTH_S = 4.0


def film_of(output: Path, *journals: Path) -> bytes:
    made = make_films(Spec(journals, KEY, output, kinds=("person",), sealed=False), lambda *_: None)
    film: Path = output / made["films"][0]["file"]
    return film.read_bytes()


def test_films_and_pack_are_made_of_both_volumes(tmp_path: Path) -> None:
    people = [Person("a", size=(160, 120), leaves=LENGTH_S)]
    one, first, second = tmp_path / "one", tmp_path / "first", tmp_path / "second"
    record(one, people, LENGTH_S)
    record_moved(first, second, people, LENGTH_S)

    assert [path.parent for path in list_segments(first, second)] == [first, second]
    assert film_of(tmp_path / "films", first, second) == film_of(tmp_path / "plain", one)
    report = check_bytes(memoryview(pack_of(first, second)))
    assert [str(damage) for damage in report.damages] == []
