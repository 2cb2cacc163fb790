"""`python3 -m server test`: everything that CI checks, with what it needs brought along.

Format, lint and types are tests themselves (tests/test_source.py), so one closing line speaks for all of it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from server.testing import browsers

ROOT = Path(__file__).resolve().parent.parent.parent

# Cheap ones first: a typing mistake should not wait for the browsers. The source checks begin with the first test and are asked last.
QUICK = (
    "tests/test_architecture.py",
    "tests/test_packaging.py",
    "tests/test_docs.py",
    "tests/unit",
    "tests/property",
    "tests/test_source.py",
)
THE_REST = ("tests/integration", "tests/media", "tests/faults", "tests/bench", "tests/browser")


def main(argv: list[str]) -> int:
    """Run pytest in our place; returns only when something is missing."""
    options = _parser().parse_args(argv)
    if not options.quick:
        try:
            os.environ["CHROMIUM"] = str(browsers.find_chromium() or browsers.bring_chromium(ROOT / ".cache"))
        except browsers.NoBrowser as missing:
            print(f"laizuo: {missing}", file=sys.stderr)
            return 1
        if firefox := browsers.find_firefox():
            os.environ["FIREFOX"] = str(firefox)
        else:
            print(
                "Firefox was not found: the Firefox tests will not run (as root: apt-get install -y firefox-esr)",
                file=sys.stderr,
            )
    browsers.bring_compiler()
    os.chdir(ROOT)
    places = [place for place in (*QUICK, *(() if options.quick else THE_REST)) if Path(place).exists()]
    arguments = options.pytest or places
    if options.pytest and all(argument.startswith("-") for argument in options.pytest):
        arguments = [*options.pytest, *places]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m server test",
        description="Check everything: format, lint, types, architecture, unit, property, integration, media, faults, browsers.",
        epilog="What stands after -- goes to pytest: python3 -m server test -- tests/integration -k ticket",
    )
    parser.add_argument(
        "--quick", action="store_true", help="only what needs no database and no browser; under a minute"
    )
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    return parser
