"""RTCP: compound packets to small dataclasses and back.

    Packet = SenderReport | ReceiverReport | SourceDescription | Goodbye | Nack | PictureLoss | FullIntra |
    BandwidthEstimate | TransportFeedback

Packet types and feedback formats that are not listed are skipped. Work is bounded by the datagram: every loop eats
bytes, and the two forms in which few bytes could stand for much (NACK bitmaps, REMB ssrc lists) grow at most 17-fold.

Source: RFC 3550 §6, RFC 4585 §6, RFC 5104 §4.3.1, RFC 5506 (reduced size), draft-alvestrand-rmcat-remb-03,
draft-holmer-rmcat-transport-wide-cc-extensions-01.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from struct import Struct, error

from media.core.seqno import SEQ_MASK

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206
NACK_FMT, TRANSPORT_CC_FMT = 1, 15
PLI_FMT, FIR_FMT, AFB_FMT = 1, 4, 15
MAX_BLOCKS = 31  # report count is a 5-bit field
MAX_NACK_ITEMS = 64  # (pid, bitmap) pairs in one packet we write: up to 1,088 sequence numbers in 268 bytes
_CNAME = 1

_HEADER = Struct("!BBH")
_U32 = Struct("!I")
_PAIR = Struct("!II")
_SENDER_INFO = Struct("!IQIII")
_BLOCK = Struct("!IIIIII")
_NACK_ITEM = Struct("!HH")
_FIR_ITEM = Struct("!IB3x")


class RtcpError(ValueError):
    """A compound packet that is malformed; the message names packet and field."""


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """Reception of one ssrc. fraction_lost in 1/256, jitter in timestamp ticks, delay_since_last_sr in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    cumulative_lost: int  # signed 24 bits
    highest_seq: int  # extended, 32 bits
    jitter: int
    last_sr: int
    delay_since_last_sr: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """`ntp` is 64-bit NTP time of `rtp_ts`."""

    ssrc: int
    ntp: int
    rtp_ts: int
    packet_count: int
    octet_count: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """(ssrc, cname) of each chunk that carries a CNAME; other items are skipped."""

    cnames: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """`seqs` in the order asked for, 16 bit."""

    sender_ssrc: int
    media_ssrc: int
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PictureLoss:
    sender_ssrc: int
    media_ssrc: int


@dataclass(frozen=True, slots=True)
class FullIntra:
    """(ssrc, command number) of each stream that a key frame is wanted of."""

    sender_ssrc: int
    requests: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class BandwidthEstimate:
    """REMB: what the receiver believes it can take, for all `ssrcs` together."""

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """transport-cc, not yet taken apart: `data` starts behind the media ssrc."""

    sender_ssrc: int
    media_ssrc: int
    data: bytes


Packet = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | Nack
    | PictureLoss
    | FullIntra
    | BandwidthEstimate
    | TransportFeedback
)


def parse_compound(data: bytes) -> list[Packet]:
    """All known packets of one datagram, in order.

    Reduced-size compounds (no report in front) are accepted, because we answer a=rtcp-rsize.
    Raises   RtcpError; then nothing of the datagram may be used.
    """
    packets: list[Packet] = []
    offset = 0
    if len(data) < 4:
        raise RtcpError(f"rtcp header: {len(data)} bytes, needs 4")
    while offset < len(data):
        kind, count, body, offset = _split(data, offset)
        reader = _READERS.get(kind)
        try:
            packet = reader(count, body) if reader is not None else None
        except error as cut:
            raise RtcpError(f"{_NAMES[kind]}: {len(body)} bytes are too short for count {count}") from cut
        if packet is not None:
            packets.append(packet)
    return packets


def _split(data: bytes, offset: int) -> tuple[int, int, bytes, int]:
    if len(data) - offset < 4:
        raise RtcpError("rtcp header: truncated")
    first, kind, words = _HEADER.unpack_from(data, offset)
    if first >> 6 != 2:
        raise RtcpError(f"rtcp version: {first >> 6}, must be 2")
    end = offset + 4 + (words << 2)
    if end > len(data):
        raise RtcpError("rtcp length: exceeds the datagram")
    body = data[offset + 4 : end]
    if first & 0x20:
        pad = body[-1] if body else 0
        if not 0 < pad <= len(body) or end != len(data):
            raise RtcpError(f"rtcp padding: {pad} bytes in a body of {len(body)}, allowed in the last packet only")
        body = body[:-pad]
    return kind, first & 0x1F, body, end


def _read_block(body: bytes, offset: int) -> ReportBlock:
    ssrc, loss, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, offset)
    cumulative = loss & 0xFFFFFF
    if cumulative & 0x800000:
        cumulative -= 0x1000000
    return ReportBlock(ssrc, loss >> 24, cumulative, highest, jitter, last_sr, delay)


def _read_blocks(body: bytes, offset: int, count: int) -> tuple[ReportBlock, ...]:
    return tuple(_read_block(body, offset + i * _BLOCK.size) for i in range(count))


def _read_sr(count: int, body: bytes) -> SenderReport:
    ssrc, ntp, rtp_ts, packets, octets = _SENDER_INFO.unpack_from(body, 0)
    return SenderReport(ssrc, ntp, rtp_ts, packets, octets, _read_blocks(body, _SENDER_INFO.size, count))


def _read_rr(count: int, body: bytes) -> ReceiverReport:
    (ssrc,) = _U32.unpack_from(body, 0)
    return ReceiverReport(ssrc, _read_blocks(body, 4, count))


def _read_sdes(count: int, body: bytes) -> SourceDescription:
    cnames: list[tuple[int, str]] = []
    offset = 0
    for _ in range(count):
        (ssrc,) = _U32.unpack_from(body, offset)
        cname, offset = _read_chunk(body, offset + 4)
        if cname is not None:
            cnames.append((ssrc, cname))
    return SourceDescription(tuple(cnames))


def _read_chunk(body: bytes, offset: int) -> tuple[str | None, int]:
    """Items up to the terminating zero, then padding to the next word."""
    cname: str | None = None
    while offset < len(body) and body[offset] != 0:
        if offset + 2 > len(body) or offset + 2 + body[offset + 1] > len(body):
            raise RtcpError("sdes item: truncated")
        end = offset + 2 + body[offset + 1]
        if body[offset] == _CNAME:
            cname = body[offset + 2 : end].decode("utf-8", "replace")
        offset = end
    if offset >= len(body):
        raise RtcpError("sdes chunk: not terminated")
    return cname, (offset + 4) & ~3


def _read_bye(count: int, body: bytes) -> Goodbye:
    return Goodbye(tuple(_U32.unpack_from(body, 4 * i)[0] for i in range(count)))


def _read_rtpfb(fmt: int, body: bytes) -> Packet | None:
    sender, media = _PAIR.unpack_from(body, 0)
    if fmt == NACK_FMT:
        return Nack(sender, media, _unpack_nack_items(body[8:]))
    if fmt == TRANSPORT_CC_FMT:
        return TransportFeedback(sender, media, body[8:])
    return None


def _unpack_nack_items(items: bytes) -> tuple[int, ...]:
    seqs: list[int] = []
    for offset in range(0, len(items) - 3, 4):
        pid, bitmap = _NACK_ITEM.unpack_from(items, offset)
        seqs.append(pid)
        while bitmap:
            low = bitmap & -bitmap
            seqs.append((pid + low.bit_length()) & SEQ_MASK)
            bitmap ^= low
    return tuple(seqs)


def _read_psfb(fmt: int, body: bytes) -> Packet | None:
    sender, media = _PAIR.unpack_from(body, 0)
    if fmt == PLI_FMT:
        return PictureLoss(sender, media)
    if fmt == FIR_FMT:
        requests = tuple(_FIR_ITEM.unpack_from(body, offset) for offset in range(8, len(body) - 7, 8))
        return FullIntra(sender, requests)
    if fmt == AFB_FMT and body[8:12] == b"REMB":
        return _read_remb(sender, body)
    return None


def _read_remb(sender: int, body: bytes) -> BandwidthEstimate:
    (word,) = _U32.unpack_from(body, 12)
    count, exponent, mantissa = word >> 24, word >> 18 & 0x3F, word & 0x3FFFF
    if 16 + 4 * count > len(body):
        raise RtcpError(f"remb ssrc count: {count} in a body of {len(body)}")
    ssrcs = tuple(_U32.unpack_from(body, 16 + 4 * i)[0] for i in range(count))
    return BandwidthEstimate(sender, mantissa << exponent, ssrcs)


_READERS: dict[int, Callable[[int, bytes], Packet | None]] = {
    SR: _read_sr,
    RR: _read_rr,
    SDES: _read_sdes,
    BYE: _read_bye,
    RTPFB: _read_rtpfb,
    PSFB: _read_psfb,
}
_NAMES = {
    SR: "sender report",
    RR: "receiver report",
    SDES: "sdes",
    BYE: "bye",
    RTPFB: "transport feedback",
    PSFB: "payload feedback",
}


def write_compound(packets: Iterable[Packet]) -> bytes:
    """The packets one after another, ready to be protected and sent."""
    return b"".join(write_packet(packet) for packet in packets)


def write_packet(packet: Packet) -> bytes:
    """One packet with its header. Raises RtcpError when a count does not fit its field."""
    kind, count, body = _WRITERS[type(packet)](packet)
    if count > MAX_BLOCKS:
        raise RtcpError(f"{_NAMES[kind]} count: {count} exceeds {MAX_BLOCKS}")
    return _HEADER.pack(0x80 | count, kind, len(body) >> 2) + body


def _write_block(block: ReportBlock) -> bytes:
    loss = block.fraction_lost << 24 | block.cumulative_lost & 0xFFFFFF
    return _BLOCK.pack(block.ssrc, loss, block.highest_seq, block.jitter, block.last_sr, block.delay_since_last_sr)


def _write_sr(p: SenderReport) -> tuple[int, int, bytes]:
    info = _SENDER_INFO.pack(p.ssrc, p.ntp, p.rtp_ts, p.packet_count & 0xFFFFFFFF, p.octet_count & 0xFFFFFFFF)
    return SR, len(p.blocks), info + b"".join(map(_write_block, p.blocks))


def _write_rr(p: ReceiverReport) -> tuple[int, int, bytes]:
    return RR, len(p.blocks), _U32.pack(p.ssrc) + b"".join(map(_write_block, p.blocks))


def _write_sdes(p: SourceDescription) -> tuple[int, int, bytes]:
    body = b""
    for ssrc, cname in p.cnames:
        text = cname.encode()
        if len(text) > 255:
            raise RtcpError(f"sdes cname: {len(text)} bytes exceed 255")
        chunk = _U32.pack(ssrc) + bytes((_CNAME, len(text))) + text
        body += chunk + bytes(4 - len(chunk) % 4)  # one to four zeros: the terminator and padding
    return SDES, len(p.cnames), body


def _write_bye(p: Goodbye) -> tuple[int, int, bytes]:
    return BYE, len(p.ssrcs), b"".join(map(_U32.pack, p.ssrcs))


def _write_nack(p: Nack) -> tuple[int, int, bytes]:
    return RTPFB, NACK_FMT, _PAIR.pack(p.sender_ssrc, p.media_ssrc) + _pack_nack_items(p.seqs)


def _pack_nack_items(seqs: Iterable[int]) -> bytes:
    """Greedy: each item covers its number and those among the next sixteen that follow in `seqs`."""
    items: list[tuple[int, int]] = []
    for seq in seqs:
        step = (seq - items[-1][0]) & SEQ_MASK if items else 0
        if items and 1 <= step <= 16:
            items[-1] = (items[-1][0], items[-1][1] | 1 << (step - 1))
        else:
            items.append((seq, 0))
    return b"".join(_NACK_ITEM.pack(*item) for item in items[:MAX_NACK_ITEMS])


def _write_pli(p: PictureLoss) -> tuple[int, int, bytes]:
    return PSFB, PLI_FMT, _PAIR.pack(p.sender_ssrc, p.media_ssrc)


def _write_fir(p: FullIntra) -> tuple[int, int, bytes]:
    return PSFB, FIR_FMT, _PAIR.pack(p.sender_ssrc, 0) + b"".join(_FIR_ITEM.pack(*request) for request in p.requests)


def _write_remb(p: BandwidthEstimate) -> tuple[int, int, bytes]:
    exponent = max(0, p.bitrate_bps.bit_length() - 18)
    word = len(p.ssrcs) << 24 | exponent << 18 | p.bitrate_bps >> exponent
    return PSFB, AFB_FMT, _PAIR.pack(p.sender_ssrc, 0) + b"REMB" + _U32.pack(word) + b"".join(map(_U32.pack, p.ssrcs))


def _write_transport_cc(p: TransportFeedback) -> tuple[int, int, bytes]:
    if len(p.data) % 4:
        raise RtcpError(f"transport feedback data: {len(p.data)} bytes are no whole words")
    return RTPFB, TRANSPORT_CC_FMT, _PAIR.pack(p.sender_ssrc, p.media_ssrc) + p.data


# The key decides the argument's type, which a dict's type cannot say.
_WRITERS: dict[type, Callable[..., tuple[int, int, bytes]]] = {
    SenderReport: _write_sr,
    ReceiverReport: _write_rr,
    SourceDescription: _write_sdes,
    Goodbye: _write_bye,
    Nack: _write_nack,
    PictureLoss: _write_pli,
    FullIntra: _write_fir,
    BandwidthEstimate: _write_remb,
    TransportFeedback: _write_transport_cc,
}
