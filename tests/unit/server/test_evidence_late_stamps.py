"""Time stamps that came after a pack was made are put into it, and nothing that was signed changes."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import fcntl
from pathlib import Path
from typing import Any

import pytest

from media.record.packs.check import check_bytes
from media.record.packs.proofs import manifest_imprint
from media.record.sealed import SealedFile
from server.evidence import signing
from server.evidence.__main__ import add_stamps, anchor_entry, make_pack
from server.evidence.identity import Identity, open_identity
from server.evidence.signing import Authority
from tests.support.packed_session import files_of, record_journal, spec_of
from tests.support.synthetic_session import KEY, START_WALL_US

SEALING = base64.b64encode(KEY).decode()
AFTER = dt.datetime.fromtimestamp(START_WALL_US / 1e6 + 10, dt.UTC)


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return open_identity(tmp_path / "identity", dt.datetime.now(dt.UTC))


def pack_of(path: Path) -> bytes:
    with SealedFile(path, KEY) as sealed:
        return b"".join(sealed.pieces())


def made_while_nobody_stamped(folder: Path, identity: Identity, port: int) -> tuple[Path, list[dict[str, Any]]]:
    """The sealed pack, and what it lacks."""
    journal, output = record_journal(folder / "journal", 2.0), folder / "pack.zip.sealed"
    spec = {
        "journals": [{"room": "r1", "directories": [str(journal)], "key": SEALING}], "films": [], "facts": {"site": "x"},
        "made_at": "2026-09-21T14:14:00+00:00", "output": str(output), "key": SEALING, **spec_of(identity, [], f"http://127.0.0.1:{port}/"),
    }  # fmt: skip
    return output, make_pack(spec)["unstamped"]


def stamped(identity: Identity, imprint: bytes) -> bytes:
    return asyncio.run(signing.stamp(Authority("", identity, lambda: AFTER), imprint))


def test_late_stamps_go_behind_what_was_signed_and_hold(
    tmp_path: Path, identity: Identity, unused_tcp_port: int
) -> None:
    output, lacking = made_while_nobody_stamped(tmp_path, identity, unused_tcp_port)
    before = files_of(pack_of(output))
    [head] = [one for one in lacking if one["kind"] == "head"]
    entry = anchor_entry("s1", "r1", head["block"], head["imprint"], stamped(identity, bytes.fromhex(head["imprint"])))
    whole = base64.b64encode(stamped(identity, manifest_imprint(before["manifest.digest"]))).decode()

    with output.open("rb") as by_another:
        fcntl.flock(by_another, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            add_stamps({"stamp": {"manifest": whole, "late": []}, "output": str(output), "key": SEALING})
    add_stamps({"stamp": {"manifest": whole, "late": [entry]}, "output": str(output), "key": SEALING})
    add_stamps({"stamp": {"manifest": None, "late": [entry]}, "output": str(output), "key": SEALING})

    pack = pack_of(output)
    after, report = files_of(pack), check_bytes(memoryview(pack))
    assert [str(damage) for damage in report.damages] == []
    assert any("complete in this form at" in fact for fact in report.facts)
    assert set(after) - set(before) == {"timestamps/manifest.tst", "timestamps/late.json"}
    assert {name: data for name, data in after.items() if name in before} == before
    assert after["timestamps/late.json"].count(b'"token"') == 2


def test_a_late_stamp_of_something_else_is_found(tmp_path: Path, identity: Identity, unused_tcp_port: int) -> None:
    output, lacking = made_while_nobody_stamped(tmp_path, identity, unused_tcp_port)
    [head] = [one for one in lacking if one["kind"] == "head"]
    other = anchor_entry("s1", "r1", head["block"], head["imprint"], stamped(identity, bytes(32)))
    manifest = base64.b64encode(stamped(identity, bytes(32))).decode()

    add_stamps({"stamp": {"manifest": manifest, "late": [other]}, "output": str(output), "key": SEALING})

    said = [str(damage) for damage in check_bytes(memoryview(pack_of(output))).damages]
    assert any("timestamps/manifest.tst: is a time stamp of something else" in one for one in said)
    assert any("was rewritten after that" in one for one in said)


def test_a_pack_that_was_damaged_gets_no_stamp(tmp_path: Path, identity: Identity, unused_tcp_port: int) -> None:
    output, _ = made_while_nobody_stamped(tmp_path, identity, unused_tcp_port)
    raw = bytearray(output.read_bytes())
    raw[5000] ^= 1
    output.write_bytes(raw)

    with pytest.raises((OSError, ValueError)):
        add_stamps({"stamp": {"manifest": None, "late": []}, "output": str(output), "key": SEALING})
