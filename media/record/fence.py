"""Who writes a journal: one writer, the one with the highest epoch (media/CONTROL.md, Fencing).

A writer holds a lock on the file `lock`, in which its epoch stands; the lock dies with the process. A process that is stopped keeps it, and
may go on one day. So an owner with a higher epoch takes the journal away from it:

1. a new file `lock` replaces the old one, whose holder is left with a lock on nothing
2. the segment that is being written is replaced by a copy of itself: what the holder writes after that goes into a file without a name
3. the next segment is made by the new owner at once, under the only name that the old one could make next (O_EXCL)

The old writer looks whether its file still has a name after each fsync, before it calls anything recorded: what it has ever called so, was
copied. Owners that come at the same time settle it by a lock on the directory.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from media.record.segments import list_segments, sync_directory

LOCK = "lock"
_NEW = "lock.new"
_COPY = "segment.copy"


class JournalBusy(BlockingIOError):
    """Another process is writing this journal, with a right to."""


class JournalTaken(RuntimeError):
    """An owner with a higher epoch has taken the journal."""


def lock_directory(directory: Path, epoch: int = 0) -> int:
    """The lock's descriptor; closing it gives the journal up.

    epoch   the owner's; 0 takes nothing away from anybody.
    Raises  JournalBusy: somebody of the same epoch or a higher one writes it, or has written it.
    """
    whole = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(
            whole, fcntl.LOCK_EX | fcntl.LOCK_NB
        )  # held for the time of a copy at most; who is second asks again
        return _lock(directory, epoch)
    except BlockingIOError as busy:
        raise busy if isinstance(busy, JournalBusy) else JournalBusy("another owner is taking this journal") from None
    finally:
        os.close(whole)


def _lock(directory: Path, epoch: int) -> int:
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    before = _epoch_in(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        if epoch <= before:
            raise JournalBusy("another process is writing this journal") from None
        return _take_away(directory, epoch)
    if 0 < epoch < before:
        os.close(descriptor)
        raise JournalBusy(f"this journal is owned at epoch {before}")
    _write_epoch(descriptor, max(epoch, before))
    return descriptor


def _take_away(directory: Path, epoch: int) -> int:
    descriptor = os.open(directory / _NEW, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _write_epoch(descriptor, epoch)
        os.replace(directory / _NEW, directory / LOCK)
        for newest in list_segments(directory)[-1:]:
            _detach(directory, newest)
        sync_directory(directory)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _detach(directory: Path, segment: Path) -> None:
    """Put a copy in the place of a segment; what its writer appended while we copied comes along."""
    with segment.open("rb") as old, (directory / _COPY).open("wb") as copy:
        os.fchmod(copy.fileno(), 0o600)
        shutil.copyfileobj(old, copy)
        copy.flush()
        os.fsync(copy.fileno())
        os.replace(directory / _COPY, segment)
        shutil.copyfileobj(old, copy)
        copy.flush()
        os.fsync(copy.fileno())


def check_not_taken(segment: int) -> None:
    """After an fsync: is the file still the journal's? Raises JournalTaken."""
    if os.fstat(segment).st_nlink == 0:
        raise JournalTaken("another owner has taken this journal")


def is_written(directory: Path) -> bool:
    """Whether a living process writes this journal now. Needs no right to write: films are made of a disk that became read-only too."""
    try:
        descriptor = os.open(directory / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _epoch_in(descriptor: int) -> int:
    text = os.pread(descriptor, 20, 0).strip()
    return int(text) if text.isdigit() else 0


def _write_epoch(descriptor: int, epoch: int) -> None:
    os.pwrite(descriptor, f"{epoch:<19d}\n".encode(), 0)
    os.fsync(descriptor)
