"""`bench media`: what one forwarded packet costs our media worker, beside Janus VideoRoom and aiortc's MediaRelay.

1. Every server runs as a process of its own, and a load generator beside each has joined all rooms.
2. In each round the servers are put under load one after the other, for a short slice, in an order drawn anew (seeded).
3. CPU is the process clock of the server during the slice; on loopback the kernel charges the delivery of a packet to its sender, for
   all servers alike.
4. Ratios are taken inside the round (core.py); loss is counted per receiver and SSRC from sequence numbers.
5. A relay decodes, so what the generator makes up would not pass it: a room of three in Chromium is measured on it and on ours, in as many
   rounds, when all else is over (relaying/). There the ratio is of CPU per frame that a person saw.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from server.bench import BenchError, NotInstalled, say
from server.bench.core import Figure, Ratio, Result, Value, paired_ratio, percentile_us
from server.bench.loadgen.peer import PROFILES
from server.bench.machine import machine_facts, package_versions
from server.bench.options import at_least, names_of, profiles, seconds
from server.bench.servers import ROOT, RunningServer, janus, janus_version, media_worker, relay

Slice = dict[str, Any]
Starter = Callable[[str, Path], AbstractContextManager[RunningServer]]

# Ours: every path of the worker that can be chosen.
OURS: dict[str, Starter] = {
    "native": lambda name, folder: media_worker(name, folder, ("--path", "native")),
    "python": lambda name, folder: media_worker(name, folder, ("--path", "python")),
}
PEERS: dict[str, Starter] = {
    "janus": lambda name, folder: janus(name, folder, 0),
    "janus-ev1": lambda name, folder: janus(name, folder, 1),
}
RELAY = "relay"
BROWSERS_SLICE_S = 5.0  # a browser's rate moves; a slice of the generator's length would measure that


class GeneratorFailed(Exception):
    """A load generator gave up; the message is its own."""


@dataclass(slots=True)
class Series:
    """What was measured of one server; `slices` by round."""

    ready: dict[str, Any]
    slices: dict[int, Slice] = field(default_factory=dict)

    def cost_us(self) -> dict[int, float]:
        """Microseconds of server CPU per forwarded packet, by round."""
        return {
            n: one["server_cpu_s"] / one["window"]["received"] * 1e6
            for n, one in self.slices.items()
            if one["window"]["received"]
        }


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ours", default=",".join(OURS), type=names_of(OURS), help="our packet paths, comma-separated (default: all)"
    )
    parser.add_argument(
        "--peer",
        default=",".join([*PEERS, RELAY]),
        type=names_of([*PEERS, RELAY]),
        help=f"others to compare with: {', '.join([*PEERS, RELAY])}; none: -",
    )
    parser.add_argument("--rooms", type=at_least(1), default=10)
    parser.add_argument("--members", type=at_least(2), default=3, help="participants per room")
    parser.add_argument("--publishers", type=at_least(0), default=0, help="how many of them send (0: all)")
    parser.add_argument("--rounds", type=at_least(1), default=5)
    parser.add_argument("--slice", type=seconds, default=2.0, metavar="SECONDS", help="load on one server per round")
    parser.add_argument(
        "--profile",
        type=profiles,
        default="gcm128",
        help=f"SRTP profiles the participants offer: {', '.join(PROFILES)}",
    )
    parser.add_argument(
        "--plane", choices=("auto", "c", "python"), default="auto", help="load generator in C (needs cc) or Python"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the order of servers in the rounds")
    parser.add_argument(
        "--browser-slice",
        type=seconds,
        default=BROWSERS_SLICE_S,
        metavar="SECONDS",
        help=f"the same for the room of browsers that is compared with {RELAY}",
    )


def run(options: argparse.Namespace) -> Result:
    machine = machine_facts()
    absent: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder, ExitStack() as running:
        generators = _start_all(options, Path(folder), running, absent)
        series = {name: Series(generator.ready) for name, generator in generators.items()}
        for number, names in enumerate(rounds_of(generators, options.rounds, options.seed)):
            for name in names:
                series[name].slices[number] = generators[name].slice(options.slice)
                say(f"round {number + 1}/{options.rounds}  {_line(name, series[name], number)}")
    result = result_of(series, options.ours, absent, machine)
    return _with_relay(result, options) if RELAY in options.peer and options.ours else result


def rounds_of(names: Iterable[str], rounds: int, seed: int) -> list[list[str]]:
    """Each round has every server once, in an order drawn anew: who comes after whom favours nobody."""
    chance, servers = random.Random(seed), sorted(names)
    return [chance.sample(servers, len(servers)) for _ in range(rounds)]


def _with_relay(result: Result, options: argparse.Namespace) -> Result:
    """The same with a room of browsers on the relay and on the first of ours that came up."""
    first = next(name for name in options.ours if f"{name}_forwarded_per_s" in result.figures)
    ours = {first: OURS[first]}
    try:
        with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder:
            seen = _comparing()(ours, relay, Path(folder), options.rounds, options.browser_slice, options.seed)
    except BenchError as error:
        say(f"{RELAY}: {error}")
        return replace(result, absent={**result.absent, **{f"{own}/{RELAY}": str(error) for own in ours}})
    figures, ratios = dict(result.figures), dict(result.ratios)
    for name, watched in seen.items():
        figures |= {f"{name}_browsers_{key}": figure for key, figure in watched.figures().items()}
    for own in ours:
        ratio = paired_ratio(seen[own].cost_us(), seen[RELAY].cost_us())
        if ratio is not None:
            ratios[f"{own}/{RELAY}"] = ratio
    return replace(result, figures=figures, ratios=ratios)


def _comparing() -> Callable[..., dict[str, Any]]:
    """relaying/compare.py, which needs a browser's driver. Raises NotInstalled."""
    try:
        compare: Callable[..., dict[str, Any]] = importlib.import_module("server.bench.relaying.compare").compare
    except ModuleNotFoundError as error:
        raise NotInstalled("playwright is not installed: pip install playwright") from error
    return compare


def result_of(
    series: Mapping[str, Series], ours: Sequence[str], absent: Mapping[str, str], machine: Mapping[str, Value]
) -> Result:
    """All figures and ratios of what was measured."""
    figures: dict[str, Figure] = {}
    ratios: dict[str, Ratio] = {}
    missing = dict(absent)
    for name, one in series.items():
        figures.update(_figures(name.replace("-", "_"), one))
    for own in (name for name in series if name in ours):
        for peer in (name for name in series if name not in ours):
            ratio = paired_ratio(series[own].cost_us(), series[peer].cost_us())
            if ratio is None:
                missing[f"{own}/{peer}"] = "no round in which both forwarded packets"
            else:
                ratios[f"{own}/{peer}"] = ratio
    first = next((series[name] for name in ours if name in series), None)
    if first is not None:
        figures = _headline(first) | figures
    return Result("media", machine, _versions(series), figures, ratios, missing)


def _headline(series: Series) -> dict[str, Figure]:
    """Our own figures under keys without a server's name."""
    mine = _figures("x", series)
    wanted = [f"{key}_{label}_us" for key in ("latency", "arrival") for label in ("p50", "p99")]
    wanted += ["loss", "memory_per_participant_kib", "srtp_profile"]
    plane = Figure(series.ready["plane"], "name")
    return {key: mine[f"x_{key}"] for key in wanted if f"x_{key}" in mine} | {"generator": plane}


def _figures(prefix: str, series: Series) -> dict[str, Figure]:
    slices = list(series.slices.values())
    cost = list(series.cost_us().values())
    found: dict[str, Figure] = {}
    if cost:
        found["us_per_forwarded_packet"] = Figure(round(median(cost), 2), "us")
        found["us_per_forwarded_packet_min"] = Figure(round(min(cost), 2), "us")
        found["us_per_forwarded_packet_max"] = Figure(round(max(cost), 2), "us")
    found["forwarded_per_s"] = Figure(round(median(s["window"]["received"] / s["seconds"] for s in slices)), "1/s")
    found["cpu_share"] = Figure(round(median(s["server_cpu_s"] / s["seconds"] for s in slices), 4), "share")
    for key, measured in (("latency", "histogram"), ("arrival", "arrivals")):
        histogram = [sum(counts) for counts in zip(*(s[measured] for s in slices), strict=True)]
        for label, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999)):
            latency = percentile_us(histogram, share)
            if latency is not None:
                found[f"{key}_{label}_us"] = Figure(latency, "us")
    found["loss"] = Figure(round(max(s["loss"] for s in slices), 6), "share")
    found["memory_per_participant_kib"] = Figure(round(slices[-1]["memory_per_participant_kib"]), "KiB")
    found["memory_kib"] = Figure(slices[-1]["memory_kib"], "KiB")
    found["join_all_s"] = Figure(round(series.ready["join_s"], 2), "s")
    found["srtp_profile"] = Figure(series.ready["srtp_profile"], "name")
    found["generator_cpu_share"] = Figure(
        round(median(s["generator_cpu_s"] / s["seconds"] for s in slices), 3), "share"
    )
    found["generator_late_frames"] = Figure(sum(s["window"]["late"] + s["window"]["unsent"] for s in slices), "count")
    return {f"{prefix}_{key}": figure for key, figure in found.items()}


def _versions(series: Mapping[str, Series]) -> dict[str, str]:
    versions = package_versions("laizuo", "aiortc", "aioice", "pylibsrtp", "uvloop")
    return versions | ({"janus": janus_version()} if any(name.startswith("janus") for name in series) else {})


def _line(name: str, series: Series, number: int) -> str:
    one = series.slices[number]
    cost = series.cost_us().get(number)
    return f"{name:10}  {'nothing forwarded' if cost is None else f'{cost:6.2f} us/packet'}  loss {one['loss']:.4%}"


def _start_all(
    options: argparse.Namespace, folder: Path, running: ExitStack, absent: dict[str, str]
) -> dict[str, Generator]:
    """One of ours must come up (the C path needs a compiler); what does not is named in `absent`."""
    generators: dict[str, Generator] = {}
    for name, start in [(name, OURS[name]) for name in options.ours] + [
        (name, PEERS[name]) for name in options.peer if name in PEERS
    ]:
        try:
            generators[name] = running.enter_context(_measured(name, start, folder, options))
        except BenchError as error:
            pairs = [(name, peer) for peer in options.peer] if name in OURS else [(own, name) for own in options.ours]
            absent.update({f"{own}/{peer}": str(error) for own, peer in pairs})
            say(f"{name}: {error}")
    if not any(name in generators for name in options.ours or PEERS):
        raise BenchError("nothing to measure")
    return generators


@contextmanager
def _measured(name: str, start: Starter, folder: Path, options: argparse.Namespace) -> Iterator[Generator]:
    """A running server with a generator that has joined everybody."""
    with start(name, folder / name) as server:
        try:
            with start_generator(server, options) as generator:
                yield generator
        except GeneratorFailed as error:
            log = (folder / name / "log").read_text(errors="replace")[-1500:]
            raise BenchError(f"{name}: {error}\n{log}") from error


@contextmanager
def start_generator(
    server: RunningServer, options: argparse.Namespace, more: Sequence[str] = ()
) -> Iterator[Generator]:
    """A load generator that has joined everybody. `more`: further words for its command line. Raises GeneratorFailed."""
    command = [sys.executable, "-m", "server.bench.loadgen.generator", "--server", server.place]
    command += ["--pid", str(server.pid), "--host", server.host, *more]
    for key in ("rooms", "members", "publishers", "profile", "plane"):
        command += [f"--{key}", str(getattr(options, key))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield Generator(process)
        finally:
            process.terminate()


class Generator:
    """The measuring end of one load generator process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.ready = self._answer("ready")

    def slice(self, seconds: float) -> Slice:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"slice {seconds}\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise GeneratorFailed("the load generator ended") from error
        return self._answer("slice")

    def _answer(self, key: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        message: dict[str, Any] = json.loads(line) if line else {"error": "the load generator ended without a word"}
        if "error" in message:
            raise GeneratorFailed(message["error"])
        answer: dict[str, Any] = message[key]
        return answer
