"""On which volume a journal is written: in its own directory, or in one on a second volume that takes over (server/storage/STORAGE.md).

The segments of one journal are numbered over both; whoever reads it looks into both. A volume whose reserve is reached, or on which a write
or fsync failed, is left for the other; what was not called recorded is written there again. Without another one a failure stays a failure.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from media.record.fence import JournalBusy, check_not_taken, is_written, lock_directory

JOURNALS, SECOND = "journals", "second"
# So much is left to others on a volume when there is another one to go to; of a small volume the share.
RESERVE_BYTES = 256 << 20
_RESERVE_SHARE = 20


def free_above_reserve(directory: Path) -> int:
    """Bytes that a journal may still write there before it goes elsewhere, below 0 when that time has come. Raises OSError."""
    room = os.statvfs(directory)
    reserve = min(RESERVE_BYTES, room.f_blocks * room.f_frsize // _RESERVE_SHARE)
    return room.f_bavail * room.f_frsize - reserve


def second_place(data: Path) -> Path:
    """Where the second volume of a data directory is mounted, or linked to; its journals lie below as below the data directory."""
    return data / SECOND


def directories_of(journal: Path) -> tuple[Path, ...]:
    """Where the segments of a journal may lie: its directory, and the one on the second volume when there is one."""
    for above in journal.parents:
        if above.name == JOURNALS and second_place(above.parent).is_dir():
            return journal, second_place(above.parent) / journal.relative_to(above.parent)
    return (journal,)


def takes_over(data: Path) -> bool:
    """Whether there is a second volume that is really another one. A place where nothing is mounted lies on the first. Raises OSError."""
    place = second_place(data)
    return place.is_dir() and place.stat().st_dev != _device_of(data / JOURNALS)


def spare_of(journal: Path) -> Path | None:
    """Where a journal may go on when its own volume is full or fails; None: there is no other volume. Raises OSError."""
    _, *second = directories_of(journal)
    data = next((above.parent for above in journal.parents if above.name == JOURNALS), None)
    return second[0] if second and data is not None and takes_over(data) else None


def _device_of(place: Path) -> int:
    return next(folder for folder in (place, *place.parents) if folder.exists()).stat().st_dev


def is_any_written(directories: Sequence[Path]) -> bool:
    """Whether a living process writes this journal now, on whichever volume."""
    return any(is_written(directory) for directory in directories)


class Volumes:
    """The directories of one journal, locked by its writer. Made by Volumes.lock."""

    def __init__(self, directories: Sequence[Path], locks: dict[Path, int]) -> None:
        self.directories = tuple(directories)
        self._locks = locks
        self._failed: set[Path] = set()
        self.current = max(locks, key=lambda one: (_has_space(one), -self.directories.index(one)))

    @classmethod
    def lock(cls, directories: Sequence[Path], epoch: int) -> Volumes:
        """Make and lock them; one that cannot be written is left out as long as another one can.

        Raises  JournalBusy as lock_directory, OSError: none of them can be written.
        """
        locks: dict[Path, int] = {}
        problem: OSError | None = None
        for directory in directories:
            try:
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
                locks[directory] = lock_directory(directory, epoch)
            except JournalBusy:
                _close_all(locks)
                raise
            except OSError as error:
                problem = problem or error
        if not locks:
            raise problem or OSError(errno.ENOENT, "a journal needs a directory")
        return cls(directories, locks)

    @property
    def number(self) -> int:
        """Which of the directories is written now, from 0."""
        return self.directories.index(self.current)

    def is_short(self) -> bool:
        """Whether the reserve of this volume is reached, and another one has more than its own."""
        return len(self._locks) > 1 and not _has_space(self.current) and any(_has_space(one) for one in self._others())

    def fail(self, error: OSError) -> None:
        """A call failed here. A full volume may be emptied; one that failed otherwise is not asked again."""
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            self._failed.add(self.current)

    def others(self) -> list[Path]:
        """Where the journal may go on instead of here."""
        return [one for one in self._others() if _has_space(one)]

    def _others(self) -> list[Path]:
        return [one for one in self._locks if one != self.current and one not in self._failed]

    @contextlib.contextmanager
    def going_to(self, directory: Path) -> Iterator[None]:
        """Around the making of a segment there: no other owner takes the journal in between (fence.py). Raises JournalTaken, OSError."""
        whole = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(whole, fcntl.LOCK_EX)
            self.check_not_taken()
            self.current = directory
            yield
            self.check_not_taken()
        finally:
            os.close(whole)

    def check_not_taken(self) -> None:
        """Raises JournalTaken: another owner has replaced one of our locks."""
        for lock in self._locks.values():
            check_not_taken(lock)

    def close(self) -> None:
        """Give the journal up."""
        _close_all(self._locks)


def _has_space(directory: Path) -> bool:
    try:
        return free_above_reserve(directory) > 0
    except OSError:
        return False


def _close_all(locks: dict[Path, int]) -> None:
    for lock in locks.values():
        os.close(lock)
    locks.clear()
