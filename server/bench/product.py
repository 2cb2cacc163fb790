"""The running product as a child process, as `python3 -m server` starts it: free ports, a data directory of its own, the demo city."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.bench import BenchError
from server.bench.servers import ROOT

START_WITHIN_S = 90.0  # the first start of an embedded PostgreSQL makes a cluster and seeds a city
STOP_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class RunningProduct:
    """`url` has no slash at the end; `demo` is /demo.json."""

    url: str
    demo: Mapping[str, Any]


@contextmanager
def product(*arguments: str, environment: Mapping[str, str] = {}) -> Iterator[RunningProduct]:
    """Start it, wait for its `ready` line, stop it in the end. Raises BenchError with its log when it does not come up."""
    folder = Path(tempfile.mkdtemp(prefix="laizuo-bench-"))
    folder.chmod(0o711)  # PostgreSQL does not run as root, so its own user must be able to pass
    try:
        with (
            (folder / "log").open("wb") as log,
            _started(folder / "data", log.fileno(), arguments, environment) as process,
        ):
            url = _wait_ready(process, folder / "log")
            with urllib.request.urlopen(f"{url}/demo.json", timeout=10) as response:
                yield RunningProduct(url, json.load(response))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(
    data: Path, log: int, arguments: tuple[str, ...], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "server", "serve", "--port", "0", "--data", str(data), *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**_environment(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _environment() -> dict[str, str]:
    """Ours without what would lead the measured product into the operator's own data."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("LAIZUO_") and name != "DATABASE_URL"
    }
    return kept | {"LAIZUO_VENV": sys.prefix, "LAIZUO_MEDIA_PORT": "0", "LAIZUO_DEMO": "on"}


def _wait_ready(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    end = time.monotonic() + START_WITHIN_S
    while (left := end - time.monotonic()) > 0 and select.select([process.stdout], [], [], left)[0]:
        line = process.stdout.readline()
        if line.startswith("ready "):
            return line.split()[1].rstrip("/")
        if not line:
            break
    raise BenchError(f"the product did not start:\n{log.read_text(errors='replace')[-3000:]}")
