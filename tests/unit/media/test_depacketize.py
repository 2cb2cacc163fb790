"""Payloads to frames, row by row; and what a hole does to the frames behind it."""

from __future__ import annotations

import pytest

from media.core.depacketize import (
    BadPayload,
    Frame,
    FrameBuilder,
    Lost,
    Packet,
    avcc,
    h264_size,
    h264_units,
    opus_samples,
    vp8_head,
    vp8_size,
)

KEY = b"\x10\x00\x00\x9d\x01\x2a\x40\x01\xf0\x00" + bytes(8)
INTER = b"\x11\x00\x00" + bytes(8)
SPS = bytes.fromhex("6742c00dd90141fa10000003001000000303c8f142a480")
PPS = bytes.fromhex("68cb83cb20")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("10", (True, 1, None, None, False)),
        ("00", (False, 1, None, None, False)),
        ("11", (False, 1, None, None, False)),  # a later partition begins no frame
        ("90800a", (True, 3, None, None, False)),
        ("9080800a", (True, 4, None, None, False)),
        ("90c0800122", (True, 5, 0x22, None, False)),
        ("90e0800122a0", (True, 6, 0x22, 2, True)),
        ("901005", (True, 3, None, None, False)),  # only a key index
    ],
)
def test_vp8_descriptor(payload: str, expected: tuple[bool, int, int | None, int | None, bool]) -> None:
    head = vp8_head(bytes.fromhex(payload))

    assert (head.begins, head.offset, head.tl0, head.tid, head.sync) == expected


@pytest.mark.parametrize("payload", ["", "90", "9080", "908080", "90f08001"])
def test_vp8_descriptor_cut_off(payload: str) -> None:
    with pytest.raises(BadPayload, match="vp8 descriptor"):
        vp8_head(bytes.fromhex(payload))


def test_vp8_key_frames_tell_their_size() -> None:
    assert (vp8_size(KEY), vp8_size(INTER), vp8_size(KEY[:5])) == ((320, 240), None, None)


def test_h264_sizes_come_from_the_parameter_set() -> None:
    assert h264_size(SPS) == (320, 240)
    assert avcc(SPS, PPS)[:9] == bytes([1, 0x42, 0xC0, 0x0D, 0xFF, 0xE1, 0, len(SPS), 0x67])
    with pytest.raises(BadPayload, match="too short"):
        h264_size(SPS[:6])


@pytest.mark.parametrize(
    ("payloads", "units"),
    [
        (["65aabb"], ["65aabb"]),
        (["78000267aa000268bb"], ["67aa", "68bb"]),
        (["7c8511", "7c0522", "7c4533"], ["65112233"]),
    ],
)
def test_h264_payloads(payloads: list[str], units: list[str]) -> None:
    packets = [Packet(n, 0, False, bytes.fromhex(payload)) for n, payload in enumerate(payloads)]

    assert [unit.hex() for unit in h264_units(packets)] == units


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("7c05", "too short"),
        ("7c0522", "start is missing"),
        ("7c8511", "end is missing"),
        ("780009ff", "does not fit"),
        ("1e00", "nal type: 30"),
    ],
)
def test_h264_payloads_that_are_none(payload: str, message: str) -> None:
    with pytest.raises(BadPayload, match=message):
        h264_units([Packet(0, 0, True, bytes.fromhex(payload))])


@pytest.mark.parametrize(
    ("packet", "samples"),
    [("f8fffe", 960), ("f9ff", 1920), ("fb03ff", 2880), ("08", 960), ("18", 2880), ("e0", 120), ("60", 480)],
)
def test_opus_lengths(packet: str, samples: int) -> None:
    assert opus_samples(bytes.fromhex(packet)) == samples


@pytest.mark.parametrize("packet", ["", "fb"])
def test_opus_lengths_that_are_none(packet: str) -> None:
    with pytest.raises(BadPayload, match="opus packet"):
        opus_samples(bytes.fromhex(packet))


def vp8(seq: int, ts: int, body: bytes, *, begins: bool = True, marker: bool = True) -> Packet:
    return Packet(seq, ts, marker, bytes([0x10 if begins else 0]) + body)


def play(builder: FrameBuilder, packets: list[Packet]) -> list[tuple[int, str]]:
    """(timestamp, 'key' | 'frame' | reason of loss)."""
    out = [item for packet in packets for item in builder.add(packet)]
    return [(item.ts, item.why if isinstance(item, Lost) else "key" if item.key else "frame") for item in out]


def test_frames_are_given_whole() -> None:
    packets = [vp8(1, 0, KEY, marker=False), vp8(2, 0, b"rest", begins=False), vp8(3, 9, INTER)]

    assert play(FrameBuilder("VP8"), packets) == [(0, "key"), (9, "frame")]


def test_nothing_is_shown_before_the_first_key_frame() -> None:
    assert play(FrameBuilder("VP8"), [vp8(1, 0, INTER), vp8(2, 9, KEY)]) == [(0, "reference"), (9, "key")]


def test_a_hole_hides_everything_until_the_next_key_frame() -> None:
    packets = [vp8(1, 0, KEY), vp8(3, 18, INTER), vp8(4, 27, INTER), vp8(5, 36, KEY), vp8(6, 45, INTER)]

    assert play(FrameBuilder("VP8"), packets) == [
        (0, "key"),
        (18, "hole"),
        (18, "reference"),
        (27, "reference"),
        (36, "key"),
        (45, "frame"),
    ]


def test_a_hole_inside_a_frame_loses_it() -> None:
    packets = [vp8(1, 0, KEY), vp8(2, 9, INTER, marker=False), vp8(4, 9, b"end", begins=False), vp8(5, 18, INTER)]

    assert play(FrameBuilder("VP8"), packets) == [(0, "key"), (9, "hole"), (18, "reference")]


def layered(seq: int, ts: int, body: bytes, tl0: int, tid: int, *, sync: bool = False) -> Packet:
    return Packet(seq, ts, True, bytes([0x90, 0x60, tl0, tid << 6 | (0x20 if sync else 0)]) + body)


def test_a_lost_upper_layer_does_not_hide_the_base_layer() -> None:
    packets = [
        layered(1, 0, KEY, 10, 0),
        layered(2, 1, INTER, 10, 2),
        layered(4, 3, INTER, 11, 0),
        layered(5, 4, INTER, 11, 2),
        layered(6, 5, INTER, 11, 1, sync=True),
        layered(7, 6, INTER, 12, 0),
    ]

    played = play(FrameBuilder("VP8"), packets)

    assert played == [(0, "key"), (1, "frame"), (3, "hole"), (3, "frame"), (4, "reference"), (5, "frame"), (6, "frame")]


def test_a_lost_base_layer_hides_until_a_key_frame() -> None:
    packets = [layered(1, 0, KEY, 10, 0), layered(3, 2, INTER, 12, 0), layered(4, 3, KEY, 13, 0)]

    assert play(FrameBuilder("VP8"), packets) == [(0, "key"), (2, "hole"), (2, "reference"), (3, "key")]


def test_padding_keeps_its_place_and_is_no_frame() -> None:
    packets = [vp8(1, 0, KEY), Packet(2, 0, False, b""), vp8(3, 9, INTER)]

    assert play(FrameBuilder("VP8"), packets) == [(0, "key"), (9, "frame")]


def test_h264_keeps_parameter_sets_with_their_key_frame() -> None:
    bundle = b"\x78" + len(SPS).to_bytes(2, "big") + SPS + len(PPS).to_bytes(2, "big") + PPS
    builder = FrameBuilder("H264")

    items = [
        item for packet in (Packet(1, 0, False, bundle), Packet(2, 0, True, b"\x65abc")) for item in builder.add(packet)
    ]

    assert [(type(item), item.ts) for item in items] == [(Frame, 0)]
    assert isinstance(items[0], Frame)
    assert (items[0].key, items[0].size, items[0].parameters) == (True, (320, 240), (SPS, PPS))


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(BadPayload, match="AV1"):
        FrameBuilder("AV1")
