"""What an HTTP request of WHIP or WHEP means in the room protocol, and what a refusal of the room means in HTTP. Pure.

Of the SDP only what HTTP must know is read here: which lines send, whose they are, the ICE credentials. The worker reads it all.

Source: RFC 9725, draft-ietf-wish-whep-02, RFC 8840 (trickle-ice-sdpfrag), RFC 8866 (SDP).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"
PICTURES: Final = ("face", "document", "screen")
MAX_LINES: Final = 64  # media lines, as the worker has it

_DIRECTIONS: Final = ("sendonly", "recvonly", "sendrecv", "inactive")
_UFRAG: Final = re.compile(r"^a=ice-ufrag:([A-Za-z0-9+/]{4,256})\r?$", re.MULTILINE)
_PWD: Final = re.compile(r"^a=ice-pwd:([A-Za-z0-9+/]{22,256})\r?$", re.MULTILINE)
_ANY_UFRAG: Final = re.compile(r"^a=ice-ufrag:[^\r\n]*", re.MULTILINE)
_ANY_PWD: Final = re.compile(r"^a=ice-pwd:[^\r\n]*", re.MULTILINE)

# The room's words for no -> status and code in HTTP (the table of PROTOCOL.md).
REFUSALS: Final[dict[str, tuple[int, str]]] = {
    "bad_token": (401, "bad_token"),
    "expired": (401, "bad_token"),
    "removed": (403, "not_allowed"),
    "refused": (403, "not_allowed"),
    "not_allowed": (403, "not_allowed"),
    "ended": (404, "session_ended"),
    "gone": (404, "not_found"),
    "left": (404, "not_found"),
    "replaced": (404, "not_found"),
    "not_acceptable": (406, "sdp_expected"),
    "room_full": (409, "room_full"),
    "stale_etag": (412, "stale_etag"),
    "too_large": (413, "too_large"),
    "bad_type": (415, "sdp_expected"),
    "bad_offer": (422, "bad_offer"),
    "no_etag": (428, "stale_etag"),
    "too_many": (429, "too_many"),
    "at_the_door": (503, "at_the_door"),
    "service_away": (503, "service_away"),
}


class Kind(StrEnum):
    """Which of the two: also the part of the path."""

    WHIP = "whip"  # sends
    WHEP = "whep"  # receives


class BadOffer(ValueError):
    """The SDP cannot be what this resource is for; the text says why, with the media line counted from 1."""


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One media line as far as HTTP must know it."""

    kind: str
    mid: str
    direction: str


@dataclass(frozen=True, slots=True)
class IceKeys:
    """ICE username fragment and password."""

    ufrag: str
    pwd: str


def read_lines(sdp: str) -> list[OfferLine]:
    """The media lines of an offer. Raises BadOffer."""
    head, *sections = re.split(r"(?m)^m=", sdp.replace("\r\n", "\n"))
    if not head.startswith("v=0\n") or not sections:
        raise BadOffer("not a session description with media lines")
    if len(sections) > MAX_LINES:
        raise BadOffer(f"more than {MAX_LINES} media lines")
    usual = _direction(head, "sendrecv")
    return [OfferLine(text.split(" ", 1)[0], _mid(text), _direction(text, usual)) for text in sections]


def sources_of(kind: Kind, sdp: str, picture: str) -> dict[str, str]:
    """Mid -> source of every line that sends, as the room protocol's `offer` has it; none for WHEP. Raises BadOffer."""
    sources: dict[str, str] = {}
    for number, line in enumerate(read_lines(sdp), 1):
        if line.kind not in ("audio", "video") or line.direction == "inactive":
            continue
        if kind is Kind.WHEP and line.direction != "recvonly":
            raise BadOffer(f"media line {number} must be recvonly")
        if kind is Kind.WHIP and line.direction == "recvonly":
            raise BadOffer(f"media line {number} must be sendonly")
        if kind is Kind.WHIP:
            source = "voice" if line.kind == "audio" else picture
            if source in sources.values():
                raise BadOffer(f"media line {number} is a second {line.kind}: one is taken")
            sources[line.mid] = source
    if kind is Kind.WHIP and not sources:
        raise BadOffer("no line sends sound or picture")
    return sources


def ice_keys(text: str) -> IceKeys | None:
    """The first ICE credentials of an SDP or a fragment; None where it has none, or none that are well-formed."""
    ufrag, pwd = _UFRAG.search(text), _PWD.search(text)
    return IceKeys(ufrag[1], pwd[1]) if ufrag and pwd else None


def restarted(offer: str, keys: IceKeys) -> str:
    """The offer again with other ICE credentials: what a page would offer after restartIce()."""
    return _ANY_PWD.sub(f"a=ice-pwd:{keys.pwd}", _ANY_UFRAG.sub(f"a=ice-ufrag:{keys.ufrag}", offer))


def without_password(offer: str) -> str:
    """The offer as it may be kept: an ICE restart brings other credentials, and until then nobody asks for these."""
    return _ANY_PWD.sub(f"a=ice-pwd:{'0' * 22}", offer)


def etag_of(answer: str) -> str:
    """The ETag of the ICE session of an answer: our ufrag, which is new after each restart."""
    keys = ice_keys(answer)
    return f'"{keys.ufrag}"' if keys else '""'


def fragment_of(answer: str) -> str:
    """Of an answer, what an ICE restart is answered with: credentials, the first accepted line, our candidates."""
    keys = ice_keys(answer)
    assert keys is not None
    lines = answer.replace("\r\n", "\n").split("\n")
    text = ["a=ice-lite", f"a=ice-ufrag:{keys.ufrag}", f"a=ice-pwd:{keys.pwd}"]
    first = next(line for line in lines if line.startswith("m=") and line.split(" ")[1] != "0")
    at = lines.index(first)
    text += [first, next(line for line in lines[at:] if line.startswith("a=mid:"))]
    text += [line for line in lines if line.startswith(("a=candidate:", "a=end-of-candidates"))]
    return "\r\n".join(text) + "\r\n"


def judge_patch(fragment: str, offer: str, etag: str, if_match: str | None) -> IceKeys | str | None:
    """What a PATCH asks for: the new credentials of an ICE restart, None (candidates: nothing to do), or a word of REFUSALS."""
    keys, before = ice_keys(fragment), ice_keys(offer)
    if keys is None and "a=ice-ufrag" in fragment:
        return "bad_offer"
    if keys is None or (before is not None and keys.ufrag == before.ufrag):
        return None if if_match is None or if_match.strip('"') in ("*", etag.strip('"')) else "stale_etag"
    if if_match is None:
        return "no_etag"
    return keys if if_match.strip('"') == "*" else "stale_etag"


def bearer(header: str | None) -> str | None:
    """The token of an Authorization header (RFC 6750); None where there is none."""
    scheme, _, token = (header or "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def accepts(header: str | None, media_type: str) -> bool:
    """Whether an Accept header lets us answer with this type (RFC 9110, 12.5.1; weights but 0 mean yes)."""
    if header is None or not header.strip():
        return True
    for part in header.split(","):
        name, _, more = part.strip().partition(";")
        if name.strip().lower() in (media_type, "application/*", "*/*"):
            return re.search(r"\bq=0(\.0*)?\s*(;|$)", more) is None
    return False


def links(servers: Sequence[Mapping[str, str | Sequence[str]]]) -> list[str]:
    """RTCConfiguration.iceServers as `Link` header fields (RFC 9725, 4.6)."""
    found = []
    for server in servers:
        urls = server["urls"]
        for url in [urls] if isinstance(urls, str) else urls:
            parts = [f"<{url}>", 'rel="ice-server"']
            if "username" in server:
                user, secret = _quoted(str(server["username"])), _quoted(str(server.get("credential", "")))
                parts += [f"username={user}", f"credential={secret}", 'credential-type="password"']
            found.append("; ".join(parts))
    return found


def _direction(text: str, usual: str) -> str:
    return next((word for word in _DIRECTIONS if f"\na={word}\n" in f"{text}\n"), usual)


def _mid(text: str) -> str:
    found = re.search(r"(?m)^a=mid:(\S{1,16})$", text)
    if found is None:
        raise BadOffer("a media line has no a=mid of at most 16 characters")
    return found[1]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
