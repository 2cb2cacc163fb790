"""`python3 -m server admin verify-access`: are the access journals what the outside stamps say they were? (media/EVIDENCE.md, The access journal)

Reads the entries in the database, and every stamp that it finds: in the database, beside the journals, in the folder that others keep, and where
the operator points. Stamps that were kept by others are what finds somebody who rewrote everything here.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from media.record.packs.proofs import CLOCKS_APART, BadProof, read_stamp
from server.db.statements import load_statements
from server.viewings import core
from server.viewings.core import Entry, StampedHead

if TYPE_CHECKING:
    from collections.abc import Iterable

    from server.db import Connection

_SQL = load_statements(__package__)
KEPT = ".access.jsonl"


@dataclass(slots=True)
class Checked:
    """What was found: damages and notes in words, and how much was looked at."""

    damages: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    journals: int = 0
    entries: int = 0
    stamps: int = 0


async def verify_accesses(
    conn: Connection, folders: Iterable[Path], certificates: Iterable[Path] = (), only: str | None = None
) -> Checked:
    """Check all access journals, or that of one session.

    folders       with files SESSION.access.jsonl; one that is not there is noted
    certificates  authorities to believe (PEM); none: every stamp that holds in itself
    Raises        OSError, ValueError for a certificate that cannot be read
    """
    checked, roots = Checked(), frozenset().union(*map(_fingerprints, certificates))
    journals: dict[str, list[Entry]] = defaultdict(list)
    for row in await conn.fetch(_SQL["accesses"]):
        journals[row["session"]].append(Entry(row["line"], row["head"]))
    stamps: dict[str, list[StampedHead]] = defaultdict(list)
    for row in await conn.fetch(_SQL["access_stamps"]):
        _take(checked, stamps, row["session"], row["block"], row["token"], "the database", roots)
    for folder in folders:
        _take_folder(checked, stamps, folder, roots)
    for session in sorted(journals.keys() | stamps.keys()):
        if only in (None, session):
            _check(checked, session, journals[session], stamps[session])
    return checked


def _check(checked: Checked, session: str, entries: list[Entry], stamps: list[StampedHead]) -> None:
    checked.journals += 1
    checked.entries += len(entries)
    checked.stamps += len(stamps)
    for wrong in core.all_wrong(session, entries, stamps, CLOCKS_APART):
        at = f", {wrong.at:%Y-%m-%d %H:%M:%S} UTC" if wrong.at else ""
        checked.damages.append(f"session {session}, entry {wrong.entry}{at}: {wrong.what}")
    last = max((stamp.entry for stamp in stamps), default=-1)
    if last < len(entries) - 1:
        checked.notes.append(f"session {session}: entries from {last + 1} on are held by no stamp yet")


def _take_folder(checked: Checked, stamps: dict[str, list[StampedHead]], folder: Path, roots: frozenset[str]) -> None:
    if not folder.is_dir():
        checked.notes.append(f"{folder}: there is no such folder of stamps")
        return
    for path in sorted(folder.glob(f"*{KEPT}")):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                told = json.loads(line)
                session, entry, token = str(told["session"]), int(told["entry"]), base64.b64decode(told["token"])
            except (ValueError, KeyError, TypeError):
                checked.damages.append(f"{path}, line {number}: is no kept stamp")
                continue
            _take(checked, stamps, session, entry, token, str(path), roots)


def _take(
    checked: Checked, stamps: dict[str, list[StampedHead]], session: str, entry: int, token: bytes, source: str, roots: frozenset[str]
) -> None:  # fmt: skip
    """What the token says, if it holds and comes from an authority that is believed."""
    try:
        stamp = read_stamp(token)
    except BadProof as bad:
        checked.damages.append(f"session {session}, entry {entry}: its stamp in {source} {bad}")
        return
    if roots and stamp.signer.root not in roots:
        checked.damages.append(
            f"session {session}, entry {entry}: its stamp in {source} is by {stamp.signer.name}, whom you do not trust"
        )
        return
    stamps[session].append(StampedHead(entry, stamp.imprint.hex(), stamp.at, stamp.signer.name, source))


def _fingerprints(path: Path) -> frozenset[str]:
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError:
        raise ValueError(f"{path.name} holds no certificate in PEM") from None
    return frozenset(certificate.fingerprint(hashes.SHA256()).hex() for certificate in found)


def render(checked: Checked) -> str:
    """The result as text."""
    whole = "follow, and are what was stamped"
    lines = [f"access journals: {f'CHANGED, {len(checked.damages)} findings' if checked.damages else whole}"]
    lines += [f"  {damage}" for damage in checked.damages]
    lines += [f"  note: {note}" for note in checked.notes]
    lines += [f"  {checked.journals} journals, {checked.entries} entries, {checked.stamps} stamps"]
    return "\n".join(lines) + "\n"
