"""Master keys, and session keys wrapped under them (EVIDENCE.md, section 8).

A session key lies in the database only wrapped: AES-256-GCM under a master key, bound to its session and room. Rotation adds a master
key: new sessions use the newest, old ones are wrapped anew by `python3 -m server admin rewrap-keys`. Destroying a wrapped key destroys its recording.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = "1"
_NONCE_BYTES = 12
KEY_BYTES = 32


class KeyProblem(ValueError):
    """A master key or wrapped key cannot be used; the message says why and never shows key bytes."""


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """Master keys by name; `current` wraps, all of them unwrap."""

    keys: Mapping[str, bytes]
    current: str

    def wrap(self, session_key: bytes, context: str) -> str:
        """`1:<master key>:<base64 of nonce and ciphertext>`; context is what the key is for, `session/room`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self.keys[self.current]).encrypt(nonce, session_key, context.encode())
        return f"{_VERSION}:{self.current}:{base64.b64encode(nonce + sealed).decode()}"

    def unwrap(self, wrapped: str, context: str) -> bytes:
        """Raises KeyProblem when the master key is unknown, or the text is of another session, or was changed."""
        version, _, rest = wrapped.partition(":")
        name, _, text = rest.partition(":")
        if version != _VERSION:
            raise KeyProblem(f"wrapped key of version {version!r}")
        if name not in self.keys:
            raise KeyProblem(f"master key {name!r} is not here")
        try:
            raw = base64.b64decode(text, validate=True)
            return AESGCM(self.keys[name]).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode())
        except (binascii.Error, InvalidTag, ValueError):
            raise KeyProblem(f"a key wrapped under master key {name!r} does not open for {context!r}") from None

    def is_current(self, wrapped: str) -> bool:
        return wrapped.startswith(f"{_VERSION}:{self.current}:")


def parse_master_keys(text: str) -> MasterKeys:
    """Lines of `name base64-of-32-bytes`; the last one is current, `#` begins a comment. Raises KeyProblem naming the line."""
    keys: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2:
            raise KeyProblem(f"master keys, line {number}: expected a name and a key")
        keys[words[0]] = _key(words[1], number)
    if not keys:
        raise KeyProblem("master keys: there is none")
    return MasterKeys(keys, list(keys)[-1])


def _key(text: str, line: int) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyProblem(f"master keys, line {line}: not {KEY_BYTES} bytes in base64")
    return key


def load_master_keys(path: Path) -> MasterKeys:
    """The keys of a file. A missing file is made with one new key, readable by its owner only, and made durable."""
    if not path.exists():
        _create(path)
    return parse_master_keys(path.read_text("ascii"))


def _create(path: Path) -> None:
    text = f"k1 {base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n"
    partial = path.with_name(path.name + ".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    # link, unlike rename, never replaces a file that somebody else has just made.
    try:
        os.link(partial, path)
    except FileExistsError:
        pass
    finally:
        partial.unlink()
