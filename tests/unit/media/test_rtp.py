"""RTP bytes: vectors, every truncation, every wrong field, extensions, RTX."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.core import rtp
from media.core.rtp import Header, RtpError

VECTORS = Path(__file__).parents[2] / "vectors" / "rtp"


def vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def test_header_with_everything_at_its_last_value() -> None:
    packet = vector("opus_mid_level.bin")

    header = rtp.parse_header(packet, len(packet))

    assert header == Header(
        padding=False, marker=True, pt=111, seq=65535, ts=0xFFFFFFFF, ssrc=0xDEADBEEF, extension=12, payload=20, end=32
    )
    assert packet[header.payload : header.end] == b"opus-payload"


def test_header_with_csrcs_and_padding() -> None:
    packet = vector("vp8_padding_csrc.bin")

    header = rtp.parse_header(packet, len(packet))

    assert (header.padding, header.extension, header.payload, header.end) == (True, 0, 20, 26)
    assert packet[header.payload : header.end] == b"padded"


def test_size_rules_over_the_length_of_the_buffer() -> None:
    packet = vector("vp8_plain.bin")
    buffer = bytearray(packet) + bytes(1000)

    assert rtp.parse_header(buffer, len(packet)) == rtp.parse_header(packet, len(packet))


def test_extensions_are_found_by_identifier() -> None:
    audio, video = vector("opus_mid_level.bin"), vector("vp8_mid_abs_rid.bin")

    assert rtp.read_text_extension(audio, len(audio), 1) == "0"
    assert rtp.read_audio_level(audio, len(audio), 3) == 23
    assert rtp.read_text_extension(video, len(video), 1) == "face"
    assert rtp.read_text_extension(video, len(video), 4) == "h"
    assert rtp.find_extension(video, len(video), 2) == (24, 3)
    assert rtp.find_extension(video, len(video), 5) is None
    assert rtp.read_audio_level(video, len(video), 5) is None


def test_no_extension_block_means_none_found() -> None:
    packet = vector("vp8_plain.bin")

    assert rtp.find_extension(packet, len(packet), 1) is None
    assert rtp.find_extension(packet[:11], 11, 1) is None


def packet_with_block(profile: str, block: str) -> bytes:
    body = bytes.fromhex(block)
    return bytes.fromhex("90600001" + "00000000" + "00000001" + profile) + (len(body) // 4).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("profile", "block", "ident", "found"),
    [
        ("bede", "10 61 00 00", 1, (17, 1)),
        ("bede", "00 00 10 61", 1, (19, 1)),  # padding in front
        ("bede", "f0 61 10 61", 1, None),  # identifier 15 ends the block
        ("bede", "10 61 22 ff", 2, None),  # length reaches past the block
        ("bede", "10 61 12 00", 2, None),
        ("1000", "01 04 61 62 63 64 00 00", 1, (18, 4)),
        ("100f", "00 02 00 05 01 61 00 00", 5, (21, 1)),  # application bits, padding, an empty element before it
        ("1000", "02 00 00 00", 2, (18, 0)),  # an empty element
        ("1000", "01 05 61 62", 1, None),  # length reaches past the block
        ("1000", "00 00 00 01", 1, None),  # identifier without a length
        ("abcd", "10 61 00 00", 1, None),  # another profile
    ],
)
def test_extension_walk(profile: str, block: str, ident: int, found: tuple[int, int] | None) -> None:
    packet = packet_with_block(profile, block)

    assert rtp.find_extension(packet, len(packet), ident) == found


def test_text_that_is_not_ascii_is_none() -> None:
    packet = packet_with_block("bede", "10 ff 00 00")

    assert rtp.read_text_extension(packet, len(packet), 1) is None


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        (bytes(11), "rtp header: 11 bytes, needs 12"),
        (b"\x40" + bytes(11), "rtp version: 1, must be 2"),
        (b"\x81" + bytes(11), "rtp csrc: list exceeds the packet"),
        (b"\x90" + bytes(14), "rtp extension: header is truncated"),
        (b"\x90" + bytes(13) + b"\x00\x01", "rtp extension: length exceeds the packet"),
        (b"\xa0" + bytes(11), "rtp padding: 0 bytes in a payload of 0"),
        (b"\xa0" + bytes(14) + b"\x00", "rtp padding: 0 bytes in a payload of 4"),
        (b"\xa0" + bytes(14) + b"\x05", "rtp padding: 5 bytes in a payload of 4"),
    ],
)
def test_malformed_headers_name_the_field(packet: bytes, message: str) -> None:
    with pytest.raises(RtpError) as raised:
        rtp.parse_header(packet, len(packet))

    assert str(raised.value) == message


@pytest.mark.parametrize("name", sorted(path.name for path in VECTORS.glob("*.bin")))
def test_each_truncation_is_refused_or_a_shorter_payload(name: str) -> None:
    packet = vector(name)
    payload = rtp.payload_start(packet, len(packet))

    for size in range(len(packet)):
        if size < payload:
            with pytest.raises(RtpError, match=r"^rtp (header|csrc|extension)"):
                rtp.payload_start(packet, size)
        else:
            assert rtp.payload_start(packet, size) == payload


def test_written_header_reads_back() -> None:
    out = bytearray(64)

    offset = rtp.write_header(out, True, 0x80 | 96, 65535, 7, 9)
    out[offset : offset + 4] = b"ab\x00\x02"

    assert rtp.parse_header(out, 16) == Header(True, True, 96, 65535, 7, 9, 0, 12, 14)


def test_header_with_abs_send_time_reads_back() -> None:
    out = bytearray(64)
    word = rtp.abs_send_time_word(3, 65.5)

    rtp.HEADER_ABS.pack_into(out, 0, rtp.VERSION_2 | rtp.EXTENSION_BIT, 96, 1, 2, 3, rtp.ONE_WORD, word)

    assert rtp.payload_start(out, 24) == rtp.HEADER_ABS_SIZE
    assert rtp.find_extension(out, 24, 3) == (17, 3)
    assert int.from_bytes(out[17:20], "big") == int(1.5 * (1 << 18))  # wraps every 64 s


def test_rtx_is_unwrapped_to_the_packet_it_repairs() -> None:
    packet = vector("vp8_rtx.bin")

    assert rtp.unwrap_rtx(packet, len(packet), 0x01020304, 96) == vector("vp8_plain.bin")


def test_rtx_is_built_as_another_encoder_builds_it() -> None:
    original = vector("vp8_plain.bin")
    out = bytearray(1500)

    offset = rtp.write_header(out, False, 0x80 | 97, 500, 90000, 0x0A0B0C0D)
    size = rtp.write_rtx_payload(out, offset, 2, original[12:])

    assert out[:size] == vector("vp8_rtx.bin")


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x00\x00\x00\x04"])
def test_rtx_probe_holds_no_original(payload: bytes) -> None:
    padded = len(payload) == 4
    packet = (b"\xa0" if padded else b"\x80") + b"\x61\x00\x01" + bytes(8) + payload

    assert rtp.unwrap_rtx(packet, len(packet), 1, 96) is None
