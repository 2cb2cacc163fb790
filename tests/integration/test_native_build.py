"""How the C path is compiled, kept, trusted, and done without."""

from __future__ import annotations

import logging
import multiprocessing
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from media.forward import build
from media.forward.build import INSTALL, Compiler, compile_into, find_compiler, ready_library
from media.forward.choose import choose_path, kernel_cuts_datagrams
from media.forward.native_memory import NativeUnusable, load_library
from media.forward.self_test import Notes
from media.net.udp import UdpPort
from tests.support.native import native_library

NOTHING = Counter[str]


@pytest.fixture
def compiler() -> Compiler:
    native_library()  # skips where there is none
    found = find_compiler()
    assert found is not None
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


def test_it_is_compiled_once(compiler: Compiler, tmp_path: Path) -> None:
    first = ready_library(tmp_path)
    made = first.stat().st_mtime_ns

    assert ready_library(tmp_path) == first
    assert first.stat().st_mtime_ns == made
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".so"] == [first.name]


def test_where_it_is_kept_no_compiler_is_needed(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = compile_into(build.own_folder(), compiler)
    monkeypatch.setenv("PATH", "/nonexistent")

    assert ready_library(tmp_path / "data") == image


def source_with(tmp_path: Path, old: str, new: str) -> Path:
    """fastpath.c with one change."""
    text = build.SOURCES[-1].read_text()
    assert old in text
    changed = tmp_path / "fastpath.c"
    changed.write_text(text.replace(old, new).replace('"fastpath.h"', f'"{build.SOURCES[0]}"'))
    return changed


def test_one_compilation_serves_every_data_directory_of_an_environment(compiler: Compiler, tmp_path: Path) -> None:
    build.own_folder().parent.mkdir()

    made = ready_library(tmp_path / "data")

    assert made.parent == build.own_folder()
    assert ready_library(tmp_path / "other") == made
    assert not (tmp_path / "data").exists()


def test_another_source_is_compiled_anew(compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ready_library(tmp_path)
    changed = source_with(tmp_path, "The common case", "The usual case")
    monkeypatch.setattr(build, "SOURCES", (*build.SOURCES[:-1], changed))

    assert ready_library(tmp_path) != first


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


def test_what_others_can_write_is_not_loaded(compiler: Compiler, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    made = compile_into(folder, compiler)
    made.chmod(0o777)
    assert ready_library(folder.with_name("other")) != made

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
