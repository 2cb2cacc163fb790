"""Plain datagrams of a DTLS handshake, as somebody writes them who forges a browser's address."""

from __future__ import annotations

import os

FATAL_ALERT = b"\x15\xfe\xfd" + bytes(6) + b"\x07\x00\x00\x02\x02\x28"  # handshake_failure, of epoch 0


def message(kind: int, body: bytes, number: int = 0) -> bytes:
    """A plain handshake message in a record of its own, behind all that the browser has sent."""
    head = bytes((kind,)) + len(body).to_bytes(3, "big") + number.to_bytes(2, "big")
    record = head + bytes(3) + len(body).to_bytes(3, "big") + body
    return b"\x16\xfe\xfd" + bytes(7) + b"\x20" + len(record).to_bytes(2, "big") + record


def hello(cookie: bytes = b"", number: int = 0) -> bytes:
    """A whole ClientHello with a random of its own, whose cipher and groups are ours."""
    extensions = bytes.fromhex("000a000400020017 000b00020100 000d000400020403 000e0009000600080007000100")
    said = b"\xfe\xfd" + os.urandom(32) + b"\x00" + bytes((len(cookie),)) + cookie
    return message(1, said + b"\x00\x02\xc0\x2b\x01\x00" + len(extensions).to_bytes(2, "big") + extensions, number)
