"""The power of a whole machine is cut while it records: at most one second is lost, and everything fsynced is there.

Needs QEMU and a kernel, which a usual run does not have: the reason that is shown says how. LAIZUO_TEST_POWER_CUTS=20 cuts more often.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from media.record.journal import Journal
from tests.faults.test_journal_kill import Run, note, read_back
from tests.support import guest_machine
from tests.support.powercut_guest import KEY

CUTS = int(os.environ.get("LAIZUO_TEST_POWER_CUTS", "3"))
PROMISED_S = 1.0
STARTS_WITHIN_LINES = 400  # of its console; then it talks JSON


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The folder of a machine."""
    if missing := guest_machine.why_not():
        pytest.skip(f"no power was cut: {missing} ({guest_machine.HOW})")
    guest_machine.build(tmp_path)
    return tmp_path


def listen(process: subprocess.Popen[str], lines: int) -> Run:
    """So many lines of the guest's program, then the power cut."""
    run, heard, console = Run(), 0, []
    assert process.stdout is not None
    for text in process.stdout:
        if not text.startswith("{"):
            console.append(text)
            assert len(console) < STARTS_WITHIN_LINES, "".join(console)
            assert "has ended" not in text, "".join(console)
            continue
        note(run, json.loads(text))
        heard += 1
        if heard == lines:
            process.kill()
            break
    assert heard == lines, "".join(console)
    return run


def test_a_power_cut_costs_at_most_a_second_and_nothing_that_was_fsynced(machine: Path) -> None:
    dice = random.Random(4)
    before: list[int] = []
    for cut in range(CUTS):
        with guest_machine.running(machine) as process:
            run = listen(process, dice.randrange(20, 90))
        with guest_machine.disk(machine) as disk:
            numbers, damages, _ = read_back(disk / "journal")
        assert damages == []
        assert numbers[: len(before)] == before, "what an earlier cut left was changed"
        here = numbers[len(before) :]
        assert here == list(range(1, len(here) + 1))
        assert len(here) >= run.sealed
        last, ended = run.given[-1]
        safe_at = max((at for number, at in run.given if number <= len(here)), default=0.0)
        print(f"cut {cut + 1}: {last} packets given, {len(here)} there, {ended - safe_at:.2f} s lost")
        owed = [number for number, at in run.given if at < ended - PROMISED_S]
        assert len(here) >= max(owed, default=0)
        before = numbers
    with guest_machine.disk(machine) as disk:
        Journal.open(disk / "journal", session="s1", room="r1", key=KEY, facts={}).close_blocking("ended")
        assert read_back(disk / "journal")[1] == []
