"""Packs: what they hold, what a redacted one hides and still proves, and what the command says about them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from media.record.journal import Journal
from media.record.layout import Chunk
from media.record.packs.archive import ArchiveWriter, content, find_members, member_pieces, read_members
from media.record.packs.check import check_bytes
from media.record.packs.write import JournalSource, write_pack
from media.record.reader import BlockSeen
from server import verify
from tests.support.synthetic_session import KEY, Person, record

MADE_AT = "2026-11-21T00:00:00+00:00"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    record(tmp_path / "journal", [Person("a", leaves=2.0)], 2.0)
    again = Journal.open(tmp_path / "journal", session="s1", room="r1", key=KEY, facts={})
    again.event("identity_checked", "a", {"number": "110101199003070073"}, private=True)
    again.close_blocking("ended")
    return tmp_path / "journal"


def pack_of(journal: Path, **options: object) -> bytes:
    target = io.BytesIO()
    write_pack(target, [JournalSource("r1", (journal,), KEY)], [], {"site": "x"}, made_at=MADE_AT, **options)  # type: ignore[arg-type]
    return target.getvalue()


def said(pack: bytes) -> list[str]:
    return [str(damage) for damage in check_bytes(memoryview(pack)).damages]


def test_any_zip_program_opens_it_and_our_check_accepts_it(journal: Path) -> None:
    pack = pack_of(journal)

    with zipfile.ZipFile(io.BytesIO(pack)) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        events = json.loads(opened.read("events.json"))
        keys = json.loads(opened.read("keys.json"))
    assert names[1:3] == ["journal/r1/journal-000000.lzj", "journal/r1/journal-000001.lzj"]
    assert names[-2:] == ["manifest.json", "manifest.digest"]
    assert [event["kind"] for event in events[0]["events"]][-2:] == ["closed", "identity_checked"]
    assert keys[0]["session_key"] == KEY.hex()
    assert said(pack) == []


def test_the_same_journal_gives_the_same_pack(journal: Path) -> None:
    assert pack_of(journal) == pack_of(journal)


def test_a_redacted_pack_hides_one_event_and_proves_the_rest(journal: Path) -> None:
    def withhold(_: BlockSeen, chunk: Chunk) -> bool:
        return chunk.private

    pack = pack_of(journal, withhold=withhold)

    report = check_bytes(memoryview(pack))
    assert report.damages == []
    assert b"110101199003070073" not in pack
    assert KEY.hex().encode() not in pack
    assert "1 chunks withheld" in " ".join(report.facts)


def test_hiding_more_than_the_manifest_says_is_found(journal: Path) -> None:
    pack = repacked(pack_of(journal, withhold=lambda _, chunk: chunk.private), drop_released_keys=3)

    assert any("chunks do not open; the manifest withholds 1" in what for what in said(pack))


def repacked(pack: bytes, *, drop_released_keys: int) -> bytes:
    """The pack of somebody who can compute every digest anew: keys.json without some keys."""
    data = memoryview(pack)
    members, _ = read_members(data)
    files = {member.name: bytes(content(data, member)) for member in members}
    keys = json.loads(files["keys.json"])
    keys[0]["chunks"] = keys[0]["chunks"][drop_released_keys:]
    return rebuilt(files | {"keys.json": json.dumps(keys).encode()})


def rebuilt(files: dict[str, bytes]) -> bytes:
    """Archive with a manifest that fits: only the chain and the content can give it away."""
    import hashlib  # noqa: PLC0415

    from media.record.chain import sm3  # noqa: PLC0415
    from media.record.layout import canonical  # noqa: PLC0415

    manifest = json.loads(files["manifest.json"])
    for entry in manifest["members"]:
        body = files[entry["path"]]
        entry["bytes"], entry["sha256"] = len(body), hashlib.sha256(body).hexdigest()
        if "sm3" in entry:
            entry["sm3"] = sm3(body).hex()
    body = canonical(manifest) + b"\n"
    digest = {
        "path": "manifest.json",
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "sm3": sm3(body).hex(),
    }
    target = io.BytesIO()
    archive = ArchiveWriter(target)
    for name, data in {**files, "manifest.json": body, "manifest.digest": canonical(digest) + b"\n"}.items():
        archive.add(name, [data])
    archive.close()
    return target.getvalue()


def test_an_event_rewritten_by_somebody_who_knows_all_digests_is_found(journal: Path) -> None:
    data = memoryview(pack_of(journal))
    files = {member.name: bytes(content(data, member)) for member in read_members(data)[0]}
    files["events.json"] = files["events.json"].replace(b'"kind":"joined"', b'"kind":"signed"')

    assert said(rebuilt(files)) == ["events.json: is not what the journal says"]


def test_a_segment_left_out_with_all_its_traces_is_found(journal: Path) -> None:
    data = memoryview(pack_of(journal))
    files = {member.name: bytes(content(data, member)) for member in read_members(data)[0]}
    manifest = json.loads(files["manifest.json"])
    gone = "journal/r1/journal-000000.lzj"
    manifest["members"] = [entry for entry in manifest["members"] if entry["path"] != gone]
    manifest["journals"][0]["segments"] = ["journal-000001.lzj"]
    del files[gone]

    found = said(rebuilt(files | {"manifest.json": json.dumps(manifest).encode()}))

    assert any("the journal's beginning is missing" in what for what in found)


def test_the_command_says_what_it_found_and_exits_accordingly(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, changed = tmp_path / "whole.zip", tmp_path / "changed.zip"
    pack = pack_of(journal)
    whole.write_bytes(pack)
    at = pack.find(b"LZB1", pack.find(b"LZB1") + 4) + 2000
    changed.write_bytes(pack[:at] + bytes([pack[at] ^ 1]) + pack[at + 1 :])

    codes = [verify.main([str(path)]) for path in (whole, changed, tmp_path / "none.zip")]

    text = capsys.readouterr().out
    assert codes == [0, 1, 1]
    assert "whole.zip: whole and unchanged" in text
    assert "changed.zip: CHANGED OR DAMAGED" in text
    assert "journal-000000.lzj, block 1, second 0." in text
    assert "none.zip cannot be read: No such file or directory" in text


def test_members_of_an_archive_on_disk_are_found_and_read_in_small_pieces() -> None:
    target = io.BytesIO()
    archive = ArchiveWriter(target)
    films = {"films/a.webm": b"a" * 3_000_001, "empty": b"", "manifest.json": b"{}"}
    for name, data in films.items():
        archive.add(name, [data])
    archive.close()
    whole, sizes = target.getvalue(), list[int]()

    def read(at: int, size: int) -> bytes:
        sizes.append(size)
        return whole[at : at + size]

    members, problem = find_members(read, len(whole))
    assert problem is None
    assert (members, problem) == read_members(memoryview(whole))
    assert max(sizes) < 1000
    assert {one.name: b"".join(member_pieces(read, one)) for one in members} == films
    assert max(sizes) == 1 << 20
    for end in (0, 20, 50, len(whole) // 2, len(whole) - 1):
        cut = whole[:end]
        assert find_members(lambda at, size, cut=cut: cut[at : at + size], end)[1], end  # type: ignore[misc]
    assert find_members(lambda at, size: (whole + b"x")[at : at + size], len(whole) + 1)[1]
