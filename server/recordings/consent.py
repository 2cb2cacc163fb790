"""Consent receipts: what somebody was asked and answered, signed with the server's key, kept in the database and in the journal."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from media.record.layout import canonical
from server.recordings import core, store

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of one person. `room` is the room's id, `name` and `role` as the others see them."""

    session: str
    room: str
    seat: str
    name: str
    role: str
    purpose: core.Purpose
    given: bool


class ReceiptKey:
    """The server's Ed25519 key for receipts; its file is made at the first use. Raises OSError, ValueError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: Ed25519PrivateKey | None = None

    def load(self) -> Ed25519PrivateKey:
        """The key. Two processes that both make it agree on the one that was first."""
        if self._key is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = Ed25519PrivateKey.generate().private_bytes_raw()
            try:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                pass
            else:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(fresh)
                    file.flush()
                    os.fsync(file.fileno())
            self._key = Ed25519PrivateKey.from_private_bytes(self._path.read_bytes()[:KEY_BYTES])
        return self._key

    def receipt(self, answer: Answer, at: datetime) -> dict[str, Any]:
        """`statement` (canonical JSON as text), `signature` and `key` in hex, `purpose` and `given`."""
        statement = canonical(
            {
                "laizuo": "consent",
                "format": 1,
                "session": answer.session,
                "room": answer.room,
                "seat": answer.seat,
                "name": answer.name,
                "role": answer.role,
                "purpose": answer.purpose,
                "given": answer.given,
                "at": at.isoformat(),
            }
        )
        key = self.load()
        return {
            "purpose": answer.purpose,
            "given": answer.given,
            "statement": statement.decode(),
            "signature": key.sign(statement).hex(),
            "key": key.public_key().public_bytes_raw().hex(),
        }


def is_genuine(receipt: dict[str, Any]) -> bool:
    """Whether the signature of a receipt is that of its key over its statement."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(receipt["key"]))
        key.verify(bytes.fromhex(receipt["signature"]), receipt["statement"].encode())
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return False
    return True


async def write_answer(conn: Connection, key: ReceiptKey, answer: Answer, now: datetime) -> dict[str, Any]:
    """Sign an answer and keep it, inside the caller's transaction; returns the receipt."""
    receipt = key.receipt(answer, now)
    await store.insert_consent(conn, answer.session, answer.room, answer.seat, receipt, now)
    return receipt
