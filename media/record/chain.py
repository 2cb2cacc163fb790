"""Hashes and keys of a journal (EVIDENCE.md, sections 3 and 4). No I/O, no clock."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Digest = Callable[[bytes | bytearray | memoryview], bytes]

KEY_BYTES = 32
SALT_BYTES = 16
TAG_BYTES = 16
# One key seals one chunk once, so the nonce need not change.
NONCE = bytes(12)

_LEAF, _NODE, _BLOCK, _SEGMENT = b"\x00", b"\x01", b"\x02", b"\x03"


def sha256(data: bytes | bytearray | memoryview) -> bytes:
    return hashlib.sha256(data).digest()


def _portable_sm3(data: bytes | bytearray | memoryview) -> bytes:
    state = hashes.Hash(hashes.SM3())
    state.update(data)
    return state.finalize()


def _find_sm3() -> Digest:
    """hashlib's costs a third for short data, and gives up the GIL for long; only some builds of OpenSSL have it there."""
    try:
        begun = hashlib.new("sm3")
    except ValueError:
        return _portable_sm3

    def digest(data: bytes | bytearray | memoryview) -> bytes:
        state = begun.copy()  # a new one would look for its method first
        state.update(data)
        return state.digest()

    return digest if digest(b"abc") == _portable_sm3(b"abc") else _portable_sm3


_sm3 = _find_sm3()


def sm3(data: bytes | bytearray | memoryview) -> bytes:
    """SM3 of GB/T 32905-2016."""
    return _sm3(data)


@dataclass(frozen=True, slots=True)
class Head:
    """The chain after one link: everything written so far hangs on these two digests.

    block is the number of the last block, -1 before the first.
    """

    block: int
    sha256: bytes
    sm3: bytes

    @property
    def hex(self) -> str:
        return self.sha256.hex()


GENESIS = Head(-1, bytes(32), bytes(32))


def merkle_root(leaves: Sequence[bytes], digest: Digest) -> bytes:
    """Merkle tree hash over the leaves' bytes. Source: RFC 6962 section 2.1, with the digest as parameter."""
    if not leaves:
        return digest(b"")
    return _fold([digest(_LEAF + leaf) for leaf in leaves], digest)


def _fold(level: list[bytes], digest: Digest) -> bytes:
    """Pairing neighbours and carrying an odd last one up equals RFC 6962's split at the largest power of two."""
    while len(level) > 1:
        paired = [digest(_NODE + a + b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = [*paired, level[-1]] if len(level) % 2 else paired
    return level[0]


def after_block(previous: Head, block: int, line: bytes, leaves: Sequence[bytes]) -> Head:
    """The head after a block: its first header line, and the descriptor lines of its chunks as leaves."""
    return Head(
        block,
        sha256(_BLOCK + previous.sha256 + merkle_root(leaves, sha256) + line),
        sm3(_BLOCK + previous.sm3 + merkle_root(leaves, sm3) + line),
    )


def after_segment(previous: Head, line: bytes) -> Head:
    """The head after a segment's header line. It does not count as a block."""
    return Head(previous.block, sha256(_SEGMENT + previous.sha256 + line), sm3(_SEGMENT + previous.sm3 + line))


def key_id(session_key: bytes) -> str:
    """Public name of a session key: tells whether a key is the right one, and nothing about it."""
    return sha256(b"laizuo/1 session key" + session_key).hex()


def chunk_commitment(chunk_key: bytes) -> str:
    """AES-GCM does not bind a ciphertext to one key; this digest in the descriptor does."""
    return sha256(b"laizuo/1 chunk key" + chunk_key).hex()


class ChunkKeys:
    """Keys of one segment's chunks: HKDF-SHA-256 (RFC 5869), salt from the segment's header.

    The salt is new for each segment, so a block number that is written again after a crash never meets its old key.
    """

    __slots__ = ("_prk",)

    def __init__(self, session_key: bytes, salt: bytes) -> None:
        self._prk = hmac.digest(salt, session_key, "sha256")

    def key(self, block: int, chunk: int) -> bytes:
        info = b"laizuo/1 chunk" + block.to_bytes(8, "big") + chunk.to_bytes(4, "big")
        return hmac.digest(self._prk, info + b"\x01", "sha256")


def derive(session_key: bytes, salt: bytes, purpose: str) -> bytes:
    """A 32-byte key for another purpose (films). Source: RFC 5869, one block of output."""
    prk = hmac.digest(salt, session_key, "sha256")
    return hmac.digest(prk, f"laizuo/1 {purpose}".encode() + b"\x01", "sha256")


def encrypt_chunk(chunk_key: bytes, plaintext: bytes | bytearray) -> bytes:
    """AES-256-GCM, tag of 16 bytes at the end. The key is bound to the place, so there is no additional data."""
    return AESGCM(chunk_key).encrypt(NONCE, plaintext, None)


def decrypt_chunk(chunk_key: bytes, ciphertext: bytes | memoryview) -> bytes:
    """Raises cryptography.exceptions.InvalidTag when a byte or the key is wrong."""
    return AESGCM(chunk_key).decrypt(NONCE, ciphertext, None)
