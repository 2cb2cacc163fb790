"""Writes and fsyncs fail, the disk becomes read-only under the recorder: nothing is lost in silence, and there is a film of what was there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from media.record.film import make_films
from media.record.films.spec import Spec
from media.record.reader import Damage, examine, load_segments
from tests.faults.test_journal_kill import Run, listen, note, read_back, writer
from tests.support.synthetic_session import KEY, START_MONO_US, measure

ROOT = Path(__file__).parents[2]
SHARES = (0.01, 0.1, 0.3)
# A film needs a key frame and a moment after it.
FILM_FROM_S = 1.0


@dataclass(frozen=True)
class Ended:
    """How a recorder on a failing disk ended: its exit code, its words, how much it had sealed."""

    code: int
    failed: str | None
    sealed_s: float


def record_on(directory: Path, fault: str, share: float, seed: int) -> Ended:
    command = [sys.executable, "-m", "tests.support.failing_disk", str(directory), fault, str(share), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    sealed = max((line["sealed_us"] for line in said if "sealed_us" in line), default=START_MONO_US)
    failed = next((line["failed"] for line in said if "failed" in line), None)
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, failed, (sealed - START_MONO_US) / 1e6)


def recorded_s(directory: Path) -> float:
    """Seconds of session in whole blocks. Fails on damage: a torn end is none."""
    last = 0.0
    for seen in examine(load_segments([directory])):
        assert not isinstance(seen, Damage), str(seen)
        block = getattr(seen, "block", None)
        last = (block.mono_us - START_MONO_US) / 1e6 if block else last
    return last


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize(
    ("fault", "words"), [("write", "No space left"), ("short", "No space left"), ("fsync", "error")]
)
def test_what_was_sealed_is_there_and_the_failure_is_loud(tmp_path: Path, fault: str, words: str, share: float) -> None:
    ended = record_on(tmp_path / "journal", fault, share, seed=int(share * 100))

    if ended.code == 0:  # a hundredth of fifty blocks may be none
        assert share == SHARES[0]
        assert ended.failed is None
        return
    assert ended.code == 3
    assert words in str(ended.failed)
    if ended.sealed_s > 0:
        assert recorded_s(tmp_path / "journal") >= ended.sealed_s


def test_there_is_a_film_of_what_was_there(tmp_path: Path) -> None:
    runs = (record_on(tmp_path / str(seed), "short", 0.1, seed) for seed in range(20))
    seed, ended = next((n, run) for n, run in enumerate(runs) if run.code == 3 and run.sealed_s > FILM_FROM_S)

    made = make_films(
        Spec((tmp_path / str(seed),), KEY, tmp_path / "films", kinds=("person",), sealed=False), lambda *_: None
    )

    film = measure(str(tmp_path / "films" / made["films"][0]["file"]))
    assert film.frames > 0
    assert abs(film.length_s - ended.sealed_s) < 1.0


@pytest.fixture
def small_ext4(tmp_path: Path) -> Iterator[Path]:
    """An ext4 of its own on a loop device."""
    if os.geteuid() != 0:
        pytest.skip("mounting a loop device needs root; the failing writes above stand for it")
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_becomes_read_only_ends_the_recording_aloud(small_ext4: Path) -> None:
    """`abort` is what ext4 does to itself when its device fails: read-only from one call to the next."""
    process = writer(small_ext4 / "journal")
    assert process.stdout is not None
    before = Run()
    for _ in range(60):
        note(before, json.loads(process.stdout.readline()))
    subprocess.run(["mount", "-o", "remount,abort", str(small_ext4)], check=False, capture_output=True)

    run = listen(process, None)

    assert run.exit_code == 3
    assert "Read-only file system" in str(run.failed) or "Input/output error" in str(run.failed)
    numbers, damages, _ = read_back(small_ext4 / "journal")
    assert damages == []
    assert len(numbers) >= max(before.sealed, run.sealed) > 0
