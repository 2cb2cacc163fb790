"""RTP packets as bytes and plain integers: reading a header, finding a header extension, writing a header anew, RTX.

The header of a packet that goes down to a subscriber is always *written anew*, 12 bytes without or 20 bytes with the
extension that the subscriber negotiated (abs-send-time): extension identifiers and mids belong to one peer's session
and must never be passed on to another.

Source: RFC 3550 §5.1, RFC 8285 §4 (extensions), RFC 4588 §4 (RTX).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

Buffer = bytes | bytearray | memoryview

FIXED_HEADER = 12
ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000  # 0x100 and four application bits

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

SILENCE = 127  # the least loud that RFC 6464 can say, in -dBov

# first byte, marker and payload type, sequence number, timestamp, ssrc
HEADER = Struct("!BBHII")
# the same, then one extension of one word: 0xBEDE0001 and (id << 28 | 2 << 24 | 24-bit abs-send-time)
HEADER_ABS = Struct("!BBHIIII")
HEADER_ABS_SIZE = 20
EXTENSION_BIT = 0x10
PADDING_BIT = 0x20
MARKER_BIT = 0x80
VERSION_2 = 0x80
# The head of an extension block of one word.
ONE_WORD = ONE_BYTE_PROFILE << 16 | 1
_U16 = Struct("!H")
_ONE_BYTE_FORM = ONE_BYTE_PROFILE.to_bytes(2, "big")


class RtpError(ValueError):
    """A packet that is not RTP; the message names the field."""


@dataclass(frozen=True, slots=True)
class Header:
    """One RTP header. Offsets count from the start of the packet; `payload` to `end` is the payload without padding."""

    padding: bool
    marker: bool
    pt: int
    seq: int
    ts: int
    ssrc: int
    extension: int  # offset of the extension's profile field, 0 = none
    payload: int
    end: int


def payload_start(packet: Buffer, size: int) -> int:
    """Offset of the payload: the one header walk that every forwarded packet needs.

    size     bytes of `packet` that belong to it (the buffer may be longer).
    Raises   RtpError for a header that is cut off or of another version.
    """
    if size < FIXED_HEADER:
        raise RtpError(f"rtp header: {size} bytes, needs {FIXED_HEADER}")
    first = packet[0]
    if first >> 6 != 2:
        raise RtpError(f"rtp version: {first >> 6}, must be 2")
    offset = FIXED_HEADER + ((first & 0x0F) << 2)
    if first & EXTENSION_BIT:
        if offset + 4 > size:
            raise RtpError("rtp extension: header is truncated")
        offset += 4 + ((packet[offset + 2] << 8 | packet[offset + 3]) << 2)
        if offset > size:
            raise RtpError("rtp extension: length exceeds the packet")
    if offset > size:
        raise RtpError("rtp csrc: list exceeds the packet")
    return offset


def parse_header(packet: Buffer, size: int) -> Header:
    """All fields of one header. Raises RtpError."""
    payload = payload_start(packet, size)
    first, second, seq, ts, ssrc = HEADER.unpack_from(packet, 0)
    end = size
    if first & PADDING_BIT:
        pad = packet[size - 1] if size > payload else 0
        if not 0 < pad <= size - payload:
            raise RtpError(f"rtp padding: {pad} bytes in a payload of {size - payload}")
        end = size - pad
    extension = FIXED_HEADER + ((first & 0x0F) << 2) if first & EXTENSION_BIT else 0
    return Header(
        bool(first & PADDING_BIT), second >= MARKER_BIT, second & 0x7F, seq, ts, ssrc, extension, payload, end
    )


def find_extension(packet: Buffer, size: int, ident: int) -> tuple[int, int] | None:
    """Where the element with this identifier stands: (offset, length), None if it is not there.

    Walks one-byte and two-byte forms without building a table; stops quietly at the first element that does not fit.
    Source   RFC 8285 §4.2, §4.3.
    """
    if size < FIXED_HEADER or not packet[0] & EXTENSION_BIT:
        return None
    base = FIXED_HEADER + ((packet[0] & 0x0F) << 2)
    if base + 4 > size:
        return None
    profile = packet[base] << 8 | packet[base + 1]
    end = base + 4 + ((packet[base + 2] << 8 | packet[base + 3]) << 2)
    if end > size:
        return None
    if profile == ONE_BYTE_PROFILE:
        return _find_one_byte(packet, base + 4, end, ident)
    if profile & 0xFFF0 == TWO_BYTE_PROFILE:
        return _find_two_byte(packet, base + 4, end, ident)
    return None


def _find_one_byte(packet: Buffer, offset: int, end: int, ident: int) -> tuple[int, int] | None:
    while offset < end:
        head = packet[offset]
        offset += 1
        if head == 0:  # padding
            continue
        if head >> 4 == 15:  # reserved: stop
            return None
        length = (head & 0x0F) + 1
        if offset + length > end:
            return None
        if head >> 4 == ident:
            return offset, length
        offset += length
    return None


def _find_two_byte(packet: Buffer, offset: int, end: int, ident: int) -> tuple[int, int] | None:
    while offset < end:
        found = packet[offset]
        if found == 0:  # padding
            offset += 1
            continue
        if offset + 2 > end or offset + 2 + packet[offset + 1] > end:
            return None
        if found == ident:
            return offset + 2, packet[offset + 1]
        offset += 2 + packet[offset + 1]
    return None


def read_text_extension(packet: Buffer, size: int, ident: int) -> str | None:
    """A mid or rid as text; None when it is absent or not ASCII."""
    found = find_extension(packet, size, ident)
    if found is None:
        return None
    offset, length = found
    try:
        return bytes(packet[offset : offset + length]).decode("ascii")
    except UnicodeDecodeError:
        return None


def read_audio_level(packet: Buffer, size: int, ident: int) -> int | None:
    """Loudness 0..127 in -dBov (0 = loudest, 127 = silence); the voice bit is dropped. Source: RFC 6464 §3."""
    found = find_extension(packet, size, ident)
    return packet[found[0]] & 0x7F if found is not None and found[1] >= 1 else None


def loudest(before: int, packet: Buffer, size: int, ident: int) -> int:
    """The louder of `before` and what this packet says of itself: the smaller number of `read_audio_level`.

    find_extension's walk, in place for its usual form: this is done for every packet of a voice.
    """
    if not packet[0] & EXTENSION_BIT:
        return before
    at = FIXED_HEADER + ((packet[0] & 0x0F) << 2)
    if packet[at : at + 2] != _ONE_BYTE_FORM or at + 4 > size:
        level = read_audio_level(packet, size, ident)
        return before if level is None or level > before else level
    end = at + 4 + ((packet[at + 2] << 8 | packet[at + 3]) << 2)
    at += 4
    while at < end <= size:
        head = packet[at]
        if head >> 4 == ident:
            level = packet[at + 1] & 0x7F if at + 2 + (head & 0x0F) <= end else before
            return level if level < before else before
        if head >> 4 == 15:
            break
        at += 2 + (head & 0x0F) if head else 1
    return before


def abs_send_time(now: float) -> int:
    """24 bits, 6.18 fixed point seconds, wraps every 64 s."""
    return int(now * 262144.0) & 0xFFFFFF


def abs_send_time_word(ident: int, now: float) -> int:
    """The extension element as one 32-bit word, ready for HEADER_ABS."""
    return ident << 28 | 0x02000000 | abs_send_time(now)


def write_header(out: bytearray, padding: bool, marker_pt: int, seq: int, ts: int, ssrc: int) -> int:
    """A header without extensions into the front of `out`; returns 12, the offset for the payload.

    With extension: HEADER_ABS.pack_into(out, 0, first | EXTENSION_BIT, marker_pt, seq, ts, ssrc, ONE_WORD, word),
    where word is abs_send_time_word(ident, now), and the payload at HEADER_ABS_SIZE.
    """
    HEADER.pack_into(out, 0, VERSION_2 | PADDING_BIT if padding else VERSION_2, marker_pt, seq, ts, ssrc)
    return FIXED_HEADER


def write_rtx_payload(out: bytearray, offset: int, original_seq: int, payload: Buffer) -> int:
    """The body of an RTX packet behind its own header: original number, then payload. Returns the packet's size.

    The caller has written a header with the RTX stream's ssrc, payload type and its own next sequence number, and the
    timestamp of the original.  Source: RFC 4588 §4.
    """
    _U16.pack_into(out, offset, original_seq)
    end = offset + 2 + len(payload)
    out[offset + 2 : end] = payload
    return end


def unwrap_rtx(packet: Buffer, size: int, ssrc: int, pt: int) -> bytes | None:
    """The original packet out of an RTX packet, as it was first sent but without header extensions and padding.

    ssrc, pt  of the stream that is repaired.
    Returns   None for a probe (padding or empty: no original inside).
    Raises    RtpError.
    """
    header = parse_header(packet, size)
    if header.end - header.payload < 2:
        return None
    marker_pt = MARKER_BIT | pt if header.marker else pt
    original_seq = packet[header.payload] << 8 | packet[header.payload + 1]
    return HEADER.pack(VERSION_2, marker_pt, original_seq, header.ts, ssrc) + bytes(
        packet[header.payload + 2 : header.end]
    )
