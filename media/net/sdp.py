"""A browser's SDP offer, read strictly and within bounds. The answer is made in answer.py.

Unknown attributes are skipped, known ones must be well-formed. Every complaint is an SdpError that names the line,
counted from 1.

Source: RFC 8866 (SDP), RFC 8839 (ICE), RFC 8122 (fingerprint), RFC 9143 (BUNDLE), RFC 5576 (ssrc), RFC 8285 (extmap),
RFC 8851 (rid), RFC 8853 (simulcast), RFC 4588 (rtx), RFC 6184 (H.264), RFC 7587 (Opus).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

# A Chromium offer takes 1.3 KB per audio and 4.5 KB per video line: a room of twelve (2 up, 11 slots) makes 72 KB.
MAX_OFFER_BYTES = 128 * 1024
MAX_MEDIA_LINES = 64
MAX_LINE_CHARS = 4096
MAX_LINES = 10_000  # 64 media lines of a browser make 8,000
MAX_SSRCS = 32  # per media line: three layers, their RTX, and room
MAX_EXTENSIONS = 64
MAX_FEEDBACK = 512  # Chromium writes about 100 per line
MAX_FINGERPRINTS = 8
MAX_RIDS = 8
DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}

_ICE_TEXT = re.compile(r"[A-Za-z0-9+/]+\Z")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}\Z")
_RID = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")
_FINGERPRINT = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2})*\Z")


class SdpError(ValueError):
    """An offer that cannot be read or answered; the message names the line."""


class Direction(Enum):
    SENDRECV = "sendrecv"  # both ways
    SENDONLY = "sendonly"  # the one who wrote it sends
    RECVONLY = "recvonly"  # the one who wrote it receives
    INACTIVE = "inactive"  # neither

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of one line. `name` as written, compared without case; `feedback` e.g. ("nack", "nack pli")."""

    pt: int
    name: str
    clock_rate: int
    channels: int
    parameters: dict[str, str]
    feedback: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    algorithm: str
    digest: str  # upper-case hexadecimal pairs joined by colons


@dataclass(frozen=True, slots=True)
class Transport:
    """ICE and DTLS of all bundled lines: those of the line that BUNDLE names first."""

    ufrag: str
    pwd: str
    fingerprints: tuple[Fingerprint, ...]
    setup: str


@dataclass(frozen=True, slots=True)
class MediaLine:
    """One m= section. `pts` in order of preference; `extensions` uri -> identifier; `rtx_ssrcs` ssrc -> ssrc of its
    RTX.
    """

    line: int  # where it stands in the offer
    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    mid: str
    direction: Direction
    rtcp_mux: bool
    bundle_only: bool
    codecs: dict[int, Codec]
    extensions: dict[str, int]
    ssrcs: tuple[int, ...]
    rtx_ssrcs: dict[int, int]
    rids: tuple[str, ...]

    @property
    def offered(self) -> bool:
        """False for a line that the offerer has switched off (port 0)."""
        return self.port != 0 or self.bundle_only


@dataclass(frozen=True, slots=True)
class Offer:
    transport: Transport
    bundle: tuple[str, ...]
    media: tuple[MediaLine, ...]


@dataclass(slots=True)
class _Section:
    """What is collected while reading: the session part (kind empty) or one m= section."""

    line: int = 0
    kind: str = ""
    port: int = 0
    protocol: str = ""
    formats: tuple[str, ...] = ()
    mid: str = ""
    direction: Direction | None = None
    rtcp_mux: bool = False
    bundle_only: bool = False
    ufrag: str = ""
    pwd: str = ""
    setup: str = ""
    bundle: tuple[str, ...] = ()
    fingerprints: list[Fingerprint] = field(default_factory=list)
    rtpmaps: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    parameters: dict[int, dict[str, str]] = field(default_factory=dict)
    feedback: dict[str, list[str]] = field(default_factory=dict)  # payload type as written, or *
    feedback_lines: int = 0
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: dict[int, None] = field(default_factory=dict)
    rtx_ssrcs: dict[int, int] = field(default_factory=dict)
    rids: list[str] = field(default_factory=list)


def parse_offer(text: str) -> Offer:
    """Read an offer. Raises SdpError."""
    if len(text.encode("utf-8", "replace")) > MAX_OFFER_BYTES:
        raise SdpError(f"offer: larger than {MAX_OFFER_BYTES} bytes")
    session, sections = _Section(), list[_Section]()
    current = session
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > MAX_LINES:
        raise SdpError(f"offer: more than {MAX_LINES} lines")
    for number, line in enumerate(lines, 1):
        if not line:
            if number == len(lines):
                break
            raise SdpError(f"line {number}: empty")
        try:
            if line.startswith("m="):
                current = _read_media(line[2:], number)
                sections.append(current)
            else:
                _read_line(line, number, current)
        except SdpError as wrong:
            raise SdpError(f"line {number}: {wrong}") from None
        if len(sections) > MAX_MEDIA_LINES:
            raise SdpError(f"line {number}: more than {MAX_MEDIA_LINES} media lines")
    return _freeze_offer(session, sections)


def _read_line(line: str, number: int, section: _Section) -> None:
    if len(line) > MAX_LINE_CHARS:
        raise SdpError(f"longer than {MAX_LINE_CHARS} characters")
    if len(line) < 2 or line[1] != "=" or not line[0].islower() or not line.isprintable():
        raise SdpError("not of the form <type>=<value>")
    if number == 1 and line != "v=0":
        raise SdpError("must be v=0")
    if not line.startswith("a="):
        return
    name, _, value = line[2:].partition(":")
    reader = _ATTRIBUTES.get(name)
    if reader is None:
        return
    try:
        reader(section, value)
    except SdpError as wrong:
        raise SdpError(f"a={name}: {wrong}") from None


def _read_media(value: str, number: int) -> _Section:
    parts = value.split(" ")
    if len(value) > MAX_LINE_CHARS or len(parts) < 4 or not all(map(_TOKEN.match, (parts[0], *parts[3:]))):
        raise SdpError("m=: needs kind, port, protocol and formats")
    return _Section(
        line=number,
        kind=parts[0],
        port=_number(parts[1], 65535, "m= port"),
        protocol=parts[2],
        formats=tuple(parts[3:]),
    )


def _number(text: str, most: int, what: str, least: int = 0) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and least <= int(text) <= most):
        raise SdpError(f"{what} must be {least}..{most}")
    return int(text)


def _read_mid(section: _Section, value: str) -> None:
    if not _TOKEN.match(value):
        raise SdpError("must be a token of at most 64 characters")
    section.mid = value


def _read_group(section: _Section, value: str) -> None:
    semantics, *mids = value.split(" ")
    if semantics == "BUNDLE":
        if section.bundle or section.kind:
            raise SdpError("one BUNDLE group, at session level")
        section.bundle = tuple(mids)


def _ice_reader(name: str, least: int) -> Callable[[_Section, str], None]:
    def read(section: _Section, value: str) -> None:
        if not (least <= len(value) <= 256 and _ICE_TEXT.match(value)):
            raise SdpError(f"must be {least} to 256 ice characters")
        setattr(section, name, value)

    return read


def _read_fingerprint(section: _Section, value: str) -> None:
    """Weak algorithms are passed over: they are never compared, and an offer with no other is refused at the end."""
    algorithm, _, digest = value.partition(" ")
    algorithm, digest = algorithm.lower(), digest.upper()
    if not _FINGERPRINT.match(digest):
        raise SdpError("needs an algorithm and hexadecimal pairs")
    if algorithm not in DIGEST_BYTES:
        return
    if len(digest) != DIGEST_BYTES[algorithm] * 3 - 1:
        raise SdpError(f"{algorithm} must have {DIGEST_BYTES[algorithm]} bytes")
    if len(section.fingerprints) >= MAX_FINGERPRINTS:
        raise SdpError(f"more than {MAX_FINGERPRINTS}")
    section.fingerprints.append(Fingerprint(algorithm, digest))


def _read_setup(section: _Section, value: str) -> None:
    if value not in ("actpass", "active", "passive"):
        raise SdpError("must be actpass, active or passive")
    section.setup = value


def _read_rtpmap(section: _Section, value: str) -> None:
    pt_text, _, rest = value.partition(" ")
    pt = _number(pt_text, 127, "payload type")
    parts = rest.split("/")
    if len(parts) not in (2, 3) or not _TOKEN.match(parts[0]):
        raise SdpError("needs <pt> <name>/<clock rate>[/<channels>]")
    rate = _number(parts[1], 1_000_000, "clock rate", 1)
    section.rtpmaps[pt] = (parts[0], rate, _number(parts[2], 255, "channels", 1) if len(parts) == 3 else 1)


def _read_fmtp(section: _Section, value: str) -> None:
    pt_text, _, rest = value.partition(" ")
    pairs = (pair.strip().partition("=") for pair in rest.split(";"))
    section.parameters[_number(pt_text, 127, "payload type")] = {key.lower(): text for key, _, text in pairs if key}


def _read_rtcp_fb(section: _Section, value: str) -> None:
    pt_text, _, feedback = value.partition(" ")
    if pt_text != "*":
        _number(pt_text, 127, "payload type")
    section.feedback_lines += 1
    if section.feedback_lines > MAX_FEEDBACK:
        raise SdpError(f"more than {MAX_FEEDBACK}")
    section.feedback.setdefault(pt_text, []).append(feedback)


def _read_extmap(section: _Section, value: str) -> None:
    ident_text, _, rest = value.partition(" ")
    ident = _number(ident_text.partition("/")[0], 4351, "identifier", 1)
    uri = rest.partition(" ")[0]
    if not uri:
        raise SdpError("needs an identifier and a uri")
    if len(section.extensions) >= MAX_EXTENSIONS:
        raise SdpError(f"more than {MAX_EXTENSIONS}")
    if ident <= 255:  # above: only for offers that negotiate identifiers, which we do not
        section.extensions[uri] = ident


def _read_ssrc(section: _Section, value: str) -> None:
    section.ssrcs[_number(value.partition(" ")[0], 0xFFFFFFFF, "ssrc")] = None
    if len(section.ssrcs) > MAX_SSRCS:
        raise SdpError(f"more than {MAX_SSRCS}")


def _read_ssrc_group(section: _Section, value: str) -> None:
    semantics, *members = value.split(" ")
    if len(members) > MAX_SSRCS:
        raise SdpError(f"more than {MAX_SSRCS}")
    ssrcs = [_number(member, 0xFFFFFFFF, "ssrc") for member in members]
    if semantics == "FID":
        if len(ssrcs) != 2 or ssrcs[0] == ssrcs[1]:
            raise SdpError("FID needs two different ssrcs")
        section.rtx_ssrcs[ssrcs[0]] = ssrcs[1]


def _read_rid(section: _Section, value: str) -> None:
    rid, _, rest = value.partition(" ")
    if not _RID.match(rid) or rest.partition(" ")[0] not in ("send", "recv"):
        raise SdpError("needs an identifier and send or recv")
    if len(section.rids) >= MAX_RIDS:
        raise SdpError(f"more than {MAX_RIDS}")
    section.rids.append(rid)


def _flag_reader(name: str) -> Callable[[_Section, str], None]:
    def read(section: _Section, value: str) -> None:
        setattr(section, name, True)

    return read


def _direction_reader(direction: Direction) -> Callable[[_Section, str], None]:
    def read(section: _Section, value: str) -> None:
        section.direction = direction

    return read


_ATTRIBUTES: dict[str, Callable[[_Section, str], None]] = {
    "mid": _read_mid,
    "group": _read_group,
    "ice-ufrag": _ice_reader("ufrag", 4),
    "ice-pwd": _ice_reader("pwd", 22),
    "fingerprint": _read_fingerprint,
    "setup": _read_setup,
    "rtpmap": _read_rtpmap,
    "fmtp": _read_fmtp,
    "rtcp-fb": _read_rtcp_fb,
    "extmap": _read_extmap,
    "ssrc": _read_ssrc,
    "ssrc-group": _read_ssrc_group,
    "rid": _read_rid,
    "rtcp-mux": _flag_reader("rtcp_mux"),
    "bundle-only": _flag_reader("bundle_only"),
    **{direction.value: _direction_reader(direction) for direction in Direction},
}


def _freeze_offer(session: _Section, sections: list[_Section]) -> Offer:
    if not sections:
        raise SdpError("offer: no media line")
    media = tuple(_freeze_media(section, session) for section in sections)
    mids = [line.mid for line in media if line.mid]
    unknown = next((mid for mid in session.bundle if mid not in mids), None)
    if unknown is not None:
        raise SdpError(f"a=group: BUNDLE names mid {unknown}, which no line has")
    if len(set(mids)) != len(mids):
        raise SdpError("a=mid: two lines have the same")
    first = next((s for s in sections if s.mid in session.bundle[:1]), sections[0])
    return Offer(_freeze_transport(first, session), session.bundle, media)


def _freeze_transport(first: _Section, session: _Section) -> Transport:
    transport = Transport(
        first.ufrag or session.ufrag,
        first.pwd or session.pwd,
        tuple(first.fingerprints or session.fingerprints),
        first.setup or session.setup,
    )
    where = f"line {first.line}"
    if not transport.ufrag or not transport.pwd:
        raise SdpError(f"{where}: a=ice-ufrag or a=ice-pwd is missing")
    if not transport.fingerprints:
        raise SdpError(f"{where}: a=fingerprint with sha-256 or better is missing")
    if transport.setup not in ("actpass", "active"):
        raise SdpError(f"{where}: a=setup must let us be passive (actpass or active)")
    return transport


def _freeze_media(section: _Section, session: _Section) -> MediaLine:
    codecs: dict[int, Codec] = {}
    for text in section.formats:
        pt = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else -1
        if pt in section.rtpmaps and pt not in codecs:
            feedback = (*section.feedback.get(text, ()), *section.feedback.get("*", ()))
            codecs[pt] = Codec(pt, *section.rtpmaps[pt], section.parameters.get(pt, {}), feedback)
    rtx = set(section.rtx_ssrcs.values())
    return MediaLine(
        line=section.line,
        kind=section.kind,
        port=section.port,
        protocol=section.protocol,
        formats=section.formats,
        mid=section.mid,
        direction=section.direction or session.direction or Direction.SENDRECV,
        rtcp_mux=section.rtcp_mux,
        bundle_only=section.bundle_only,
        codecs=codecs,
        extensions={**session.extensions, **section.extensions},
        ssrcs=tuple(ssrc for ssrc in section.ssrcs if ssrc not in rtx),
        rtx_ssrcs=dict(section.rtx_ssrcs),
        rids=tuple(section.rids),
    )
