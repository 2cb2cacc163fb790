"""A process that writes a journal until it is killed: `python -m tests.support.journal_writer DIRECTORY [BYTES | unasked]`.

Prints a line of JSON for each seal: what was given before it, by the writer's count. BYTES limits the size of any file (RLIMIT_FSIZE).
With `unasked` nobody asks for a seal: what is on disk is there by the journal's own rhythm.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from media.record.journal import Journal, JournalFailed
from tests.support.synthetic_session import KEY

# A talking person: 50 voice packets and 150 picture packets a second.
PACKET = bytes([0x80, 111, 0, 0]) + bytes(1100)
STEP_S = 0.02
# A process that stands still for a second cannot write within one: of its clock a step is no more than this, however long the machine took for it.
LONGEST_STEP_S = 2 * STEP_S


def say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def write(directory: Path, *, unasked: bool) -> None:
    failed = threading.Event()
    journal = Journal.open(directory, session="s1", room="r1", key=KEY, facts={}, on_failure=lambda _: failed.set())
    stream = journal.stream("a", "face", "video", ssrc=1, codec="VP8", clock_rate=90_000, payload_type=96)
    number, at, before = 0, 0.0, time.monotonic()
    while not failed.is_set():
        for _ in range(20):
            number += 1
            journal.packet(stream, time.monotonic_ns() // 1000, number.to_bytes(8, "big") + PACKET)
        now = time.monotonic()
        at, before = at + min(now - before, LONGEST_STEP_S), now
        if number % 200 == 0 and not unasked:
            journal.event("page_shown", "a", {"page": number})
            journal.seal_blocking()
            say({"sealed": number, "stream": stream})
        elif number % 20 == 0:
            say({"given": number, "at": at})
        failed.wait(STEP_S)
    raise JournalFailed(journal.status.cause)


def main() -> int:
    unasked = sys.argv[2:] == ["unasked"]
    if len(sys.argv) > 2 and not unasked:
        limit = int(sys.argv[2])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        write(Path(sys.argv[1]), unasked=unasked)
    except JournalFailed as failure:
        say({"failed": str(failure)})
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
