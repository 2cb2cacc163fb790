"""Whether the signature and the time stamps of a pack hold, and what they say of its journals (EVIDENCE.md, section 10)."""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pyhanko.pdf_utils.reader import PdfFileReader

from media.record.packs.proofs import (
    CLOCKS_APART,
    BadProof,
    Signer,
    Stamp,
    manifest_imprint,
    read_signature,
    read_stamp,
)
from media.record.reader import Damage

SIGNATURE = "signatures/manifest.p7s"
MANIFEST_STAMP = "timestamps/manifest.tst"
ANCHORS, LATE_ANCHORS = "anchors.json", "timestamps/late.json"
# While a session is live its head is stamped at least every minute; an authority that answers late is told of beyond this.
ANCHOR_EVERY = timedelta(seconds=60)
_LATE = timedelta(seconds=120)


class Findings(Protocol):
    """What a check writes down (media/record/packs/check.py Report)."""

    damages: list[Damage]
    notes: list[str]
    facts: list[str]


@dataclass(frozen=True, slots=True)
class Walked:
    """What was found in one journal: the head after each block with the block's wall clock, and where its seconds begin."""

    heads: Mapping[int, tuple[str, int]]
    start_us: int

    def second(self, wall_us: int) -> float:
        return max(0.0, (wall_us - self.start_us) / 1e6)


@dataclass(frozen=True, slots=True)
class Trust:
    """What the reader knows from elsewhere: fingerprints of authorities, and anchors that somebody kept apart from the pack."""

    roots: frozenset[str] = frozenset()
    kept_anchors: tuple[dict[str, Any], ...] = ()


NO_TRUST = Trust()


class Proofs:
    """One check of everything that is signed or stamped."""

    def __init__(self, findings: Findings, trust: Trust) -> None:
        self._findings = findings
        self._trust = trust
        self._told: set[str] = set()

    def check_signature(self, said: Any, signature: bytes | None, digest_member: bytes) -> None:
        """said: the manifest's member `signed`, the fingerprint of the certificate that it was to be signed with, or null."""
        if signature is None:
            if said is not None:
                self._damage(SIGNATURE, "is missing; the manifest says that it is signed")
            else:
                self._findings.notes.append("nobody signed this pack: it shows that nothing changed, not who made it")
            return
        try:
            signer = read_signature(signature, digest_member)
        except BadProof as problem:
            self._damage(SIGNATURE, str(problem))
            return
        if signer.fingerprint != said:
            self._damage(SIGNATURE, "is by another certificate than the manifest says")
        self._tell(SIGNATURE, "signed by", signer)

    def check_manifest_stamp(self, token: bytes | None, digest_member: bytes) -> None:
        if token is None:
            self._findings.notes.append(
                "the whole pack carries no time stamp: no authority could be reached when it was made"
            )
            return
        stamp = self._stamp(MANIFEST_STAMP, token)
        if stamp is None:
            return
        if stamp.imprint != manifest_imprint(digest_member):
            self._damage(MANIFEST_STAMP, "is a time stamp of something else")
        else:
            self._findings.facts.append(
                f"complete in this form at {_instant(stamp.at)} by the clock of {stamp.signer.name}"
            )

    def check_anchors(
        self, entries: list[dict[str, Any]], journals: Mapping[str, Walked], where: str
    ) -> list[tuple[str, int]]:
        """Each entry against the chain. Returns (room, block) of those that hold."""
        held: list[tuple[str, int]] = []
        for entry in entries:
            try:
                room, block, token = (
                    str(entry["room"]),
                    int(entry["block"]),
                    base64.b64decode(entry["token"], validate=True),
                )
            except (KeyError, TypeError, ValueError):
                self._damage(where, "an anchor is not readable")
                continue
            stamp = self._stamp(where, token)
            if stamp is not None and room in journals and self._check_anchor(where, room, block, stamp, journals[room]):
                held.append((room, block))
        return held

    def _check_anchor(self, where: str, room: str, block: int, stamp: Stamp, walked: Walked) -> bool:
        place, at = f"journal/{room}", _instant(stamp.at)
        found = walked.heads.get(block)
        if found is None:
            self._damage(place, f"block {block} is not there; its head was stamped at {at}", block)
            return False
        head, wall_us = found
        second = walked.second(wall_us)
        if head != stamp.imprint.hex():
            what = (
                f"has another head than the one that {stamp.signer.name} stamped at {at}: it was rewritten after that"
            )
            self._damage(place, what, block, second)
            return False
        written = datetime.fromtimestamp(wall_us / 1e6, UTC)
        if written - stamp.at > CLOCKS_APART:
            self._damage(
                place, f"says it was written at {_instant(written)}, but was stamped at {at} already", block, second
            )
            return False
        if stamp.at - written > _LATE:
            self._findings.notes.append(
                f"{where}: block {block} of room {room} (second {second:.0f}) was stamped only at {at}, "
                f"{(stamp.at - written).total_seconds():.0f} s after it was written"
            )
        return True

    def check_cover(self, room: str, walked: Walked, blocks: list[int]) -> None:
        """Says which part of a journal hangs on no time stamp of its minute."""
        times = [walked.heads[block][1] for block in sorted({*blocks})]
        last_us = max((wall_us for _, wall_us in walked.heads.values()), default=walked.start_us)
        edges = [walked.start_us, *times, last_us]
        # A head is taken some seconds after the last one, and settles for two: half a minute on top is no gap.
        longest = (ANCHOR_EVERY * 1.5).total_seconds() * 1e6
        for before, after in itertools.pairwise(edges):
            if after - before > longest:
                self._findings.notes.append(
                    f"room {room}: no time stamp between second {walked.second(before):.0f} and second {walked.second(after):.0f}"
                )
        if blocks:
            self._findings.facts.append(
                f"room {room}: {len(set(blocks))} heads stamped while it was live or at its end"
            )

    def check_report(self, name: str, content: bytes, digest: str | None) -> None:
        """A PDF's own signature: it covers the whole file and is by the certificate that signs the pack."""
        try:
            embedded = PdfFileReader(io.BytesIO(content)).embedded_signatures
            if len(embedded) != 1:
                self._damage(name, f"carries {len(embedded)} signatures, expected one")
                return
            start, length, behind, rest = (int(value) for value in embedded[0].byte_range)
            if start != 0 or behind + rest != len(content) or behind < length:
                self._damage(name, "its signature does not cover the whole file")
                return
            signed = content[:length] + content[behind:]
            signer = read_signature(bytes(embedded[0].pkcs7_content), signed, padded=True)
        except BadProof as problem:
            self._damage(name, f"its signature {problem}")
        except Exception as error:  # a PDF parser raises whatever hostile bytes make it; all of it means the same
            self._damage(name, f"is not a readable signed PDF ({type(error).__name__})")
        else:
            if signer.fingerprint != digest:
                self._damage(name, "is signed with another certificate than the pack")

    def _stamp(self, where: str, token: bytes) -> Stamp | None:
        try:
            stamp = read_stamp(token)
        except BadProof as problem:
            self._damage(where, str(problem))
            return None
        self._tell(where, "time stamps by", stamp.signer)
        return stamp

    def _tell(self, where: str, words: str, signer: Signer) -> None:
        """Once for each signer: who, and whether the reader believes the authority behind."""
        if signer.fingerprint in self._told:
            return
        self._told.add(signer.fingerprint)
        self._findings.facts.append(f"{words} {signer.name}, certificate {signer.fingerprint}, authority {signer.root}")
        if self._trust.roots and signer.root not in self._trust.roots and signer.fingerprint not in self._trust.roots:
            self._damage(where, f"is by {signer.name}, whose authority {signer.root} is not among those you trust")

    def _damage(self, file: str, what: str, block: int | None = None, second: float | None = None) -> None:
        self._findings.damages.append(Damage(file, block, second, what))


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
