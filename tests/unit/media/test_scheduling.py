"""Short slices: what the kernel says that it took, and that nothing else changed."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

from media.scheduling import SLICE_NS, ask_for_short_slices

KNOWN = Path("/proc/thread-self/sched")  # not in every kernel


def _slice_ns() -> int | None:
    found = re.search(r"^se\.slice\s*:\s*(\d+)", KNOWN.read_text() if KNOWN.exists() else "", re.MULTILINE)
    return int(found[1]) if found else None


def test_the_kernel_takes_it_or_nothing_happens() -> None:
    told: list[tuple[bool, int | None, int | None, int]] = []

    def ask() -> None:
        before = _slice_ns()
        told.append((ask_for_short_slices(), before, _slice_ns(), os.getpriority(os.PRIO_PROCESS, 0)))

    asking = threading.Thread(target=ask)  # the slice is a thread's own
    asking.start()
    asking.join()

    ((taken, before, after, nice),) = told
    assert after == (SLICE_NS if taken and before is not None else before)
    assert nice == os.getpriority(os.PRIO_PROCESS, 0)
