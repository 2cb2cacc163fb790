"""From RTP payloads to frames: VP8 (RFC 7741), H.264 (RFC 6184), Opus (RFC 7587). Nothing is decoded.

A frame is given out only when every packet of it came and everything it refers to was given out before: a hole makes the frames after it
undecodable until the next key frame (VP8 with temporal layers: until the next base-layer frame that follows the last one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

START_CODE = b"\x00\x00\x00\x01"
OPUS_RATE = 48_000
# What libopus writes for 20 ms of silence: TOC (CELT, full band, 20 ms, mono) and two bytes.
OPUS_SILENCE = b"\xf8\xff\xfe"
_OPUS_FRAME_SAMPLES = (
    *(480, 960, 1920, 2880) * 3,  # SILK
    *(480, 960) * 2,  # hybrid
    *(120, 240, 480, 960) * 4,  # CELT
)


class BadPayload(ValueError):
    """A payload that does not follow its format; the message names the field."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet as the frame builder takes it: extended sequence number and timestamp, payload without padding."""

    seq: int
    ts: int
    marker: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame. data is VP8 as it stands, or H.264 NAL units with 4-byte lengths; size is (width, height) of a key frame."""

    ts: int
    key: bool
    data: bytes
    size: tuple[int, int] | None = None
    parameters: tuple[bytes, bytes] | None = None  # H.264: sequence and picture parameter sets


@dataclass(frozen=True, slots=True)
class Lost:
    """Frames from here on cannot be shown, and why: `hole` (packets missing) or `reference` (what they refer to is missing)."""

    ts: int
    why: str


@dataclass(frozen=True, slots=True)
class Vp8Head:
    """The payload descriptor of one packet. tl0 and tid are None without temporal layers."""

    begins: bool
    offset: int
    tl0: int | None
    tid: int | None
    sync: bool


def vp8_head(payload: bytes) -> Vp8Head:
    """Source: RFC 7741 section 4.2. Raises BadPayload."""
    first, at, tl0, tid, sync = 0, 1, None, None, False
    try:
        first = payload[0]
        if first & 0x80:
            flags, at = payload[1], 2
            if flags & 0x80:
                at += 2 if payload[at] & 0x80 else 1
            if flags & 0x40:
                tl0, at = payload[at], at + 1
            if flags & 0x30:
                if flags & 0x20:
                    tid, sync = payload[at] >> 6, bool(payload[at] & 0x20)
                at += 1
    except IndexError:
        at = len(payload) + 1
    if at > len(payload):
        raise BadPayload(f"vp8 descriptor: {len(payload)} bytes are too short")
    return Vp8Head(first & 0x1F == 0x10, at, tl0, tid, sync)


def vp8_size(frame: bytes) -> tuple[int, int] | None:
    """(width, height) when this is a key frame. Source: RFC 6386 section 9.1."""
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    return (frame[6] | frame[7] << 8) & 0x3FFF, (frame[8] | frame[9] << 8) & 0x3FFF


def build_vp8(packets: Sequence[Packet]) -> tuple[Frame, Vp8Head]:
    """One frame from its packets, complete and in order. Raises BadPayload."""
    heads = [vp8_head(packet.payload) for packet in packets]
    if not heads[0].begins:
        raise BadPayload("vp8 frame: its first packet is missing")
    data = b"".join(packet.payload[head.offset :] for packet, head in zip(packets, heads, strict=True))
    size = vp8_size(data)
    return Frame(packets[0].ts, size is not None, data, size), heads[0]


def h264_units(packets: Sequence[Packet]) -> list[bytes]:
    """NAL units of one access unit, complete and in order. Source: RFC 6184 5.6 to 5.8. Raises BadPayload."""
    units: list[bytes] = []
    part: bytearray | None = None
    for packet in packets:
        payload = packet.payload
        kind = payload[0] & 0x1F
        if kind == 28:
            part = _fragment(payload, part, units)
        elif kind == 24:
            units += _aggregated(payload)
        elif 1 <= kind <= 23:
            units.append(payload)
        else:
            raise BadPayload(f"h264 nal type: {kind}")
    if part is not None:
        raise BadPayload("h264 fragment: its end is missing")
    return units


def _fragment(payload: bytes, part: bytearray | None, units: list[bytes]) -> bytearray | None:
    if len(payload) < 3:
        raise BadPayload(f"h264 fragment: {len(payload)} bytes are too short")
    if payload[1] & 0x80:
        part = bytearray([payload[0] & 0xE0 | payload[1] & 0x1F])
    if part is None:
        raise BadPayload("h264 fragment: its start is missing")
    part += payload[2:]
    if payload[1] & 0x40:
        units.append(bytes(part))
        return None
    return part


def _aggregated(payload: bytes) -> list[bytes]:
    units, at = [], 1
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        at += 2
        if not 0 < size <= len(payload) - at:
            raise BadPayload(f"h264 aggregate: unit of {size} bytes does not fit")
        units.append(payload[at : at + size])
        at += size
    return units


def build_h264(packets: Sequence[Packet]) -> Frame:
    """One access unit. Parameter sets stay in it, so that a change of size travels with its key frame. Raises BadPayload."""
    units = [unit for unit in h264_units(packets) if unit[0] & 0x1F != 9]
    kinds = [unit[0] & 0x1F for unit in units]
    if not units:
        raise BadPayload("h264 access unit: empty")
    sps = next((unit for unit, kind in zip(units, kinds, strict=True) if kind == 7), None)
    pps = next((unit for unit, kind in zip(units, kinds, strict=True) if kind == 8), None)
    data = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
    parameters = (sps, pps) if sps and pps else None
    return Frame(packets[0].ts, 5 in kinds, data, h264_size(sps) if sps else None, parameters)


def with_parameters(frame: Frame, parameters: tuple[bytes, bytes] | None) -> Frame:
    """A key frame that can be decoded by itself: with its own parameter sets, or else with those sent before it."""
    if frame.parameters is not None or parameters is None:
        return frame
    data = b"".join(len(unit).to_bytes(4, "big") + unit for unit in parameters) + frame.data
    return Frame(frame.ts, frame.key, data, h264_size(parameters[0]), parameters)


def avcc(sps: bytes, pps: bytes) -> bytes:
    """The decoder configuration record. Source: ISO/IEC 14496-15 section 5.3.3.1."""
    head = bytes([1, *sps[1:4], 0xFF, 0xE1]) + len(sps).to_bytes(2, "big") + sps
    return head + b"\x01" + len(pps).to_bytes(2, "big") + pps


class _Bits:
    """Exp-Golomb reader over a parameter set, emulation prevention removed. Source: H.264 section 9.1."""

    def __init__(self, unit: bytes) -> None:
        data = unit.replace(b"\x00\x00\x03", b"\x00\x00")
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise BadPayload("h264 parameter set: too short")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def ue(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def se(self) -> int:
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128})


def h264_size(sps: bytes) -> tuple[int, int]:
    """(width, height) after cropping. Source: H.264 section 7.3.2.1.1. Raises BadPayload."""
    bits = _Bits(sps[1:])
    profile = bits.take(8)
    bits.take(16)
    bits.ue()
    chroma = _read_high_profile(bits) if profile in _HIGH_PROFILES else 1
    bits.ue()
    _skip_order_counts(bits)
    bits.ue()
    bits.take(1)
    width, height = (bits.ue() + 1) * 16, (bits.ue() + 1) * 16
    frames_only = bits.take(1)
    if not frames_only:
        height *= 2
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        unit_x, unit_y = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1) * (2 - frames_only)
        width, height = width - (left + right) * unit_x, height - (top + bottom) * unit_y
    return width, height


def _read_high_profile(bits: _Bits) -> int:
    chroma = bits.ue()
    if chroma == 3:
        bits.take(1)
    bits.ue()
    bits.ue()
    bits.take(1)
    if bits.take(1):
        raise BadPayload("h264 parameter set: scaling lists are not read")
    return chroma


def _skip_order_counts(bits: _Bits) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.take(1)
        bits.se()
        bits.se()
        for _ in range(bits.ue()):
            bits.se()


def opus_samples(packet: bytes) -> int:
    """Length of one Opus packet at 48 kHz. Source: RFC 6716 section 3.1. Raises BadPayload."""
    if not packet:
        raise BadPayload("opus packet: empty")
    per_frame = _OPUS_FRAME_SAMPLES[packet[0] >> 3]
    code = packet[0] & 3
    if code == 3:
        if len(packet) < 2:
            raise BadPayload("opus packet: frame count is missing")
        return per_frame * (packet[1] & 0x3F)
    return per_frame * (1 if code == 0 else 2)


class FrameBuilder:
    """Frames of one video stream from its packets in sequence order, holes included."""

    def __init__(self, codec: str) -> None:
        if codec not in ("VP8", "H264"):
            raise BadPayload(f"codec {codec!r} has no frame builder")
        self._vp8 = codec == "VP8"
        self._open: list[Packet] = []
        self._last_seq: int | None = None
        self._whole = False  # the open frame has all its packets so far
        self._needs_key = True
        self._tl0: int | None = None
        self._upper_ok = False  # frames of upper temporal layers may be shown
        self._parameters: tuple[bytes, bytes] | None = None  # H.264: the newest sets

    def add(self, packet: Packet) -> list[Frame | Lost]:
        """What this packet completes or makes impossible. Packets must come in rising seq, each once."""
        out: list[Frame | Lost] = []
        hole = self._last_seq is not None and packet.seq != self._last_seq + 1
        self._last_seq = packet.seq
        if hole and self._open and self._open[0].ts == packet.ts:
            self._whole = False
        elif hole or (self._open and self._open[0].ts != packet.ts):
            out += self._lose(self._open[0].ts if self._open else packet.ts)
        if not packet.payload:
            return out
        if not self._open:
            self._whole = not hole or self._starts(packet)
        self._open.append(packet)
        if packet.marker:
            out.append(self._finish())
        return out

    def _starts(self, packet: Packet) -> bool:
        """After a hole only VP8 says by itself that a packet begins a frame; H.264 waits for one without a hole before it."""
        return self._vp8 and packet.payload[0] & 0x1F == 0x10

    def _lose(self, ts: int) -> list[Frame | Lost]:
        self._open = []
        self._needs_key = True
        return [Lost(ts, "hole")]

    def _finish(self) -> Frame | Lost:
        packets, self._open = self._open, []
        ts = packets[0].ts
        if not self._whole:
            self._needs_key = True
            return Lost(ts, "hole")
        try:
            return self._check_vp8(*build_vp8(packets)) if self._vp8 else self._check(build_h264(packets))
        except BadPayload as error:
            self._needs_key = True
            return Lost(ts, str(error))

    def _check(self, frame: Frame) -> Frame | Lost:
        self._parameters = frame.parameters or self._parameters
        if self._needs_key and not (frame.key and self._parameters):
            return Lost(frame.ts, "reference")
        self._needs_key = False
        return with_parameters(frame, self._parameters) if frame.key else frame

    def _check_vp8(self, frame: Frame, head: Vp8Head) -> Frame | Lost:
        base = head.tid in (None, 0)
        if frame.key:
            self._needs_key, self._upper_ok = False, True
        elif (
            self._needs_key
            and base
            and head.tl0 is not None
            and self._tl0 is not None
            and head.tl0 == (self._tl0 + 1) & 0xFF
        ):
            # Only upper layers were lost: the base layer goes on, the upper ones wait for a sync frame.
            self._needs_key, self._upper_ok = False, False
        elif not base and not self._needs_key:
            self._upper_ok = self._upper_ok or head.sync
        if self._needs_key or not (base or self._upper_ok):
            return Lost(frame.ts, "reference")
        self._tl0 = head.tl0 if base else self._tl0
        return frame
