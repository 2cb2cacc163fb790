"""A file system of its own on a loop device, which a test can fill and empty."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MB = 1 << 20


@dataclass(frozen=True)
class SmallVolume:
    """Where it is mounted."""

    place: Path

    @property
    def _filler(self) -> Path:
        return self.place / "filler"

    def leave(self, free: int) -> None:
        """Take space until about so many bytes are free; 0 takes everything there is."""
        self._filler.unlink(missing_ok=True)
        wanted = shutil.disk_usage(self.place).free - free
        with self._filler.open("wb") as file:
            size, step = 0, max(_MB, wanted)
            while step >= 4096 and (free == 0 or size < wanted):
                try:
                    os.posix_fallocate(file.fileno(), size, step)
                    size += step
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step //= 2

    def empty(self) -> None:
        """Give it back."""
        self._filler.unlink(missing_ok=True)

    def make_read_only(self) -> None:
        """As ext4 does by itself when its device fails, from one call to the next."""
        subprocess.run(["mount", "-o", "remount,abort", str(self.place)], check=False, capture_output=True)


@contextlib.contextmanager
def small_volume(image: Path, place: Path, size: int) -> Iterator[SmallVolume]:
    """Needs root. The image is sparse: it takes what is written into it."""
    place.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
    try:
        yield SmallVolume(place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        image.unlink()
