"""`python3 -m server verify PACK`: checks an evidence pack and says in plain words what it found."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from media.record.packs.check import Report, check_pack

# More than this helps nobody; the count stands above them.
SHOWN_DAMAGES = 50


def main(argv: list[str]) -> int:
    """Exit code 0: whole and unchanged. 1: changed, damaged or not readable."""
    parser = argparse.ArgumentParser(
        prog="python3 -m server verify",
        description="Check an evidence pack: every byte, the chain, the events, the films.",
    )
    parser.add_argument("pack", type=Path, help="the exported archive")
    path: Path = parser.parse_args(argv).pack
    started = time.monotonic()
    try:
        report = check_pack(path)
    except OSError as error:
        sys.stdout.write(f"{path.name} cannot be read: {error.strerror}\n")
        return 1
    sys.stdout.write(render(path.name, report, time.monotonic() - started))
    return 0 if report.ok else 1


def render(name: str, report: Report, seconds: float) -> str:
    """The report as text. Source of every line: media/EVIDENCE.md, section 10."""
    lines = [
        f"{name}: whole and unchanged" if report.ok else f"{name}: CHANGED OR DAMAGED, {len(report.damages)} findings"
    ]
    lines += [f"  {damage}" for damage in report.damages[:SHOWN_DAMAGES]]
    lines += [f"  ... and {len(report.damages) - SHOWN_DAMAGES} more"] if len(report.damages) > SHOWN_DAMAGES else []
    lines += [f"  note: {note}" for note in report.notes]
    lines += [f"  {fact}" for fact in report.facts]
    lines += [f"  {report.bytes_checked / 1e6:.1f} MB checked in {seconds:.2f} s"]
    return "\n".join(lines) + "\n"
