"""How long this machine stood still: what is promised within a second is promised by a process that runs and a disk that answers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EACH_S = 0.05


class Standstill:
    """`longest_s` is the most by which a thread that wants to run twenty times a second, and to have a byte on the disk each time, was late."""

    def __init__(self, folder: Path) -> None:
        self.longest_s = 0.0
        self._file = folder / "standstill"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="standstill", daemon=True)

    def _look(self) -> None:
        with self._file.open("wb", buffering=0) as file:
            before = time.monotonic()
            while not self._over.wait(EACH_S):
                file.write(b".")
                os.fsync(file.fileno())
                now = time.monotonic()
                self.longest_s = max(self.longest_s, now - before - EACH_S)
                before = now

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        self._file.unlink()


@contextmanager
def standstill(folder: Path) -> Iterator[Standstill]:
    """Look from here on, on the disk of `folder`."""
    looking = Standstill(folder)
    looking.start()
    try:
        yield looking
    finally:
        looking.end()
