"""Films of sessions whose flashes and beeps are known, measured by decoding them."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest

from media.record.film import make_films
from media.record.films.spec import Spec
from media.record.journal import Journal
from media.record.sealed import SealedFile
from tests.support.synthetic_session import (
    FLASH_EVERY_S,
    KEY,
    START_MONO_US,
    START_WALL_US,
    Measured,
    Person,
    measure,
    record,
)

ROOT = Path(__file__).parents[2]
LIPS_S = 0.080
LENGTH_TOLERANCE_S = 0.5
# The least delay of the line, and one picture: a mark is in the film when it was seen, not before it was made.
PLACE_S = 0.12


def films(tmp_path: Path, people: list[Person], length_s: float, *kinds: str, **spec: Any) -> dict[str, Any]:
    """The films of a session, in the clear."""
    record(tmp_path / "journal", people, length_s)
    wanted = Spec((tmp_path / "journal",), KEY, tmp_path / "films", kinds=kinds or ("person",), sealed=False, **spec)
    made: dict[str, Any] = make_films(wanted, lambda *_: None)
    return made


def measured(tmp_path: Path, made: dict[str, Any], name: str) -> Measured:
    assert name in [film["file"] for film in made["films"]]
    return measure(str(tmp_path / "films" / name))


def of_seat(made: dict[str, Any], seat: str) -> dict[str, Any]:
    found: dict[str, Any] = next(film for film in made["films"] if film["seat"] == seat)
    return found


def apart(film: Measured) -> list[float]:
    """How far each beep is from the flash nearest to it."""
    return [min(abs(beep - flash) for flash in film.flashes) for beep in film.beeps]


def near(marks: list[float], wanted: list[float], within: float = PLACE_S) -> bool:
    return len(marks) == len(wanted) and all(0 <= mark - at < within for mark, at in zip(marks, wanted, strict=True))


@pytest.mark.parametrize(("codec", "name"), [("VP8", "a-face.webm"), ("H264", "a-face.mp4")])
def test_a_clean_line_gives_a_film_of_the_sessions_length_with_lips_and_voice_together(
    tmp_path: Path, codec: str, name: str
) -> None:
    made = films(tmp_path, [Person("a", codec, clock_offset_s=3600.5, leaves=8.0)], 8.0)

    film = measured(tmp_path, made, name)

    assert abs(film.length_s - 8.0) < LENGTH_TOLERANCE_S
    assert near(film.flashes, [0, 2, 4, 6])
    assert near(film.beeps, [0, 2, 4, 6])
    assert max(apart(film)) < LIPS_S
    assert (film.frames, of_seat(made, "a")["frames_lost"]) == (200, 0)


# A lost flash is seen when the next whole key frame comes. One a second here; of H.264 each takes about a dozen packets, so at 5 % loss every
# second one is torn, and the picture may wait for several.
@pytest.mark.parametrize(("codec", "late_s"), [("VP8", 1.1), ("H264", 5.1)])
def test_loss_and_duplicates_cost_pictures_but_no_time(tmp_path: Path, codec: str, late_s: float) -> None:
    lossy = Person("a", codec, loss=0.05, duplicates=0.05, jitter_ms=40, leaves=20.0, key_every_s=1.0)

    made = films(tmp_path, [lossy], 20.0)

    film = measured(tmp_path, made, "a-face.webm" if codec == "VP8" else "a-face.mp4")
    entry = of_seat(made, "a")
    assert abs(film.length_s - 20.0) < LENGTH_TOLERANCE_S
    assert entry["frames_lost"] > 0
    assert film.frames == entry["frames"] > 60
    assert max(min(abs(flash - at) for flash in film.flashes) for at in film.beeps) < late_s
    assert near(film.beeps, [index * FLASH_EVERY_S for index in range(10)])
    assert entry["voice"]["filled"] > 10


def test_who_comes_late_has_silence_before_and_pictures_from_then(tmp_path: Path) -> None:
    made = films(tmp_path, [Person("a", leaves=9.0), Person("b", "H264", joins=3.0, leaves=7.0)], 9.0)

    late = measured(tmp_path, made, "b-face.mp4")

    assert abs(late.length_s - 9.0) < LENGTH_TOLERANCE_S
    assert near(late.flashes, [4, 6])
    assert near(late.beeps, [4, 6])
    assert [gap["cause"] for gap in of_seat(made, "b")["gaps"]] == ["late", "end"]


def test_a_reconnect_goes_on_in_the_same_film_at_the_right_moment(tmp_path: Path) -> None:
    away = Person("a", "VP8", leaves=12.0, away=[(4.5, 7.5)], clock_offset_s=-7.0)

    made = films(tmp_path, [away], 12.0)

    film = measured(tmp_path, made, "a-face.webm")
    assert len(made["films"]) == 1
    assert abs(film.length_s - 12.0) < LENGTH_TOLERANCE_S
    assert near(film.flashes, [0, 2, 4, 8, 10])
    assert max(apart(film)) < LIPS_S
    gap = of_seat(made, "a")["gaps"][0]
    assert abs(gap["from_us"] / 1e6 - 4.5) < 0.1
    assert abs(gap["to_us"] / 1e6 - 7.5) < 0.1


def test_what_stood_behind_a_hole_before_a_reconnect_stays_before_it(tmp_path: Path) -> None:
    """The stream ends while it still waits for a lost packet, and no other packet of it will come to end the wait."""
    torn = Person("a", leaves=20.0, away=[(9.0, 11.5)], loss=0.05, key_every_s=0.2, size=(160, 120), numbered=True)

    made = films(tmp_path, [torn], 20.0)

    film = measure(str(tmp_path / "films" / "a-face.webm"), numbered=True)
    placed = [at - index / 25 for at, index in film.numbers]
    assert max(placed) - min(placed) < 0.04
    assert max(at for at, _ in film.numbers if at < 10) > 8.5
    assert of_seat(made, "a")["voice"]["dropped"] == 0


def test_another_codec_begins_another_part_of_the_same_length(tmp_path: Path) -> None:
    first, second = Person("a", "VP8", leaves=4.0), Person("a", "H264", joins=4.5, leaves=9.0)

    made = films(tmp_path, [first, second], 9.0)

    parts = sorted((film["part"], film["codec"]) for film in made["films"])
    assert [part for part, _ in parts] == [0, 1]
    assert {codec for _, codec in parts} == {"VP8", "H264"}
    for film in made["films"]:
        assert abs(measure(str(tmp_path / "films" / film["file"])).length_s - 9.0) < LENGTH_TOLERANCE_S


def test_who_only_speaks_has_a_film_of_their_voice(tmp_path: Path) -> None:
    made = films(tmp_path, [Person("a", None, leaves=5.0)], 5.0)

    film = measured(tmp_path, made, "a-voice.webm")

    assert (film.flashes, film.frames) == ([], 0)
    assert abs(film.length_s - 5.0) < LENGTH_TOLERANCE_S


def test_who_is_only_seen_has_a_film_of_the_whole_length(tmp_path: Path) -> None:
    made = films(tmp_path, [Person("a", voice=False, leaves=3.0)], 6.0)

    film = measured(tmp_path, made, "a-face.webm")

    assert film.beeps == []
    assert abs(film.length_s - 6.0) < LENGTH_TOLERANCE_S


def test_without_sender_reports_arrival_places_both(tmp_path: Path) -> None:
    made = films(tmp_path, [Person("a", reports=False, leaves=6.0, audio_delay_ms=20.0)], 6.0)

    film = measured(tmp_path, made, "a-face.webm")

    assert max(apart(film)) < LIPS_S


def test_ten_minutes_of_a_wrong_quartz_stay_together(tmp_path: Path) -> None:
    slow = Person("a", "VP8", leaves=600.0, drift_ppm=200, fps=5, size=(64, 48), loss=0.01, clock_offset_s=50)

    made = films(tmp_path, [slow], 600.0)

    film = measured(tmp_path, made, "a-face.webm")
    assert abs(film.length_s - 600.0) < LENGTH_TOLERANCE_S
    assert (
        max(apart(film)[index] for index in (0, len(film.beeps) // 2, -1)) < LIPS_S + 0.2
    )  # one picture is 200 ms here
    assert all(abs(beep - round(beep / 2) * 2) < PLACE_S for beep in film.beeps)


def test_a_worker_that_was_killed_leaves_one_film_with_a_gap(tmp_path: Path) -> None:
    record(tmp_path / "journal", [Person("a", leaves=4.0)], 4.0)
    with (tmp_path / "journal/journal-000000.lzj").open("ab") as file:
        file.write(b"LZB1\x00\x00\x20\x00 torn")
    clock = (START_WALL_US + 9_000_000, START_MONO_US + 9_000_000)
    journal = Journal.open(tmp_path / "journal", session="s1", room="r1", key=KEY, facts={}, clocks=lambda: clock)
    journal.close_blocking("ended")

    made = make_films(
        Spec((tmp_path / "journal",), KEY, tmp_path / "films", kinds=("person",), sealed=False), lambda *_: None
    )

    assert abs(made["length_us"] / 1e6 - 9.0) < LENGTH_TOLERANCE_S
    assert abs(measured(tmp_path, made, "a-face.webm").length_s - 9.0) < LENGTH_TOLERANCE_S
    assert [event["kind"] for event in made["events"]] == ["opened", "joined", "closed", "continued", "closed"]


def test_the_composed_film_shows_all_and_mixes_all(tmp_path: Path) -> None:
    people = [Person("a", leaves=8.0), Person("b", "H264", joins=1.0, leaves=8.0), Person("c", None, leaves=8.0)]

    made = films(tmp_path, people, 8.0, "composed")

    path = tmp_path / "films/composed.mp4"
    film = measured(tmp_path, made, "composed.mp4")
    assert abs(film.length_s - 8.0) < LENGTH_TOLERANCE_S
    assert near(film.beeps, [0, 2, 4, 6])
    assert near(flashes_at(path, 320, 168), [0, 2, 4, 6], 0.2)  # a, upper left
    assert path.read_bytes()[4:8] == b"ftyp"
    assert b"moov" in path.read_bytes()[:200]


def flashes_at(path: Path, x: int, y: int) -> list[float]:
    """Moments at which this pixel of the composed film turns bright."""
    marks, before = [], False
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            bright = bytes(plane)[y * plane.line_size + x] > 150
            marks += [float(frame.time)] if bright and not before else []
            before = bright
    return marks


@pytest.mark.parametrize("kind", ["person", "composed"])
def test_the_same_journal_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    record(tmp_path / "journal", [Person("a", leaves=3.0, loss=0.02), Person("b", "H264", leaves=3.0)], 3.0)
    digests = []

    for number in range(2):
        spec = Spec((tmp_path / "journal",), KEY, tmp_path / str(number), kinds=(kind,), sealed=False)
        made = make_films(spec, lambda *_: None)
        digests.append(
            [hashlib.sha256((spec.output / film["file"]).read_bytes()).hexdigest() for film in made["films"]]
        )

    assert digests[0] == digests[1]


def test_as_a_process_it_tells_its_progress_and_seals_what_it_makes(tmp_path: Path) -> None:
    record(tmp_path / "journal", [Person("a", leaves=3.0)], 3.0)
    spec = {
        "journals": [str(tmp_path / "journal")],
        "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "output": str(tmp_path / "films"),
    }

    ran = subprocess.run(
        [sys.executable, "-m", "media.record.film", "-"],
        input=json.dumps(spec),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    done = lines[-1]["done"]
    assert {line["stage"] for line in lines[:-1]} == {"scan", "person", "composed"}
    assert [film["file"] for film in done["films"]] == ["a-face.webm.sealed", "composed.mp4.sealed"]
    with SealedFile(tmp_path / "films/a-face.webm.sealed", KEY) as sealed:
        assert abs(measure(io.BytesIO(b"".join(sealed.pieces()))).length_s - 3.0) < LENGTH_TOLERANCE_S


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{}", "journals is missing"),
        ("[]", "not an object"),
        ('{"journals": [], "key": "AA==", "output": "/nowhere/x"}', ""),
    ],
)
def test_a_bad_spec_is_told_as_one_line(tmp_path: Path, spec: str, message: str) -> None:
    path = tmp_path / "spec.json"
    path.write_text(spec.replace("/nowhere", str(tmp_path)))

    ran = subprocess.run(
        [sys.executable, "-m", "media.record.film", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 1
    assert message in json.loads(ran.stdout.splitlines()[-1])["error"]
