"""`python -m media.record.packs.look`: look at one recording where it lies. Its spec comes on standard input, so that the key touches no file.

    {"files": ["/data/films/...", ...], "journals": ["/data/journals/s/r"], "key": base64, "bytes_per_s": 20000000}

Ends with a line {"done": {"bytes": n, "damage": ["..."]}}.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from media.record.process import die_with_parent, say
from media.record.reader import BlockSeen, Damage, examine, load_segments
from media.record.sealed import SealedDamaged, SealedFile
from media.record.segments import list_segments
from media.record.volumes import directories_of

# A whole report is for people: the first pages of a destroyed disk say it all.
AT_MOST = 50


class Pace:
    """Holds a reader back to so many bytes a second, for those who talk on the same machine."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._began = time.monotonic()
        self.bytes = 0

    def note(self, size: int) -> None:
        """So much was read."""
        self.bytes += size
        ahead_s = self.bytes / self._bytes_per_s - (time.monotonic() - self._began)
        if ahead_s > 0.01:
            time.sleep(ahead_s)


def look(spec: dict[str, Any]) -> dict[str, Any]:
    """What `done` holds."""
    pace, key = Pace(float(spec["bytes_per_s"])), base64.b64decode(spec["key"])
    damage: list[str] = []
    for path in map(Path, spec["files"]):
        damage += [f"{path.name}: {what}" for what in _of_film(path, key, pace)]
    for directory in map(Path, spec["journals"]):
        damage += _of_journal(directory, pace)
    return {"bytes": pace.bytes, "damage": damage[:AT_MOST]}


def _of_film(path: Path, key: bytes, pace: Pace) -> Iterator[str]:
    try:
        forget(path)
        with SealedFile(path, key) as film:
            digest = hashlib.sha256()
            for piece in film.pieces():
                digest.update(piece)
                pace.note(len(piece))
            if digest.hexdigest() != film.facts["sha256"]:
                yield "its content has another digest than its head says"
    except (OSError, SealedDamaged) as error:
        yield error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _of_journal(directory: Path, pace: Pace) -> list[str]:
    paths = list_segments(*directories_of(directory))
    if not paths:
        return [f"{directory.name}: its journal is not there"]
    try:
        for path in paths:
            forget(path)
        return list(_of_blocks(directory, pace))
    except (OSError, ValueError) as error:
        return [f"{directory.name}: {error}"]


def _of_blocks(directory: Path, pace: Pace) -> Iterator[str]:
    for seen in examine(load_segments(directories_of(directory))):
        if isinstance(seen, Damage):
            yield str(seen)
        elif isinstance(seen, BlockSeen):
            pace.note(seen.block.body_bytes)


def forget(path: Path) -> None:
    """Read the disk and not the memory of it."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> int:
    die_with_parent()
    say({"done": look(json.loads(sys.stdin.read()))})
    return 0


if __name__ == "__main__":
    sys.exit(main())
