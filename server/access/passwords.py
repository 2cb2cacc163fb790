"""Argon2id passwords. Hashing takes a quarter of a second by design, so it runs in a thread."""

from __future__ import annotations

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Verified when the user name is unknown, so that the answer takes as long as for a known one. Made at the first sign-in, not at each start."""
    return _hasher.hash("nobody has this password")


async def hash_password(password: str) -> str:
    """The Argon2id string to store."""
    return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password fits; as slow for an unknown person (stored is None) as for a known one."""
    return await asyncio.to_thread(_verify, stored, password)


def _verify(stored: str | None, password: str) -> bool:
    nobody = _nobody()  # for a known person too: the first one to sign in must not tell by the time it takes
    try:
        return _hasher.verify(stored or nobody, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
