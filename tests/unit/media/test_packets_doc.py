"""media/PACKETS.md is true: each constant it quotes has that value, and its worked example comes out of the code."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import media
from media.core.seqmap import NOTHING, Origin, SeqMap
from media.timing import Timing

MEDIA = Path(media.__file__).parent
PAGE = (MEDIA / "PACKETS.md").read_text()
CONSTANT = re.compile(r"^\| `(media\.[\w.]+)` \| ([\d.]+) \|", re.MULTILINE)
STEP = re.compile(r"^\| (\d\.\d{3}) " + r"\| ?([\w -]*?) ?" * 6 + r"\|$", re.MULTILINE)


def quoted(dotted: str) -> object:
    """The value of media.module.CONSTANT, of an attribute of one, or of a default of Timing."""
    if dotted.startswith("media.timing.Timing."):
        return getattr(Timing(), dotted.rpartition(".")[2])
    parts = dotted.split(".")
    names = 1 if parts[-2].islower() else 2
    found: object = import_module(".".join(parts[:-names]))
    for name in parts[-names:]:
        found = getattr(found, name)
    return found


@pytest.mark.parametrize(("dotted", "value"), CONSTANT.findall(PAGE))
def test_constants_are_those_of_the_code(dotted: str, value: str) -> None:
    assert quoted(dotted) == float(value)


def test_the_page_quotes_many_constants() -> None:
    """Guards the pattern above: a table in another form would check nothing."""
    assert len(CONSTANT.findall(PAGE)) == PAGE.count("| `media.") > 30


def test_worked_example_comes_out_as_printed() -> None:
    seqmap = SeqMap(90000, 65534, 1000, min_step_s=1 / 30)
    seqmap.switch(1)
    steps = STEP.findall(PAGE)

    for now, what, source, seq, ts, out_seq, out_ts in steps:
        if what == "paused":
            seqmap.cut()
        elif what == "switch":
            seqmap.switch(int(source))
        elif what == "left out":
            assert (out_seq, out_ts) == ("-", "-")  # never offered while paused
        else:
            packed = seqmap.forward(int(seq), int(ts), float(now))
            printed = NOTHING if out_seq == "-" else int(out_seq) << 32 | int(out_ts)
            assert packed == printed, f"{now} {what}: {packed >> 32}, {packed & 0xFFFFFFFF}"

    assert len(steps) == 11
    back = [seqmap.origin(seq) for seq in (0, 4, 6)]
    assert [None if o is None else (o.source, o.ext) for o in back] == [(1, 70002), (2, 900001), None]
    assert back[0] == Origin(1, 70002, back[0].ts_delta if back[0] else 0)


def test_every_file_it_names_is_there() -> None:
    """But those of the last paragraph, which names what comes later."""
    named = re.findall(r"[\w/]+\.py\b", PAGE.split("Not here yet")[0])

    assert [name for name in named if not ((MEDIA / name).exists() or (MEDIA.parent / name).exists())] == []
