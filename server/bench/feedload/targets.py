"""The servers that are read: ours as it runs, and Radicale with the same calendar in one collection."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from server.bench import BenchError, NotInstalled
from server.bench.machine import process_cpu_s

START_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Target:
    """A server: where its calendar is, what it wants with every request, and whose CPU counts."""

    name: str
    url: str
    pids: tuple[int, ...]
    headers: str = ""

    def cpu_s(self) -> float:
        """CPU of all of its processes so far; those that ended since count no more, which flatters nobody for long."""
        total = 0.0
        for pid in [pid for root in self.pids for pid in tree_of(root)]:
            try:
                total += process_cpu_s(pid)
            except OSError:
                continue
        return total


def tree_of(root: int) -> list[int]:
    """A process and everything below it."""
    found = [root]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


@contextmanager
def radicale(folder: Path, body: bytes) -> Iterator[Target]:
    """Radicale with its own server, no authentication, and the same calendar in one collection. Raises NotInstalled."""
    if find_spec("radicale") is None:
        raise NotInstalled("radicale is not installed: pip install radicale")
    port = _free_port()
    command = [sys.executable, "-m", "radicale", "--config", "", "--hosts", f"127.0.0.1:{port}", "--auth-type", "none"]
    command += ["--storage-filesystem-folder", str(folder / "radicale"), "--logging-level", "error"]
    command += ["--server-max-connections", "32"]
    with (folder / "radicale.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _upload(port, body, process, folder / "radicale.log")
            headers = "Authorization: Basic YmVuY2g6YmVuY2g=\r\n"
            yield Target("radicale", f"http://127.0.0.1:{port}/bench/calendar/", (process.pid,), headers)
        finally:
            process.terminate()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _upload(port: int, body: bytes, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_WITHIN_S
    while True:
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            line.request(
                "PUT",
                "/bench/calendar/",
                body,
                {"Authorization": "Basic YmVuY2g6YmVuY2g=", "Content-Type": "text/calendar"},
            )
            status = line.getresponse().status
            if status in (201, 204):
                return
            raise BenchError(f"radicale refused the calendar with {status}:\n{log.read_text(errors='replace')[-1500:]}")
        except ConnectionError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise BenchError(f"radicale did not start:\n{log.read_text(errors='replace')[-1500:]}") from error
            time.sleep(0.1)
