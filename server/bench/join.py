"""`bench join`: how long a person waits between the press of a button and the other's picture.

Two levels: the media worker alone (join_worker.py), and the running product with real browsers (join_browser.py). The second is what the
targets speak of; where no browser is found the first is still measured and the absence says how to get one.
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
from server.bench.options import at_least
from server.bench.product import product

JOIN_KEYS = BOTH, STAFF, CITIZEN, WORKER = ("join_ms", "join_staff_ms", "join_citizen_ms", "worker_join_ms")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=20, help="joins measured at each level")


def run(options: argparse.Namespace) -> Result:
    machine = machine_facts()
    absent: dict[str, str] = {}
    versions = package_versions("laizuo", "aiortc", "playwright")
    with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder:
        figures = spread(WORKER, measure_worker_joins(Path(folder), options.rounds))
    say(f"the media worker alone: {figures[WORKER].value} ms")
    try:
        versions["chromium"], shown = _with_browsers(options.rounds)
    except NotInstalled as missing:
        absent[BOTH] = str(missing)
    else:
        figures = shown | figures
    return Result("join", machine, versions, figures, {}, absent)


def _with_browsers(rounds: int) -> tuple[str, dict[str, Figure]]:
    """Version of the browser and the figures of the product. Raises NotInstalled, BenchError."""
    try:
        browser = importlib.import_module("server.bench.join_browser")
    except ModuleNotFoundError as error:
        raise NotInstalled("playwright is not installed: pip install playwright") from error
    with product() as running:
        version, joins = browser.measure_joins(running, rounds)
    figures = spread(BOTH, [join.both_ms for join in joins])
    figures |= spread(STAFF, [join.staff_ms for join in joins])
    return version, figures | spread(CITIZEN, [join.citizen_ms for join in joins])


def spread(key: str, values_ms: Sequence[float]) -> dict[str, Figure]:
    """Median under the key itself, then the 90th percentile and the worst."""
    found = {key: median(values_ms), f"{key}_p90": quantile(values_ms, 0.9), f"{key}_max": max(values_ms)}
    return {name: Figure(round(value, 1), "ms") for name, value in found.items()} | {
        f"{key}_rounds": Figure(len(values_ms), "count")
    }
