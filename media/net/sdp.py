"""A browser's SDP offer, read strictly and within bounds. The answer is made in answer.py.

Unknown attributes are skipped, known ones must be well-formed. Every complaint is an SdpError that names the line,
counted from 1.

Source: RFC 8866 (SDP), RFC 8839 (ICE), RFC 8122 (fingerprint), RFC 9143 (BUNDLE), RFC 5576 (ssrc), RFC 8285 (extmap),
RFC 8851 (rid), RFC 8853 (simulcast), RFC 4588 (rtx), RFC 6184 (H.264), RFC 7587 (Opus).
"""

from __future__ import annotations

from dataclasses import dataclass

from media.net.sdp_attributes import ATTRIBUTES, TOKEN, Direction, Fingerprint, SdpError, Section, read_number

__all__ = ["Codec", "Direction", "Fingerprint", "MediaLine", "Offer", "SdpError", "Transport", "parse_offer"]

# A Chromium offer takes 1.3 KB per audio and 4.5 KB per video line: a room of twelve (2 up, 11 slots) makes 72 KB.
MAX_OFFER_BYTES = 128 * 1024
MAX_MEDIA_LINES = 64
MAX_LINE_CHARS = 4096
MAX_LINES = 10_000  # 64 media lines of a browser make 8,000


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
class Transport:
    """ICE and DTLS of all bundled lines: those of the line that BUNDLE names first."""

    ufrag: str
    pwd: str
    fingerprints: tuple[Fingerprint, ...]
    setup: str

    @property
    def wants_hello(self) -> bool:
        """The browser is the DTLS server and we are the client; where it leaves the choice to us, we are the server."""
        return self.setup == "passive"


@dataclass(frozen=True, slots=True)
class MediaLine:
    """One m= section. `pts` in order of preference; `extensions` uri -> identifier; `rtx_ssrcs` ssrc -> ssrc of its
    RTX. `layers` are the rids of a=simulcast, in its order.
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
    layers: tuple[str, ...]

    @property
    def offered(self) -> bool:
        """False for a line that the offerer has switched off (port 0)."""
        return self.port != 0 or self.bundle_only


@dataclass(frozen=True, slots=True)
class Offer:
    transport: Transport
    bundle: tuple[str, ...]
    media: tuple[MediaLine, ...]


def parse_offer(text: str) -> Offer:
    """Read an offer. Raises SdpError."""
    if len(text.encode("utf-8", "replace")) > MAX_OFFER_BYTES:
        raise SdpError(f"offer: larger than {MAX_OFFER_BYTES} bytes")
    session, sections = Section(), list[Section]()
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


def _read_line(line: str, number: int, section: Section) -> None:
    if len(line) > MAX_LINE_CHARS:
        raise SdpError(f"longer than {MAX_LINE_CHARS} characters")
    if len(line) < 2 or line[1] != "=" or not line[0].islower() or not line.isprintable():
        raise SdpError("not of the form <type>=<value>")
    if number == 1 and line != "v=0":
        raise SdpError("must be v=0")
    if not line.startswith("a="):
        return
    name, _, value = line[2:].partition(":")
    reader = ATTRIBUTES.get(name)
    if reader is None:
        return
    try:
        reader(section, value)
    except SdpError as wrong:
        raise SdpError(f"a={name}: {wrong}") from None


def _read_media(value: str, number: int) -> Section:
    parts = value.split(" ")
    if len(value) > MAX_LINE_CHARS or len(parts) < 4 or not all(map(TOKEN.match, _tokens(parts))):
        raise SdpError("m=: needs kind, port, protocol and formats")
    return Section(
        line=number,
        kind=parts[0],
        port=read_number(parts[1], 65535, "m= port"),
        protocol=parts[2],
        formats=tuple(parts[3:]),
    )


def _tokens(parts: list[str]) -> list[str]:
    """What of a media line stands in the answer again."""
    return [parts[0], *parts[2].split("/"), *parts[3:]]


def _freeze_offer(session: Section, sections: list[Section]) -> Offer:
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


def _freeze_transport(first: Section, session: Section) -> Transport:
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
    if transport.setup not in ("actpass", "active", "passive"):
        raise SdpError(f"{where}: a=setup must be actpass, active or passive")
    return transport


def _freeze_media(section: Section, session: Section) -> MediaLine:
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
        layers=tuple(rid for rid in dict.fromkeys(section.layers) if rid in section.rids),
    )
