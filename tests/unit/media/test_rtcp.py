"""RTCP bytes: vectors of another encoder, round trips, every truncation, every wrong field."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from media.core import rtcp
from media.core.rtcp import (
    BandwidthEstimate,
    FullIntra,
    Goodbye,
    Nack,
    Packet,
    PictureLoss,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    SenderReport,
    SourceDescription,
    TransportFeedback,
    parse_compound,
    write_compound,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "rtcp"
BLOCK = ReportBlock(0xCAFE, 12, -3, 70000, 55, 0x11223344, 6553)
EXPECTED: dict[str, list[Packet]] = {
    "sr_sdes.bin": [
        SenderReport(1, 0xE0000000_80000000, 0xFFFFFFFA, 10, 1000, (BLOCK,)),
        SourceDescription(((1, "laizuo"),)),
    ],
    "rr.bin": [ReceiverReport(9, (BLOCK, BLOCK))],
    "bye.bin": [Goodbye((1, 2))],
    "nack.bin": [Nack(5, 6, (10, 11, 20, 26, 27, 100))],
    "pli.bin": [PictureLoss(5, 6)],
    "fir.bin": [FullIntra(5, ((6, 27),))],
    "remb.bin": [BandwidthEstimate(5, 1_500_000, (6, 7))],
}


@pytest.mark.parametrize("name", sorted(path.name for path in VECTORS.glob("*.bin")))
def test_vectors_read_as_they_were_made(name: str) -> None:
    assert parse_compound((VECTORS / name).read_bytes()) == EXPECTED[name]


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"sr_sdes.bin"}))
def test_we_write_what_the_other_encoder_wrote(name: str) -> None:
    assert write_compound(EXPECTED[name]) == (VECTORS / name).read_bytes()


@pytest.mark.parametrize(
    "packet",
    [
        SenderReport(1, 2, 3, 4, 5),
        SourceDescription(((1, "a"), (2, "ab"), (3, "abc"), (4, "abcd"))),
        Nack(1, 2, (65530, 65535, 0, 4, 30)),  # wrap: 65530 covers up to 10
        BandwidthEstimate(1, 262143 << 3, ()),
        TransportFeedback(1, 2, bytes(range(12))),
        FullIntra(1, ((2, 3), (4, 255))),
        ReceiverReport(1, tuple(replace(BLOCK, ssrc=i) for i in range(31))),
    ],
)
def test_round_trip(packet: Packet) -> None:
    assert parse_compound(write_compound([packet])) == [packet]


def test_large_estimates_lose_their_lowest_bits_only() -> None:
    (read,) = parse_compound(write_compound([BandwidthEstimate(1, 123_456_789_012, ())]))

    assert isinstance(read, BandwidthEstimate)
    assert 0 <= 123_456_789_012 - read.bitrate_bps < 123_456_789_012 >> 17


def test_nack_packs_sixteen_followers_into_one_item() -> None:
    data = write_compound([Nack(1, 2, tuple(range(65530, 65536)) + tuple(range(11)))])

    assert len(data) == 12 + 4


def test_nack_writer_is_bounded() -> None:
    data = write_compound([Nack(1, 2, tuple(range(0, 40000, 20)))])

    assert len(data) == 12 + 4 * rtcp.MAX_NACK_ITEMS


def test_nack_bitmap_wraps() -> None:
    data = bytes.fromhex("81cd0003 00000001 00000002 ffff 8001")

    assert parse_compound(data) == [Nack(1, 2, (65535, 0, 15))]


def test_unknown_types_and_formats_are_skipped() -> None:
    extended_report = bytes.fromhex("80cf0001 00000001")
    rapid_resync = bytes.fromhex("85cd0002 00000001 00000002")
    app_feedback = bytes.fromhex("8fce0003 00000001 00000002 41424344")

    assert parse_compound(extended_report + rapid_resync + app_feedback + write_compound([Goodbye((7,))])) == [
        Goodbye((7,))
    ]


def test_padding_of_the_last_packet_is_taken_off() -> None:
    data = bytes.fromhex("81cb0001 00000001") + bytes.fromhex("a1cb0002 00000002 00000004")

    assert parse_compound(data) == [Goodbye((1,)), Goodbye((2,))]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "rtcp header: 0 bytes, needs 4"),
        ("80c9", "rtcp header: 2 bytes, needs 4"),
        ("40c90001 00000001", "rtcp version: 1, must be 2"),
        ("80c90002 00000001", "rtcp length: exceeds the datagram"),
        ("80c90001 00000001 80", "rtcp header: truncated"),
        ("80c90000", "receiver report: 0 bytes are too short for count 0"),
        ("81c90001 00000001", "receiver report: 4 bytes are too short for count 1"),
        ("80c80001 00000001", "sender report: 4 bytes are too short for count 0"),
        ("82cb0001 00000001", "bye: 4 bytes are too short for count 2"),
        ("81ca0000", "sdes: 0 bytes are too short for count 1"),
        ("81ca0001 00000001", "sdes chunk: not terminated"),
        ("81ca0002 00000001 01ff6161", "sdes item: truncated"),
        ("81ca0002 00000001 02006101", "sdes item: truncated"),
        ("81cd0001 00000001", "transport feedback: 4 bytes are too short for count 1"),
        ("81ce0001 00000001", "payload feedback: 4 bytes are too short for count 1"),
        ("8fce0003 00000001 00000000 52454d42", "payload feedback: 12 bytes are too short for count 15"),
        ("8fce0004 00000001 00000000 52454d42 02000000", "remb ssrc count: 2 in a body of 16"),
        ("a0c90001 00000000", "rtcp padding: 0 bytes in a body of 4, allowed in the last packet only"),
        ("a0c90001 00000005", "rtcp padding: 5 bytes in a body of 4, allowed in the last packet only"),
        ("a0cb0001 00000004 80cb0000", "rtcp padding: 4 bytes in a body of 4, allowed in the last packet only"),
        ("a0cb0000", "rtcp padding: 0 bytes in a body of 0, allowed in the last packet only"),
    ],
)
def test_malformed_compounds_name_the_field(data: str, message: str) -> None:
    with pytest.raises(RtcpError) as raised:
        parse_compound(bytes.fromhex(data))

    assert str(raised.value) == message


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_truncation_is_refused_or_whole_packets(name: str) -> None:
    data = (VECTORS / name).read_bytes()
    first_ends = 52 if name == "sr_sdes.bin" else len(data)

    for size in range(len(data)):
        if size == first_ends:
            assert parse_compound(data[:size]) == EXPECTED[name][:1]
        else:
            with pytest.raises(RtcpError):
                parse_compound(data[:size])


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        (ReceiverReport(1, (BLOCK,) * 32), "receiver report count: 32 exceeds 31"),
        (Goodbye(tuple(range(32))), "bye count: 32 exceeds 31"),
        (SourceDescription(((1, "x" * 256),)), "sdes cname: 256 bytes exceed 255"),
        (TransportFeedback(1, 2, b"abc"), "transport feedback data: 3 bytes are no whole words"),
    ],
)
def test_writer_refuses_what_does_not_fit(packet: Packet, message: str) -> None:
    with pytest.raises(RtcpError) as raised:
        write_compound([packet])

    assert str(raised.value) == message
