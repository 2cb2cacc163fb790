"""A room of people in Chromium on one server after the other, in a new order each round; each time with a browser and a server of its own.

What is compared is the server's CPU per frame that a person saw: a relay that falls behind shows fewer, and that is no saving.
"""

from __future__ import annotations

import json
import random
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Lock
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Error as PlaywrightError

from server.bench import BenchError, say
from server.bench.core import Figure
from server.bench.join_browser import running_browser
from server.bench.loadgen.worker import EPOCH, WorkerSignaling
from server.bench.machine import process_cpu_s
from server.bench.pages import Answer, open_pages
from server.bench.relaying.page import PAGE
from server.bench.servers import RunningServer

PEOPLE = ("ana", "bo", "chen")
LEGS = len(PEOPLE) * (len(PEOPLE) - 1)
FIRST_WITHIN_S = 60.0
WARM_S = 3.0  # a call finds its rates first
POLL_MS = 100
ANSWER_WITHIN_S = 45.0

Starter = Callable[[str, Path], AbstractContextManager[RunningServer]]


@dataclass(slots=True)
class Watched:
    """What was measured of one server, by round: CPU seconds, frames that people saw, seconds."""

    slices: dict[int, tuple[float, int, float]] = field(default_factory=dict)

    def cost_us(self) -> dict[int, float]:
        """Microseconds of the server's CPU per frame that a person saw, by round."""
        return {number: cpu / frames * 1e6 for number, (cpu, frames, _) in self.slices.items() if frames}

    def figures(self) -> dict[str, Figure]:
        found = {
            "frames_per_s": Figure(round(median(frames / took for _, frames, took in self.slices.values()), 1), "1/s"),
            "cpu_share": Figure(round(median(cpu / took for cpu, _, took in self.slices.values()), 4), "share"),
        }
        cost = self.cost_us()
        return found | ({"us_per_frame": Figure(round(median(cost.values()), 1), "us")} if cost else {})


class _Room:
    """One server with everybody in it."""

    def __init__(
        self, server: RunningServer, context: BrowserContext, url: str, way: str, idle: Callable[[], None]
    ) -> None:
        """idle  takes what the server says unasked."""
        self._server = server
        self._idle = idle
        self._broken: list[str] = []
        context.on("weberror", lambda broken: self._broken.append(str(broken.error)))
        self._pages = {seat: context.new_page() for seat in PEOPLE}
        for seat, page in self._pages.items():
            page.goto(f"{url}/?way={way}&seat={seat}&others={','.join(other for other in PEOPLE if other != seat)}")

    def wait(self) -> None:
        """Until everybody sees all others. Raises BenchError."""
        end = time.monotonic() + FIRST_WITHIN_S
        while (missing := self._missing()) and time.monotonic() < end:
            self._any.wait_for_timeout(POLL_MS)
        if missing:
            what = f"{missing} of {LEGS} pictures did not come within {FIRST_WITHIN_S:g} s"
            raise BenchError("\n".join([f"{self._server.name}: {what}", *self._broken]))

    def _missing(self) -> int:
        joined = all(page.evaluate("window.joined ?? false") for page in self._pages.values())
        return LEGS - (sum(frames > 0 for frames in self._frames()) if joined else 0)

    def slice(self, seconds: float) -> tuple[float, int, float]:
        self._any.wait_for_timeout(WARM_S * 1000)
        frames, cpu, start = sum(self._frames()), process_cpu_s(self._server.pid), time.monotonic()
        self._any.wait_for_timeout(seconds * 1000)
        cpu, took = process_cpu_s(self._server.pid) - cpu, time.monotonic() - start
        frames = sum(self._frames()) - frames
        self._idle()
        return cpu, frames, took

    @property
    def _any(self) -> Page:
        return next(iter(self._pages.values()))

    def _frames(self) -> list[int]:
        return [int(frames) for page in self._pages.values() for frames in page.evaluate("window.frames?.() ?? []")]


def compare(
    ours: Mapping[str, Starter], relay: Starter, folder: Path, rounds: int, seconds: float, seed: int
) -> dict[str, Watched]:
    """By name, the relay's under `relay`. Raises BenchError (NotInstalled without a browser)."""
    found = {name: Watched() for name in [*ours, "relay"]}
    order = random.Random(seed)
    for number in range(rounds):
        for name in order.sample(sorted(found), len(found)):
            place = folder / f"browsers-{name}-{number}"
            try:
                with running_browser() as browser, _open(name, ours.get(name, relay), place, browser) as room:
                    cpu, frames, took = found[name].slices[number] = room.slice(seconds)
            except PlaywrightError as error:
                raise BenchError(f"{name}: {error}") from error
            say(f"browsers {number + 1}/{rounds}  {name:10}  {cpu / took:7.4f} cores  {frames / took:5.1f} frames/s")
    return found


def _open(name: str, start: Starter, folder: Path, browser: Browser) -> AbstractContextManager[_Room]:
    return (_relay_room if name == "relay" else _worker_room)(name, start, folder, browser)


@contextmanager
def _worker_room(name: str, start: Starter, folder: Path, browser: Browser) -> Iterator[_Room]:
    with start(name, folder) as server:
        signaling = WorkerSignaling(Path(server.place.partition(":")[2]))
        lock = Lock()  # pages ask at once, the control client takes one at a time

        def join(asked: dict[str, Any]) -> dict[str, Any]:
            with lock:
                return signaling.control.request(
                    "join", room="browsers", epoch=EPOCH, connection=1, label={"role": "bench"}, **asked
                )

        with closing(signaling.control):
            signaling.control.request(
                "open_room", room="browsers", session="browsers", epoch=EPOCH, capacity=len(PEOPLE), record=None
            )
            with _room(server, browser, {"/join": join}, "worker", signaling.idle) as room:
                yield room


@contextmanager
def _relay_room(name: str, start: Starter, folder: Path, browser: Browser) -> Iterator[_Room]:
    with start(name, folder) as server:
        base = server.place.partition(":")[2]

        def carry(path: str) -> Answer:
            def answer(asked: dict[str, Any]) -> dict[str, Any]:
                request = urllib.request.Request(
                    base + path, json.dumps(asked).encode(), {"content-type": "application/json"}
                )
                with urllib.request.urlopen(request, timeout=ANSWER_WITHIN_S) as response:
                    said: dict[str, Any] = json.load(response)
                return said

            return answer

        answers = {path: carry(path) for path in ("/publish", "/subscribe", "/accept")}
        with _room(server, browser, answers, "relay", lambda: None) as room:
            yield room


@contextmanager
def _room(
    server: RunningServer, browser: Browser, answers: Mapping[str, Answer], way: str, idle: Callable[[], None]
) -> Iterator[_Room]:
    """Everybody has seen everybody."""
    with (
        open_pages(PAGE, answers) as url,
        closing(browser.new_context(permissions=["camera", "microphone"])) as context,
    ):
        room = _Room(server, context, url, way, idle)
        room.wait()
        yield room
