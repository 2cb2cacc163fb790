"""The attributes of an SDP offer, one reader each, and the section (session or m= part) that they are collected in.

Each reader checks its value and raises SdpError with what is wrong; sdp.py puts the name and the line in front.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

MAX_SSRCS = 32  # per media line: three layers, their RTX, and room
MAX_EXTENSIONS = 64
MAX_FEEDBACK = 512  # Chromium writes about 100 per line
MAX_FINGERPRINTS = 8
MAX_RIDS = 8
DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}

_ICE_TEXT = re.compile(r"[A-Za-z0-9+/]+\Z")
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}\Z")
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
class Fingerprint:
    algorithm: str
    digest: str  # upper-case hexadecimal pairs joined by colons


@dataclass(slots=True)
class Section:
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
    layers: tuple[str, ...] = ()  # a=simulcast, what is sent


def read_number(text: str, most: int, what: str, least: int = 0) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and least <= int(text) <= most):
        raise SdpError(f"{what} must be {least}..{most}")
    return int(text)


def _read_mid(section: Section, value: str) -> None:
    if not TOKEN.match(value):
        raise SdpError("must be a token of at most 64 characters")
    section.mid = value


def _read_group(section: Section, value: str) -> None:
    semantics, *mids = value.split(" ")
    if semantics == "BUNDLE":
        if section.bundle or section.kind:
            raise SdpError("one BUNDLE group, at session level")
        section.bundle = tuple(mids)


def _ice_reader(name: str, least: int) -> Callable[[Section, str], None]:
    def read(section: Section, value: str) -> None:
        if not (least <= len(value) <= 256 and _ICE_TEXT.match(value)):
            raise SdpError(f"must be {least} to 256 ice characters")
        setattr(section, name, value)

    return read


def _read_fingerprint(section: Section, value: str) -> None:
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


def _read_setup(section: Section, value: str) -> None:
    if value not in ("actpass", "active", "passive"):
        raise SdpError("must be actpass, active or passive")
    section.setup = value


def _read_rtpmap(section: Section, value: str) -> None:
    pt_text, _, rest = value.partition(" ")
    pt = read_number(pt_text, 127, "payload type")
    parts = rest.split("/")
    if len(parts) not in (2, 3) or not TOKEN.match(parts[0]):
        raise SdpError("needs <pt> <name>/<clock rate>[/<channels>]")
    rate = read_number(parts[1], 1_000_000, "clock rate", 1)
    section.rtpmaps[pt] = (parts[0], rate, read_number(parts[2], 255, "channels", 1) if len(parts) == 3 else 1)


def _read_fmtp(section: Section, value: str) -> None:
    pt_text, _, rest = value.partition(" ")
    pairs = (pair.strip().partition("=") for pair in rest.split(";"))
    section.parameters[read_number(pt_text, 127, "payload type")] = {key.lower(): text for key, _, text in pairs if key}


def _read_rtcp_fb(section: Section, value: str) -> None:
    pt_text, _, feedback = value.partition(" ")
    if pt_text != "*":
        read_number(pt_text, 127, "payload type")
    section.feedback_lines += 1
    if section.feedback_lines > MAX_FEEDBACK:
        raise SdpError(f"more than {MAX_FEEDBACK}")
    section.feedback.setdefault(pt_text, []).append(feedback)


def _read_extmap(section: Section, value: str) -> None:
    ident_text, _, rest = value.partition(" ")
    ident = read_number(ident_text.partition("/")[0], 4351, "identifier", 1)
    uri = rest.partition(" ")[0]
    if not uri:
        raise SdpError("needs an identifier and a uri")
    if len(section.extensions) >= MAX_EXTENSIONS:
        raise SdpError(f"more than {MAX_EXTENSIONS}")
    if ident <= 255:  # above: only for offers that negotiate identifiers, which we do not
        section.extensions[uri] = ident


def _read_ssrc(section: Section, value: str) -> None:
    section.ssrcs[read_number(value.partition(" ")[0], 0xFFFFFFFF, "ssrc")] = None
    if len(section.ssrcs) > MAX_SSRCS:
        raise SdpError(f"more than {MAX_SSRCS}")


def _read_ssrc_group(section: Section, value: str) -> None:
    semantics, *members = value.split(" ")
    if len(members) > MAX_SSRCS:
        raise SdpError(f"more than {MAX_SSRCS}")
    ssrcs = [read_number(member, 0xFFFFFFFF, "ssrc") for member in members]
    if semantics == "FID":
        if len(ssrcs) != 2 or ssrcs[0] == ssrcs[1]:
            raise SdpError("FID needs two different ssrcs")
        section.rtx_ssrcs[ssrcs[0]] = ssrcs[1]


def _read_rid(section: Section, value: str) -> None:
    rid, _, rest = value.partition(" ")
    if not _RID.match(rid) or rest.partition(" ")[0] not in ("send", "recv"):
        raise SdpError("needs an identifier and send or recv")
    if len(section.rids) >= MAX_RIDS:
        raise SdpError(f"more than {MAX_RIDS}")
    section.rids.append(rid)


def _read_simulcast(section: Section, value: str) -> None:
    """What the browser would send. Of alternatives the first is taken; `~` (begins paused) says nothing to us. RFC 8853 §5.1."""
    words = value.split(" ")
    if len(words) not in (2, 4) or words[0] not in ("send", "recv"):
        raise SdpError("needs send or recv, and a list")
    for direction, streams in zip(words[::2], words[1::2], strict=True):
        layers = tuple(stream.split(",")[0].removeprefix("~") for stream in streams.split(";"))
        if len(layers) > MAX_RIDS or not all(map(_RID.match, layers)):
            raise SdpError(f"needs up to {MAX_RIDS} identifiers")
        if direction == "send":
            section.layers = layers


def _flag_reader(name: str) -> Callable[[Section, str], None]:
    def read(section: Section, value: str) -> None:
        setattr(section, name, True)

    return read


def _direction_reader(direction: Direction) -> Callable[[Section, str], None]:
    def read(section: Section, value: str) -> None:
        section.direction = direction

    return read


ATTRIBUTES: dict[str, Callable[[Section, str], None]] = {
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
    "simulcast": _read_simulcast,
    "rtcp-mux": _flag_reader("rtcp_mux"),
    "bundle-only": _flag_reader("bundle_only"),
    **{direction.value: _direction_reader(direction) for direction in Direction},
}
