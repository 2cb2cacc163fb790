"""`python3 -m server test`: everything that CI checks, with what it needs brought along.

Format, lint and types are tests themselves (tests/test_source.py), so one closing line speaks for all of it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from server.testing import browsers, tools

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
    os.chdir(ROOT)
    places = [place for place in (*QUICK, *(() if options.quick else THE_REST)) if Path(place).exists()]
    named = [path for word in options.pytest if (path := named_test(word))]
    selected = named or [ROOT / place for place in places]
    if any(path == ROOT / "tests" or path.is_relative_to(ROOT / rest) for path in selected for rest in THE_REST):
        try:
            os.environ["CHROMIUM"] = str(browsers.find_chromium() or browsers.bring_chromium(ROOT / ".cache"))
        except browsers.NoBrowser as missing:
            print(f"laizuo: {missing}", file=sys.stderr)
            return 1
    tools.bring(tools.lacking(selected, ROOT))
    arguments = options.pytest if named else [*options.pytest, *places]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])


def named_test(word: str) -> Path | None:
    """The folder or file of tests that a word of pytest's command line names: `tests/unit`, `tests/unit/test_x.py::test_y`."""
    path = (ROOT / word.partition("::")[0]).resolve()
    return path if path.is_relative_to(ROOT / "tests") and path.exists() else None


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
