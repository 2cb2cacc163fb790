"""A stretch that must be hidden: gone from film and pack, and everything else still provable."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from media.record.film import make_films
from media.record.films.spec import Spec
from media.record.packs.check import check_bytes
from media.record.packs.write import FilmSource, JournalSource, write_pack
from media.record.reader import SessionKeys, load_segments
from media.record.redaction import LATE_US, Zone, hidden_places, zones_of
from tests.support.packed_session import files_of, rebuilt
from tests.support.synthetic_session import KEY, START_WALL_US, Person, measure, record

LENGTH_S, FROM_S, TO_S = 14.0, 4.0, 5.0
ZONE = Zone(
    START_WALL_US + round(FROM_S * 1e6), START_WALL_US + round(TO_S * 1e6), "a", "face", "the number of an ID card"
)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("redaction") / "journal"
    people = [Person(seat, size=(160, 120), leaves=LENGTH_S, key_every_s=0.2, numbered=True) for seat in ("a", "b")]
    record(folder, people, LENGTH_S)
    return folder


def test_the_film_shows_nothing_of_the_zone_and_everything_else(journal: Path, tmp_path: Path) -> None:
    made = make_films(Spec((journal,), KEY, tmp_path, kinds=("person",), sealed=False, zones=(ZONE,)), lambda *_: None)

    hidden, other = (measure(str(tmp_path / f"{seat}-face.webm"), numbered=True) for seat in ("a", "b"))
    shown = [index / 25 for _, index in hidden.numbers]
    assert shown
    assert [at for at in shown if FROM_S <= at < TO_S] == []
    assert max(shown) > TO_S + LATE_US / 1e6 + 1
    assert {index for _, index in other.numbers} == set(range(int(LENGTH_S * 25)))
    assert len(hidden.beeps) == len(other.beeps) == LENGTH_S / 2  # the voice was not hidden
    [part] = made["hidden"]
    assert (part["cause"], part["why"], part["from_us"]) == ("hidden", "the number of an ID card", FROM_S * 1e6)


def test_the_pack_gives_no_key_of_the_zone_and_is_whole(journal: Path, tmp_path: Path) -> None:
    made = make_films(Spec((journal,), KEY, tmp_path, kinds=("person",), zones=(ZONE,)), lambda *_: None)
    films = [FilmSource(tmp_path / one["file"], one["file"], KEY, one) for one in made["films"]]
    target = io.BytesIO()
    write_pack(target, [JournalSource("r1", (journal,), KEY)], films, {"site": "x"}, made_at="2026-09-21T00:00:00+00:00", zones=(ZONE,))  # fmt: skip
    pack = target.getvalue()

    report = check_bytes(memoryview(pack))
    assert [str(damage) for damage in report.damages] == []
    assert any("hidden on purpose" in fact and "the number of an ID card" in fact for fact in report.facts)
    files = files_of(pack)
    [keys] = json.loads(files["keys.json"])
    given = {(one["block"], one["chunk"]) for one in keys["chunks"]}
    places = hidden_places(load_segments((journal,)), SessionKeys(KEY), (ZONE,))
    assert "session_key" not in keys
    assert (given & places, len(places) > 5) == (set(), True)
    assert KEY.hex() not in pack.decode("latin-1")

    # Saying that less was hidden, or more, is found.
    for change in (lambda manifest: manifest["journals"][0]["withheld"].pop(), lambda manifest: manifest["journals"][0]["withheld"].append({"block": 0, "chunk": 0})):  # fmt: skip
        manifest = json.loads(files["manifest.json"])
        change(manifest)
        assert check_bytes(memoryview(rebuilt({**files, "manifest.json": json.dumps(manifest).encode()}))).damages != []


@pytest.mark.parametrize(
    ("seat", "source", "after_s", "until_s", "hides"),
    [
        ("a", "face", 4.2, 4.6, True),
        ("a", "face", 3.0, 3.9, False),
        ("a", "face", 3.6, 4.1, True),
        ("a", "voice", 4.2, 4.6, False),
        ("b", "face", 4.2, 4.6, False),
        ("a", "face", 8.9, 9.3, True),  # asked for again until four seconds later
        ("a", "face", 9.1, 9.5, False),
    ],
)
def test_a_zone_hides_what_arrived_in_it_or_may_have_come_late(
    seat: str, source: str, after_s: float, until_s: float, hides: bool
) -> None:
    times = (START_WALL_US + round(at * 1e6) for at in (after_s, until_s))

    assert ZONE.hides(seat, source, *times) is hides


@pytest.mark.parametrize("wrong", [{"to_us": 5}, {"cause": " "}])
def test_a_zone_without_an_end_or_a_cause_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="redaction zone"):
        zones_of([{"from_us": 10, "to_us": 20, "cause": "x", **wrong}])
