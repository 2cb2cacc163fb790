"""Debian's nats-server on a free port of loopback, which a test may kill and start again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.eventually import wait_until
from tests.support.tcp_only import free_port
from tests.support.tools import program


@dataclass(slots=True)
class Broker:
    """`url` is the same after each start."""

    log: Path
    program: str
    host: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://{self.host}:{self.port}"

    def start(self) -> None:
        with self.log.open("ab") as told:
            self.process = subprocess.Popen(
                [self.program, "--addr", self.host, "--port", str(self.port)], stdout=told, stderr=told
            )
        wait_until(lambda: None if "Server is ready" in self.log.read_text() else self.log.read_text())

    def kill(self) -> None:
        """As kill -9 does: nobody is told."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None
        self.log.write_text("")


@contextmanager
def running_broker(directory: Path, host: str = "127.0.0.1") -> Iterator[Broker]:
    """Fails the test, saying what to install, where nats-server is not found."""
    broker = Broker(directory / "nats.log", program("nats-server"), host, free_port())
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
