"""A recorder on a disk that fails: `python -m tests.support.failing_disk DIRECTORY FAULT SHARE SEED`.

FAULT is what goes wrong with that SHARE of the calls: `write` (no space), `short` (half is written, then no space), `fsync` (an I/O error),
or `none`. The session is a synthetic one of twenty seconds. Prints a line of JSON for each seal, with the microseconds of session that
it made durable; ends with 3 and `failed` when the journal did.
"""

from __future__ import annotations

import errno
import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from media.record import segments, writer
from media.record.journal import Journal, JournalFailed
from tests.support.synthetic_session import Person, record

LENGTH_S = 20.0


def say(line: dict[str, object]) -> None:
    sys.__stdout__.write(json.dumps(line) + "\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]


class FailingSystem:
    """`os` as the recorder's modules see it: everything as it is, but for the calls that fail."""

    def __init__(self, fault: str, share: float, seed: int) -> None:
        self._fault, self._share, self._dice = fault, share, random.Random(seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def _fails(self, *faults: str) -> bool:
        return self._fault in faults and self._dice.random() < self._share

    def writev(self, descriptor: int, buffers: list[Any]) -> int:
        return self._write(os.writev, descriptor, buffers, [bytes(buffers[0])[: len(buffers[0]) // 2]])

    def write(self, descriptor: int, data: Any) -> int:
        return self._write(os.write, descriptor, data, bytes(data)[: len(data) // 2])

    def _write(self, call: Callable[[int, Any], int], descriptor: int, whole: Any, half: Any) -> int:
        if self._fails("write", "short"):
            if self._fault == "short":
                call(descriptor, half)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return call(descriptor, whole)

    def fsync(self, descriptor: int) -> None:
        if self._fails("fsync"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fsync(descriptor)


class Telling(Journal):
    """Says what each seal made durable."""

    def seal_blocking(self) -> Any:
        head = super().seal_blocking()
        say({"sealed_us": self._clocks()[1]})
        return head


def main() -> int:
    directory, fault, share, seed = sys.argv[1:]
    system: Any = FailingSystem(fault, float(share), int(seed))
    segments.os = writer.os = system  # type: ignore[attr-defined]
    import tests.support.synthetic_session as session  # noqa: PLC0415  # its own name for the journal is what is replaced

    session.Journal = Telling  # type: ignore[misc]
    try:
        record(Path(directory), [Person("a", size=(160, 120), leaves=LENGTH_S)], LENGTH_S)
    except (JournalFailed, OSError) as failure:
        say({"failed": str(failure)})
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
