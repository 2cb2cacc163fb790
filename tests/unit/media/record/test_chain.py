"""The two digests, whoever computes them, and how strictly they are read."""

from __future__ import annotations

import pytest

from media.record import chain
from media.record.chain import GENESIS, after_block
from media.record.layout import BadLayout, canonical, decode_block, encode_block, read_object

# GB/T 32905-2016, appendix A.1 and A.2.
VECTORS = {
    b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
}


@pytest.mark.parametrize("text", VECTORS, ids=len)
def test_sm3_is_that_of_the_standard_by_either_library(text: bytes) -> None:
    assert chain.sm3(text).hex() == VECTORS[text]
    assert chain.sm3(memoryview(text)) == chain.sm3(bytearray(text)) == chain._portable_sm3(text)


def block_header(**changes: object) -> bytes:
    facts = {"block": 0, "prev": "00" * 32, "prev_sm3": "00" * 32, "wall_us": 1, "mono_us": 1, "next_event": 0}
    line = canonical({**facts, "next_stream": 0, **changes})
    return encode_block(line, [], after_block(GENESIS, 0, line, []))[8:]


@pytest.mark.parametrize(
    "digest", ["AB" * 32, "ab " * 32, "ab" * 31, "ab" * 33, "a" * 63, "xy" * 32, "", "\u0660" * 64]
)
def test_a_digest_is_lower_case_hex_of_its_length_and_nothing_else(digest: str) -> None:
    assert decode_block(block_header(prev="ab" * 32)).previous.sha256 == b"\xab" * 32
    with pytest.raises(BadLayout, match="prev is not 32 bytes in lower-case hex"):
        decode_block(block_header(prev=digest))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_line_is_utf_8_without_a_mark(encoding: str) -> None:
    assert read_object(b'{"block":0}') == {"block": 0}
    with pytest.raises(BadLayout, match="not JSON"):
        read_object('{"block":0}'.encode(encoding))
