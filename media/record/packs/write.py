"""Writes an evidence pack (EVIDENCE.md, section 9)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes

from media.record.chain import key_id
from media.record.layout import Chunk, canonical
from media.record.packs.archive import ArchiveWriter, Target
from media.record.reader import BlockSeen, Damage, Segment, SessionKeys, examine, load_segments, open_chunk, read_events
from media.record.redaction import Zone, hidden_places
from media.record.sealed import SealedFile

PACK_FORMAT = 1
MANIFEST, MANIFEST_DIGEST = "manifest.json", "manifest.digest"
KEYS, EVENTS, FILMS, README = "keys.json", "events.json", "films.json", "README.txt"
# Filled later by whoever signs and time-stamps; not listed in the manifest, because they sign it.
SIGNATURES, TIMESTAMPS = "signatures/", "timestamps/"

Withhold = Callable[[BlockSeen, Chunk], bool]
Members = Iterable[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a pack holds before its manifest is written: the manifest so far with `members`, the events by room, the films' facts."""

    manifest: dict[str, Any]
    events: dict[str, list[dict[str, Any]]]
    films: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Seal:
    """What a signing maker adds: members that the manifest lists (report, anchors), and members over its digest (signatures, stamps)."""

    signed: str | None = None
    before: Callable[[Draft], Members] = lambda _: ()
    after: Callable[[bytes], Members] = lambda _: ()


NO_SEAL = Seal()


@dataclass(frozen=True, slots=True)
class JournalSource:
    """One room's journal: where its segments lie, and its session key."""

    room: str
    directories: tuple[Path, ...]
    key: bytes


@dataclass(frozen=True, slots=True)
class FilmSource:
    """One sealed film, its name in the pack, and what is known of it (the film's entry in the job's result)."""

    path: Path
    name: str
    key: bytes
    facts: dict[str, Any]


@dataclass(slots=True)
class _Journal:
    """What one pass over a journal gives for the pack."""

    segments: list[Segment]
    events: list[dict[str, Any]]
    released: list[dict[str, Any]]
    withheld: list[dict[str, Any]]
    head: str = ""
    sm3: str = ""
    block: int = -1


class PackWriter:
    """Adds members and remembers their digests."""

    def __init__(self, target: Target) -> None:
        self._archive = ArchiveWriter(target)
        self.members: list[dict[str, Any]] = []

    def add(self, name: str, pieces: Iterable[bytes | memoryview], *, with_sm3: bool = True) -> None:
        """with_sm3 False: for segments, whose content is under SM3 in the chain already."""
        sha, other = hashlib.sha256(), hashes.Hash(hashes.SM3())

        def hashed() -> Iterator[bytes | memoryview]:
            for piece in pieces:
                sha.update(piece)
                if with_sm3:
                    other.update(piece)
                yield piece

        size = self._archive.add(name, hashed())
        entry = {"path": name, "bytes": size, "sha256": sha.hexdigest()}
        self.members.append({**entry, "sm3": other.finalize().hex()} if with_sm3 else entry)

    def add_json(self, name: str, value: Any) -> None:
        self.add(name, [canonical(value) + b"\n"])

    def close(self, manifest: dict[str, Any], after: Callable[[bytes], Members]) -> None:
        """The manifest lists all members before it; its own digests stand in the next, and over that one go the signatures."""
        listed, self.members = self.members, []
        self.add_json(MANIFEST, {**manifest, "members": listed})
        digest = canonical(self.members[0]) + b"\n"
        self._archive.add(MANIFEST_DIGEST, [digest])
        for name, data in after(digest):
            self._archive.add(name, [data])
        self._archive.close()


def write_pack(
    target: Target,
    journals: Sequence[JournalSource],
    films: Sequence[FilmSource],
    facts: dict[str, Any],
    *,
    made_at: str,
    withhold: Withhold | None = None,
    zones: Sequence[Zone] = (),
    seal: Seal = NO_SEAL,
) -> dict[str, Any]:
    """Write the whole pack to `target`, which must be able to seek. Returns the manifest.

    facts     what the manifest says about the session (procedure, site, times): JSON.
    made_at   RFC 3339; the caller's clock.
    withhold  chunks whose keys stay out. The films must then be ones that do not show them.
    zones     redaction zones: their chunks are withheld too, and the manifest's facts name them with their causes
    seal      who signs and stamps it
    Raises    OSError, SealedDamaged, ValueError for a journal without a readable block.
    """
    pack = PackWriter(target)
    pack.add(README, [_README])
    read = {source.room: _read(source, withhold, zones) for source in journals}
    for source in journals:
        for segment in read[source.room].segments:
            pack.add(f"journal/{source.room}/{segment.name}", [segment.data], with_sm3=False)
    pack.add_json(KEYS, [_keys_of(source, read[source.room]) for source in journals])
    pack.add_json(EVENTS, [{"room": room, "events": journal.events} for room, journal in read.items()])
    for film in films:
        with SealedFile(film.path, film.key) as sealed:
            pack.add(f"films/{film.name}", sealed.pieces())
    described = [{**film.facts, "path": f"films/{film.name}"} for film in films]
    pack.add_json(FILMS, described)
    manifest = {
        "laizuo": "pack",
        "format": PACK_FORMAT,
        "made_at": made_at,
        "facts": {**facts, "hidden": [asdict(zone) for zone in zones]} if zones else facts,
        "signed": seal.signed,
        "journals": [_journal_entry(room, journal) for room, journal in read.items()],
    }
    draft = Draft(
        {**manifest, "members": list(pack.members)},
        {room: journal.events for room, journal in read.items()},
        described,
    )
    for name, data in seal.before(draft):
        pack.add(name, [data])
    pack.close(manifest, seal.after)
    return manifest


def _read(source: JournalSource, withhold: Withhold | None, zones: Sequence[Zone]) -> _Journal:
    keys = SessionKeys(source.key)
    journal = _Journal(load_segments(source.directories), [], [], [])
    withhold = _without(hidden_places(journal.segments, keys, zones), withhold)
    for seen in examine(journal.segments):
        if not isinstance(seen, BlockSeen):
            continue
        block = seen.block
        journal.head, journal.sm3, journal.block = block.stated.sha256.hex(), block.stated.sm3.hex(), block.number
        for chunk in block.chunks:
            _release(journal, seen, chunk, keys, withhold)
    if journal.block < 0:
        raise ValueError(f"the journal of room {source.room} holds no readable block")
    return journal


def _without(places: frozenset[tuple[int, int]], withhold: Withhold | None) -> Withhold | None:
    """What is withheld anyway, and the chunks at these places."""
    if not places:
        return withhold
    return lambda seen, chunk: (
        (seen.block.number, chunk.index) in places or (withhold is not None and withhold(seen, chunk))
    )


def _release(journal: _Journal, seen: BlockSeen, chunk: Chunk, keys: SessionKeys, withhold: Withhold | None) -> None:
    place = {"block": seen.block.number, "chunk": chunk.index}
    if withhold is not None and withhold(seen, chunk):
        journal.withheld.append(place)
        return
    if withhold is not None:
        key = keys.chunk_key(seen.segment, seen.block.number, chunk.index)
        journal.released.append({**place, "key": key.hex() if key else ""})
    if chunk.stream is None:
        opened = open_chunk(seen, chunk.index, keys)
        if not isinstance(opened, Damage) and opened.plaintext is not None:
            journal.events += read_events(opened.plaintext)


def _keys_of(source: JournalSource, journal: _Journal) -> dict[str, Any]:
    """The session's key opens everything; as soon as one chunk is withheld only single keys are given out."""
    if journal.withheld:
        return {"room": source.room, "key_id": key_id(source.key), "chunks": journal.released}
    return {"room": source.room, "key_id": key_id(source.key), "session_key": source.key.hex()}


def _journal_entry(room: str, journal: _Journal) -> dict[str, Any]:
    header = next(found.header for found in _headers(journal.segments))
    return {
        "room": room,
        "session": header.session if header else "",
        "segments": [segment.name for segment in journal.segments],
        "head": journal.head,
        "sm3": journal.sm3,
        "block": journal.block,
        "withheld": journal.withheld,
    }


def _headers(segments: Sequence[Segment]) -> Iterator[Segment]:
    for seen in examine(segments):
        if isinstance(seen, BlockSeen):
            yield seen.segment


_README = """\
This archive is the record of one session.

films/         what was seen and heard; opens in any browser or player
events.json    what happened, in order
journal/       every packet as it was received, encrypted and chained; the films were made from it
keys.json      the keys that open the journal
manifest.json  digests (SHA-256, SM3) of all files, and the chain's last digest

To check that nothing was changed, install Laizuo and run:   python3 -m server verify PACK.zip
EVIDENCE.md of the same program describes every byte, so that anybody can write another checker.

本压缩包是一次会话的完整记录。films/ 为音视频,events.json 为事件清单,journal/ 为按原样接收并链式存证的数据包。
校验命令:python3 -m server verify PACK.zip
""".encode()
