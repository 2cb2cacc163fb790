"""A second verifier, written from EVIDENCE.md alone with hashlib, hmac and AES-GCM: what we write is what the page says."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.support.synthetic_session import KEY, Person, record

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "media/EVIDENCE.md").read_text("utf-8")
EXAMPLE = ROOT / "tests/vectors/record/journal-000000.lzj"


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def tree(leaves: list[bytes]) -> bytes:
    """RFC 6962 2.1, by its recursive definition."""
    if len(leaves) < 2:
        return sha(b"\x00" + leaves[0]) if leaves else sha(b"")
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha(b"\x01" + tree(leaves[:split]) + tree(leaves[split:]))


def hkdf(salt: bytes, secret: bytes, info: bytes) -> bytes:
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\x01", "sha256")


def walk(data: bytes, head: bytes, key: bytes) -> tuple[bytes, list[bytes]]:
    """(head at the end, plaintexts) of one segment; asserts everything that section 5 asks for."""
    magic, size = struct.unpack_from(">4sI", data)
    line = data[8 : 8 + size]
    segment = json.loads(line)
    assert (magic, segment["prev"]) == (b"LZJ1", head.hex())
    head, at, plain = sha(b"\x03" + head + line), 8 + size, []
    while at < len(data):
        magic, size = struct.unpack_from(">4sI", data, at)
        assert magic == b"LZB1"
        line, *leaves, last = data[at + 8 : at + 8 + size].split(b"\n")
        block = json.loads(line)
        assert block["prev"] == head.hex()
        head = sha(b"\x02" + head + tree(leaves) + line)
        assert json.loads(last)["head"] == head.hex()
        at += 8 + size
        for chunk in map(json.loads, leaves):
            sealed = data[at : at + chunk["len"]]
            at += chunk["len"]
            place = struct.pack(">QI", block["block"], chunk["chunk"])
            chunk_key = hkdf(bytes.fromhex(segment["salt"]), key, b"laizuo/1 chunk" + place)
            assert sha(sealed).hex() == chunk["sha256"]
            assert sha(b"laizuo/1 chunk key" + chunk_key).hex() == chunk["commit"]
            plain.append(AESGCM(chunk_key).decrypt(bytes(12), sealed, None))
    return head, plain


def test_the_worked_example_is_what_the_page_says() -> None:
    head, plain = walk(EXAMPLE.read_bytes(), bytes(32), bytes(range(32)))

    assert f"head             {head.hex()}" in PAGE
    assert [json.loads(line)["kind"] for line in plain[0].splitlines()] == ["opened", "stream"]
    rows = [line.split() for line in PAGE.split("Chunk 1 in the clear")[1].splitlines() if line.startswith("    00")]
    written = "".join(word for row in rows for word in row if is_hex(word))
    assert plain[1].hex() == written


def is_hex(word: str) -> bool:
    return len(word) % 2 == 0 and set(word) <= set("0123456789abcdef")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    record(tmp_path, [Person("a", "VP8", leaves=2.0)], 2.0)
    return tmp_path / "journal-000000.lzj"


def test_a_journal_of_ours_passes_the_second_verifier(journal: Path) -> None:
    head, plain = walk(journal.read_bytes(), bytes(32), KEY)

    events: list[dict[str, Any]] = [
        json.loads(line) for text in plain if text[:1] == b"{" for line in text.splitlines()
    ]
    assert [event["n"] for event in events] == list(range(len(events)))
    assert (events[0]["kind"], events[-1]["kind"]) == ("opened", "closed")
    assert len(head) == 32


def test_every_event_kind_with_a_meaning_is_explained() -> None:
    for kind in ("opened", "continued", "stream", "clock_jumped", "session_started", "session_ended", "closed"):
        assert f"`{kind}`" in PAGE
