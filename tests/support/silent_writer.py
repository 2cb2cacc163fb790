"""Writes a journal for some seconds where any write may fail, so it prints nothing: `python -m tests.support.silent_writer DIRECTORY COUNT SECONDS`.

COUNT is a file of 8 bytes, mapped into memory: the number of packets that were sealed. Ends with 3 when the journal failed aloud, with 0 when it never did.
"""

from __future__ import annotations

import mmap
import os
import sys
import time
from pathlib import Path

from media.record.journal import Journal, JournalFailed
from tests.support.journal_writer import PACKET
from tests.support.synthetic_session import KEY

FAILED_ALOUD = 3
SEAL_EACH = 10


def write(directory: Path, count: mmap.mmap, seconds: float) -> None:
    told: list[str] = []
    journal = Journal.open(directory, session="s1", room="r1", key=KEY, facts={}, on_failure=told.append)
    stream = journal.stream("a", "face", "video", ssrc=1, codec="VP8", clock_rate=90_000, payload_type=96)
    ends, number = time.monotonic() + seconds, 0
    while time.monotonic() < ends and not told:
        number += 1
        journal.packet(stream, time.monotonic_ns() // 1000, number.to_bytes(8, "big") + PACKET)
        if number % SEAL_EACH == 0:
            journal.seal_blocking()
            count[:] = number.to_bytes(8, "big")
    if told:
        raise JournalFailed(told[0])
    journal.close_blocking("ended")


def main() -> None:
    with Path(sys.argv[2]).open("r+b") as file, mmap.mmap(file.fileno(), 8) as count:
        try:
            write(Path(sys.argv[1]), count, float(sys.argv[3]))
        except (JournalFailed, OSError):
            os._exit(FAILED_ALOUD)  # the interpreter's own end would write too
    os._exit(0)


if __name__ == "__main__":
    main()
