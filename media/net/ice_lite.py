"""ICE-lite: answers authenticated connectivity checks and says which address a browser has nominated (RFC 8445 §2.5).

Sans-IO: datagrams and the time come in, what to do goes out. Nothing unauthenticated is ever answered, so the port can be
neither found by scanning nor used to reflect traffic (reliability threat 4). The order of the tests is by price: twenty
bytes of header, the source's rate, the parse, a dictionary, and only then an HMAC.
"""

from __future__ import annotations

import enum
import secrets
import struct
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from aioice import stun

from media.net.addresses import host_key, plain
from media.net.limits import RateLimit

StreamAddress = tuple[str, int, str]  # host, port, "tcp": a connection (tcp.py)
Address = tuple[str, int] | tuple[str, int, int, int] | StreamAddress
Owner = TypeVar("Owner")

COOKIE: Final = 0x2112A442
BINDING_REQUEST: Final = 0x0001
# A browser sends a check about every 50 ms while it connects, on each candidate pair; later one every 2.5 s.
CHECKS_PER_S: Final = 40.0
CHECKS_AT_ONCE: Final = 80.0
# A service station may have all its endpoints behind one address.
CHECKS_PER_S_PER_HOST: Final = 800.0
CHECKS_AT_ONCE_PER_HOST: Final = 1600.0
MAX_SOURCES: Final = 8192
MAX_HOSTS: Final = 8192


class StunError(ValueError):
    """A datagram that looked like STUN and is not."""


class Drop(enum.Enum):
    """Why a STUN datagram was not answered."""

    MALFORMED = "stun_malformed"
    NOT_REQUEST = "stun_not_request"
    RATE = "stun_rate"
    UNKNOWN_USER = "stun_unknown_user"
    BAD_INTEGRITY = "stun_bad_integrity"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One ICE username fragment and password (RFC 8839 §5.4)."""

    ufrag: str
    pwd: str


@dataclass(frozen=True, slots=True)
class Check(Generic[Owner]):
    """A valid check: who sent it, by which ufrag of ours, what to answer, and whether it nominates its address."""

    owner: Owner
    ufrag: str
    reply: bytes
    nominates: bool


def new_credentials() -> Credentials:
    """48 and 144 random bits, in characters that need no escaping in SDP; RFC 8445 §5.3 asks for 24 and 128."""
    return Credentials(secrets.token_hex(6), secrets.token_hex(18))


def parse_stun(datagram: bytes) -> stun.Message:
    """A well-formed STUN message. Raises StunError and nothing else.

    aioice lets struct.error, UnicodeDecodeError and more escape (tests/vectors/stun); a hostile datagram must not reach the
    event loop as an exception, whatever the library does next.
    """
    try:
        return stun.parse_message(datagram)
    except (ValueError, struct.error, IndexError, KeyError, TypeError, OverflowError) as error:
        raise StunError(str(error)) from error


def is_binding_request(datagram: bytes) -> bool:
    """The header test that costs nothing: type, magic cookie, length (RFC 8489 §5)."""
    return (
        len(datagram) >= stun.HEADER_LENGTH
        and len(datagram) % 4 == 0
        and int.from_bytes(datagram[0:2], "big") == BINDING_REQUEST
        and int.from_bytes(datagram[2:4], "big") == len(datagram) - stun.HEADER_LENGTH
        and int.from_bytes(datagram[4:8], "big") == COOKIE
    )


class IceLite(Generic[Owner]):
    """All peers of one UDP port, told apart by the ufrag we gave them. An owner may have several (ICE restart)."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, Owner]] = {}
        self._sources = RateLimit(CHECKS_PER_S, CHECKS_AT_ONCE, MAX_SOURCES)
        self._hosts = RateLimit(CHECKS_PER_S_PER_HOST, CHECKS_AT_ONCE_PER_HOST, MAX_HOSTS)

    def admit(self, credentials: Credentials, owner: Owner) -> None:
        """From now on, checks with these credentials belong to `owner`."""
        self._known[credentials.ufrag] = (credentials.pwd.encode(), owner)

    def forget(self, credentials: Credentials) -> None:
        """Checks with these credentials are unanswered from now on."""
        self._known.pop(credentials.ufrag, None)

    def receive(self, datagram: bytes, source: Address, now: float) -> Check[Owner] | Drop:
        """Judge one datagram whose first byte says STUN."""
        if not is_binding_request(datagram):
            return Drop.NOT_REQUEST if len(datagram) >= stun.HEADER_LENGTH else Drop.MALFORMED
        if not (self._sources.allows(source, now) and self._hosts.allows(host_key(source[0]), now)):
            return Drop.RATE
        try:
            message = parse_stun(datagram)
        except StunError:
            return Drop.MALFORMED
        return self._judge(message, source)

    def _judge(self, message: stun.Message, source: Address) -> Check[Owner] | Drop:
        ufrag, colon, _theirs = str(message.attributes.get("USERNAME", "")).partition(":")
        known = self._known.get(ufrag)
        if not colon or known is None:
            return Drop.UNKNOWN_USER
        pwd, owner = known
        # FINGERPRINT is checked by the parser where it stands; RFC 8445 §7.1.1 wants it to stand in every check.
        if "FINGERPRINT" not in message.attributes or not message.check_message_integrity(pwd):
            return Drop.BAD_INTEGRITY
        reply = success(message.transaction_id, source, pwd)
        return Check(owner, ufrag, reply, "USE-CANDIDATE" in message.attributes)


def success(transaction_id: bytes, source: Address, pwd: bytes) -> bytes:
    """Binding success response: XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT (64 or 76 bytes)."""
    reply = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id)
    reply.attributes["XOR-MAPPED-ADDRESS"] = (plain(source[0]), source[1])
    reply.add_message_integrity(pwd)
    return bytes(reply)
