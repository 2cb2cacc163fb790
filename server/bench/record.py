"""`bench record`: what recording costs the media worker, and how fast its journals are checked and made into films.

1. Two workers of this checkout, the same path, all rooms joined: one records every room, one records none. In each round both are put
   under the same load one after the other, in an order drawn anew; the ratio is CPU per forwarded packet inside the round.
2. A journal on an invented clock is checked on one core, hashes, chain, keys, records and ledger: `verify_mb_per_s`.
3. A session of real pictures and voice becomes films: `film_copy_x` (nothing is encoded) and `film_composed_x` (720p), each session
   seconds per second.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from media.record.film import make_films
from media.record.films.spec import Spec
from media.record.packs.check import JournalCheck, Report
from media.record.reader import SessionKeys, load_segments
from server.bench import BenchError, say
from server.bench.core import Figure, Ratio, Result, paired_ratio
from server.bench.loadgen.peer import PROFILES
from server.bench.machine import machine_facts, package_versions
from server.bench.media import OURS, Generator, GeneratorFailed, Series, start_generator
from server.bench.options import at_least, names_of, seconds
from server.bench.sample_pack import KEY, write_journal
from server.bench.sample_session import write_session

FORWARD, RECORD = "forward", "record"
PROFILE = "gcm128"
assert PROFILE in PROFILES


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ours", default="native", type=names_of(OURS), help="packet path (default: native)")
    parser.add_argument("--rooms", type=at_least(1), default=10)
    parser.add_argument("--members", type=at_least(2), default=3, help="participants per room")
    parser.add_argument("--rounds", type=at_least(1), default=5)
    parser.add_argument("--slice", type=seconds, default=2.0, metavar="SECONDS", help="load on one worker per round")
    parser.add_argument("--journal-s", type=at_least(1), default=600, help="length of the journal that is checked")
    parser.add_argument(
        "--session-s", type=at_least(2), default=60, help="length of the session that films are made of"
    )
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> Result:
    machine = machine_facts()
    figures: dict[str, Figure] = {}
    ratios: dict[str, Ratio] = {}
    with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as name:
        folder = Path(name)
        path = options.ours[0]
        series, written = _under_load(options, path, folder)
        for which, one in series.items():
            cost = one.cost_us()
            if not cost:
                raise BenchError(f"{which}: nothing was forwarded")
            figures[f"{which}_us_per_forwarded_packet"] = Figure(round(median(cost.values()), 2), "us")
            figures[f"{which}_loss"] = Figure(round(max(s["loss"] for s in one.slices.values()), 6), "share")
        ratio = paired_ratio(series[RECORD].cost_us(), series[FORWARD].cost_us())
        if ratio is not None:
            ratios[f"{RECORD}/{FORWARD}"] = ratio
        figures["path"] = Figure(path, "name")
        figures["journal_mb_per_s"] = Figure(round(written, 2), "MB/s")
        figures |= _checking(options, folder)
        figures |= _films(options, folder)
    return Result("record", machine, package_versions("laizuo", "av", "cryptography"), figures, ratios)


# ---------------------------------------------------------------- recording


def _under_load(options: argparse.Namespace, path: str, folder: Path) -> tuple[dict[str, Series], float]:
    """What was measured of both workers, and megabytes of journal per second of load."""
    order = random.Random(options.seed)
    rates = []
    with ExitStack() as running:
        generators = {
            which: running.enter_context(_measured(which, path, folder / which, options)) for which in (FORWARD, RECORD)
        }
        series = {which: Series(generator.ready) for which, generator in generators.items()}
        for number in range(options.rounds):
            for which in order.sample(sorted(generators), len(generators)):
                before, began = _bytes_in(folder / which), time.monotonic()
                one = series[which].slices[number] = generators[which].slice(options.slice)
                if which == RECORD:
                    rates.append((_bytes_in(folder / which) - before) / (time.monotonic() - began) / 1e6)
                cost = series[which].cost_us().get(number, 0.0)
                say(f"round {number + 1}/{options.rounds}  {which:8} {cost:6.2f} us/packet  loss {one['loss']:.4%}")
    return series, median(rates)


@contextmanager
def _measured(which: str, path: str, folder: Path, options: argparse.Namespace) -> Iterator[Generator]:
    with OURS[path](which, folder) as server:
        journals = ["--journals", str(folder / "journals")] if which == RECORD else []
        options.publishers, options.profile, options.plane = 0, PROFILE, "auto"
        try:
            with start_generator(server, options, journals) as generator:
                yield generator
        except GeneratorFailed as error:
            log = (folder / "log").read_text(errors="replace")[-1500:]
            raise BenchError(f"{which}: {error}\n{log}") from error


def _bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("journals/*/*.lzj"))


# ---------------------------------------------------------------- checking and films


def _checking(options: argparse.Namespace, folder: Path) -> dict[str, Figure]:
    """One pass over a whole journal as `verify` makes it."""
    write_journal(folder / "checked", options.journal_s, face_bytes=1100, face_every=15)
    segments = load_segments([folder / "checked"])
    size = sum(len(segment.data) for segment in segments)
    report = Report()
    took_s = _cpu_of(lambda: JournalCheck(report, SessionKeys(KEY)).run(segments))
    if report.damages:
        raise BenchError(f"the journal does not verify: {report.damages[0]}")
    say(f"verify {size / 1e6:.1f} MB in {took_s:.2f} s")
    return {
        "verify_mb_per_s": Figure(round(size / 1e6 / took_s, 1), "MB/s"),
        "verified_mb": Figure(round(size / 1e6, 1), "MB"),
    }


def _films(options: argparse.Namespace, folder: Path) -> dict[str, Figure]:
    write_session(folder / "session", options.session_s)
    found = {}
    for key, kind in (("film_copy_x", "person"), ("film_composed_x", "composed")):
        spec = Spec((folder / "session",), KEY, folder / kind, kinds=(kind,))
        began = time.monotonic()
        make_films(spec, lambda *_: None)
        took_s = time.monotonic() - began
        say(f"{kind} film of {options.session_s} s in {took_s:.2f} s")
        found[key] = Figure(round(options.session_s / took_s, 1), "x")
    return found


def _cpu_of(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
