"""Signatures, anchors and reports of a pack: what a liar with every key on this machine can still not do."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from media.record.journal import Journal
from media.record.packs.check import check_bytes
from media.record.packs.proofs import BadProof, read_signature, read_stamp
from media.record.packs.proving import Trust
from server import verify
from server.evidence import signing
from server.evidence.identity import Identity, open_identity
from server.evidence.report import writable
from server.evidence.signing import Authority
from tests.support.packed_session import (
    LENGTH_S,
    anchors_of,
    files_of,
    good_pack,
    heads_of,
    packed_report,
    rebuilt,
    seal_pack,
)
from tests.support.synthetic_session import KEY, START_WALL_US, FakeClock

DURING = dt.datetime.fromtimestamp(START_WALL_US / 1e6 + LENGTH_S, dt.UTC)


@pytest.fixture
def ours(tmp_path: Path) -> Identity:
    """What lies on the disk of our machine."""
    return open_identity(tmp_path / "ours", dt.datetime.now(dt.UTC))


@pytest.fixture
def outside(tmp_path: Path) -> Authority:
    """An authority in other hands, whose key the superuser of our machine has not got."""
    return Authority("", open_identity(tmp_path / "outside", dt.datetime.now(dt.UTC)), lambda: DURING)


def stamps(authority: Authority, heads: list[tuple[int, str]]) -> list[dict[str, Any]]:
    return anchors_of(authority.identity, heads, lambda imprint: asyncio.run(signing.stamp(authority, imprint)))


def said(pack: bytes, trust: Trust = Trust()) -> list[str]:
    return [str(damage) for damage in check_bytes(memoryview(pack), trust).damages]


def write_journal(folder: Path, kind: str) -> Path:
    """A journal of three blocks, the same but for what happened at second 1."""
    clock = FakeClock()
    journal = Journal.open(folder, session="s1", room="r1", key=KEY, facts={}, clocks=clock)
    for number, said_kind in enumerate(("joined", kind, "left")):
        clock.at(number * 1_000_000)
        journal.event(said_kind, "a", {})
        journal.seal_blocking()
    journal.close_blocking("ended")
    return folder


def test_a_superuser_who_rewrites_one_event_and_everything_behind_it_is_found_by_the_anchor(
    tmp_path: Path, ours: Identity, outside: Authority
) -> None:
    honest, forged = write_journal(tmp_path / "honest", "refused"), write_journal(tmp_path / "forged", "signed")
    anchors = stamps(outside, heads_of(honest)[2:3])

    before, _ = seal_pack(honest, [], ours, anchors)
    # Whoever rewrites has the session key, our signing key and the database: chain, manifest and signature all fit.
    after, _ = seal_pack(forged, [], ours, anchors)

    assert said(before) == []
    [found] = said(after)
    assert found.startswith(
        "journal/r1, block 2, second 1.0: has another head than the one that Laizuo trial clock stamped"
    )


def test_throwing_the_anchors_away_is_found_by_those_that_others_kept(
    tmp_path: Path, ours: Identity, outside: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    honest, forged = write_journal(tmp_path / "honest", "refused"), write_journal(tmp_path / "forged", "signed")
    kept = stamps(outside, heads_of(honest)[2:3])
    pack, _ = seal_pack(forged, [], ours, [])
    assert said(pack) == []

    assert "was rewritten" in " ".join(said(pack, Trust(kept_anchors=tuple(kept))))

    (tmp_path / "pack.zip").write_bytes(pack)
    (tmp_path / "kept.jsonl").write_text("".join(json.dumps(anchor) + "\n" for anchor in kept))
    code = verify.main([str(tmp_path / "pack.zip"), "--anchors", str(tmp_path / "kept.jsonl")])
    assert code == 1
    assert "block 2, second 1.0: has another head" in capsys.readouterr().out


def test_an_authority_of_ones_own_making_is_not_the_one_the_reader_trusts(
    tmp_path: Path, ours: Identity, outside: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = write_journal(tmp_path / "journal", "signed")
    pack, _ = seal_pack(journal, [], ours, stamps(outside, heads_of(journal)[2:3]))
    (tmp_path / "pack.zip").write_bytes(pack)

    def check(*roots: Path) -> int:
        return verify.main([str(tmp_path / "pack.zip"), *(word for root in roots for word in ("--trust", str(root)))])

    assert check(tmp_path / "ours/ca.pem", tmp_path / "outside/ca.pem") == 0
    assert check(tmp_path / "ours/ca.pem") == 1
    assert "whose authority" in capsys.readouterr().out
    assert check(tmp_path / "none.pem") == 1


def test_a_date_before_its_own_time_stamp_is_found(tmp_path: Path, ours: Identity, outside: Authority) -> None:
    journal = write_journal(tmp_path / "journal", "signed")
    early = Authority("", outside.identity, lambda: DURING - dt.timedelta(hours=1))

    pack, _ = seal_pack(journal, [], ours, stamps(early, heads_of(journal)[2:3]))

    assert "says it was written at 2026-09-21T14:13:21+00:00, but was stamped at" in said(pack)[0]


def test_a_stamped_block_that_is_gone_is_found(tmp_path: Path, ours: Identity, outside: Authority) -> None:
    journal = write_journal(tmp_path / "journal", "signed")

    pack, _ = seal_pack(journal, [], ours, stamps(outside, [(99, "ab" * 32)]))

    assert said(pack)[0].startswith("journal/r1, block 99: block 99 is not there; its head was stamped at")


@pytest.mark.parametrize(
    ("gone", "finding"),
    [
        ("signatures/manifest.p7s", "signatures/manifest.p7s: is missing; the manifest says that it is signed"),
        ("report.en.pdf", "signatures/manifest.p7s: is over other bytes"),
        ("anchors.json", "signatures/manifest.p7s: is over other bytes"),
    ],
)
def test_a_member_left_out_by_somebody_who_cannot_sign_is_found(gone: str, finding: str) -> None:
    files = files_of(good_pack())
    del files[gone]

    assert finding in said(rebuilt(files))


def test_a_report_of_another_pack_is_found() -> None:
    files = files_of(good_pack())
    files["report.en.pdf"] = files["report.en.pdf"].replace(b"/Filter", b"/Filtre", 1)

    found = said(rebuilt(files))

    assert any(what.startswith("report.en.pdf: its signature") for what in found)


def test_the_report_is_an_archival_pdf_in_both_languages_signed_as_a_whole() -> None:
    for language in ("zh-CN", "en"):
        pdf = packed_report(good_pack(), language)
        [signature] = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
        assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
        assert b'pdfaid:part="3"' in pdf or b"<pdfaid:part>3</pdfaid:part>" in pdf
        assert b"/Type /Font" in pdf or b"/Type/Font" in pdf


def test_a_character_that_the_font_lacks_is_shown_as_its_code_and_stops_nothing() -> None:
    assert writable({"name": ["李\U0003ffff", 3]}, frozenset(map(ord, "李"))) == {"name": ["李[U+3FFFF]", 3]}


def test_an_authority_that_is_away_delays_and_never_blocks(
    tmp_path: Path, ours: Identity, unused_tcp_port: int
) -> None:
    journal = write_journal(tmp_path / "journal", "signed")

    pack, sealing = seal_pack(journal, [], ours, [], f"http://127.0.0.1:{unused_tcp_port}/")

    report = check_bytes(memoryview(pack))
    assert report.damages == []
    assert any("carries no time stamp" in note for note in report.notes)
    assert [one["kind"] for one in sealing.unstamped] == ["head", "pack"]


def test_junk_is_no_proof() -> None:
    for junk in (b"", b"0", b"\x30\x80", files_of(good_pack())["timestamps/manifest.tst"][:-9]):
        with pytest.raises(BadProof):
            read_stamp(junk)
        with pytest.raises(BadProof):
            read_signature(junk, b"")
