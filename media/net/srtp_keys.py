"""Session keys of SRTP from the master key of the handshake, for who encrypts himself. libsrtp does the same inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

GCM_SALT: Final = 12  # RFC 7714 12.1
_KEY, _SALT = 0, 2  # labels of RTP, RFC 3711 4.3.1
_PRF_SALT = 14
_LABEL_AT = 7


@dataclass(frozen=True, slots=True)
class RtpKeys:
    """Of one direction. `key` is as long as the master key, `salt` as long as the master salt."""

    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)


def derive_rtp_keys(master: bytes, salt_size: int = GCM_SALT) -> RtpKeys:
    """master  key and salt, as RFC 5764 §4.2 cuts them; a shorter salt than AES-CM's is filled up (RFC 7714 11)."""
    key, salt = master[:-salt_size], master[-salt_size:]
    return RtpKeys(_derive(key, salt, _KEY, len(key)), _derive(key, salt, _SALT, salt_size))


def _derive(key: bytes, salt: bytes, label: int, size: int) -> bytes:
    """RFC 3711 4.3.1 and 4.3.3, with a key derivation rate of 0: the key stream of AES in counter mode."""
    start = bytearray(salt.ljust(_PRF_SALT, b"\0") + b"\0\0")
    start[_LABEL_AT] ^= label
    return Cipher(AES(key), CTR(bytes(start))).encryptor().update(bytes(size))
