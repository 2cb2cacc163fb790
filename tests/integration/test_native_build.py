"""How the C path is compiled, kept, trusted, and done without."""

from __future__ import annotations

import logging
import multiprocessing
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from media.forward import build
from media.forward.build import DAY_S, INSTALL, Compiler, compile_into, find_compiler, ready_library
from media.forward.choose import choose_path, kernel_cuts_datagrams
from media.forward.native_memory import NativeUnusable, load_library
from media.forward.self_test import Notes
from media.net.udp import UdpPort
from tests.support.native import native_library

NOTHING = Counter[str]
QUICK = """#!/bin/sh
[ "$1" = --version ] && echo quick && exit
while [ "$1" != -o ]; do shift; done
echo "of no use" > "$2"
"""


@pytest.fixture
def compiler() -> Compiler:
    native_library()  # fails, saying what to install, where there is none
    found = find_compiler()
    assert found is not None
    return found


@pytest.fixture
def quick_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Compiler:
    """What it makes nobody can load; for tests of what is kept, which need no second each."""
    command = tmp_path / "quick" / "cc"
    command.parent.mkdir()
    command.write_text(QUICK)
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent))
    found = find_compiler()
    assert found == Compiler(str(command), "quick")
    return found


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As if the environment that runs the tests brought no compiled library, and could not be written."""
    monkeypatch.setattr(build, "own_folder", lambda: tmp_path / "no" / "environment")


@pytest.fixture
def port() -> Iterator[UdpPort]:
    opened = UdpPort("127.0.0.1", 0, lambda *_: None, Counter())
    yield opened
    opened.socket.close()


def test_it_is_compiled_once(quick_compiler: Compiler, tmp_path: Path) -> None:
    first = ready_library(tmp_path)
    made = first.stat().st_mtime_ns

    assert ready_library(tmp_path) == first
    assert first.stat().st_mtime_ns == made
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".so"] == [first.name]


def test_where_it_is_kept_no_compiler_is_needed(
    quick_compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = compile_into(build.own_folder(), quick_compiler)
    monkeypatch.setenv("PATH", "/nonexistent")

    assert ready_library(tmp_path / "data") == image


def source_with(tmp_path: Path, old: str, new: str) -> Path:
    """fastpath.c with one change."""
    text = build.SOURCES[-1].read_text()
    assert old in text
    changed = tmp_path / "fastpath.c"
    changed.write_text(text.replace(old, new).replace('"fastpath.h"', f'"{build.SOURCES[0]}"'))
    return changed


def test_one_compilation_serves_every_data_directory_of_an_environment(
    quick_compiler: Compiler, tmp_path: Path
) -> None:
    build.own_folder().parent.mkdir()

    made = ready_library(tmp_path / "data")

    assert made.parent == build.own_folder()
    assert ready_library(tmp_path / "other") == made
    assert not (tmp_path / "data").exists()


def test_another_source_is_compiled_anew(
    quick_compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ready_library(tmp_path)
    changed = source_with(tmp_path, "The common case", "The usual case")
    monkeypatch.setattr(build, "SOURCES", (*build.SOURCES[:-1], changed))

    assert ready_library(tmp_path) != first


def left_behind(folder: Path, *unused_days: int, name: str = "fastpath") -> list[Path]:
    """Libraries of other sources, last used so many days ago."""
    folder.mkdir(exist_ok=True)
    left = [folder / f"{name}-{'0' * 15}{days}-{'f' * 16}.so" for days in unused_days]
    for path, days in zip(left, unused_days, strict=True):
        path.write_bytes(b"of another source")
        os.utime(path, (time.time() - days * DAY_S,) * 2)
    return left


def test_what_nobody_has_used_for_a_week_goes_when_another_is_compiled(
    quick_compiler: Compiler, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    week, older, oldest = left_behind(folder, 6, 8, 9)
    [other] = left_behind(folder, 9, name="sm3_lanes")

    made = ready_library(folder)

    assert sorted(folder.glob("*.so")) == sorted([made, week, older, other]), "the last three of each name stay"
    assert not oldest.exists()
    assert ready_library(folder) == made


def test_all_that_was_used_within_the_week_stays(quick_compiler: Compiler, tmp_path: Path) -> None:
    left = left_behind(tmp_path, 1, 2, 3, 4, 5, 6)

    made = ready_library(tmp_path)

    assert sorted(tmp_path.glob("*.so")) == sorted([made, *left])


def test_what_is_found_is_marked_as_used_and_nobody_takes_it_away(
    quick_compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several checkouts that share an environment: one begins with a library of long ago, another compiles its own."""
    ours = ready_library(tmp_path)
    os.utime(ours, (time.time() - 30 * DAY_S,) * 2)
    left_behind(tmp_path, 1, 2, 3)

    assert ready_library(tmp_path) == ours
    monkeypatch.setattr(build, "SOURCES", (*build.SOURCES[:-1], source_with(tmp_path, "The common case", "Another")))
    assert ready_library(tmp_path) != ours

    assert ours.exists()


def test_what_is_taken_away_in_the_moment_it_is_found_is_compiled_again(
    quick_compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = ready_library(tmp_path)
    os.utime(ours, (time.time() - 30 * DAY_S,) * 2)
    alone = build._alone

    def after_the_deleter(folder: Path) -> Any:
        ours.unlink(missing_ok=True)
        monkeypatch.setattr(build, "_alone", alone)
        return alone(folder)

    monkeypatch.setattr(build, "_alone", after_the_deleter)

    assert ready_library(tmp_path) == ours
    assert ours.exists()


def _compile_there(folder: Path, results: Any) -> None:
    try:
        results.put(ready_library(folder).name)
    except NativeUnusable as reason:
        results.put(str(reason))


def test_two_workers_at_once_get_the_same(compiler: Compiler, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [context.Process(target=_compile_there, args=(tmp_path, results)) for _ in range(2)]
    for worker in workers:
        worker.start()

    names = {results.get(timeout=60) for _ in workers}

    for worker in workers:
        worker.join()
    assert names == {ready_library(tmp_path).name}


def test_without_a_compiler_it_says_what_to_install(no_compiler: None, tmp_path: Path) -> None:
    with pytest.raises(NativeUnusable, match="apt install gcc"):
        ready_library(tmp_path)


def test_a_compiler_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(NativeUnusable, match="broken refused"):
        compile_into(tmp_path, Compiler("false", "broken"))

    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_what_others_can_write_is_not_loaded(quick_compiler: Compiler, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    made = compile_into(folder, quick_compiler)
    made.chmod(0o777)
    assert ready_library(folder) == made
    assert made.stat().st_mode & 0o777 == 0o755, "it was not made again"

    folder.chmod(0o777)
    with pytest.raises(NativeUnusable, match="written by others"):
        ready_library(folder)


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(b"not a library")

    with pytest.raises(NativeUnusable, match="does not load"):
        load_library(tmp_path / "x.so")


def test_auto_without_a_compiler_is_python_and_one_line(
    no_compiler: None, tmp_path: Path, port: UdpPort, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        path = choose_path("auto", tmp_path, port, NOTHING(), Notes())

    assert path.name == "python"
    (record,) = caplog.records
    assert INSTALL in record.getMessage()


def test_native_insists(no_compiler: None, tmp_path: Path, port: UdpPort) -> None:
    with pytest.raises(NativeUnusable, match="apt install gcc"):
        choose_path("native", tmp_path, port, NOTHING(), Notes())


def test_auto_takes_c_where_it_can(compiler: Compiler, tmp_path: Path, port: UdpPort) -> None:
    assert choose_path("auto", tmp_path, port, NOTHING(), Notes()).name == "native"
    assert choose_path("python", tmp_path, port, NOTHING(), Notes()).name == "python"


def test_a_library_that_does_otherwise_fails_the_self_test(
    compiler: Compiler, tmp_path: Path, port: UdpPort, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A path that would write another timestamp than Python's never sees a packet."""
    wrong = source_with(tmp_path, "p->ts + d->ts_delta", "p->ts + d->ts_delta + 1")
    monkeypatch.setattr(build, "SOURCES", (*build.SOURCES[:-1], wrong))

    path = choose_path("auto", tmp_path, port, NOTHING(), Notes())

    assert path.name == "python"
    assert "datagrams differ" in caplog.text


def test_the_kernel_is_asked_for_segmentation() -> None:
    """On every Linux since 4.18; whatever it answers, it answers at once and raises nothing."""
    assert kernel_cuts_datagrams(cast(Any, socket.AF_INET)) in (True, False)
