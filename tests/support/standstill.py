"""How long this machine stood still: what is promised within a second is promised by a process that runs and a disk that answers."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

EACH_S = 0.05
WINDOW_S = 1.0


class Standstill:
    """What a machine that is too small did to the promise.

    longest_s  the most by which a thread that wants to run twenty times a second, and to have a byte on the disk each time, was late
    starved_s  the most that the threads of process `pid` waited for a core in one second, as the kernel says; 0 without a process
    """

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.longest_s = self.starved_s = 0.0
        self._file = folder / "standstill"
        self._tasks = Path(f"/proc/{pid}/task") if pid else None
        self._waits: deque[tuple[float, float]] = deque()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="standstill", daemon=True)

    def __repr__(self) -> str:
        return f"stood still for {self.longest_s:.2f} s, waited for a core for {self.starved_s:.2f} of a second"

    def _look(self) -> None:
        with self._file.open("wb", buffering=0) as file:
            before = time.monotonic()
            while not self._over.wait(EACH_S):
                file.write(b".")
                os.fsync(file.fileno())
                now = time.monotonic()
                self.longest_s = max(self.longest_s, now - before - EACH_S)
                self._note_wait(now)
                before = now

    def _note_wait(self, now: float) -> None:
        if self._tasks is None:
            return
        with suppress(OSError):  # it was killed a moment ago
            # proc(5): ns on a core, ns waited for one, times
            waits = [int(task.read_text().split()[1]) for task in self._tasks.glob("*/schedstat")]
            self._waits.append((now, sum(waits) / 1e9))
        while self._waits and self._waits[0][0] < now - WINDOW_S:
            self._waits.popleft()
        if self._waits:
            self.starved_s = max(self.starved_s, self._waits[-1][1] - self._waits[0][1])

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        self._file.unlink()


@contextmanager
def standstill(folder: Path, pid: int | None = None) -> Iterator[Standstill]:
    """Look from here on, on the disk of `folder`, and at that process."""
    looking = Standstill(folder, pid)
    looking.start()
    try:
        yield looking
    finally:
        looking.end()
