"""What the person at the terminal sees while packages are being installed. Standard library only."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

# Lines of pip and of uv that mean "one more package is here" and "files are being written now"
_FETCHED = re.compile(r"^\s*(?:Collecting|Requirement already satisfied:)\s+([A-Za-z0-9][\w.-]*)")
_WRITING = re.compile(r"^(?:Installing collected packages:|Prepared \d+ packages?)")
_TAIL_LINES = 15  # enough for pip's own explanation of a failure


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def follow(lines: Iterable[str], lock: Path, on_writing: Callable[[], None]) -> str:
    """Show an installer's output as one calm count.

    lines       the installer's output, line by line
    on_writing  called once, when files begin to be written
    Returns     the last lines of the output, for an error message
    """
    pinned = count_pins(lock.read_text())
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    fetched = 0
    for line in lines:
        tail.append(line.rstrip())
        if package := _FETCHED.match(line):
            fetched += 1
            _show(f"  package {fetched} of {max(fetched, pinned)}: {package[1]}")
        elif _WRITING.match(line):
            on_writing()
            _end_count()
            say("  writing the files")
    _end_count()
    return "\n".join(tail)


def count_pins(lock_text: str) -> int:
    """How many packages a lock file names, those for other systems aside (one package may be pinned once per Python version)."""
    pins = re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\n]*)", lock_text, re.MULTILINE)
    return len({name for name, rest in pins if "sys_platform == 'win32'" not in rest})


def _show(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    else:
        say(text)


def _end_count() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
