"""What a maker process (films, packs) shares with its parent: lines of JSON, and a common end."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent() -> None:
    """The kernel kills us when the parent is gone, however it went: nobody would read the result, and another may already make it anew."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It died between the two lines.
        os.kill(os.getpid(), signal.SIGKILL)


def say(line: dict[str, Any]) -> None:
    """One line for the parent."""
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()
