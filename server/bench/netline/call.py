"""Two pages that see each other, one of them behind a line: by our worker, peer to peer, or by Janus."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from server.bench import BenchError
from server.bench.loadgen.worker import EPOCH
from server.bench.netline.direct import describe, host_of, with_candidate
from server.bench.netline.relay import Relay
from server.bench.netline.shape import Line
from server.bench.netline.stage import Door
from server.bench.netline.videoroom import ON_LINE, VideoRoom

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SEATS = (ON_LINE, "other")
FIRST_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """Who sees whom: pages by seat. `relay` is the line."""

    pages: dict[str, Page]
    relay: Relay


@dataclass(frozen=True, slots=True)
class Stage:
    """Where calls are held. All raise BenchError when the two do not see each other."""

    browser: Browser
    door: Door
    worker: tuple[str, int]
    room: VideoRoom | None
    seed: int

    @contextmanager
    def call(self, name: str, line: Line, peer: str) -> Iterator[Call]:
        """A call over this line; `peer` "": by our worker."""
        ways = {"": self._by_worker, "p2p": self._direct, "janus": self._by_janus}
        broken: type[Exception] = importlib.import_module("playwright.sync_api").Error
        with ExitStack() as stack:
            try:
                call = ways[peer](name, line, stack)
            except broken as error:
                raise BenchError(f"{name} {peer}: {error}") from error
            for page in call.pages.values():
                _wait(page, "window.frames_at.length > 0", "saw nobody")
            yield call

    def _by_worker(self, name: str, line: Line, stack: ExitStack) -> Call:
        self.door.control("open_room", room=name, session=name, epoch=EPOCH, capacity=4, record=None)
        stack.callback(self.door.control, "close_room", room=name, epoch=EPOCH, reason="ended")
        relay = stack.enter_context(Relay(line, self.worker, self.seed))
        self.door.through[ON_LINE] = relay.address[1]
        self.door.over_tcp = {ON_LINE} if line.tcp else set()
        return Call(self._enter({"room": name}, stack), relay)

    def _direct(self, _name: str, line: Line, stack: ExitStack) -> Call:
        pages = self._enter({"peer": "p2p"}, stack)
        answer = describe(pages[ON_LINE], pages["other"])
        relay = stack.enter_context(Relay(line, host_of(answer), self.seed))
        pages[ON_LINE].evaluate("sdp => accept(sdp)", with_candidate(answer, relay.address))
        return Call(pages, relay)

    def _by_janus(self, _name: str, line: Line, stack: ExitStack) -> Call:
        assert self.room is not None
        relay = stack.enter_context(Relay(line, self.worker, self.seed))
        self.room.begin(relay)
        pages = self._enter({"peer": "janus"}, stack)
        for page in pages.values():
            page.evaluate("subscribe()")
        return Call(pages, relay)

    def _enter(self, query: dict[str, str], stack: ExitStack) -> dict[str, Page]:
        pages: dict[str, Page] = {}
        for seat in SEATS:
            context = self.browser.new_context(permissions=["camera", "microphone"])
            stack.callback(context.close)
            pages[seat] = context.new_page()
            pages[seat].goto(f"{self.door.url}/?{urlencode(query | {'seat': seat})}")
        for page in pages.values():
            _wait(page, "window.joined", "does not come up")
        return pages


def _wait(page: Page, condition: str, complaint: str) -> None:
    end = time.monotonic() + FIRST_WITHIN_S
    while not page.evaluate(condition):
        if time.monotonic() > end:
            raise BenchError(f"{page.url} {complaint} within {FIRST_WITHIN_S:g} s")
        page.wait_for_timeout(100)
