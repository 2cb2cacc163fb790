"""Which plain datagrams of a DTLS handshake are listened to: whoever forges a browser's address can write those as well.

1. As the server we answer a ClientHello with a cookie, and keep nothing of it: only who gets what is sent to that address can say the cookie
   (RFC 6347 §4.2.1). Until somebody has, OpenSSL is shown nothing at all. So a forged hello gets no flight that would break the handshake
   of the browser that it comes to, and what is no hello is nothing.
2. To the client nobody says ClientHello.
3. An alert is passed over: it would end the handshake. A browser that gives up is missed by the timeout, or comes again.

Behind that a plain message that is forged well still ends a handshake: DTLS 1.2 knows only at its end who spoke. Sans-IO.
"""

from __future__ import annotations

import enum
from typing import Final

RECORD: Final = 13  # bytes in front of a handshake message (RFC 6347 §4.1)
ALERT, HANDSHAKE = 21, 22
CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY_REQUEST = 1, 2, 3
_MESSAGE: Final = 12  # and of the message in front of its body
_VERSION: Final = b"\xfe\xfd"
_RANDOM: Final = 32


class Verdict(enum.Enum):
    """What becomes of a datagram."""

    PASS = enum.auto()
    REFUSE = enum.auto()
    ASK = enum.auto()  # answer `verify_request`
    BEGIN = enum.auto()  # the first one that passes: it is the second hello, so OpenSSL is told `opening` before


class DtlsGate:
    """One handshake's, until its end and after it."""

    def __init__(self, cookie: bytes) -> None:
        """cookie  what a client must have been told by us; empty: we are the client."""
        self._cookie = cookie
        self._begun = not cookie

    def judge(self, datagram: bytes) -> Verdict:
        """By its first record; what is encrypted is OpenSSL's to judge."""
        if len(datagram) > RECORD and not any(datagram[3:5]):
            if datagram[0] == ALERT:
                return Verdict.REFUSE
            if datagram[0] == HANDSHAKE and datagram[RECORD] == CLIENT_HELLO:
                return self._judge_hello(datagram)
        return Verdict.PASS if self._begun else Verdict.REFUSE

    def _judge_hello(self, datagram: bytes) -> Verdict:
        if not self._cookie:
            return Verdict.REFUSE
        if any(datagram[RECORD + 6 : RECORD + 9]):  # a later piece of one; the cookie is in the first
            return Verdict.PASS if self._begun else Verdict.REFUSE
        cookie = _cookie_of(datagram)
        if cookie == self._cookie:
            begun, self._begun = self._begun, True
            return Verdict.PASS if begun else Verdict.BEGIN
        return Verdict.ASK if cookie == b"" and not self._begun else Verdict.REFUSE


def verify_request(cookie: bytes) -> bytes:
    """The HelloVerifyRequest that tells it."""
    return _plain(HELLO_VERIFY_REQUEST, _VERSION + bytes((len(cookie),)) + cookie)


def opening() -> bytes:
    """A ClientHello of nobody's, without a cookie."""
    return _plain(CLIENT_HELLO, _VERSION + bytes(_RANDOM) + bytes(2) + b"\x00\x02\xc0\x2b\x01\x00")


def hello_of(datagram: bytes) -> bytes:
    """Number and fragment of the ClientHello or ServerHello in a datagram; empty for anything else."""
    is_hello = len(datagram) > RECORD + 9 and datagram[0] == HANDSHAKE
    is_hello = is_hello and datagram[RECORD] in (CLIENT_HELLO, SERVER_HELLO) and not any(datagram[3:5])
    return datagram[RECORD + 4 : RECORD + 9] if is_hello else b""


def _cookie_of(datagram: bytes) -> bytes | None:
    """What a ClientHello carries behind its session id; None of one that is cut short."""
    at = RECORD + _MESSAGE + len(_VERSION) + _RANDOM
    at += 1 + datagram[at] if len(datagram) > at else 0
    return datagram[at + 1 : at + 1 + datagram[at]] if len(datagram) > at else None


def _plain(kind: int, body: bytes) -> bytes:
    """Message 0 in record 0."""
    size = len(body).to_bytes(3, "big")
    message = bytes((kind,)) + size + bytes(2 + 3) + size + body
    return bytes((HANDSHAKE,)) + _VERSION + bytes(8) + len(message).to_bytes(2, "big") + message
