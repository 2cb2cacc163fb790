"""The real product as a subprocess: free ports, a data directory of its own, its log kept for the failure report."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.database import passable_directory
from tests.support.eventually import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
START_TIMEOUT_S = 120.0
# What an event loop, aiohttp or a whole process writes about an exception that nobody took
UNHANDLED = ("Traceback (most recent call last)", "exception was never retrieved", "Unhandled exception in event loop")
STOP_TIMEOUT_S = 60.0


class Product:
    """One started product.

    url   "http://127.0.0.1:PORT" without a slash at the end, known once `wait_ready` has returned
    data  its data directory; run/<name>.pid below it
    """

    def __init__(self, data: Path, arguments: tuple[str, ...] = (), environ: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.url = ""
        data.mkdir(parents=True, exist_ok=True)
        self.log_file = data / "product.log"
        self.out_file = data / "product.out"
        given = arguments if "--port" in arguments else ("--port", "0", *arguments)
        with self.log_file.open("ab") as log, self.out_file.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server", "serve", "--data", str(data), *given],
                cwd=ROOT,
                env=_environment(environ or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
            )

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> Product:
        """Wait for its line on standard output."""
        wait_until(self._why_not_ready, timeout_s)
        self.url = self.out_file.read_text().split()[1].rstrip("/")
        return self

    def wait_log(self, text: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until its log holds this text; its end before that is a failure."""

        def why() -> str | None:
            if text in self.log():
                return None
            if self.process.poll() is not None:
                raise RuntimeError(f"the product ended without saying {text!r}:\n{self.log()}")
            return f"it has not said {text!r}:\n{self.log()}"

        wait_until(why, timeout_s)

    def pid(self, name: str) -> int:
        """Process number of `parent`, `web`, `postgres`, `w0` ...; waits for it."""
        file = self.data / "run" / f"{name}.pid"
        wait_until(lambda: None if file.exists() else f"there is no {file.name}\n{self.log()}", START_TIMEOUT_S)
        return int(file.read_text())

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one of its processes; returns whom."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def kill_and_wait(self, name: str) -> int:
        """kill -9 one of its processes and wait for the successor's number."""
        old = self.kill(name)
        wait_until(
            lambda: None if self._pid_now(name) not in (None, old) else f"{name} was not started again\n{self.log()}",
            START_TIMEOUT_S,
        )
        return self.pid(name)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_TIMEOUT_S)

    def close(self) -> None:
        """End it whatever its state is, and remove what it left."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_TIMEOUT_S)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _pid_now(self, name: str) -> int | None:
        try:
            return int((self.data / "run" / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return None

    def _why_not_ready(self) -> str | None:
        if (code := self.process.poll()) is not None:
            raise RuntimeError(f"the product ended with code {code}:\n{self.log()}")
        if self.out_file.read_text().startswith("ready "):
            return None
        if "ATTENTION: web has ended" in self.log():
            raise RuntimeError(f"the web process does not start:\n{self.log()}")
        return f"the product has not said that it is ready:\n{self.log()}"


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """This test run's, without what would lead a developer's own product or database into the test."""
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith("LAIZUO_") and name != "DATABASE_URL"
    }
    return {**ours, "LAIZUO_VENV": sys.prefix, "LAIZUO_MEDIA_PORT": "0", **more}


class ProductFactory:
    """Starts products for one test and ends them after it. `environ` is of each of them."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.started: list[Product] = []
        self._environ = environ or {}
        self._directories: list[Path] = []

    def __call__(self, *arguments: str, data: Path | None = None, environ: Mapping[str, str] | None = None) -> Product:
        """Start one; `wait_ready` is the caller's."""
        product = Product(data or self.directory(), arguments, {**self._environ, **(environ or {})})
        self.started.append(product)
        return product

    def unhandled(self) -> list[str]:
        """Lines of the logs that tell of an exception which nobody took, with what follows them."""
        found = []
        for product in self.started:
            lines = product.log().splitlines() if product.log_file.exists() else []
            found += [
                "\n".join(lines[i : i + 60]) for i, line in enumerate(lines) if any(mark in line for mark in UNHANDLED)
            ]
        return found

    def directory(self) -> Path:
        self._directories.append(passable_directory())
        return self._directories[-1] / "data"

    def logs(self) -> Iterator[tuple[str, str]]:
        for product in self.started:
            if product.log_file.exists():
                yield f"log of the product in {product.data}", product.log()

    def close(self) -> None:
        for product in self.started:
            product.close()
        for directory in self._directories:
            shutil.rmtree(directory, ignore_errors=True)  # a child of a killed parent may be writing its last file


PRODUCTS = pytest.StashKey[ProductFactory]()


@contextlib.contextmanager
def products_of(test: pytest.Item, environ: Mapping[str, str] | None = None) -> Iterator[ProductFactory]:
    """The factory of one test; an exception that nobody took, in any process of its products, fails the test."""
    factory = test.stash[PRODUCTS] = ProductFactory(environ)
    yield factory
    for product in factory.started:
        product.close()
    unhandled = factory.unhandled()
    factory.close()
    assert not unhandled, "unhandled in the product:\n" + unhandled[0]
