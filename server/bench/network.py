"""`bench network`: two people in real Chromium, one of them behind a bad line. What each sees and hears of the other.

*down* is what the person on the bad line gets, *up* is what the other gets of him. Gaps are measured between frames as they were shown;
`freezeCount` of the browser missed a standstill of 18 s once. The line is a relay in user space (netline/): no privileges, no kernel module.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from server.bench import BenchError, NotInstalled, say
from server.bench.core import Figure, Result
from server.bench.loadgen.worker import EPOCH, WorkerSignaling
from server.bench.machine import machine_facts, package_versions
from server.bench.netline.direct import describe, host_of, with_candidate
from server.bench.netline.relay import Relay
from server.bench.netline.shape import LINES
from server.bench.netline.stage import Door, open_door
from server.bench.options import at_least, names_of
from server.bench.servers import media_worker

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

COUNTED = ("frames", "concealed", "samples", "lost", "repaired", "packets")
WARM_S = 5.0  # a call finds its rates first
FIRST_WITHIN_S = 60.0
BACK_WITHIN_S = 20.0
PEERS = {"p2p": "the two browsers without a server"}
# Times without a new frame that people notice, and that they complain of.
HITCH_S, FREEZE_S = 0.2, 0.5
USUAL = ["clean", "loss5", "loss10", "narrow", "blackout"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One side over one window: decoded frames a second, longest time without a new one, times longer than HITCH_S and FREEZE_S a
    minute, share of voice that was made up, share of the picture's packets that never came.
    """

    fps: float
    gap_s: float
    hitches: float
    freezes: float
    concealed: float
    residual: float


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=at_least(2), default=12, help="per line, after a warm-up of 5 s")
    parser.add_argument("--lines", type=names_of(LINES), default=USUAL, help=f"by comma, of {', '.join(LINES)}")
    parser.add_argument(
        "--peer", type=names_of(PEERS), default=[], help=f"to compare with, by comma, of {', '.join(PEERS)}"
    )
    parser.add_argument("--seed", type=at_least(0), default=1, help="of the chance in the line")


def run(options: argparse.Namespace) -> Result:
    machine, versions = machine_facts(), package_versions("laizuo", "aiortc", "playwright")
    figures: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder, media_worker("w", Path(folder) / "w") as server:
        signaling = WorkerSignaling(Path(server.place.partition(":")[2]))
        udp = signaling.control.state["media"]["udp"][0]
        worker = (str(udp["host"]), int(udp["port"]))
        with closing(signaling.control), open_door(signaling) as door, _chromium() as browser:
            versions["chromium"] = browser.version
            for name in options.lines:
                figures |= _measure(name, door, browser, worker, options)
    return Result("network", machine, versions, figures)


def _chromium() -> Any:
    """A context manager that gives a browser. Raises NotInstalled."""
    try:
        return importlib.import_module("server.bench.join_browser").running_browser()
    except ModuleNotFoundError as error:
        raise NotInstalled("playwright is not installed: pip install playwright") from error


def _measure(
    name: str, door: Door, browser: Browser, worker: tuple[str, int], options: argparse.Namespace
) -> dict[str, Figure]:
    """One line through our worker, and then the same line through each peer."""
    door.control("open_room", room=name, session=name, epoch=EPOCH, capacity=4, record=None)
    with Relay(LINES[name], worker, options.seed) as relay:
        door.through["line"] = relay.address[1]
        found = _call(browser, door, relay, name, {"room": name}, options)
    door.control("close_room", room=name, epoch=EPOCH, reason="ended")
    figures = {f"{name}_{key}": figure for key, figure in found.items()}
    for peer in options.peer:
        found = _call(browser, door, None, name, {"peer": peer}, options)
        figures |= {f"{name}_{peer}_{key}": figure for key, figure in found.items()}
    return figures


def _call(
    browser: Browser, door: Door, relay: Relay | None, name: str, how: dict[str, str], options: argparse.Namespace
) -> dict[str, Figure]:
    """Two pages, and what each sees of the other. Without `relay` they are put together here."""
    pages = {seat: _enter(browser, door, how | {"seat": seat}) for seat in ("line", "other")}
    with ExitStack() as stack:
        for page in pages.values():
            stack.callback(page.context.close)
            _wait(page, "window.joined", "does not come up")
        if relay is None:
            answer = describe(pages["line"], pages["other"])
            relay = stack.enter_context(Relay(LINES[name], host_of(answer), options.seed))
            pages["line"].evaluate("sdp => accept(sdp)", with_candidate(answer, relay.address))
        for page in pages.values():
            _wait(page, "window.frames_at.length > 0", "saw nobody")
        blackout_s = LINES[name].blackout_s
        found = _blackout(pages, relay, blackout_s) if blackout_s else _window(pages, options.seconds, door)
    say(f"{name} {how.get('peer', '')}: " + ", ".join(f"{key} {figure.value}" for key, figure in found.items()))
    return found


def _enter(browser: Browser, door: Door, query: dict[str, str]) -> Page:
    page = browser.new_context(permissions=["camera", "microphone"]).new_page()
    page.goto(f"{door.url}/?{urlencode(query)}")
    return page


def _wait(page: Page, condition: str, complaint: str) -> None:
    end = time.monotonic() + FIRST_WITHIN_S
    while not page.evaluate(condition):
        if time.monotonic() > end:
            raise BenchError(f"{page.url} {complaint} within {FIRST_WITHIN_S:g} s")
        page.wait_for_timeout(100)


def _window(pages: dict[str, Page], seconds: float, door: Door) -> dict[str, Figure]:
    pages["line"].wait_for_timeout(WARM_S * 1000)
    before = {seat: page.evaluate("figures()") for seat, page in pages.items()}
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        pages["line"].wait_for_timeout(min(left, 1.0) * 1000)
        door.idle()
    found: dict[str, Figure] = {}
    for seat, way in (("line", "down"), ("other", "up")):
        seen = seen_between(before[seat], pages[seat].evaluate("figures()"))
        found |= {f"{way}_{key}": figure for key, figure in _figures(seen).items()}
    return found


def _figures(seen: Seen) -> dict[str, Figure]:
    return {
        "fps": Figure(round(seen.fps, 1), "1/s"),
        "gap_s": Figure(round(seen.gap_s, 2), "s"),
        "hitches": Figure(round(seen.hitches, 1), "1/min"),
        "freezes": Figure(round(seen.freezes, 1), "1/min"),
        "concealed": Figure(round(seen.concealed, 4), "share"),
        "residual": Figure(round(seen.residual, 4), "share"),
    }


def seen_between(before: dict[str, Any], after: dict[str, Any]) -> Seen:
    """What a page saw between two of its `figures`; times in ms since 1970."""
    seconds = (after["now"] - before["now"]) / 1000
    shown = [at for at in after["shown"] if before["now"] <= at <= after["now"]]
    edges = [before["now"], *shown, after["now"]]
    gaps = [(later - earlier) / 1000 for earlier, later in itertools.pairwise(edges)]
    grown = {key: after[key] - before[key] for key in COUNTED}
    return Seen(
        fps=grown["frames"] / seconds,
        gap_s=max(gaps),
        hitches=sum(gap > HITCH_S for gap in gaps) * 60 / seconds,
        freezes=sum(gap > FREEZE_S for gap in gaps) * 60 / seconds,
        concealed=grown["concealed"] / grown["samples"] if grown["samples"] else 1.0,
        residual=max(0, grown["lost"] - grown["repaired"]) / max(1, grown["packets"] + grown["lost"]),
    )


def _blackout(pages: dict[str, Page], relay: Relay, seconds: float) -> dict[str, Figure]:
    """Seconds from the line's return to the first new frame, at either side."""
    pages["line"].wait_for_timeout(WARM_S * 1000)
    relay.darken(True)
    pages["line"].wait_for_timeout(seconds * 1000)
    back_at = pages["line"].evaluate("performance.timeOrigin + performance.now()")
    relay.darken(False)
    pages["line"].wait_for_timeout(3000)
    found: dict[str, Figure] = {}
    for seat, way in (("line", "down"), ("other", "up")):
        end = time.monotonic() + BACK_WITHIN_S
        while not (fresh := [at for at in pages[seat].evaluate("frames_at") if at > back_at + 1]):
            if time.monotonic() > end:
                raise BenchError(f"blackout: nothing was seen {way} {BACK_WITHIN_S:g} s after the line came back")
            pages[seat].wait_for_timeout(100)
        found[f"{way}_back_s"] = Figure(round((fresh[0] - back_at) / 1000, 2), "s")
    return found
