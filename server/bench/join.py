"""`bench join`: how long a person waits between the press of a button and the other's picture.

Two levels: the media worker alone (join_worker.py), and the running product with real browsers (join_browser.py). The second is what the
targets speak of; where no browser is found the first is still measured and the absence says how to get one. With browsers it is measured on
loopback, and with one of the two behind a line with a round trip of 200 ms that loses 2 % each way: pages and sockets through netline/wire.py,
media through netline/relay.py.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from server.bench import NotInstalled, say
from server.bench.core import Figure, Result, quantile
from server.bench.join_worker import measure_worker_joins
from server.bench.machine import machine_facts, package_versions
from server.bench.options import at_least, names_of
from server.bench.product import product
from server.bench.servers import free_udp_port

JOIN_KEYS = BOTH, STAFF, CITIZEN, WORKER = ("join_ms", "join_staff_ms", "join_citizen_ms", "worker_join_ms")
# Whose page is behind the line; the name stands before the keys.
BEHIND: dict[str, str | None] = {"loopback": None, "far_citizen": "citizen", "far_staff": "staff"}
MEDIA_HOST = "127.0.0.1"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=20, help="joins measured at each level, and on each line")
    parser.add_argument(
        "--lines", type=names_of(BEHIND), default=list(BEHIND), help=f"by comma, of {', '.join(BEHIND)}"
    )
    parser.add_argument("--seed", type=at_least(0), default=1, help="of the chance in the line")


def run(options: argparse.Namespace) -> Result:
    machine = machine_facts()
    absent: dict[str, str] = {}
    versions = package_versions("laizuo", "aiortc", "playwright")
    with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder:
        figures = spread(WORKER, measure_worker_joins(Path(folder), options.rounds))
    say(f"the media worker alone: {figures[WORKER].value} ms")
    try:
        versions["chromium"], shown = _with_browsers(options)
    except NotInstalled as missing:
        absent[BOTH] = str(missing)
    else:
        figures = shown | figures
    return Result("join", machine, versions, figures, {}, absent)


def _with_browsers(options: argparse.Namespace) -> tuple[str, dict[str, Figure]]:
    """Version of the browser and the figures of the product. Raises NotInstalled, BenchError."""
    try:
        browser = importlib.import_module("server.bench.join_browser")
    except ModuleNotFoundError as error:
        raise NotInstalled("playwright is not installed: pip install playwright") from error
    media = (MEDIA_HOST, free_udp_port())
    figures: dict[str, Figure] = {}
    version = ""
    at = {"LAIZUO_MEDIA_HOST": MEDIA_HOST, "LAIZUO_MEDIA_PORT": str(media[1]), "LAIZUO_MEDIA_TCP": "off"}
    with product(environment=at) as running:
        for name in options.lines:
            say(f"{name}:")
            behind = browser.Behind(BEHIND[name], media, options.seed)
            version, joins = browser.measure_joins(running, options.rounds, behind)
            before = f"{name}_" if BEHIND[name] else ""
            figures |= spread(before + BOTH, [join.both_ms for join in joins])
            figures |= spread(before + STAFF, [join.staff_ms for join in joins])
            figures |= spread(before + CITIZEN, [join.citizen_ms for join in joins])
    return version, figures


def spread(key: str, values_ms: Sequence[float]) -> dict[str, Figure]:
    """Median under the key itself, then the 90th percentile and the worst."""
    found = {key: median(values_ms), f"{key}_p90": quantile(values_ms, 0.9), f"{key}_max": max(values_ms)}
    return {name: Figure(round(value, 1), "ms") for name, value in found.items()} | {
        f"{key}_rounds": Figure(len(values_ms), "count")
    }
