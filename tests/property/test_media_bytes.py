"""Parsers of what the network brings: round trips, and nothing but the documented exception on anything at all."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.core import rtcp, rtp
from media.core.keyframe import KEY_FRAME_TESTS
from media.core.rtcp import Packet, RtcpError, parse_compound, write_compound
from media.core.rtp import RtpError
from media.net.answer import Candidate, OwnSide, make_answer
from media.net.sdp import Fingerprint, SdpError, parse_offer
from tests.support.offers import DIGEST, SHORT_OFFER, browser_offer

VECTORS = Path(__file__).parents[1] / "vectors"
FUZZ_ROUNDS = 3000

u32 = st.integers(0, 0xFFFFFFFF)
u16 = st.integers(0, 0xFFFF)
blocks = st.builds(
    rtcp.ReportBlock, u32, st.integers(0, 255), st.integers(-(1 << 23), (1 << 23) - 1), u32, u32, u32, u32
)
some_blocks = st.lists(blocks, max_size=31).map(tuple)
cnames = st.lists(st.tuples(u32, st.text(max_size=60)), max_size=31).map(tuple)
packets: st.SearchStrategy[Packet] = st.one_of(
    st.builds(rtcp.SenderReport, u32, st.integers(0, (1 << 64) - 1), u32, u32, u32, some_blocks),
    st.builds(rtcp.ReceiverReport, u32, some_blocks),
    st.builds(rtcp.SourceDescription, cnames),
    st.builds(rtcp.Goodbye, st.lists(u32, max_size=31).map(tuple)),
    st.builds(rtcp.PictureLoss, u32, u32),
    st.builds(rtcp.FullIntra, u32, st.lists(st.tuples(u32, st.integers(0, 255)), max_size=20).map(tuple)),
    st.builds(rtcp.BandwidthEstimate, u32, st.integers(0, (1 << 18) - 1), st.lists(u32, max_size=255).map(tuple)),
    st.builds(rtcp.TransportFeedback, u32, u32, st.binary(max_size=40).map(lambda data: data[: len(data) & ~3])),
)


@given(st.lists(packets, min_size=1, max_size=4))
def test_rtcp_round_trip(compound: list[Packet]) -> None:
    assert parse_compound(write_compound(compound)) == compound


@given(st.integers(0, 65535), st.sets(st.integers(0, 900), min_size=1))
def test_nack_asks_for_exactly_these(first: int, offsets: set[int]) -> None:
    seqs = tuple((first + offset) & 0xFFFF for offset in sorted(offsets))

    (read,) = parse_compound(write_compound([rtcp.Nack(1, 2, seqs)]))

    assert isinstance(read, rtcp.Nack)
    assert read.seqs == seqs


@given(st.binary(max_size=80), st.booleans(), u16, u32, st.integers(0, 127), st.booleans())
def test_rtx_gives_back_the_original(
    payload: bytes, marker: bool, seq: int, ts: int, pt: int, behind_extension: bool
) -> None:
    marker_pt = pt | (0x80 if marker else 0)
    out = bytearray(200)
    if behind_extension:
        first = rtp.VERSION_2 | rtp.EXTENSION_BIT
        rtp.HEADER_ABS.pack_into(
            out, 0, first, marker_pt & 0x80 | 97, 5, ts, 9, rtp.ONE_WORD, rtp.abs_send_time_word(3, 1)
        )
        start = rtp.HEADER_ABS_SIZE
    else:
        start = rtp.write_header(out, False, marker_pt & 0x80 | 97, 5, ts, 9)
    size = rtp.write_rtx_payload(out, start, seq, payload)

    original = rtp.unwrap_rtx(out, size, 7, pt)

    assert original == rtp.HEADER.pack(rtp.VERSION_2, marker_pt, seq, ts, 7) + payload


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """A vector with a few bytes changed, cut, repeated or put in."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0 if at < len(data):
                data[at] = chance.randrange(256)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = chance.randbytes(chance.randint(1, 8))
            case _:
                data += data[at : at + 16]
        if not data:
            data += b"\x80"
    return bytes(data)


def read_all_of_rtp(data: bytes) -> None:
    size = len(data)
    for ident in (1, 2, 14, 15, 255):
        rtp.find_extension(data, size, ident)
        rtp.read_text_extension(data, size, ident)
        level = rtp.read_audio_level(data, size, ident)
        if ident < 15 and size >= rtp.FIXED_HEADER:
            assert rtp.loudest(rtp.SILENCE, data, size, ident) == (rtp.SILENCE if level is None else level)
    for is_key_frame in KEY_FRAME_TESTS.values():
        is_key_frame(data, min(12, size), size)
    header = rtp.parse_header(data, size)
    assert header.payload <= header.end <= size
    rtp.unwrap_rtx(data, size, 1, 96)


@pytest.mark.parametrize("seed", [1, 2])
def test_fuzzed_rtp_raises_only_rtp_errors(seed: int) -> None:
    chance = random.Random(seed)
    vectors = [path.read_bytes() for path in sorted((VECTORS / "rtp").glob("*.bin"))]
    refused = 0
    for _ in range(FUZZ_ROUNDS):
        try:
            read_all_of_rtp(mutated(chance.choice(vectors), chance))
        except RtpError:
            refused += 1

    assert 0 < refused < FUZZ_ROUNDS


@pytest.mark.parametrize("seed", [1, 2])
def test_fuzzed_rtcp_raises_only_rtcp_errors_and_does_not_grow(seed: int) -> None:
    chance = random.Random(seed)
    vectors = [path.read_bytes() for path in sorted((VECTORS / "rtcp").glob("*.bin"))]
    refused = 0
    for _ in range(FUZZ_ROUNDS):
        data = mutated(b"".join(chance.sample(vectors, 2)), chance)
        try:
            read = parse_compound(data)
        except RtcpError:
            refused += 1
            continue
        assert len(read) <= len(data) // 4
        assert sum(len(p.seqs) for p in read if isinstance(p, rtcp.Nack)) <= len(data) // 4 * 17

    assert 0 < refused < FUZZ_ROUNDS


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    for read in (read_all_of_rtp, parse_compound):
        try:
            read(data)
        except (RtpError, RtcpError):
            pass


OWN = OwnSide("srvufrag", "p" * 24, Fingerprint("sha-256", DIGEST), [Candidate("192.0.2.7", 40000)], "laizuo", 1)


def answer(text: str) -> str:
    return make_answer(parse_offer(text), {"0": "voice", "1": "face"}, OWN, iter(range(1, 10_000)).__next__).sdp


def mutated_text(text: str, chance: random.Random) -> str:
    lines = text.split("\r\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                del lines[at]
                lines.append("")
            case 1:
                lines.insert(at, chance.choice(lines))
            case 2:
                lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
            case 3:
                lines[at] = lines[at].replace(
                    chance.choice("0123456789:/ ="), chance.choice([" ", "", "99999", "-", "x", ":"]), 1
                )
            case 4:
                lines[at] += chance.choice([" ", "\x00", "é", ";", ":1", "\u2028"])
            case _:
                other = chance.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
    return "\r\n".join(lines)


@pytest.mark.parametrize("name", ["chromium_plain", "chromium_datachannel", "firefox_simulcast", "short"])
def test_fuzzed_sdp_is_answered_or_refused_by_name(name: str) -> None:
    chance = random.Random(name)
    text = SHORT_OFFER.replace("\n", "\r\n") if name == "short" else browser_offer(name)
    refused = 0
    for _ in range(FUZZ_ROUNDS // (1 if name == "short" else 10)):
        try:
            sdp = answer(mutated_text(text, chance))
        except SdpError:
            refused += 1
            continue
        assert all(line[1] == "=" and line.isprintable() for line in sdp.split("\r\n")[:-1])

    assert 0 < refused < FUZZ_ROUNDS


@given(st.text(max_size=300))
def test_any_text_is_no_offer(text: str) -> None:
    with pytest.raises(SdpError):
        parse_offer(text)
