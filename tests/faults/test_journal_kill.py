"""The recorder's process is killed, its disk is full: what was on disk is there, what was lost is small and told."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from media.record.journal import Journal
from media.record.layout import RTP, split_records
from media.record.reader import BlockSeen, Damage, Note, SessionKeys, examine, load_segments, open_chunk
from tests.support.synthetic_session import KEY

ROOT = Path(__file__).parents[2]
KILLS = 12
# The promise; the writer's own rhythm is half of it.
PROMISED_S = 1.0


@dataclass
class Run:
    """What a writer said before it ended."""

    sealed: int = 0
    given: list[tuple[int, float]] = field(default_factory=list)
    failed: str | None = None
    exit_code: int | None = None


def writer(directory: Path, *limits: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.journal_writer", str(directory), *limits]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def listen(process: subprocess.Popen[str], lines: int | None) -> Run:
    """Read so many lines, then kill -9; None: read to the end."""
    run = Run()
    assert process.stdout is not None
    for count, text in enumerate(process.stdout, 1):
        note(run, json.loads(text))
        if count == lines:
            process.kill()
    run.exit_code = process.wait()
    process.stdout.close()
    return run


def note(run: Run, said: dict[str, object]) -> None:
    run.sealed = max(run.sealed, int(str(said.get("sealed", 0))))
    run.failed = str(said["failed"]) if "failed" in said else run.failed
    if "given" in said:
        run.given.append((int(str(said["given"])), float(str(said["at"]))))


def read_back(directory: Path) -> tuple[list[int], list[str], list[str]]:
    """(numbers of the packets in the order written, damages, notes)."""
    numbers, damages, notes = [], [], []
    for seen in examine(load_segments([directory])):
        if isinstance(seen, Damage):
            damages.append(str(seen))
        elif isinstance(seen, Note):
            notes.append(seen.what)
        else:
            numbers += packets_of(seen)
    return numbers, damages, notes


def packets_of(seen: BlockSeen) -> list[int]:
    opened = [
        open_chunk(seen, chunk.index, SessionKeys(KEY)) for chunk in seen.block.chunks if chunk.stream is not None
    ]
    plain = [item.plaintext for item in opened if not isinstance(item, Damage) and item.plaintext is not None]
    return [
        int.from_bytes(record.body[:8], "big") for text in plain for record in split_records(text) if record.kind == RTP
    ]


@pytest.mark.parametrize("seed", range(KILLS // 2))
def test_after_kill_9_everything_sealed_is_there(tmp_path: Path, seed: int) -> None:
    lines = random.Random(seed).randrange(10, 90)

    run = listen(writer(tmp_path), lines)

    numbers, damages, _ = read_back(tmp_path)
    assert damages == []
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= run.sealed


@pytest.fixture
def prompt_disk() -> Iterator[Path]:
    """In memory: what else is written on this machine does not make its fsync wait, of which a second has no room."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as place:
        yield Path(place)


@pytest.mark.parametrize("seed", range(KILLS // 2))
def test_after_kill_9_less_than_a_second_is_missing_that_nobody_asked_for(prompt_disk: Path, seed: int) -> None:
    lines = random.Random(seed).randrange(60, 110)

    run = listen(writer(prompt_disk, "unasked"), lines)

    numbers, damages, _ = read_back(prompt_disk)
    assert damages == []
    assert numbers == list(range(1, len(numbers) + 1))
    assert run.sealed == 0
    ended = run.given[-1][1]
    owed = [number for number, at in run.given if at < ended - PROMISED_S]
    assert len(numbers) >= max(owed)  # sixty steps are more than a second: something is owed


def test_a_killed_writer_is_followed_by_another_again_and_again(tmp_path: Path) -> None:
    dice = random.Random(7)
    sealed = sum(listen(writer(tmp_path), dice.randrange(12, 40)).sealed for _ in range(5))

    Journal.open(tmp_path, session="s1", room="r1", key=KEY, facts={}).close_blocking("ended")

    numbers, damages, _ = read_back(tmp_path)
    assert damages == []
    assert len(numbers) >= sealed > 0


def test_a_full_file_fails_aloud_and_keeps_what_was_sealed(tmp_path: Path) -> None:
    run = listen(writer(tmp_path, "600000"), None)

    assert run.exit_code == 3
    assert "File too large" in str(run.failed)
    numbers, damages, notes = read_back(tmp_path)
    assert damages == []
    assert len(numbers) >= run.sealed > 0
    assert ["the writer was stopped" in what for what in notes] == [True]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Path:
    """A file system of one megabyte."""
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root; RLIMIT_FSIZE above stands for it")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    return place


def test_a_full_disk_fails_aloud_and_goes_on_after_there_is_space(tiny_disk: Path) -> None:
    try:
        run = listen(writer(tiny_disk), None)

        assert run.exit_code == 3
        assert "No space left on device" in str(run.failed)
        subprocess.run(["mount", "-o", "remount,size=8m", str(tiny_disk)], check=True)
        Journal.open(tiny_disk, session="s1", room="r1", key=KEY, facts={}).close_blocking("ended")
        numbers, damages, notes = read_back(tiny_disk)
        assert damages == []
        assert len(numbers) >= run.sealed > 0
        assert ["declared by the segment after it" in what for what in notes] == [True]
    finally:
        subprocess.run(["umount", str(tiny_disk)], check=True)
