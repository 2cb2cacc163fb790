"""Processes that a process has started, as the kernel tells of them."""

from __future__ import annotations

import contextlib
from pathlib import Path


def children_of(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    return []


def command_of(pid: int) -> str:
    """Its command line; empty when it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def planners_of(pid: int) -> list[int]:
    """Its children that plan."""
    return [child for child in children_of(pid) if "schedules.solve" in command_of(child)]
