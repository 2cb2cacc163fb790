"""SDP of the participants: offers like Chromium's, answers to Janus' subscriber offers, and what is read from the other side's."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from server.bench.loadgen.peer import Peer, Remote
from server.bench.loadgen.streams import REPAIR_TYPE, Stream

CRLF = "\r\n"
CODECS = {
    "audio": ("111", ["rtpmap:111 opus/48000/2", "rtcp-fb:111 transport-cc", "fmtp:111 minptime=10;useinbandfec=1"]),
    "video": (
        f"96 {REPAIR_TYPE}",
        [
            "rtpmap:96 VP8/90000",
            "rtcp-fb:96 goog-remb",
            "rtcp-fb:96 transport-cc",
            "rtcp-fb:96 ccm fir",
            "rtcp-fb:96 nack",
            "rtcp-fb:96 nack pli",
            f"rtpmap:{REPAIR_TYPE} rtx/90000",
            f"fmtp:{REPAIR_TYPE} apt=96",
        ],
    ),
}
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
EXTENSIONS = {
    "ssrc-audio-level": "extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "abs-send-time": "extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "transport-wide-cc": f"extmap:3 {TRANSPORT_CC}",
    "sdes:mid": "extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
}


class SdpError(Exception):
    """The other side's SDP lacks something; the message says what."""


def offer(peer: Peer, streams: Sequence[Stream], slots: int) -> str:
    """The streams first (mid 0, 1), then for each slot a recvonly audio and video line."""
    sections = [_section(peer, stream.kind, stream.mid, "sendonly", _sending_lines(stream)) for stream in streams]
    mids = [stream.mid for stream in streams]
    for index in range(2 * slots):
        mid = str(len(streams) + index)
        sections.append(_section(peer, ("audio", "video")[index % 2], mid, "recvonly", []))
        mids.append(mid)
    return _head(mids) + "".join(sections)


def answer(peer: Peer, offered: str) -> str:
    """Take everything of a subscriber offer, with the first payload type of each line, as DTLS client."""
    sections = re.split(r"\r\n(?=m=)", offered)[1:]
    mids = [_find(r"a=mid:(\S+)", section, "mid") for section in sections]
    return _head(mids) + "".join(_answered_section(peer, section) for section in sections)


def remote(sdp: str, host: str, offerer: bool) -> Remote:
    """The transport of the other side, at its candidate on `host`.

    offerer  it offered and we answer `active`; else its `setup` decides who is the DTLS client.
    Raises   SdpError naming what is missing.
    """
    candidate = re.search(rf"a=candidate:\S+ 1 udp \d+ ({re.escape(host)}) (\d+) typ host", sdp, re.IGNORECASE)
    if candidate is None:
        raise SdpError(f"candidate: none on {host}")
    return Remote(
        (candidate[1], int(candidate[2])),
        _find(r"a=ice-ufrag:(\S+)", sdp, "ice-ufrag"),
        _find(r"a=ice-pwd:(\S+)", sdp, "ice-pwd"),
        _find(r"a=fingerprint:sha-256 (\S+)", sdp, "fingerprint"),
        offerer or "a=setup:passive" in sdp,
    )


def _find(pattern: str, text: str, what: str) -> str:
    found = re.search(pattern, text, re.IGNORECASE)
    if found is None:
        raise SdpError(f"{what}: missing")
    return found[1]


def _head(mids: Sequence[str]) -> str:
    lines = [
        "v=0",
        f"o=- {secrets.randbits(48)} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(mids)}",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS",
    ]
    return CRLF.join(lines) + CRLF


def _transport_lines(peer: Peer, setup: str) -> list[str]:
    return [
        f"c=IN IP4 {peer.host}",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=candidate:1 1 udp 2130706431 {peer.host} {peer.port} typ host",
        "a=end-of-candidates",
        f"a=ice-ufrag:{peer.ufrag}",
        f"a=ice-pwd:{peer.pwd}",
        f"a=fingerprint:sha-256 {peer.certificate.fingerprint}",
        f"a=setup:{setup}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]


def _section(peer: Peer, kind: str, mid: str, direction: str, extra: Sequence[str]) -> str:
    types, codec_lines = CODECS[kind]
    wanted = [line for name, line in EXTENSIONS.items() if kind == "audio" or name != "ssrc-audio-level"]
    lines = [f"m={kind} {peer.port} UDP/TLS/RTP/SAVPF {types}", *_transport_lines(peer, "actpass")]
    lines += [f"a=mid:{mid}", f"a={direction}", *(f"a={line}" for line in [*wanted, *codec_lines]), *extra]
    return CRLF.join(lines) + CRLF


def _sending_lines(stream: Stream) -> list[str]:
    repair = (stream.ssrc + 1) & 0xFFFFFFFF
    lines = [f"a=msid:bench {stream.kind}"]
    if stream.kind == "video":
        lines += [f"a=ssrc-group:FID {stream.ssrc} {repair}", f"a=ssrc:{repair} cname:bench"]
    return [*lines, f"a=ssrc:{stream.ssrc} cname:bench"]


def _answered_section(peer: Peer, section: str) -> str:
    kind, _, _, payload_type = section[2:].split()[:4]
    lines = [f"m={kind} {peer.port} UDP/TLS/RTP/SAVPF {payload_type}", *_transport_lines(peer, "active")]
    mid = _find(r"a=mid:(\S+)", section, "mid")
    lines += [f"a=mid:{mid}", "a=recvonly"]
    kept = tuple(f"a={name}:{payload_type} " for name in ("rtpmap", "fmtp", "rtcp-fb"))
    lines += [line for line in section.split(CRLF) if line.startswith((*kept, "a=extmap:"))]
    return CRLF.join(lines) + CRLF
