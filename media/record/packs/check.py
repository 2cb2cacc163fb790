"""Checks an evidence pack and says in plain words what is wrong (EVIDENCE.md, section 10)."""

from __future__ import annotations

import json
import mmap
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from media.record.chain import sha256, sm3
from media.record.layout import BadLayout, canonical
from media.record.ledger import LedgerCheck
from media.record.packs.archive import Member, content, crc_matches, read_members
from media.record.packs.proving import ANCHORS, LATE_ANCHORS, MANIFEST_STAMP, NO_TRUST, SIGNATURE, Proofs, Trust, Walked
from media.record.packs.write import EVENTS, FILMS, KEYS, MANIFEST, MANIFEST_DIGEST, PACK_FORMAT, SIGNATURES, TIMESTAMPS
from media.record.reader import (
    BlockSeen,
    Damage,
    KeySource,
    Note,
    Segment,
    SessionKeys,
    examine,
    open_chunk,
    read_events,
)


@dataclass(slots=True)
class Report:
    """What a check found. `ok` only when nothing is damaged; notes are unusual but explained."""

    damages: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    bytes_checked: int = 0

    @property
    def ok(self) -> bool:
        return not self.damages

    def damage(self, file: str, what: str) -> None:
        self.damages.append(Damage(file, None, None, what))


class ReleasedKeys:
    """Chunk keys that a redacted pack gives out; the others are withheld."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self._keys = {(int(entry["block"]), int(entry["chunk"])): bytes.fromhex(entry["key"]) for entry in entries}

    def chunk_key(self, segment: Segment, block: int, chunk: int) -> bytes | None:
        return self._keys.get((block, chunk))


class _NoKeys:
    def chunk_key(self, segment: Segment, block: int, chunk: int) -> bytes | None:
        return None


def check_pack(path: Path, trust: Trust = NO_TRUST) -> Report:
    """Check every byte of the pack. Raises OSError when it cannot be read at all."""
    size = path.stat().st_size
    if size == 0:
        report = Report()
        report.damage(path.name, "the file is empty")
        return report
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return check_bytes(memoryview(mapped), trust)


def check_bytes(data: memoryview, trust: Trust = NO_TRUST) -> Report:
    """As check_pack, for a pack in memory."""
    check = _Check(data, trust)
    check.run()
    return check.report


class _Check:
    """One check of one pack. Each step reports and goes on; a step whose ground is missing is left out."""

    def __init__(self, data: memoryview, trust: Trust) -> None:
        self.report = Report(bytes_checked=len(data))
        self._data = data
        self._trust = trust
        self._walked: dict[str, Walked] = {}
        self._members: dict[str, Member] = {}
        self._withheld_events = False

    def run(self) -> None:
        members, problem = read_members(self._data)
        if problem:
            self.report.damage("the archive", problem)
        self._members = {member.name: member for member in members}
        if len(self._members) != len(members):
            self.report.damage("the archive", "a member is there twice")
        manifest = self._manifest()
        if manifest is None:
            return
        self._check_members(manifest)
        keys = self._keys()
        events = [self._check_journal(entry, keys) for entry in _objects(manifest, "journals")]
        if events != self._json(EVENTS):
            self.report.damage(EVENTS, "is not what the journal says")
        self._check_films()
        self._check_proofs(manifest)

    def _check_proofs(self, manifest: dict[str, Any]) -> None:
        proofs = Proofs(self.report, self._trust)
        digest_member, signed = bytes(self._content(MANIFEST_DIGEST) or b""), manifest.get("signed")
        proofs.check_signature(signed, _bytes(self._content(SIGNATURE)), digest_member)
        proofs.check_manifest_stamp(_bytes(self._content(MANIFEST_STAMP)), digest_member)
        held: list[tuple[str, int]] = []
        for name in (ANCHORS, LATE_ANCHORS):
            if name in self._members:
                held += proofs.check_anchors(_list_of_objects(self._json(name)), self._walked, name)
        proofs.check_anchors(list(self._trust.kept_anchors), self._walked, "the anchors kept apart")
        for room, walked in self._walked.items() if ANCHORS in self._members else ():
            proofs.check_cover(room, walked, [block for in_room, block in held if in_room == room])
        for name in sorted(self._members):
            if name.startswith("report.") and name.endswith(".pdf"):
                proofs.check_report(name, bytes(self._content(name) or b""), signed)

    def _content(self, name: str) -> memoryview | None:
        member = self._members.get(name)
        return None if member is None else content(self._data, member)

    def _json(self, name: str) -> Any:
        data = self._content(name)
        if data is None:
            self.report.damage(name, "is missing")
            return None
        try:
            return json.loads(bytes(data))
        except (ValueError, RecursionError):
            self.report.damage(name, "is not readable JSON")
            return None

    def _manifest(self) -> dict[str, Any] | None:
        manifest, stated = self._json(MANIFEST), self._json(MANIFEST_DIGEST)
        data = self._content(MANIFEST)
        if not isinstance(manifest, dict) or data is None:
            return None
        digest = {"path": MANIFEST, "bytes": len(data), "sha256": sha256(data).hex(), "sm3": sm3(data).hex()}
        if bytes(self._content(MANIFEST_DIGEST) or b"") != canonical(digest) + b"\n" or stated != digest:
            self.report.damage(MANIFEST, "does not have the digest that manifest.digest says")
        if manifest.get("laizuo") != "pack" or manifest.get("format") != PACK_FORMAT:
            self.report.damage(MANIFEST, f"is not of a pack of format {PACK_FORMAT}")
            return None
        self.report.facts.append(f"made at {manifest.get('made_at')}")
        facts = manifest.get("facts")
        for zone in _objects(facts, "hidden") if isinstance(facts, dict) else []:
            self.report.facts.append(_hidden(zone))
        return manifest

    def _check_members(self, manifest: dict[str, Any]) -> None:
        listed = _objects(manifest, "members")
        for entry in listed:
            self._check_member(entry)
        known = {_name(entry.get("path")) for entry in listed} | {MANIFEST, MANIFEST_DIGEST}
        for name, member in self._members.items():
            if name not in known and not name.startswith((SIGNATURES, TIMESTAMPS)):
                self.report.damage(name, "is not listed in the manifest")
            if not crc_matches(self._data, member):
                self.report.damage(name, "does not have the CRC that its header says")

    def _check_member(self, entry: dict[str, Any]) -> None:
        name = _name(entry.get("path"))
        data = self._content(name)
        if data is None:
            self.report.damage(name, "is listed in the manifest and missing")
        elif len(data) != entry.get("bytes"):
            self.report.damage(name, f"has {len(data)} bytes, the manifest says {entry.get('bytes')}")
        elif sha256(data).hex() != entry.get("sha256"):
            self.report.damage(name, "does not have the SHA-256 that the manifest says")
        elif "sm3" in entry and sm3(data).hex() != entry["sm3"]:
            self.report.damage(name, "does not have the SM3 digest that the manifest says")

    def _keys(self) -> dict[str, KeySource]:
        sources: dict[str, KeySource] = {}
        for entry in _list_of_objects(self._json(KEYS)):
            try:
                room = str(entry["room"])
                sources[room] = (
                    SessionKeys(bytes.fromhex(entry["session_key"]))
                    if "session_key" in entry
                    else ReleasedKeys(entry["chunks"])
                )
            except (KeyError, TypeError, ValueError):
                self.report.damage(KEYS, "an entry is not readable")
        return sources

    def _check_journal(self, entry: dict[str, Any], keys: dict[str, KeySource]) -> dict[str, Any]:
        """Chain, content, and the events as the journal says them."""
        room = _name(entry.get("room"))
        names = [name for name in entry.get("segments", []) if isinstance(name, str)]
        found = [(name, self._content(f"journal/{room}/{name}")) for name in names]
        segments = [Segment(name, data) for name, data in found if data is not None]
        journal = JournalCheck(self.report, keys.get(room, _NoKeys()))
        journal.run(segments)
        journal.compare(room, entry)
        self._walked[room] = Walked(journal.heads, journal.start_us)
        return {"room": room, "events": journal.events}

    def _check_films(self) -> None:
        listed = {_name(film.get("path")) for film in _list_of_objects(self._json(FILMS))}
        there = {name for name in self._members if name.startswith("films/")}
        for name in sorted(listed ^ there):
            self.report.damage(
                name, "is listed in films.json and missing" if name in listed else "is not listed in films.json"
            )
        self.report.facts.append(f"{len(there)} films")


class JournalCheck:
    """Walks one journal: the chain, and every chunk whose key is there."""

    def __init__(self, report: Report, keys: KeySource) -> None:
        self.events: list[dict[str, Any]] = []
        self._report = report
        self._keys = keys
        self._last: BlockSeen | None = None
        self._first: BlockSeen | None = None
        self._withheld: list[dict[str, int]] = []
        self._withheld_events = False
        self._damages_before = len(report.damages)
        self.ledger = LedgerCheck()
        self.heads: dict[int, tuple[str, int]] = {}

    @property
    def start_us(self) -> int:
        """Where the journal's seconds begin."""
        header = self._first.segment.header if self._first else None
        return header.wall_us if header else 0

    def run(self, segments: list[Segment]) -> None:
        for seen in examine(segments):
            if isinstance(seen, Damage):
                self._report.damages.append(seen)
            elif isinstance(seen, Note):
                self._report.notes.append(f"{seen.file}: {seen.what}")
            else:
                self._first = self._first or seen
                self._last = seen
                self.heads[seen.block.number] = (seen.block.stated.hex, seen.block.wall_us)
                for index in range(len(seen.block.chunks)):
                    self._open(seen, index)

    def _open(self, seen: BlockSeen, index: int) -> None:
        opened = open_chunk(seen, index, self._keys)
        if isinstance(opened, Damage):
            self._report.damages.append(opened)
        elif opened.plaintext is None:
            self._withheld.append({"block": seen.block.number, "chunk": index})
            self._withheld_events |= opened.stream is None
            if opened.stream is not None:
                self.ledger.skip(opened.stream)
        else:
            self._read(seen, index, opened.stream, opened.plaintext)

    def _read(self, seen: BlockSeen, index: int, stream: int | None, plaintext: bytes) -> None:
        expected = seen.block.chunks[index].records
        try:
            if stream is None:
                events = read_events(plaintext)
                self.events += events
                for event in events:
                    self.ledger.event(event)
                count = len(events)
            else:
                count = self.ledger.take(stream, plaintext)
        except BadLayout as error:
            self._damage(seen, f"chunk {index}: {error}")
            return
        if count != expected:
            self._damage(seen, f"chunk {index} holds {count} records, its descriptor says {expected}")

    def _damage(self, seen: BlockSeen, what: str) -> None:
        second = max(0.0, (seen.block.wall_us - self.start_us) / 1e6)
        self._report.damages.append(Damage(seen.segment.name, seen.block.number, second, what))

    def compare(self, room: str, entry: dict[str, Any]) -> None:
        """What the manifest says of this journal against what was found."""
        report, last = self._report, self._last
        if last is None or self._first is None:
            report.damages.append(Damage(f"journal/{room}", 0, 0.0, "holds no readable block"))
            return
        head = last.block.stated
        if (head.sha256.hex(), head.sm3.hex(), last.block.number) != (
            entry.get("head"),
            entry.get("sm3"),
            entry.get("block"),
        ):
            report.damage(
                f"journal/{room}", f"ends at block {last.block.number} with another head than the manifest says"
            )
        if self._withheld != entry.get("withheld"):
            report.damage(
                f"journal/{room}",
                f"{len(self._withheld)} chunks do not open; the manifest withholds {len(entry.get('withheld') or [])}",
            )
        numbers = [event["n"] for event in sorted(self.events, key=lambda event: int(event["n"]))]
        if (
            numbers != list(range(len(numbers)))
            and not self._withheld_events
            and self._damages_before == len(report.damages)
        ):
            report.damage(f"journal/{room}", "the events are not numbered without a gap")
        if not any(event["kind"] == "closed" for event in self.events):
            report.notes.append(
                f"journal/{room}: has no closing event: the writer was stopped, or the session still runs"
            )
        self._compare_ledger(room)
        self._tell(room, last)

    def _compare_ledger(self, room: str) -> None:
        """Whether each stream's numbers add up. Behind damage they cannot, and that is told already."""
        report = self._report
        whole = self._damages_before == len(report.damages) and not self._withheld_events
        for finding in self.ledger.findings() if whole else ():
            if finding.is_damage:
                report.damage(f"journal/{room}", f"stream {finding.stream}: {finding.what}")
            else:
                report.notes.append(f"journal/{room}: stream {finding.stream}: {finding.what}")
        if summary := self.ledger.summary():
            report.facts.append(f"room {room}: {summary}")

    def _tell(self, room: str, last: BlockSeen) -> None:
        first_us = self._first.block.wall_us if self._first else last.block.wall_us
        length_s = (last.block.wall_us - first_us) / 1e6
        self._report.facts.append(
            f"room {room}: {last.block.number + 1} blocks, {length_s:.1f} s from {_instant(first_us)}, "
            f"{len(self.events)} events, {len(self._withheld)} chunks withheld, head {last.block.stated.sha256.hex()}"
        )


def _hidden(zone: dict[str, Any]) -> str:
    try:
        begins, ends = _instant(int(zone["from_us"])), _instant(int(zone["to_us"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return "hidden on purpose: a stretch that is not readable"
    return f"hidden on purpose from {begins} to {ends} ({zone.get('source') or 'all'}): {zone.get('cause')}"


def _name(value: Any) -> str:
    """Of a file or a room; "?" where there is none."""
    return value if isinstance(value, str) else "?"


def _bytes(data: memoryview | None) -> bytes | None:
    return None if data is None else bytes(data)


def _instant(unix_us: int) -> str:
    try:
        return datetime.fromtimestamp(unix_us / 1e6, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return "?"


def _objects(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return _list_of_objects(value.get(name))


def _list_of_objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
