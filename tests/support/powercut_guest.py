"""Runs inside the machine whose power is cut: writes a journal in the recorder's own rhythm, and tells the console what it was given and what it holds for safe.

`python -m tests.support.powercut_guest DIRECTORY`. Lines: {"given": n, "at": seconds} each tenth of a second; {"sealed": n} every two seconds.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from media.record.journal import Journal

# Nothing else of the tests is in there: what they import is not.
KEY = bytes(range(32))
PACKET = bytes([0x80, 111, 0, 0]) + bytes(1100)
PACKETS_EACH = 10  # a hundred a second: one face and one voice
EACH_S = 0.1


def say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> int:
    journal = Journal.open(Path(sys.argv[1]), session="s1", room="r1", key=KEY, facts={})
    stream = journal.stream("a", "face", "video", ssrc=1, codec="VP8", clock_rate=90_000, payload_type=96)
    number, next_at = 0, time.monotonic()
    while True:
        for _ in range(PACKETS_EACH):
            number += 1
            journal.packet(stream, time.monotonic_ns() // 1000, number.to_bytes(8, "big") + PACKET)
        say({"given": number, "at": time.monotonic()})
        if number % (20 * PACKETS_EACH) == 0:
            journal.seal_blocking()
            say({"sealed": number})
        next_at += EACH_S
        time.sleep(max(0.0, next_at - time.monotonic()))


if __name__ == "__main__":
    sys.exit(main())
