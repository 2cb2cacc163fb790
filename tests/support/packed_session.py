"""A signed and stamped pack of a short session, as `python -m server.evidence` makes it, and ways to change one."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from media.record.chain import sha256, sm3
from media.record.film import make_films
from media.record.films.spec import Spec
from media.record.layout import canonical
from media.record.packs.archive import ArchiveWriter, content, read_members
from media.record.packs.write import FilmSource, JournalSource, write_pack
from media.record.reader import BlockSeen, examine, load_segments
from server.evidence.__main__ import Sealing, anchor_entry
from server.evidence.identity import Identity, open_identity
from tests.support.synthetic_session import KEY, START_WALL_US, Person, record

# The synthetic session's clock says that it was in September; stamps must not be before what they stamp.
LENGTH_S = 6.0


def both(chinese: str, english: str) -> dict[str, str]:
    return {"zh-CN": chinese, "en": english}


ABOUT: dict[str, Any] = {
    "number": "A-012", "procedure": both("公证", "Notarization"), "site": both("柳荫村", "Liuyin"), "end_reason": both("办好了", "completed"),
    "opened_at": "2026-09-21T14:13:20+00:00", "ended_at": "2026-09-21T14:13:26+00:00", "made_at": "2026-09-21T14:14:00+00:00",
    "people": {"a": {"name": "李婉清䶮", "role": both("公证员", "notary")}, "b": {"name": "", "role": both("申请人", "applicant")}},
}  # fmt: skip


def identity_of(folder: Path) -> Identity:
    return open_identity(folder, dt.datetime.now(dt.UTC))


def spec_of(identity: Identity, anchors: list[dict[str, Any]], timestamp_url: str = "") -> dict[str, Any]:
    files = {
        name: {"key": str(credential.key), "chain": str(credential.chain)}
        for name, credential in (("signer", identity.signer), ("clock", identity.clock))
    }
    return {"identity": files, "timestamp_url": timestamp_url, "about": ABOUT, "anchors": anchors}


def seal_pack(
    journal: Path, films: list[FilmSource], identity: Identity, anchors: list[dict[str, Any]], url: str = ""
) -> tuple[bytes, Sealing]:
    """A pack of one journal, signed and, when the authority answers, stamped."""
    target = io.BytesIO()
    sealing = Sealing(spec_of(identity, anchors, url))
    write_pack(
        target, [JournalSource("r1", (journal,), KEY)], films, {"site": "x"}, made_at=ABOUT["made_at"], seal=sealing.seal()
    )  # fmt: skip
    return target.getvalue(), sealing


def record_journal(folder: Path, length_s: float = LENGTH_S) -> Path:
    record(folder, [Person("a", "VP8", leaves=length_s), Person("b", "H264", leaves=length_s)], length_s)
    return folder


def films_of(journal: Path, output: Path) -> list[FilmSource]:
    made = make_films(Spec((journal,), KEY, output, kinds=("person",)), lambda *_: None)
    return [
        FilmSource(output / film["file"], film["file"].removesuffix(".sealed"), KEY, film) for film in made["films"]
    ]


def heads_of(journal: Path) -> list[tuple[int, str]]:
    """(block, head) of a journal."""
    seen = examine(load_segments([journal]))
    return [(one.block.number, one.block.stated.hex) for one in seen if isinstance(one, BlockSeen)]


@cache
def good_pack() -> bytes:
    """Signed, stamped, with films, reports and the page that checks it."""
    with TemporaryDirectory() as directory:
        top = Path(directory)
        journal = record_journal(top / "journal")
        pack, _ = seal_pack(journal, films_of(journal, top / "films"), identity_of(top / "identity"), [])
        return pack


def files_of(pack: bytes) -> dict[str, bytes]:
    data = memoryview(pack)
    return {member.name: bytes(content(data, member)) for member in read_members(data)[0]}


def rebuilt(files: dict[str, bytes]) -> bytes:
    """A pack of somebody who computes every digest anew, and cannot sign."""
    manifest = json.loads(files["manifest.json"])
    manifest["members"] = [entry for entry in manifest["members"] if entry["path"] in files]
    for entry in manifest["members"]:
        body = files[entry["path"]]
        entry["bytes"], entry["sha256"] = len(body), sha256(body).hex()
        if "sm3" in entry:
            entry["sm3"] = sm3(body).hex()
    text = canonical(manifest) + b"\n"
    digest = {"path": "manifest.json", "bytes": len(text), "sha256": sha256(text).hex(), "sm3": sm3(text).hex()}
    target = io.BytesIO()
    archive = ArchiveWriter(target)
    for name, data in {**files, "manifest.json": text, "manifest.digest": canonical(digest) + b"\n"}.items():
        archive.add(name, [data])
    archive.close()
    return target.getvalue()


def flipped(pack: bytes, dice: random.Random) -> bytes:
    changed = bytearray(pack)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _blocks(segment: bytes) -> list[tuple[int, int]]:
    starts = [at for at in range(len(segment)) if segment.startswith(b"LZB1", at)]
    return list(zip(starts, [*starts[1:], len(segment)], strict=True))


def _in_segment(pack: bytes, change: Callable[[bytes], bytes]) -> bytes:
    files = files_of(pack)
    name = next(name for name in files if name.endswith(".lzj"))
    return rebuilt({**files, name: change(files[name])})


def dropped(pack: bytes, dice: random.Random) -> bytes:
    """A block, or a whole file of the archive, left out."""
    if dice.random() < 0.5:
        files = files_of(pack)
        files.pop(dice.choice([name for name in files if not name.startswith(("manifest", "timestamps", "README"))]))
        return rebuilt(files)

    def change(segment: bytes) -> bytes:
        start, end = dice.choice(_blocks(segment)[:-1])
        return segment[:start] + segment[end:]

    return _in_segment(pack, change)


def swapped(pack: bytes, dice: random.Random) -> bytes:
    def change(segment: bytes) -> bytes:
        (a, b), (c, d) = sorted(dice.sample(_blocks(segment), 2))
        return segment[:a] + segment[c:d] + segment[b:c] + segment[a:b] + segment[d:]

    return _in_segment(pack, change)


def cut_off(pack: bytes, dice: random.Random) -> bytes:
    return pack[: dice.randrange(len(pack))]


def redated(pack: bytes, dice: random.Random) -> bytes:
    """One block says another time; the zip, the manifest and its digests are made to fit."""

    def change(segment: bytes) -> bytes:
        at = dice.choice(_blocks(segment))[0]
        where = segment.index(b'"wall_us":', at) + len(b'"wall_us":') + dice.randrange(6, 12)
        digit = (segment[where] - 48 + dice.randrange(1, 10)) % 10
        return segment[:where] + bytes([48 + digit]) + segment[where + 1 :]

    return _in_segment(pack, change)


def corpus(seed: int, flips: int, others: int) -> list[bytes]:
    """Changed packs, seeded."""
    dice = random.Random(seed)
    pack = good_pack()
    ways = (dropped, swapped, cut_off, redated)
    return [flipped(pack, dice) for _ in range(flips)] + [ways[n % len(ways)](pack, dice) for n in range(others)]


def anchors_of(
    identity: Identity, heads: list[tuple[int, str]], stamp: Callable[[bytes], bytes]
) -> list[dict[str, Any]]:
    return [anchor_entry("s1", "r1", block, head, stamp(bytes.fromhex(head))) for block, head in heads]


def packed_report(pack: bytes, language: str) -> bytes:
    return files_of(pack)[f"report.{language}.pdf"]


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


SESSION_START_US = START_WALL_US
