"""The programs that tests run and Python does not bring: which package has each, and which tests need it.

Whatever the selected tests need and the machine lacks is installed before they run; where it cannot be, those tests fail with the line to run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.testing import debian

MORE_PATH: Final = "/usr/local/sbin:/usr/sbin:/sbin"  # of root; a user's PATH lacks them


@dataclass(frozen=True, slots=True)
class Tool:
    """Any of `programs` will do. `tests`: folders in which some need it; `service`: the daemon that the package would start;
    `wish`: variable of the environment that names a program instead; `oldest`: first version that will do (0: any), by `--version`.
    """

    programs: tuple[str, ...]
    packages: tuple[str, ...]
    tests: tuple[str, ...]
    service: str = ""
    wish: str = ""
    oldest: int = 0


TOOLS: Final[dict[str, Tool]] = {
    "compiler": Tool(
        ("cc", "gcc", "clang"), ("gcc", "libc6-dev"), ("tests/unit", "tests/integration", "tests/media", "tests/bench")
    ),
    # Playwright drives by commands that 140, the ESR before, does not know.
    "firefox": Tool(
        ("firefox-esr", "firefox"), ("firefox-esr",), ("tests/media", "tests/browser"), wish="FIREFOX", oldest=153
    ),
    "nats-server": Tool(("nats-server",), ("nats-server",), ("tests/integration", "tests/faults"), "nats-server"),
    "ip": Tool(("ip",), ("iproute2",), ("tests/faults",)),
    "turnserver": Tool(("turnserver",), ("coturn",), ("tests/integration", "tests/browser"), "coturn"),
    "fiu-run": Tool(("fiu-run",), ("fiu-utils",), ("tests/faults",)),
    "janus": Tool(("janus",), ("janus",), ("tests/bench",), "janus"),
}


def find(name: str) -> Path | None:
    """The program, on the PATH or where root has it."""
    tool = TOOLS[name]
    wished = (os.environ[tool.wish],) if os.environ.get(tool.wish) else tool.programs
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), MORE_PATH))
    there = (Path(found) for program in wished if (found := shutil.which(program, path=path)))
    return next((found for found in there if not tool.oldest or _version(found) >= tool.oldest), None)


def lacking(selected: Iterable[Path], root: Path) -> list[str]:
    """What tests below these paths may need and is not there; by name.

    root    the project's own folder
    """
    paths = list(selected)
    return [
        name
        for name, tool in TOOLS.items()
        if any(_meet(path, root / folder) for path in paths for folder in tool.tests) and find(name) is None
    ]


def needed(names: Iterable[str]) -> str:
    """What to tell a person who lacks them."""
    missing = list(names)
    wanted = [f"{name} from {TOOLS[name].oldest} on" if TOOLS[name].oldest else name for name in missing]
    return f"{', '.join(wanted)} not found; {debian.install_line(packages_of(missing))}"


def packages_of(names: Iterable[str]) -> list[str]:
    return [package for name in names for package in TOOLS[name].packages]


def bring(names: list[str]) -> None:
    """Install them in one call where that can be done; else say how, and that their tests will fail."""
    if not names:
        return
    if debian.can_install():
        print(f"Installing what tests need (apt-get): {', '.join(names)}.", file=sys.stderr)
        _install(names)
        for name in _missing(names):  # one package that is not to be had keeps apt from all others
            _install([name])
    if still := _missing(names):
        print(f"The tests that need them will fail: {needed(still)}", file=sys.stderr)


def _install(names: list[str]) -> None:
    debian.install(packages_of(names), [TOOLS[name].service for name in names if TOOLS[name].service])


def _missing(names: Iterable[str]) -> list[str]:
    return [name for name in names if find(name) is None]


def _version(program: Path) -> int:
    """The first number of what it says of itself; 0 where it says none."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    number = re.search(r"\d+", said)
    return int(number[0]) if number else 0


def _meet(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents
