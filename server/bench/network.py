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
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.bench import BenchError, NotInstalled, say
from server.bench.core import Figure, Result, quantile
from server.bench.loadgen.janus import JanusSignaling
from server.bench.loadgen.peer import PeerFailed
from server.bench.loadgen.worker import WorkerSignaling
from server.bench.machine import machine_facts, package_versions
from server.bench.netline.call import Call, Stage
from server.bench.netline.relay import Relay
from server.bench.netline.shape import LINES
from server.bench.netline.stage import Door, open_door
from server.bench.netline.videoroom import ON_LINE, VideoRoom
from server.bench.options import at_least, names_of
from server.bench.servers import free_port, janus, janus_version, media_worker, own_address

if TYPE_CHECKING:
    from playwright.sync_api import Page

COUNTED = ("frames", "concealed", "samples", "lost", "repaired", "packets", "breaks")
WARM_S = 5.0  # a call finds its rates first
BACK_WITHIN_S = 20.0
PEERS = ("p2p", "janus")  # the two browsers without a server; a room of Janus' VideoRoom
# Times without a new frame that people notice, and that they complain of.
HITCH_S, FREEZE_S = 0.2, 0.5
USUAL = ["clean", "loss5", "loss10", "narrow", "blackout", "tcp"]
# Seconds in the queue before a narrow place from which on people talk across each other.
ADAPTED_BELOW_S = 0.2
BEFORE_S, BACK_AFTER_S = 3.0, 10.0  # over so long a rate is taken; the second one, around so long after a blackout


@dataclass(frozen=True, slots=True)
class Seen:
    """One side over one window: decoded frames a second, longest time without a new one, times longer than HITCH_S and FREEZE_S a
    minute, share of voice that was made up, share of the picture's packets that never came, times that its browser took the connection for lost.
    """

    fps: float
    gap_s: float
    hitches: float
    freezes: float
    concealed: float
    residual: float
    breaks: int


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds", type=at_least(2), default=12, help="of a window: one per line and peer, after 5 s of warming up"
    )
    parser.add_argument("--lines", type=names_of(LINES), default=USUAL, help=f"by comma, of {', '.join(LINES)}")
    parser.add_argument(
        "--peer", type=names_of(PEERS), default=[], help=f"to compare with, by comma, of {', '.join(PEERS)}"
    )
    parser.add_argument("--seed", type=at_least(0), default=1, help="of the chance in the line")


def run(options: argparse.Namespace) -> Result:
    machine, versions = machine_facts(), package_versions("laizuo", "aiortc", "playwright")
    figures: dict[str, Figure] = {}
    absent: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder, ExitStack() as stack:
        tcp = ("--tcp", f"{own_address()}:{free_port()}")
        server = stack.enter_context(media_worker("w", Path(folder) / "w", tcp))
        signaling = WorkerSignaling(Path(server.place.partition(":")[2]))
        stack.enter_context(closing(signaling.control))
        udp = signaling.control.state["media"]["udp"][0]
        room = open_janus(Path(folder), options, stack, absent, versions)
        door = stack.enter_context(open_door(signaling, room.answers() if room else {}))
        browser = stack.enter_context(_chromium())
        versions["chromium"] = browser.version
        stage = Stage(browser, door, (str(udp["host"]), int(udp["port"])), room, options.seed)
        for name in options.lines:
            figures |= _measure(stage, name, "", options.seconds)
            for peer in options.peer:
                if f"{name}_{peer}" not in absent:
                    figures |= _beside(stage, name, peer, options.seconds, absent)
    return Result("network", machine, versions, figures, absent=absent)


def open_janus(
    folder: Path, options: argparse.Namespace, stack: ExitStack, absent: dict[str, str], versions: dict[str, str]
) -> VideoRoom | None:
    """Janus, if it is to be compared with. Why it is not there stands in `absent`, for each line."""
    if "janus" not in options.peer:
        return None
    versions["janus"] = janus_version()
    try:
        place = stack.enter_context(janus("janus", folder / "janus", 0)).place
        return VideoRoom(JanusSignaling(place.partition(":")[2]))
    except (BenchError, PeerFailed) as error:
        say(f"janus: {error}")
        absent |= {f"{name}_janus": str(error) for name in options.lines}
        return None


def _chromium() -> Any:
    """A context manager that gives a browser. Raises NotInstalled."""
    try:
        return importlib.import_module("server.bench.join_browser").running_browser()
    except ModuleNotFoundError as error:
        raise NotInstalled("playwright is not installed: pip install playwright") from error


def _measure(stage: Stage, name: str, peer: str, seconds: float) -> dict[str, Figure]:
    """One line, by our worker or through a peer."""
    line = LINES[name]
    with stage.call(name, line, peer) as call:
        found = _blackout(call, line.blackout_s) if line.blackout_s else _window(call.pages, seconds, stage.door)
        found |= _adapted(call.relay, seconds)
        if line.tcp:
            found["joined_s"] = Figure(round(call.pages[ON_LINE].evaluate("window.joined_s"), 2), "s")
    say(f"{name} {peer}: " + ", ".join(f"{key} {figure.value}" for key, figure in found.items()))
    before = f"{name}_{peer}_" if peer else f"{name}_"
    return {before + key: figure for key, figure in found.items()}


def _beside(stage: Stage, name: str, peer: str, seconds: float, absent: dict[str, str]) -> dict[str, Figure]:
    """The same of a peer. That its two never saw each other is said, and ends nothing."""
    try:
        return _measure(stage, name, peer, seconds)
    except (BenchError, PeerFailed) as error:
        say(f"{name} {peer}: {error}")
        absent[f"{name}_{peer}"] = str(error)
        return {}


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
        found |= {f"{way}_{key}": figure for key, figure in figures_of(seen).items()}
    return found


def _adapted(relay: Relay, seconds: float) -> dict[str, Figure]:
    """Of a line with a narrow place: the queue before it, in the window that has just ended."""
    found: dict[str, Figure] = {}
    for way, shaper in (("down", relay.down), ("up", relay.up)):
        if waits := list(shaper.waits):
            inside = [wait for at, wait in waits if at >= waits[-1][0] - seconds]
            found[f"{way}_delay_p95_s"] = Figure(round(quantile(inside, 0.95), 3), "s")
            found[f"{way}_adapt_s"] = Figure(round(adapted_after(waits), 2), "s")
    return found


def adapted_after(waits: Sequence[tuple[float, float]]) -> float:
    """Seconds from the first datagram of (when, seconds in the queue) until none waits ADAPTED_BELOW_S any more; 0 if none ever did."""
    return max((at - waits[0][0] for at, wait in waits if wait >= ADAPTED_BELOW_S), default=0.0)


def figures_of(seen: Seen) -> dict[str, Figure]:
    return {
        "fps": Figure(round(seen.fps, 1), "1/s"),
        "gap_s": Figure(round(seen.gap_s, 2), "s"),
        "hitches": Figure(round(seen.hitches, 1), "1/min"),
        "freezes": Figure(round(seen.freezes, 1), "1/min"),
        "concealed": Figure(round(seen.concealed, 4), "share"),
        "residual": Figure(round(seen.residual, 4), "share"),
        "breaks": Figure(seen.breaks, "count"),
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
        breaks=int(grown["breaks"]),
    )


def _blackout(call: Call, seconds: float) -> dict[str, Figure]:
    """Seconds from the line's return to the first new frame, at either side, and what is sent then beside what was sent before."""
    page, relay = call.pages[ON_LINE], call.relay
    page.wait_for_timeout(WARM_S * 1000)
    before = _rates(page, relay)
    relay.darken(True)
    page.wait_for_timeout(seconds * 1000)
    back_at = page.evaluate("performance.timeOrigin + performance.now()")
    relay.darken(False)
    page.wait_for_timeout((BACK_AFTER_S - BEFORE_S / 2) * 1000)
    after = _rates(page, relay)
    found: dict[str, Figure] = {}
    for seat, way in ((ON_LINE, "down"), ("other", "up")):
        first_at = _first_after(call.pages[seat], back_at, way)
        found[f"{way}_back_s"] = Figure(round((first_at - back_at) / 1000, 2), "s")
        found[f"{way}_back_rate_share"] = Figure(round(after[way] / max(1.0, before[way]), 3), "share")
    return found


def _first_after(page: Page, back_at: float, way: str) -> float:
    """When a page showed its first frame after the line came back; ms since 1970."""
    end = time.monotonic() + BACK_WITHIN_S
    while True:
        if fresh := [at for at in page.evaluate("frames_at") if at > back_at + 1]:
            return float(fresh[0])
        if time.monotonic() > end:
            raise BenchError(f"blackout: nothing was seen {way} {BACK_WITHIN_S:g} s after the line came back")
        page.wait_for_timeout(100)


def _rates(page: Page, relay: Relay) -> dict[str, float]:
    """Bytes a second that go through each way, over BEFORE_S from now on."""
    began, passed = time.monotonic(), {"down": relay.down.passed, "up": relay.up.passed}
    page.wait_for_timeout(BEFORE_S * 1000)
    seconds = time.monotonic() - began
    return {way: (shaper.passed - passed[way]) / seconds for way, shaper in (("down", relay.down), ("up", relay.up))}
