"""The C path under AddressSanitizer and UndefinedBehaviorSanitizer, with the crowd of tests/support/native_fuzz.py on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from media.forward.build import INSTALL, Compiler, compile_into, find_compiler

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
    compiler = find_compiler()
    if compiler is None:
        pytest.skip(f"did not run: {INSTALL}")
    runtime = runtime_of(compiler)
    return str(compile_into(tmp_path_factory.mktemp("sanitized"), compiler, SANITIZERS)), runtime


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_restless_crowd_breaks_nothing(seed: int, sanitized: tuple[str, str]) -> None:
    library, runtime = sanitized
    # Leaks are Python's own; with its pools each buffer of ours would not have a border of its own
    environ = os.environ | {"LD_PRELOAD": runtime, "PYTHONMALLOC": "malloc", "ASAN_OPTIONS": "detect_leaks=0"}
    command = [sys.executable, "-m", "tests.support.native_fuzz", library, str(seed), "1000"]

    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.startswith("packets in ")
