"""Checks that we send to a browser, to measure its line (core/line_width.py). An ICE-lite side need not send any; who gets one answers it (RFC 8445 §7.3).

They nominate nothing and change nothing: we are the controlled side, and the browser has proven its address before.
"""

from __future__ import annotations

import struct
from typing import Final, Protocol

from aioice import stun

from media.net.ice_lite import COOKIE, Credentials, StunError, parse_stun

# In the range that may be passed over by who does not know it (RFC 8489 §14).
PADDING: Final = 0xFFF3
SUCCESS: Final = b"\x01\x01"
PRIORITY: Final = 1_853_817_087  # of a peer reflexive candidate
INTEGRITY: Final = 0x0008
FINGERPRINT: Final = 0x8028


class Side(Protocol):
    """The browser's: what its offer says."""

    @property
    def ufrag(self) -> str: ...

    @property
    def pwd(self) -> str: ...


def own_check(transaction: bytes, ours: Credentials, theirs: Side, padding: int) -> bytes:
    """A Binding request.   transaction  12 bytes.   padding  bytes that only make it longer, a multiple of four."""
    attributes: dict[str, object] = {
        "USERNAME": f"{theirs.ufrag}:{ours.ufrag}",
        "PRIORITY": PRIORITY,
        "ICE-CONTROLLED": 0,
    }
    data = bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST, transaction, attributes))
    if padding:
        data += struct.pack("!HH", PADDING, padding) + bytes(padding)
    data = _with_length(data, 24) + struct.pack("!HH", INTEGRITY, 20)
    data += stun.message_integrity(data[:-4], theirs.pwd.encode())
    return _with_length(data, 8) + struct.pack("!HHI", FINGERPRINT, 4, stun.message_fingerprint(data))


def _with_length(data: bytes, more: int) -> bytes:
    """As if so many bytes more stood behind."""
    return data[:2] + struct.pack("!H", len(data) - stun.HEADER_LENGTH + more) + data[4:]


def answered(datagram: bytes) -> bytes | None:
    """The transaction that this may be the answer to; None: it is none to a Binding request."""
    if len(datagram) < stun.HEADER_LENGTH or datagram[:2] != SUCCESS or datagram[4:8] != struct.pack("!I", COOKIE):
        return None
    return datagram[8:20]


def is_authentic(datagram: bytes, theirs: Side) -> bool:
    """Whether that browser answered it."""
    try:
        message = parse_stun(datagram)
    except StunError:
        return False
    return "FINGERPRINT" in message.attributes and message.check_message_integrity(theirs.pwd.encode())
