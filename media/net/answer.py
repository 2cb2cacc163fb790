"""Our answer to a browser's offer, and the facts that the forwarder takes from the negotiation. Pure: addresses and
ssrcs are arguments.

What each line of the offer becomes:

    sendonly, sendrecv     up: answered recvonly; `sources` says what it shows
    recvonly               down: answered sendonly; the n-th audio and the n-th video of them are slot n
    inactive               idle: answered inactive
    anything else          rejected: port 0, outside BUNDLE (data channels, unknown kinds, no usable codec, not bundled,
                           switched off)

Identifiers (payload types, extensions) are those of the offer, line by line. A down line is answered without mid and
audio level: its ssrcs are signalled, and the header of a down packet is written anew (rtp.py).

Simulcast is taken in up to three layers (rids), in the order of a=simulcast, which is from small to large by our pages; their
SSRCs are learnt by mid and rid, whether or not the offer announces some.

Source: RFC 8829, RFC 3264, RFC 9143, RFC 8445 §2.5 (ICE-lite), RFC 6184 §8.1 (H.264 profiles).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from media.core.rtp import ABS_SEND_TIME, AUDIO_LEVEL, MID, REPAIRED_RID, RID, TRANSPORT_CC
from media.core.slots import SOURCES
from media.net.sdp import Codec, Direction, Fingerprint, MediaLine, Offer, SdpError

# VP8 first although some browsers put H.264 first: every browser decodes VP8, not every one decodes H.264.
VIDEO_CODECS = ("VP8", "H264", "VP9", "AV1")
FILMED_CODECS = ("VP8", "H264")  # all that a recorded room takes: of others no film could be made
OPUS, RED = "opus", "red"
AUDIO_CODECS = (RED, OPUS)
CLOCK_RATES = {OPUS: 48000, RED: 48000, **dict.fromkeys(VIDEO_CODECS, 90000)}
FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")
UP_EXTENSIONS = {"audio": (MID, AUDIO_LEVEL, TRANSPORT_CC), "video": (MID, ABS_SEND_TIME, TRANSPORT_CC)}
LAYER_EXTENSIONS = (RID, REPAIRED_RID)
MAX_LAYERS = 3
DOWN_EXTENSIONS: dict[str, tuple[str, ...]] = {"audio": (), "video": (ABS_SEND_TIME,)}
PROTOCOL = "UDP/TLS/RTP/SAVPF"
# In-band FEC is what a lost voice packet is mended from; without it a village line of 5 % loss is hard to follow.
OPUS_PARAMETERS = "minptime=10;useinbandfec=1"
H264_PARAMETERS = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id="
# profile_idc -> the bits of profile_iop that are fixed, and their value
_CONSTRAINED_BASELINE = {0x42: (0x4F, 0x40), 0x4D: (0x8F, 0x80), 0x58: (0xCF, 0xC0)}
# Of these the profile that every decoder has is the one that is meant when none is named. Source: RFC 9628 §6.1, AV1 §7.2.1.
_PROFILES = {"VP9": "profile-id", "AV1": "profile"}
_PROFILE = re.compile(r"[0-9A-Fa-f]{6}\Z")


class Role(Enum):
    """What a line is to us."""

    UP = "up"  # the person sends
    DOWN = "down"  # we send: half of a slot
    IDLE = "idle"  # kept open, nothing flows
    REJECTED = "rejected"  # port 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host address of ours. `protocol` udp, or tcp (passive, RFC 6544)."""

    host: str
    port: int
    protocol: str = "udp"


@dataclass(frozen=True, slots=True)
class OwnSide:
    """What we bring to the session."""

    ufrag: str
    pwd: str
    fingerprint: Fingerprint
    candidates: Sequence[Candidate]
    cname: str
    session_id: int  # o= line; the same for the life of the peer
    version: int = 1  # o= line; one more at each renegotiation


@dataclass(frozen=True, slots=True)
class Negotiated:
    """One line's facts. pts and rtx_pts: codec name (VP8, H264, opus) -> payload type, in order of preference.

    `red` among them is Opus with frames of before in the same packet (core/red.py); never without opus.
    """

    index: int
    mid: str
    kind: str
    role: Role
    source: str | None = None  # up
    slot: int | None = None  # down
    pts: dict[str, int] = field(default_factory=dict)
    rtx_pts: dict[str, int] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)  # accepted uri -> identifier
    ssrcs: tuple[int, ...] = ()  # up: announced by the offer, without RTX; empty: learn them by mid
    rtx_ssrcs: dict[int, int] = field(default_factory=dict)  # ssrc -> ssrc of its RTX
    ssrc: int = 0  # down: of our choice
    rtx_ssrc: int = 0  # down: 0 = the subscriber takes no RTX
    rids: tuple[str, ...] = ()  # up: layers of simulcast, from small to large; empty: one stream
    nack: bool = False  # generic NACK is in force; on a down line only with RTX, for nothing else answers it

    @property
    def clock_rate(self) -> int:
        return 48000 if self.kind == "audio" else 90000


@dataclass(frozen=True, slots=True)
class Answer:
    sdp: str
    lines: tuple[Negotiated, ...]


def negotiate(
    offer: Offer,
    sources: Mapping[str, str],
    new_ssrc: Callable[[], int],
    kept: Sequence[Negotiated] = (),
    pictures: Sequence[str] = VIDEO_CODECS,
) -> tuple[Negotiated, ...]:
    """The facts of every line, in the order of the offer.

    sources   mid -> source of each up line (CONTROL.md join).
    new_ssrc  gives an unused, non-zero ssrc.
    kept      the facts before a renegotiation: down lines keep their ssrcs.
    pictures  the video codecs that are taken, in order of preference.
    Raises    SdpError.
    """
    kept_by_mid = {line.mid: line for line in kept if line.role is Role.DOWN}
    slots = {"audio": 0, "video": 0}
    lines: list[Negotiated] = []
    for index, media in enumerate(offer.media):
        fact = _judge(index, media, offer, pictures)
        if fact.role is Role.UP:
            fact = _take_up(fact, media, sources)
        elif fact.role is Role.DOWN:
            before = kept_by_mid.get(fact.mid, fact)
            rtx_ssrc = (before.rtx_ssrc or new_ssrc()) if fact.rtx_pts else 0
            fact = replace(fact, slot=slots[fact.kind], ssrc=before.ssrc or new_ssrc(), rtx_ssrc=rtx_ssrc)
            slots[fact.kind] += 1
        lines.append(fact)
    _check_whole(lines)
    return tuple(lines)


def make_answer(
    offer: Offer,
    sources: Mapping[str, str],
    own: OwnSide,
    new_ssrc: Callable[[], int],
    kept: Sequence[Negotiated] = (),
    pictures: Sequence[str] = VIDEO_CODECS,
) -> Answer:
    """Negotiate and write the answer. Arguments and errors as `negotiate`."""
    lines = negotiate(offer, sources, new_ssrc, kept, pictures)
    return Answer(_write(offer, lines, own), lines)


def pt_table(up: Mapping[str, int], down: Mapping[str, int]) -> bytes:
    """Second RTP byte of an up packet -> ours: payload types differ from browser to browser, the marker stays."""
    table = bytearray(256)
    for name, pt in up.items():
        theirs = down.get(name)
        if name == RED and up[OPUS] != down.get(OPUS):
            theirs = down.get(OPUS)  # its blocks say what the publisher calls Opus: the last of them goes alone
        if theirs is not None:
            table[pt], table[pt | 0x80] = theirs, theirs | 0x80
    return bytes(table)


def _judge(index: int, media: MediaLine, offer: Offer, pictures: Sequence[str]) -> Negotiated:
    """Role, codecs and extensions of one line."""
    fact = Negotiated(index, media.mid, media.kind, Role.REJECTED)
    usable = media.kind in ("audio", "video") and media.protocol == PROTOCOL and media.offered
    if not (usable and media.rtcp_mux and media.mid and media.mid in offer.bundle):
        return fact
    chosen = _choose_codecs(media, AUDIO_CODECS if media.kind == "audio" else pictures)
    if not chosen:
        return fact
    role = Role.UP if media.direction.sends else Role.DOWN if media.direction is Direction.RECVONLY else Role.IDLE
    rtx_pts = _find_rtx(media, chosen)
    wanted = (DOWN_EXTENSIONS if role is Role.DOWN else UP_EXTENSIONS)[media.kind]
    return replace(
        fact,
        role=role,
        pts={name: codec.pt for name, codec in chosen.items()},
        rtx_pts=rtx_pts,
        extensions={uri: media.extensions[uri] for uri in wanted if 1 <= media.extensions.get(uri, 0) <= 14},
        nack=any("nack" in codec.feedback for codec in chosen.values()) and (role is not Role.DOWN or bool(rtx_pts)),
    )


def _take_up(fact: Negotiated, media: MediaLine, sources: Mapping[str, str]) -> Negotiated:
    source = sources.get(media.mid)
    if source is None or SOURCES.get(source) != media.kind:
        raise SdpError(f"line {media.line}: mid {media.mid} sends {media.kind} but its source is {source}")
    idents = {uri: media.extensions.get(uri, 0) for uri in (MID, *LAYER_EXTENSIONS)}
    if len(media.layers) < 2 or not all(1 <= ident <= 14 for ident in idents.values()):
        return replace(fact, source=source, ssrcs=media.ssrcs, rtx_ssrcs=dict(media.rtx_ssrcs))
    return replace(fact, source=source, rids=media.layers[:MAX_LAYERS], extensions=fact.extensions | idents)


def _check_whole(lines: list[Negotiated]) -> None:
    if not any(line.role is not Role.REJECTED for line in lines):
        raise SdpError("offer: no line can be accepted (bundled audio or video with opus, VP8 or H.264)")
    taken = [line.source for line in lines if line.role is Role.UP]
    if len(set(taken)) != len(taken):
        raise SdpError("sources: two lines show the same source")
    seen: set[int] = set()
    for line in lines:
        for ssrc in (*line.ssrcs, *line.rtx_ssrcs.values()):
            if ssrc in seen:
                raise SdpError(f"mid {line.mid}: ssrc {ssrc} is announced twice")
            seen.add(ssrc)


def _choose_codecs(media: MediaLine, wanted: Sequence[str]) -> dict[str, Codec]:
    chosen: dict[str, Codec] = {}
    for name in wanted:
        fitting = [c for c in media.codecs.values() if c.name.lower() == name.lower() and _fits(name, c)]
        if fitting:
            chosen[name] = fitting[0]
    if RED in chosen and not _is_red_of(chosen[RED], chosen.get(OPUS)):
        del chosen[RED]
    if media.kind == "audio":  # whether more than once is the page's choice
        places = [int(text) for text in media.formats if text.isdigit()]
        chosen = dict(sorted(chosen.items(), key=lambda item: places.index(item[1].pt)))
    return chosen


def _is_red_of(red: Codec, codec: Codec | None) -> bool:
    """Whether each of its blocks is this codec. Source: RFC 2198 §5: a=fmtp:63 111/111."""
    blocks = next(iter(red.parameters), "").split("/")
    return codec is not None and len(blocks) > 1 and set(blocks) == {str(codec.pt)}


def _fits(name: str, codec: Codec) -> bool:
    if codec.clock_rate != CLOCK_RATES[name]:
        return False
    if name in AUDIO_CODECS:
        return codec.channels == 2
    if name == "H264":
        return codec.parameters.get("packetization-mode") == "1" and is_constrained_baseline(
            codec.parameters.get("profile-level-id", "")
        )
    return codec.parameters.get(_PROFILES.get(name, ""), "0") == "0"


def is_constrained_baseline(profile_level_id: str) -> bool:
    """Whether every browser's H.264 decoder takes it. Source: RFC 6184 §8.1, table 5: three spellings of one subset."""
    if not _PROFILE.match(profile_level_id):
        return False
    idc, iop = bytes.fromhex(profile_level_id)[:2]
    if idc not in _CONSTRAINED_BASELINE:
        return False
    fixed, value = _CONSTRAINED_BASELINE[idc]
    return iop & fixed == value


def _find_rtx(media: MediaLine, chosen: Mapping[str, Codec]) -> dict[str, int]:
    by_original = {c.parameters.get("apt"): c.pt for c in media.codecs.values() if c.name.lower() == "rtx"}
    return {name: by_original[str(codec.pt)] for name, codec in chosen.items() if str(codec.pt) in by_original}


def _write(offer: Offer, lines: Sequence[Negotiated], own: OwnSide) -> str:
    accepted = [line for line in lines if line.role is not Role.REJECTED]
    setup = "active" if offer.transport.wants_hello else "passive"
    text = [
        "v=0",
        f"o=- {own.session_id} {own.version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=group:BUNDLE " + " ".join(line.mid for line in accepted),
        "a=msid-semantic: WMS *",
    ]
    for line, media in zip(lines, offer.media, strict=True):
        if line.role is Role.REJECTED:
            text += _write_rejected(media)
        else:
            text += _write_line(line, media, own, setup, first=line is accepted[0])
    return "\r\n".join(text) + "\r\n"


def _write_rejected(media: MediaLine) -> list[str]:
    mid = [f"a=mid:{media.mid}"] if media.mid else []
    return [f"m={media.kind} 0 {media.protocol} {' '.join(media.formats)}", "c=IN IP4 0.0.0.0", "a=inactive", *mid]


def _write_line(line: Negotiated, media: MediaLine, own: OwnSide, setup: str, first: bool) -> list[str]:
    pts = [pt for name, main in line.pts.items() for pt in (main, line.rtx_pts.get(name)) if pt is not None]
    direction = {Role.UP: Direction.RECVONLY, Role.DOWN: Direction.SENDONLY, Role.IDLE: Direction.INACTIVE}[line.role]
    text = [
        f"m={line.kind} 9 {PROTOCOL} {' '.join(map(str, pts))}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{line.mid}",
        f"a={direction.value}",
        f"a=ice-ufrag:{own.ufrag}",
        f"a=ice-pwd:{own.pwd}",
        f"a=fingerprint:{own.fingerprint.algorithm} {own.fingerprint.digest}",
        f"a=setup:{setup}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *(f"a=extmap:{ident} {uri}" for uri, ident in line.extensions.items()),
    ]
    for name in line.pts:
        text += _write_codec(name, line, media)
    if line.rids:
        text += [*(f"a=rid:{rid} recv" for rid in line.rids), f"a=simulcast:recv {';'.join(line.rids)}"]
    if line.role is Role.DOWN:
        text += _write_down(line, own)
    return text + (_write_candidates(own.candidates) if first else [])


def _write_codec(name: str, line: Negotiated, media: MediaLine) -> list[str]:
    pt = line.pts[name]
    codec = media.codecs[pt]
    text = [f"a=rtpmap:{pt} {codec.name}/{codec.clock_rate}" + (f"/{codec.channels}" if codec.channels > 1 else "")]
    taken = [feedback for feedback in FEEDBACK if feedback != "nack" or line.nack]
    if line.role is Role.UP and TRANSPORT_CC in line.extensions:
        taken.append("transport-cc")
    text += [f"a=rtcp-fb:{pt} {feedback}" for feedback in taken if feedback in codec.feedback]
    if name == OPUS:
        text.append(f"a=fmtp:{pt} {OPUS_PARAMETERS}")
    if name == RED:
        text.append(f"a=fmtp:{pt} {line.pts[OPUS]}/{line.pts[OPUS]}")
    if name == "H264":
        text.append(f"a=fmtp:{pt} {H264_PARAMETERS}{codec.parameters['profile-level-id']}")
    if name in line.rtx_pts:
        rtx = line.rtx_pts[name]
        text += [f"a=rtpmap:{rtx} rtx/{codec.clock_rate}", f"a=fmtp:{rtx} apt={pt}"]
    return text


def _write_down(line: Negotiated, own: OwnSide) -> list[str]:
    """msid shared by both halves of a slot: the browser plays them in step."""
    text = [f"a=msid:slot-{line.slot} slot-{line.slot}-{line.kind}"]
    if line.rtx_ssrc:
        text.append(f"a=ssrc-group:FID {line.ssrc} {line.rtx_ssrc}")
    return text + [f"a=ssrc:{ssrc} cname:{own.cname}" for ssrc in (line.ssrc, line.rtx_ssrc) if ssrc]


def _write_candidates(candidates: Sequence[Candidate]) -> list[str]:
    """Host candidates, in order of preference. Source: RFC 8839 §5.1, priority RFC 8445 §5.1.2.1, of TCP RFC 6544 §4.2."""
    text: list[str] = []
    for i, candidate in enumerate(candidates):
        stream = candidate.protocol == "tcp"
        priority = (90 << 24 | 4 << 21 | 8191 - i << 8 | 255) if stream else (126 << 24 | 65535 - i << 8 | 255)
        kind = "typ host tcptype passive" if stream else "typ host"
        text.append(f"a=candidate:{i + 1} 1 {candidate.protocol} {priority} {candidate.host} {candidate.port} {kind}")
    return [*text, "a=end-of-candidates"]
