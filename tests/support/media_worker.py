"""A real media worker process and a controller that speaks to it, for tests."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from media.control.frames import FrameReader, frame
from tests.support.eventually import PATIENCE_S, eventually

# In the worker's log these mean that something reached a place where only bugs arrive.
FAULTS = ("Traceback", "ERROR", "broke", "never retrieved", "CRITICAL")


class Refused(AssertionError):
    """The worker answered with an error; `code` is the protocol's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Controller:
    """One control connection. `events` grows while `run` reads."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader()
        self._number = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._task = asyncio.create_task(self._read())
        self.events: list[dict[str, Any]] = []
        self.ended = asyncio.Event()

    @classmethod
    async def connect(cls, path: Path, *, hello: bool = True) -> Controller:
        controller = cls(*await asyncio.open_unix_connection(str(path)))
        if hello:
            await controller.ask("hello", protocol=1, controller="test")
        return controller

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Perform one request. Raises Refused."""
        self._number += 1
        reply = await self.ask_raw({"id": self._number, "op": op, **fields})
        if "error" in reply:
            raise Refused(reply["error"]["code"], reply["error"]["message"])
        ok: dict[str, Any] = reply["ok"]
        return ok

    async def ask_raw(self, request: Mapping[str, Any]) -> dict[str, Any]:
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[request["id"]] = future
        self.send_bytes(frame(json.dumps(request).encode()))
        async with asyncio.timeout(PATIENCE_S):
            return await future

    def send_bytes(self, data: bytes) -> None:
        self._writer.write(data)

    async def _read(self) -> None:
        with suppress(ConnectionError):
            while data := await self._reader.read(1 << 16):
                for body in self._frames.receive(data):
                    self._take(msgspec.json.decode(body))
        self.ended.set()

    def _take(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self.events.append(message)
        elif message["id"] in self._waiting:
            self._waiting.pop(message["id"]).set_result(message)
        else:
            self.events.append({"event": "unexpected reply", **message})

    def found(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """Events of this kind whose fields are as given."""
        return [e for e in self.events if e["event"] == event and all(e.get(k) == v for k, v in fields.items())]

    async def wait_for(self, event: str, timeout_s: float = PATIENCE_S, **fields: Any) -> dict[str, Any]:
        """The first such event, which may have come already."""

        def missing() -> str | None:
            return None if self.found(event, **fields) else f"no event {event} with {fields} among {self.events[-8:]}"

        await eventually(missing, timeout_s)
        return self.found(event, **fields)[0]

    async def close(self) -> None:
        self._writer.close()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


@dataclass(slots=True)
class RunningWorker:
    """A worker process; `log` is what it wrote to stderr."""

    process: asyncio.subprocess.Process
    control: Path
    data: Path
    log: list[str] = field(default_factory=list)

    async def controller(self, *, hello: bool = True) -> Controller:
        return await Controller.connect(self.control, hello=hello)

    def faults(self) -> list[str]:
        return [line for line in self.log if any(word in line for word in FAULTS)]

    async def stop(self) -> int:
        """SIGTERM, and its exit status."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


async def start_worker(directory: Path, *options: str) -> RunningWorker:
    """Start one on a free port of 127.0.0.1; returns when it says `ready`."""
    control = directory / "w0.sock"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-X", "dev", "-W", "default"),
        *(
            "-m",
            "media",
            "--name",
            "w0",
            "--control",
            f"unix:{control}",
            "--udp",
            "127.0.0.1:0",
            "--data",
            str(directory),
        ),
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONASYNCIODEBUG": "0"},
    )
    worker = RunningWorker(process, control, directory)
    assert process.stdout is not None
    asyncio.create_task(_collect(process, worker.log))  # noqa: RUF006  (ends with the process)
    async with asyncio.timeout(2 * PATIENCE_S):
        line = await process.stdout.readline()
    assert line == b"ready\n", (line, worker.log)
    return worker


async def _collect(process: asyncio.subprocess.Process, log: list[str]) -> None:
    assert process.stderr is not None
    while line := await process.stderr.readline():
        log.append(line.decode(errors="replace").rstrip())


@asynccontextmanager
async def running_worker(directory: Path, *options: str) -> AsyncIterator[RunningWorker]:
    """A worker for one test; its end and its log are part of the test."""
    worker = await start_worker(directory, *options)
    try:
        yield worker
        if worker.process.returncode is None:
            assert await worker.stop() == 0, worker.log
        assert not worker.faults(), "\n".join(worker.log)
    finally:
        if worker.process.returncode is None:
            worker.process.kill()
            await worker.process.wait()


Reason = Callable[[], str | None]
