"""Films encrypted at rest, readable from any byte (EVIDENCE.md, section 7).

One head page of 4096 bytes, then chunks of 64 KiB: nonce (12), AES-256-GCM ciphertext, tag (16); the chunk's number is the additional
data. The head is written last and carries the length under a MAC: a file whose writer was killed has no head and is no film.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from media.record.chain import SALT_BYTES, derive, key_id
from media.record.layout import canonical

MAGIC = b"LZF1"
HEAD_BYTES = 4096
CHUNK_BYTES = 64 << 10
_NONCE_BYTES = 12
_STRIDE = CHUNK_BYTES + _NONCE_BYTES + 16
# Muxers go back to patch what they wrote a moment ago: 4 MiB of chunks stay open for that.
_OPEN_CHUNKS = 64


class SealedDamaged(ValueError):
    """A sealed file does not open: wrong key, changed bytes, or never finished."""


class SealedWriter(io.RawIOBase):
    """A binary file for a muxer: write, seek and tell; nothing reaches the disk in the clear. `finish` makes it valid."""

    def __init__(self, path: Path, session_key: bytes, content_type: str) -> None:
        super().__init__()
        self._salt = secrets.token_bytes(SALT_BYTES)
        self._cipher = AESGCM(derive(session_key, self._salt, "film"))
        self._mac_key = derive(session_key, self._salt, "film head")
        self._facts = {"format": 1, "salt": self._salt.hex(), "key_id": key_id(session_key), "type": content_type}
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._open: OrderedDict[int, bytearray] = OrderedDict()
        self._at = 0
        self._length = 0

    @property
    def length(self) -> int:
        """Bytes of content so far."""
        return self._length

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = base + offset
        return self._at

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            number, inside = divmod(self._at, CHUNK_BYTES)
            piece = view[done : done + CHUNK_BYTES - inside]
            chunk = self._chunk(number)
            if len(chunk) < inside:
                chunk.extend(bytes(inside - len(chunk)))
            chunk[inside : inside + len(piece)] = piece
            done += len(piece)
            self._at += len(piece)
        self._length = max(self._length, self._at)
        return done

    def _chunk(self, number: int) -> bytearray:
        chunk = self._open.pop(number, None)
        if chunk is None:
            chunk = self._load(number)
        self._open[number] = chunk
        if len(self._open) > _OPEN_CHUNKS:
            self._set_aside(*self._open.popitem(last=False))
        return chunk

    def _set_aside(self, number: int, chunk: bytearray) -> None:
        """Always in full length, so that it can be read back wherever the file ends one day."""
        self._store(number, chunk.ljust(CHUNK_BYTES, b"\x00"))

    def _load(self, number: int) -> bytearray:
        raw = os.pread(self._file, _STRIDE, HEAD_BYTES + number * _STRIDE)
        # A chunk that was skipped over reads as nothing or as a hole.
        return bytearray(_open_chunk(self._cipher, number, raw)) if raw.strip(b"\x00") else bytearray()

    def _store(self, number: int, chunk: bytearray) -> None:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, bytes(chunk), number.to_bytes(8, "big"))
        if os.pwrite(self._file, sealed, HEAD_BYTES + number * _STRIDE) != len(sealed):
            raise OSError("a sealed chunk was written in part")

    def finish(self, facts: dict[str, Any] | None = None) -> str:
        """Write what is open and the head; fsync. Returns the SHA-256 of the content. Afterwards the file is valid and this object closed."""
        digest = hashlib.sha256()
        for number in range((self._length + CHUNK_BYTES - 1) // CHUNK_BYTES):
            digest.update(self._settle(number))
        head = {**self._facts, **(facts or {}), "length": self._length, "sha256": digest.hexdigest()}
        line = canonical({"head": head, "mac": _mac(self._mac_key, head)})
        if len(line) + 8 > HEAD_BYTES:
            raise ValueError(f"head of a sealed file: {len(line)} bytes, at most {HEAD_BYTES - 8}")
        page = MAGIC + len(line).to_bytes(4, "big") + line
        os.ftruncate(self._file, HEAD_BYTES + self._length + (_STRIDE - CHUNK_BYTES) * -(-self._length // CHUNK_BYTES))
        os.fsync(self._file)
        os.pwrite(self._file, page.ljust(HEAD_BYTES, b"\x00"), 0)
        os.fsync(self._file)
        self.close()
        return digest.hexdigest()

    def _settle(self, number: int) -> bytearray:
        """A chunk in its final length: muxers leave holes where they reserve space, and those are zeros."""
        open_now = self._open.get(number)
        chunk = self._load(number) if open_now is None else open_now
        length = min(CHUNK_BYTES, self._length - number * CHUNK_BYTES)
        if open_now is not None or len(chunk) != length:
            chunk = chunk[:length].ljust(length, b"\x00")
            self._store(number, chunk)
            self._open.pop(number, None)
        return chunk

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
            self._open.clear()
        super().close()


def _mac(key: bytes, head: dict[str, Any]) -> str:
    return hmac.new(key, canonical(head), hashlib.sha256).hexdigest()


def _open_chunk(cipher: AESGCM, number: int, raw: bytes) -> bytes:
    try:
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], number.to_bytes(8, "big"))
    except (InvalidTag, ValueError):
        raise SealedDamaged(f"chunk {number} does not open with its key") from None


class SealedFile:
    """A finished film: `length`, `content_type`, and read(offset, length) for HTTP Range. Close it after use."""

    def __init__(self, path: Path, session_key: bytes) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            head = _read_head(os.pread(self._file, HEAD_BYTES, 0), session_key)
        except BaseException:
            os.close(self._file)
            raise
        self.facts = head
        self.length = int(head["length"])
        self.content_type = str(head["type"])
        self._cipher = AESGCM(derive(session_key, bytes.fromhex(head["salt"]), "film"))

    def read(self, offset: int, length: int) -> bytes:
        """Bytes [offset, offset + length), fewer at the end. Raises SealedDamaged."""
        end = min(offset + length, self.length)
        if offset >= end:
            return b""
        first, last = offset // CHUNK_BYTES, (end - 1) // CHUNK_BYTES
        data = b"".join(self._chunk(number) for number in range(first, last + 1))
        return data[offset - first * CHUNK_BYTES : end - first * CHUNK_BYTES]

    def _chunk(self, number: int) -> bytes:
        raw = os.pread(self._file, _STRIDE, HEAD_BYTES + number * _STRIDE)
        data = _open_chunk(self._cipher, number, raw)
        if len(data) != min(CHUNK_BYTES, self.length - number * CHUNK_BYTES):
            raise SealedDamaged(f"chunk {number} has not the length that the head says")
        return data

    def pieces(self) -> Iterator[bytes]:
        """The whole film in order, a chunk at a time."""
        for number in range((self.length + CHUNK_BYTES - 1) // CHUNK_BYTES):
            yield self._chunk(number)

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> SealedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read_head(page: bytes, session_key: bytes) -> dict[str, Any]:
    if page[:4] != MAGIC:
        raise SealedDamaged("no head: this film was never finished, or is none")
    size = int.from_bytes(page[4:8], "big")
    try:
        outer = json.loads(page[8 : 8 + size])
        head, mac = outer["head"], outer["mac"]
        mac_key = derive(session_key, bytes.fromhex(head["salt"]), "film head")
    except (ValueError, KeyError, TypeError):
        raise SealedDamaged("the head is not readable") from None
    if head.get("key_id") != key_id(session_key):
        raise SealedDamaged("sealed with another key")
    if not hmac.compare_digest(_mac(mac_key, head), str(mac)):
        raise SealedDamaged("the head was changed")
    return dict(head)
