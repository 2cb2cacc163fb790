"""`python3 -m server verify PACK`: checks an evidence pack and says in plain words what it found."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from media.record.layout import read_object
from media.record.packs.check import Report, check_pack
from media.record.packs.proving import Trust

# More than this helps nobody; the count stands above them.
SHOWN_DAMAGES = 50


def main(argv: list[str]) -> int:
    """Exit code 0: whole and unchanged. 1: changed, damaged or not readable."""
    parser = argparse.ArgumentParser(
        prog="python3 -m server verify",
        description="Check an evidence pack: every byte, the chain, the events, the films.",
    )
    parser.add_argument("pack", type=Path, help="the exported archive")
    parser.add_argument("--trust", type=Path, action="append", default=[], metavar="CERTIFICATE",
                        help="believe only signatures and time stamps of this authority (PEM); may be given again")  # fmt: skip
    parser.add_argument("--anchors", type=Path, action="append", default=[], metavar="FILE",
                        help="time stamps of the chain that were kept apart from the pack (one JSON object a line)")  # fmt: skip
    arguments = parser.parse_args(argv)
    path: Path = arguments.pack
    started = time.monotonic()
    try:
        report = check_pack(path, read_trust(arguments.trust, arguments.anchors))
    except OSError as error:
        sys.stdout.write(f"{Path(str(error.filename or path)).name} cannot be read: {error.strerror}\n")
        return 1
    except ValueError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    sys.stdout.write(render(path.name, report, time.monotonic() - started))
    return 0 if report.ok else 1


def read_trust(certificates: list[Path], anchors: list[Path]) -> Trust:
    """What the reader brings. Raises OSError, ValueError naming the file."""
    roots, kept = set(), []
    for path in certificates:
        try:
            found = x509.load_pem_x509_certificates(path.read_bytes())
        except ValueError:
            raise ValueError(f"{path.name} holds no certificate in PEM") from None
        roots |= {certificate.fingerprint(hashes.SHA256()).hex() for certificate in found}
    for path in anchors:
        try:
            kept += [read_object(line) for line in path.read_bytes().splitlines() if line]
        except ValueError:
            raise ValueError(f"{path.name} is not a list of anchors, one JSON object a line") from None
    return Trust(frozenset(roots), tuple(kept))


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
