"""libfiu lets the C library itself fail, below everything of ours: a share of all writes, of all fsyncs, of all opens.

test_disk_fails.py does the same inside Python, one call after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.test_journal_kill import read_back
from tests.support.silent_writer import FAILED_ALOUD
from tests.support.tools import program

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("LAIZUO_TEST_DISK_FAULTS", "2"))  # of each fault and share
SECONDS = 1.5
NO_SPACE, IO_ERROR = 28, 5
FAULTS = {
    "write": ("posix/io/rw/write", NO_SPACE),
    "eio": ("posix/io/rw/write", IO_ERROR),
    "fsync": ("posix/io/sync/fsync", IO_ERROR),
}


def write_under(fault: str, share: float, folder: Path) -> tuple[int, int]:
    """(exit code, packets that were sealed) of a writer under this fault."""
    point, number = FAULTS[fault]
    count = folder / "count"
    count.write_bytes(bytes(8))
    command = [
        program("fiu-run"), "-x", "-c", f"enable_random name={point},probability={share},failinfo={number}",
        sys.executable, "-B", "-m", "tests.support.silent_writer", str(folder / "journal"), str(count), str(SECONDS),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60)
    return done.returncode, int.from_bytes(count.read_bytes(), "big")


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_failed_call_goes_unnoticed_and_what_was_sealed_is_there(tmp_path: Path, fault: str, share: float) -> None:
    failed = 0
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()

        code, sealed = write_under(fault, share, folder)

        assert code in (0, FAILED_ALOUD)
        failed += code == FAILED_ALOUD
        if sealed:
            numbers, damages, _ = read_back(folder / "journal")
            assert damages == []
            assert numbers == list(range(1, len(numbers) + 1))
            assert len(numbers) >= sealed
    assert failed == ROUNDS or share < 0.1, "a writer under faults of one call in ten or more never noticed one"
