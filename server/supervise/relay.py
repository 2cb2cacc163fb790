"""Children's output, line by line, with the child's name before each line."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import IO, Protocol

MAX_LINE_BYTES = 16 * 1024  # a longer line is cut: a child must not make us hold its whole output
READ_BYTES = 64 * 1024
TAIL_LINES = 20  # what a crash loop is reported with


class Relay:
    """Reads one pipe of a child until its end. `on_line` may take a line (return True) before it is shown."""

    def __init__(
        self, name: str, pipe: IO[bytes], console: Lines, tail: deque[str], on_line: Callable[[str], bool] | None = None
    ) -> None:
        self._name = name
        self._console = console
        self._pipe = pipe
        self._tail = tail
        self._on_line = on_line
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        os.set_blocking(pipe.fileno(), False)
        self._loop.add_reader(pipe.fileno(), self._read)

    def close(self) -> None:
        """Show what is still there and let go of the pipe; closing twice does nothing."""
        if self._pipe.closed:
            return
        while self._read_once():
            pass
        self._loop.remove_reader(self._pipe.fileno())
        self._pipe.close()
        if self._rest:
            self._line(self._rest)

    def _read(self) -> None:
        if not self._read_once():
            self._loop.remove_reader(self._pipe.fileno())

    def _read_once(self) -> bool:
        """False at the end of the output, and when nothing is there now."""
        try:
            data = os.read(self._pipe.fileno(), READ_BYTES)
        except BlockingIOError:
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > MAX_LINE_BYTES:
            self._line(self._rest)
            self._rest = b""
        return bool(data)

    def _line(self, raw: bytes) -> None:
        line = raw[:MAX_LINE_BYTES].decode(errors="replace").rstrip()
        if self._on_line and self._on_line(line):
            return
        self._tail.append(line)
        say(self._console, self._name, line)


class Lines(Protocol):
    """Where lines go (console.Console)."""

    def write(self, line: str) -> None: ...


def say(console: Lines, name: str, line: str) -> None:
    """One line, marked with whose it is."""
    console.write(f"{name:<8} {line}")
