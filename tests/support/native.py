"""The C path for tests: compiled once per run, into a folder of the run's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from media.forward.build import INSTALL, compile_into, find_compiler
from media.forward.native_memory import Library, load_library


@cache
def folder() -> Path:
    return Path(mkdtemp(prefix="laizuo-test-native-"))


@cache
def compiled_library() -> Library | None:
    """None where there is no compiler."""
    compiler = find_compiler()
    if compiler is None:
        return None
    return load_library(compile_into(folder(), compiler))


def native_library() -> Library:
    """Fails the test, saying what to install, where there is no compiler."""
    found = compiled_library()
    if found is None:
        pytest.fail(INSTALL)
    return found


def path_options(name: str) -> tuple[str, ...]:
    """What tells a worker to use this path: `python` or `native`; the latter fails the test where there is no compiler."""
    if name == "python":
        return ("--path", "python")
    return ("--path", "native", "--compiled", str(native_library().file.parent))
