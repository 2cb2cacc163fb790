"""One function per parser that reads what strangers and members send; each takes any bytes at all.

A function returns whether the bytes were taken (True) or refused by the documented exception (False). Anything else, another
exception or a broken promise, is a crash; the bytes that caused it are kept for ever in tests/vectors/fuzz/TARGET.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from media.control.codec import BadMessage, Unparsable, read_envelope, read_request
from media.control.frames import FrameReader, FrameTooLarge
from media.core import depacketize
from media.core.depacketize import BadPayload, FrameBuilder, h264_size, opus_samples, vp8_size
from media.core.keyframe import KEY_FRAME_TESTS
from media.core.picture_ids import read_numbers, shift_numbers, shifted
from media.core.red import BadRed, pack, primary_offset, split
from media.core.rtcp import MAX_NACK_ITEMS, Nack, Packet, RtcpError, parse_compound, write_compound
from media.core.rtp import RtpError, find_extension, parse_header, read_audio_level, read_text_extension, unwrap_rtx
from media.net.answer import Candidate, OwnSide, make_answer
from media.net.framing import BadFrame, Unframer
from media.net.ice_lite import BINDING_REQUEST, COOKIE, Check, Credentials, Drop, IceLite
from media.net.sdp import Fingerprint, SdpError, parse_offer
from server.bench.fuzzing import room
from server.signaling.whip import core as devices

Look = Callable[[bytes], bool]

SOURCE: Final = ("192.0.2.1", 40_000)
CREDENTIALS: Final = Credentials("0a1b2c3d4e5f", "6f0e1d2c3b4a59687f8e9dacbbcad9e8f706")
OWN: Final = OwnSide(
    "srvufrag", "p" * 24, Fingerprint("sha-256", ":".join(["AB"] * 32)), [Candidate("192.0.2.7", 40_000)], "laizuo", 1
)
BORDER: Final = bytes(range(0xA0, 0xB0))  # around what is written in place
AMPLIFICATION: Final = (
    3.0  # of an authenticated check (reliability.md, threat 4); an unauthenticated one gets no reply at all
)


@dataclass(frozen=True, slots=True)
class Target:
    """`vectors` are folders below tests/vectors whose files are good to begin with; `longest` bytes of an input."""

    look: Look
    vectors: tuple[str, ...] = ()
    longest: int = 1500


def stun_of_a_stranger(data: bytes) -> bool:
    """Whatever somebody without a password sends: never answered."""
    verdict = _agent().receive(data, SOURCE, 0.0)
    assert isinstance(verdict, Drop), "answered somebody who does not know the password"
    return verdict is not Drop.MALFORMED


def stun_of_a_member(data: bytes) -> bool:
    """Attributes behind which a member put a right integrity and fingerprint: the reply stays small."""
    username = f"{CREDENTIALS.ufrag}:them".encode().ljust(20, b"\0")
    request = sealed_check(struct.pack("!HH", 6, 17) + username + data[: len(data) & ~3])
    verdict = _agent().receive(request, SOURCE, 0.0)
    if not isinstance(verdict, Check):
        return False
    assert len(verdict.reply) <= AMPLIFICATION * len(request), "the reply is too large"
    return True


def sealed_check(attributes: bytes) -> bytes:
    """A Binding request with these attributes, MESSAGE-INTEGRITY and FINGERPRINT. Source: RFC 8489 §14.5, §14.7."""

    def head(size: int) -> bytes:
        return struct.pack("!HHI12s", BINDING_REQUEST, size & 0xFFFF, COOKIE, b"laizuo-fuzz!")

    covered = head(len(attributes) + 24) + attributes
    integrity = struct.pack("!HH", 8, 20) + hmac.digest(CREDENTIALS.pwd.encode(), covered, hashlib.sha1)
    printed = head(len(attributes) + 32) + attributes + integrity
    return printed + struct.pack("!HHI", 0x8028, 4, binascii.crc32(printed) ^ 0x5354554E)


def _agent() -> IceLite[str]:
    agent: IceLite[str] = IceLite()
    agent.admit(CREDENTIALS, "somebody")
    return agent


def rtp(data: bytes) -> bool:
    """A decrypted packet of a member: header, extensions, key frame tests, RTX."""
    size = len(data)
    try:
        header = parse_header(data, size)
        assert header.payload <= header.end <= size, "the payload lies outside of the packet"
        for is_key_frame in KEY_FRAME_TESTS.values():
            is_key_frame(data, header.payload, size)
        original = unwrap_rtx(data, size, 1, 96)
        assert original is None or len(original) <= size, "a repair grew"
    except RtpError:
        return False
    return True


def extensions(data: bytes) -> bool:
    """Header extensions of both forms, each identifier; the block's profile and length are the input's own."""
    packet = b"\x90\x60" + bytes(10) + data
    size = len(packet)
    taken = False
    for ident in (1, 2, 3, 14, 15, 255):
        try:
            found = find_extension(packet, size, ident)
            read_text_extension(packet, size, ident)
            read_audio_level(packet, size, ident)
        except RtpError:
            continue
        assert found is None or 0 <= found[0] <= found[0] + found[1] <= size, "an element lies outside of the packet"
        taken = taken or found is not None
    return taken


def rtcp(data: bytes) -> bool:
    """A decrypted compound packet of a member: bounded in what it makes us do, and read again as it was written."""
    try:
        read = parse_compound(data)
    except RtcpError:
        return False
    assert len(read) <= len(data) // 4, "more packets than fit"
    assert sum(len(packet.seqs) for packet in read if isinstance(packet, Nack)) <= len(data) // 4 * 17, "NACKs grew"
    try:
        written = write_compound(read)
    except RtcpError:
        return True  # what another may send and we never would (a name that grew in UTF-8, say)
    if written and all(len(packet.seqs) <= MAX_NACK_ITEMS for packet in read if isinstance(packet, Nack)):
        assert _said(parse_compound(written)) == _said(read), "reads differently when we write it"
    return True


def _said(packets: list[Packet]) -> list[object]:
    """What they mean: a NACK is a set of numbers, whatever their order and however often it names one."""
    return [(p.sender_ssrc, p.media_ssrc, frozenset(p.seqs)) if isinstance(p, Nack) else p for p in packets]


def payloads(data: bytes) -> bool:
    """Payload descriptors: two packets of a stream to frames, a picture's numbers, sizes of pictures, the length of a voice packet."""
    cut = 1 + data[0] % max(1, len(data)) if data else 0
    parts = (data[1:cut], data[cut:])
    taken = _numbers_shifted(data)
    for codec in ("VP8", "H264"):
        builder = FrameBuilder(codec)
        for seq, part in enumerate(parts):
            builder.add(depacketize.Packet(seq, 0, seq == 1, part))
    for read in (opus_samples, h264_size, vp8_size):
        try:
            read(data)
            taken = True
        except BadPayload:
            continue
    return taken


def _numbers_shifted(data: bytes) -> bool:
    """A picture's numbers go on by what was added and back again, in place; whether there were any."""
    shift = int.from_bytes(data[-3:]) & 0x7FFFFF
    back = (-(shift >> 8) & 0x7FFF) << 8 | -shift & 0xFF
    start, end = len(BORDER), len(BORDER) + len(data)
    packet = bytearray(BORDER + data + BORDER)
    before = read_numbers(packet, start, end)
    shift_numbers(packet, start, end, shift)
    assert packet[:start] == packet[end:] == BORDER, "wrote outside of the payload"
    after = read_numbers(packet, start, end)
    assert after[1] == shifted(before, shift)[1], "a number was not shifted"
    assert after[0] in (shifted(before, shift)[0], shifted(before, shift)[0] & 0x7F), "a number was not shifted"
    shift_numbers(packet, start, end, back)
    assert packet[start:end] == data, "does not come back"
    return before[0] >= 0 or before[1] >= 0


def red(data: bytes) -> bool:
    """Voice sent several times: what is taken apart is the whole payload, and goes together again."""
    try:
        blocks = split(data, 1 << 20)
    except BadRed:
        return False
    assert data.endswith(b"".join(block.data for block in blocks)), "bytes were lost"
    assert data[primary_offset(data, 0, len(data)) :] == blocks[-1].data
    assert split(pack(blocks, 111), 1 << 20)[-1] == blocks[-1]
    return True


def framing(data: bytes) -> bool:
    """Packets on a TCP connection: what comes in pieces is the same as what comes at once, and nothing piles up."""
    at_once, in_pieces = Unframer(1500), Unframer(1500)
    try:
        whole = at_once.receive(data)
        pieces = [packet for at in range(0, len(data), 7) for packet in in_pieces.receive(data[at : at + 7])]
    except BadFrame:
        return False
    assert whole == pieces, "the pieces are not the whole"
    return bool(whole)


def sdp(data: bytes) -> bool:
    """An offer from a browser that is none: answered in printable lines, or refused by name."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        offer = parse_offer(text)
        answer = make_answer(offer, {"0": "voice", "1": "face"}, OWN, itertools.count(1).__next__)
    except SdpError:
        return False
    lines = answer.sdp.split("\r\n")[:-1]
    assert all(line[1] == "=" and line.isprintable() for line in lines), "an answer that no browser can read"
    return True


def control(data: bytes) -> bool:
    """The worker's control socket: frames and requests."""
    reader = FrameReader()
    try:
        bodies = [body for part in (data[:7], data[7:]) for body in reader.receive(part)]
    except FrameTooLarge:
        return False
    taken = False
    for body in [*bodies, data]:
        try:
            read_request(read_envelope(body).op, body)
            taken = True
        except (BadMessage, Unparsable):
            continue
    return taken


def signals(data: bytes) -> bool:
    """What pages, or somebody who plays one, send over their sockets: refused by name, or taken by a session with people in it."""
    return room.say_all(data)


def whip(data: bytes) -> bool:
    """What a device sends over HTTP: an offer, or the fragment of a PATCH, and its headers."""
    text = data.decode("utf-8", "surrogateescape")
    head = text[:200]
    devices.accepts(head, devices.SDP)
    devices.bearer(head)
    wanted = devices.judge_patch(text, text, devices.etag_of(text), head)
    is_word = isinstance(wanted, str)
    assert not is_word or wanted in devices.REFUSALS, "a word that HTTP does not know"
    try:
        sources = devices.sources_of(devices.Kind.WHIP, text, "face")
    except devices.BadOffer:
        return False
    assert 0 < len(sources) <= 2, "more than a voice and a picture"
    kept = devices.ice_keys(devices.without_password(text))
    assert kept is None or kept.pwd == "0" * 22, "a password is kept"
    return True


TARGETS: Final[dict[str, Target]] = {
    "stun": Target(stun_of_a_stranger, ("stun",)),
    "stun-member": Target(stun_of_a_member),
    "rtp": Target(rtp, ("rtp",)),
    "extensions": Target(extensions),
    "rtcp": Target(rtcp, ("rtcp",)),
    "payloads": Target(payloads),
    "red": Target(red),
    "framing": Target(framing),
    "sdp": Target(sdp, ("sdp",), 16_384),
    "control": Target(control, (), 4096),
    "signals": Target(signals, ("signaling",), 4096),
    "whip": Target(whip, ("sdp",), 4096),
}
