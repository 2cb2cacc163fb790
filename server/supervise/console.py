"""Standard error of the parent, written by a thread of its own.

A paused terminal (Ctrl-S) or a reader that has stopped reading must not stop the supervision: then lines are dropped, and counted.
"""

from __future__ import annotations

import queue
import sys
import threading

MAX_WAITING = 10_000  # lines
FLUSH_S = 2.0  # at the end; a reader that does not read by then gets nothing more


class Console:
    """Writes lines in order; `write` never blocks."""

    def __init__(self) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_WAITING)
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Wait for what is still to be written, for a short time."""
        try:
            self._lines.put(None, timeout=FLUSH_S)
        except queue.Full:
            return
        self._thread.join(FLUSH_S)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            if self._dropped and self._lines.qsize() < MAX_WAITING // 2:
                dropped, self._dropped = self._dropped, 0
                line = f"laizuo   ({dropped} lines were lost here: nobody read them)\n{line}"
            try:
                print(line, file=sys.stderr, flush=True)
            except OSError:  # the reader is gone; there is nobody left to tell
                return
