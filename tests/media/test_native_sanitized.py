"""The C path under AddressSanitizer and UndefinedBehaviorSanitizer, with the crowd of tests/support/native_fuzz.py on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from media.forward.build import INSTALL, LANES, Compiler, compile_into, find_compiler

ROOT = Path(__file__).parents[2]
SANITIZERS = (
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    "-U_FORTIFY_SOURCE",
)


def runtime_of(compiler: Compiler) -> str:
    """The sanitizer's own library, which must be there before Python is."""
    for name in ("libasan.so", "libclang_rt.asan-x86_64.so"):
        told = subprocess.run(
            [compiler.command, f"-print-file-name={name}"], capture_output=True, text=True, check=True
        )
        if Path(told.stdout.strip()).is_absolute():
            return told.stdout.strip()
    pytest.skip(f"did not run: {compiler.name} has no AddressSanitizer; on Debian it comes with gcc (apt install gcc)")


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return sanitized_library(tmp_path_factory.mktemp("sanitized"))


def sanitized_library(folder: Path, sources: Sequence[Path] = ()) -> tuple[str, str]:
    """The library, and what must be preloaded with it."""
    compiler = find_compiler()
    if compiler is None:
        pytest.fail(INSTALL)
    runtime = runtime_of(compiler)
    return str(compile_into(folder, compiler, SANITIZERS, sources)), runtime


def run_sanitized(runtime: str, *words: str) -> str:
    """What `python -m ...` says."""
    # Leaks are Python's own; with its pools each buffer of ours would not have a border of its own
    environ = os.environ | {"LD_PRELOAD": runtime, "PYTHONMALLOC": "malloc", "ASAN_OPTIONS": "detect_leaks=0"}
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_restless_crowd_breaks_nothing(seed: int, sanitized: tuple[str, str]) -> None:
    library, runtime = sanitized

    said = run_sanitized(runtime, "tests.support.native_fuzz", library, str(seed), "1000")

    assert said.startswith("packets in ")


def test_messages_of_any_length_side_by_side_break_nothing(tmp_path: Path) -> None:
    library, runtime = sanitized_library(tmp_path, LANES)

    said = run_sanitized(runtime, "tests.support.lanes_fuzz", library, "1", "150")

    assert said.startswith("rounds 150 ")
