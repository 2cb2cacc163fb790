"""`bench feeds`: conditional and full reads of one calendar, beside Radicale serving the same calendar in the same minutes.

Requests per second and *core*: the count divided by the CPU seconds of all of the server's processes (ours: the web process and PostgreSQL),
so that neither the client's share of the machine nor the number of cores matters. Rounds alternate between the servers. Then 1,000 reads a
second, open-loop and from a process of its own, while a coordinator publishes: each body must have its own tag, and no answer may be older
than a publish that was confirmed before it was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import urllib.request
from pathlib import Path
from statistics import median

from server.bench import BenchError, NotInstalled, say
from server.bench.core import Figure, Ratio, Result, paired_ratio, quantile
from server.bench.feedload.order import Order, Seen, carry_out
from server.bench.feedload.publisher import Published, publish_until
from server.bench.feedload.targets import Target, radicale, tree_of
from server.bench.machine import machine_facts, package_versions
from server.bench.options import at_least, seconds
from server.bench.product import RunningProduct, product

SITE = "rongchuan"  # the demo's largest roster
CONNECTIONS = 8
STEADY_CONNECTIONS = 64

Rates = dict[tuple[str, str], dict[int, float]]  # (kind of read, server) -> round -> reads per second and core


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=5, help="rounds of each kind of read, per server")
    parser.add_argument("--seconds", type=seconds, default=2.0, help="length of one round; the steady load takes three")
    parser.add_argument("--rate", type=at_least(1), default=1000, help="reads a second of the steady load")


def run(options: argparse.Namespace) -> Result:
    machine, versions = machine_facts(), package_versions("laizuo", "aiohttp", "radicale", "icalendar")
    absent: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder, product("--workers", "0") as running:
        ours = Target("ours", f"{running.url}/feeds/{SITE}.ics", (_product_pid(),))
        body = urllib.request.urlopen(ours.url, timeout=10).read()
        try:
            with radicale(Path(folder), body) as peer:
                rates = asyncio.run(measure([ours, peer], options.rounds, options.seconds))
        except NotInstalled as missing:
            absent["conditional/radicale"] = absent["full/radicale"] = str(missing)
            rates = asyncio.run(measure([ours], options.rounds, options.seconds))
        seen, published, used = asyncio.run(steady(ours, running, options.rate, options.seconds * 3))
    figures = {
        "calendar_kib": Figure(round(len(body) / 1024, 1), "KiB"),
        "events": Figure(body.count(b"BEGIN:VEVENT"), "count"),
        **{f"{kind}_{name}": Figure(round(median(v.values()), 1), "1/s") for (kind, name), v in rates.items()},
        **steady_figures(seen, published, used),
    }
    return Result("feeds", machine, versions, figures, _ratios(rates), absent)


def steady_figures(seen: Seen, published: Published, used: float) -> dict[str, Figure]:
    """What the steady load showed; `used` CPU seconds of the server."""
    return {
        "steady_p50_ms": Figure(round(quantile(seen.latencies_ms, 0.5), 2), "ms"),
        "steady_p99_ms": Figure(round(quantile(seen.latencies_ms, 0.99), 2), "ms"),
        "steady_per_s": Figure(round(seen.count / seen.took_s, 1), "1/s"),
        "steady_not_modified": Figure(round(seen.statuses.get("304", 0) / max(seen.count, 1), 3), "share"),
        "steady_cores": Figure(round(used / seen.took_s, 2), "count"),
        "readers_late_ms": Figure(round(seen.late_ms, 1), "ms"),
        "publishes": Figure(len(published.versions) - 1, "count"),
        "wrong_bodies": Figure(seen.wrong, "count"),
        "stale_answers": Figure(published.stale(seen.answers), "count"),
    }


def _ratios(rates: Rates) -> dict[str, Ratio]:
    found = {
        f"{kind}/radicale": paired_ratio(rates.get((kind, "ours"), {}), rates.get((kind, "radicale"), {}))
        for kind in ("conditional", "full")
    }
    return {name: ratio for name, ratio in found.items() if ratio is not None}


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


async def measure(targets: list[Target], rounds: int, length_s: float) -> Rates:
    """As many reads as a few connections can; the servers take turns within a round."""
    found: Rates = {}
    for number in range(rounds):
        for kind in ("conditional", "full"):
            for target in targets:
                before = target.cpu_s()
                seen = await carry_out(_order(target, length_s, kind))
                rate = seen.count / max(target.cpu_s() - before, 1e-6)
                found.setdefault((kind, target.name), {})[number] = rate
                say(f"round {number} {kind} {target.name}: {rate:.0f}/s and core {seen.statuses}")
    return found


def _order(target: Target, length_s: float, kind: str) -> Order:
    is_ours = target.name == "ours"
    return Order(
        target.url, length_s, CONNECTIONS, conditional=kind == "conditional", headers=target.headers, checks=is_ours
    )


async def steady(target: Target, running: RunningProduct, rate: int, length_s: float) -> tuple[Seen, Published, float]:
    """What the readers saw, what was published meanwhile, and the CPU seconds that the server used for both."""
    stop = asyncio.Event()
    publishing = asyncio.create_task(publish_until(running, SITE, stop))
    before = target.cpu_s()
    try:
        seen = await carry_out(Order(target.url, length_s, STEADY_CONNECTIONS, rate=rate))
    finally:
        stop.set()
    used = target.cpu_s() - before
    return seen, await publishing, used
