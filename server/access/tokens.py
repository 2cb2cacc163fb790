"""Opaque, revocable tokens: 256 random bits in the hands of their holder, a SHA-256 in the database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

_BYTES = 32
_TEXT = 43  # 32 bytes in unpadded URL-safe base64


def new_token() -> str:
    """A fresh token, 43 characters of URL-safe base64."""
    return secrets.token_urlsafe(_BYTES)


def token_hash(token: str) -> bytes:
    """What is stored and looked up. The token has full entropy, so a plain hash needs no salt."""
    return hashlib.sha256(token.encode("ascii", "replace")).digest()


def looks_like_token(text: str) -> bool:
    """Cheap check before the database is asked."""
    return len(text) == _TEXT and text.isascii() and text.replace("-", "").replace("_", "").isalnum()


def csrf_of(token: str) -> str:
    """The CSRF token that belongs to a cookie token: derived, so nothing more is stored."""
    return base64.urlsafe_b64encode(hmac.digest(token.encode(), b"laizuo csrf", "sha256")).decode().rstrip("=")


def same(a: str, b: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(a.encode(), b.encode())
