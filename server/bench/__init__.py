"""`python3 -m server bench NAME`: what the product costs, beside the best others where they are installed.

What is printed: FIGURES.md. Each benchmark is one module (class Bench below); the table is the whole registry. Further ones
(record, roster, feeds, queue, network, workers, fuzz) come with the features they measure: one line here, one module beside.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol

from server.bench.core import Result, to_json, to_table

BENCHES = {
    "media": "server CPU per forwarded packet, latency, loss and memory of one media worker, beside Janus",
    "roster": "a year of rosters of a city: planned, planned again after one leave, against the bound of the solver",
    "record": "what recording costs beside forwarding alone, and how fast journals are checked and become films",
    "tamper": "damage of every kind done to an evidence pack: how much of it is found, and where",
    "feeds": "conditional and full reads of a calendar per second and core, beside Radicale",
    "join": "time from pressing the button to the first picture of the other person",
    "queue": "tickets a second that call next hands out, beside a plain SKIP LOCKED query",
    "network": "what two people in Chromium see and hear of each other while one is behind a bad line",
    "workers": "200 people who come within ten seconds, and what a killed worker costs those who were there",
    "attacks": "what two people who talk notice while strangers and members attack their worker, and what comes back to them",
    "fuzz": "hostile bytes against every parser that the network reaches: inputs tried and crashes found",
}


MODULES = {"queue": "hall_queue"}  # where the name of the benchmark is one of the standard library's modules


class Bench(Protocol):
    """What a module in this folder offers."""

    def add_options(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> Result:
        """Measures. Raises BenchError with a sentence for the operator when not even our own figures can be had."""


class BenchError(Exception):
    """The benchmark could not be run; the message says why and what to do."""


class NotInstalled(BenchError):
    """Something to measure with or against is not on this machine; the message names the line that installs it."""


class _UsageError(Exception):
    """The command line was wrong."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{self.format_usage()}{self.prog}: {message}")


def main(argv: Sequence[str]) -> int:
    """Run one benchmark.

    argv     the words after `bench`.
    Returns  0 when our own figures were measured (absent peers are named in the result), 1 when not, 2 for a wrong command line.
    """
    try:
        options = _parser(argv).parse_args(argv)
        result = _load(options.bench).run(options)
    except _UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(to_json(result) if options.json else to_table(result), flush=True)
    return 0


def say(line: str) -> None:
    """Progress: on standard error, so that standard output holds the result alone."""
    print(line, file=sys.stderr, flush=True)


def _parser(argv: Sequence[str]) -> _Parser:
    parser = _Parser(prog="python3 -m server bench", description="Measure the product on this machine.")
    names = parser.add_subparsers(dest="bench", metavar="NAME", required=True)
    for name, purpose in BENCHES.items():
        one = names.add_parser(name, help=purpose, description=f"Measures {purpose}.")
        one.add_argument("--json", action="store_true", help="print one line of JSON instead of a table")
        if name in argv:
            _load(name).add_options(one)
    return parser


def _load(name: str) -> Bench:
    module: Bench = importlib.import_module(f"server.bench.{MODULES.get(name, name)}")
    return module
