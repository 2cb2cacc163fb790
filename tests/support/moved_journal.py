"""A synthetic session whose first volume fails after some blocks, so that its journal goes on on the second one."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from media.record.packs.write import JournalSource, write_pack
from tests.support.synthetic_session import KEY, Person, record

GOES_WELL = 5  # so many fsyncs of the first segment


def record_moved(first: Path, second: Path, people: list[Person], length_s: float) -> None:
    """As record. The last fsync on the first volume fails after its block was written, as when a device goes away."""
    real, calls = os.fsync, 0

    def fsync(descriptor: int) -> None:
        nonlocal calls
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        calls += path.parent == first and path.suffix == ".lzj"
        if path.parent == first and calls > GOES_WELL:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("media.record.writer.os.fsync", fsync)
        record(first, people, length_s, second=second)


def pack_of(*directories: Path) -> bytes:
    """A pack of the journal alone."""
    packed = io.BytesIO()
    write_pack(packed, [JournalSource("r1", directories, KEY)], [], {}, made_at="2026-11-22T00:00:00+00:00")
    return packed.getvalue()
