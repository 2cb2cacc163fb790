"""`bench feeds`: conditional and full reads of one calendar, beside Radicale serving the same calendar in the same minutes.

Requests per second and *core*: the count divided by the CPU seconds of all of the server's processes (ours: the web process and PostgreSQL),
so that neither the client's share of the machine nor the number of cores matters. Rounds alternate between the servers. Then 1,000 conditional
reads a second for the latency, while a coordinator publishes: each body that comes must be one that was published, with its own tag.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from server.bench import BenchError, NotInstalled, say
from server.bench.core import Figure, Result, paired_ratio, quantile
from server.bench.machine import machine_facts, package_versions, process_cpu_s
from server.bench.options import at_least, seconds
from server.bench.product import RunningProduct, product

SITE = "rongchuan"  # the demo's largest roster
CONNECTIONS = 8
RATE = 1000
START_WITHIN_S = 30.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=5, help="rounds of each kind of read, per server")
    parser.add_argument("--seconds", type=seconds, default=2.0, help="length of one round")


@dataclass(frozen=True, slots=True)
class Target:
    """A server: where its calendar is, its headers, and whose CPU counts."""

    name: str
    url: str
    pids: tuple[int, ...]
    headers: tuple[tuple[str, str], ...] = ()

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


@dataclass(slots=True)
class Load:
    """What a load saw."""

    statuses: dict[int, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)
    wrong: int = 0
    tags: set[str] = field(default_factory=set)
    took_s: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.statuses.values())


def run(options: argparse.Namespace) -> Result:
    machine, versions, absent = (
        machine_facts(),
        package_versions("laizuo", "aiohttp", "radicale", "icalendar"),
        dict[str, str](),
    )
    with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder, product("--workers", "0") as running:
        ours = Target("ours", f"{running.url}/feeds/{SITE}.ics", (_product_pid(),))
        body = urllib.request.urlopen(ours.url, timeout=10).read()
        figures = {
            "calendar_kib": Figure(round(len(body) / 1024, 1), "KiB"),
            "events": Figure(body.count(b"BEGIN:VEVENT"), "count"),
        }
        rates: dict[tuple[str, str], dict[int, float]] = {}
        try:
            with radicale(Path(folder), body) as peer:
                rates = asyncio.run(measure([ours, peer], options.rounds, options.seconds))
        except NotInstalled as missing:
            absent["conditional/radicale"] = absent["full/radicale"] = str(missing)
            rates = asyncio.run(measure([ours], options.rounds, options.seconds))
        for (kind, name), values in rates.items():
            figures[f"{kind}_{name}"] = Figure(round(median(values.values()), 1), "1/s")
        steady = asyncio.run(steady_load(ours, running, options.seconds * 3))
    figures |= {
        "conditional_p50_ms": Figure(round(quantile(steady.latencies_ms, 0.5), 2), "ms"),
        "conditional_p99_ms": Figure(round(quantile(steady.latencies_ms, 0.99), 2), "ms"),
        "steady_per_s": Figure(round(steady.count / steady.took_s, 1), "1/s"),
        "bodies_seen": Figure(len(steady.tags), "count"),
        "wrong_bodies": Figure(steady.wrong, "count"),
    }
    ratios = {
        f"{kind}/radicale": ratio
        for kind in ("conditional", "full")
        if (ratio := paired_ratio(rates.get((kind, "ours"), {}), rates.get((kind, "radicale"), {}))) is not None
    }
    return Result("feeds", machine, versions, figures, ratios, absent)


def _product_pid() -> int:
    """The product is our only child that is `-m server serve`."""
    for pid in tree_of(os.getpid())[1:]:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"\0serve\0" in command:
            return pid
    raise BenchError("the product's process was not found")


# ---------------------------------------------------------------- Radicale


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
            headers = (("Authorization", "Basic YmVuY2g6YmVuY2g="),)
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


# ---------------------------------------------------------------- load


async def measure(targets: list[Target], rounds: int, length_s: float) -> dict[tuple[str, str], dict[int, float]]:
    """Reads per second and core by (kind, server), keyed by round; the servers take turns within a round."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    tags = {target.name: (await _one(target, {}))[1] for target in targets}
    for number in range(rounds):
        for kind in ("conditional", "full"):
            for target in targets:
                headers = {"If-None-Match": tags[target.name]} if kind == "conditional" else {}
                before, load = target.cpu_s(), Load()
                end = time.monotonic() + length_s
                await asyncio.gather(*(_read_until(target, headers, end, load) for _ in range(CONNECTIONS)))
                spent = target.cpu_s() - before
                found.setdefault((kind, target.name), {})[number] = load.count / max(spent, 1e-6)
                say(
                    f"round {number} {kind} {target.name}: {load.count / max(spent, 1e-6):.0f}/s and core {load.statuses}"
                )
    return found


async def _read_until(target: Target, headers: Mapping[str, str], end: float, load: Load) -> None:
    line = Line(target)
    while time.monotonic() < end:
        await line.get(headers, load)
    line.close()


async def _one(target: Target, headers: Mapping[str, str]) -> tuple[int, str]:
    line, load = Line(target), Load()
    status, tag, _ = await line.get(headers, load)
    line.close()
    return status, tag


class Line:
    """One connection that asks again and again; opened anew where the server closes it."""

    def __init__(self, target: Target) -> None:
        parts = urlsplit(target.url)
        self._host, self._port, self._path = parts.hostname or "", parts.port or 80, parts.path
        self._fixed = "".join(f"{name}: {value}\r\n" for name, value in target.headers)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, headers: Mapping[str, str], load: Load) -> tuple[int, str, bytes]:
        """Status, tag and body of one read."""
        started = time.perf_counter()
        try:
            status, answered, body = await self._ask(headers)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()  # closed between two requests, which HTTP allows
            status, answered, body = await self._ask(headers)
        load.latencies_ms.append((time.perf_counter() - started) * 1000)
        load.statuses[status] = load.statuses.get(status, 0) + 1
        return status, answered.get("etag", ""), body

    async def _ask(self, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\n{self._fixed}{said}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        status, length = int(head[0].split()[1]), int(found.get("content-length", "0"))
        body = b"" if status == 304 else await reader.readexactly(length)
        if head[0].startswith("HTTP/1.0") or found.get("connection", "").lower() == "close":
            self.close()
        return status, found, body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


# ---------------------------------------------------------------- while rosters are published


async def steady_load(target: Target, running: RunningProduct, length_s: float) -> Load:
    """RATE reads a second on a clock of their own (a late answer delays none), nine of ten conditional, while versions are published."""
    load, stop = Load(), asyncio.Event()
    publishing = asyncio.create_task(_publish_until(running, stop))
    lines: asyncio.Queue[Line] = asyncio.Queue()
    for _ in range(64):
        lines.put_nowait(Line(target))
    known = (await _one(target, {}))[1]
    started, tasks = time.monotonic(), set[asyncio.Task[None]]()
    for number in range(int(RATE * length_s)):
        wait = started + number / RATE - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        headers = {"If-None-Match": known} if number % 10 else {}
        task = asyncio.create_task(_checked(lines, headers, load))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    load.took_s = time.monotonic() - started
    stop.set()
    await publishing
    return load


async def _checked(lines: asyncio.Queue[Line], headers: Mapping[str, str], load: Load) -> None:
    """A body must have the tag that its bytes have; nothing else may come than 200 and 304."""
    asked = time.perf_counter()
    line = await lines.get()
    waited_ms = (time.perf_counter() - asked) * 1000
    seen = Load()
    status, tag, body = await line.get(headers, seen)
    lines.put_nowait(line)
    load.latencies_ms.append(seen.latencies_ms[0] + waited_ms)
    load.statuses[status] = load.statuses.get(status, 0) + 1
    load.tags.add(tag)
    is_whole = status == 304 or (status == 200 and tag == f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    load.wrong += not is_whole


async def _publish_until(running: RunningProduct, stop: asyncio.Event) -> None:
    """A coordinator closes one shift after the other and publishes each time."""
    session = await asyncio.to_thread(Coordinator, running)
    while not stop.is_set():
        await asyncio.to_thread(session.publish_a_change)
        try:
            await asyncio.wait_for(stop.wait(), 0.5)
        except TimeoutError:
            continue


class Coordinator:
    """The demo's coordinator over HTTP, as the roster board's script speaks."""

    def __init__(self, running: RunningProduct) -> None:
        self._url = running.url
        person = next(p for p in running.demo["people"] if p["user"] == "sun.hui")
        self._cookies = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        self._cookies.open(person["sign_in_url"], timeout=10).read()
        page = self._cookies.open(f"{self._url}/roster?site={SITE}", timeout=10).read().decode()
        self._csrf = page.partition('name="csrf" content="')[2].partition('"')[0]
        self._site = page.partition('data-site="')[2].partition('"')[0]

    def publish_a_change(self) -> None:
        """One shift less, from the end of the month on, as a new version."""
        preview = self._ask("GET", "/preview")
        slots = [slot for slot in preview["slots"] if slot["state"] == "on"]
        revision = int(preview["mark"].partition("-")[0])
        self._ask(
            "POST", "/overrides", {"revision": revision, "slot": slots[-1]["key"], "kind": "close", "reason": "bench"}
        )
        mark = self._ask("GET", "/preview")["mark"]
        self._ask("POST", "/publish", {}, {"If-Match": f'"{mark}"'})

    def _ask(
        self, method: str, path: str, body: object = None, more: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-CSRF-Token": self._csrf, "Content-Type": "application/json", **(more or {})}
        request = urllib.request.Request(f"{self._url}/api/rosters/{self._site}{path}", data, headers, method=method)
        answer: dict[str, Any] = json.load(self._cookies.open(request, timeout=20))
        return answer
