"""The data directory: taken by one parent at a time, with the places that processes share.

lock                 held by the parent while it runs
run/<name>.pid       process numbers: parent, web, postgres, w0 ...
run/<name>.sock      control sockets of the media workers
postgres/            the cluster of the embedded PostgreSQL
keys/ tls/           secrets, closed to everybody else
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import tempfile
import time
from pathlib import Path

MAX_SOCKET_PATH = 107  # sun_path without its final zero
LEFTOVER_WAIT_S = 5.0  # after a killed parent its children end by themselves; these seconds later they are killed
POLL_S = 0.02


class HomeTaken(Exception):
    """Another parent runs on this data directory."""


class Home:
    """One data directory, locked as long as this object is open."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.run = data / "run"
        self._sockets: Path | None = None
        self._make()
        self._lock = (data / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise HomeTaken(
                f"{data} is in use by another laizuo (process {_read(self.run / 'parent.pid') or 'unknown'})"
            ) from None
        self.write_pid("parent", os.getpid())

    def write_pid(self, name: str, pid: int) -> None:
        """Leave a process number where tests and operators find it; a reader sees the old or the new number, never half of one."""
        half = self.run / f".{name}.pid"
        half.write_text(f"{pid}\n")
        half.rename(self.run / f"{name}.pid")

    def forget_pid(self, name: str) -> None:
        (self.run / f"{name}.pid").unlink(missing_ok=True)

    def socket(self, name: str) -> Path:
        """Where a media worker's control socket stands; long data directories get a private one below /tmp."""
        usual = self.run / f"{name}.sock"
        if len(os.fsencode(usual)) <= MAX_SOCKET_PATH:
            return usual
        self._sockets = self._sockets or Path(tempfile.mkdtemp(prefix="laizuo-run-"))
        return self._sockets / usual.name

    def end_leftovers(self) -> None:
        """Wait for children of a killed parent to end; kill those that do not. PostgreSQL's own leftovers are its own matter."""
        names = [path.stem for path in self.run.glob("*.pid") if path.stem not in ("parent", "postgres")]
        left = {name: pid for name in names if (pid := _read(self.run / f"{name}.pid"))}
        deadline = time.monotonic() + LEFTOVER_WAIT_S
        while left := {name: pid for name, pid in left.items() if self._is_ours(pid)}:
            late = time.monotonic() > deadline
            for pid in left.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
            time.sleep(POLL_S)

    def close(self) -> None:
        self.forget_pid("parent")
        if self._sockets:
            for file in self._sockets.iterdir():
                file.unlink()
            self._sockets.rmdir()
        self._lock.close()

    def _make(self) -> None:
        # Passable (not readable) for others: PostgreSQL below it runs under another account
        for directory in (self.data, self.run):
            directory.mkdir(parents=True, exist_ok=True)
            if directory.stat().st_uid == os.geteuid():
                directory.chmod(0o711)

    def _is_ours(self, pid: int) -> bool:
        return _runs_with(pid, self.data)


def child_of(data: Path, name: str) -> int | None:
    """The process number of a child of the product that runs on `data` (`w0`, `web`); None where there is none."""
    pid = _read(data / "run" / f"{name}.pid")
    return pid if pid is not None and _runs_with(pid, data) else None


def _runs_with(pid: int, data: Path) -> bool:
    """True when that process runs with this data directory on its command line and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, IndexError):
        return False
    return state not in "ZX" and os.fsencode(data) in argv


def _read(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
