"""The way round for people whose network lets neither UDP nor our TCP ports through: a TURN server beside us (RFC 8656).

A credential is for one seat and for one day's work, made from a secret that only we and the relay know; nothing has to be told to the
relay (draft-uberti-behave-turn-rest-00, which coturn calls `use-auth-secret`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

IceServers = tuple[dict[str, str | list[str]], ...]

# The relay asks again at each renewal of an allocation, so a credential has to outlive the longest session.
LASTS: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Relay:
    """Where it is and what we share with it. `urls`: turn: and turns: addresses, as RFC 7065 writes them."""

    urls: Sequence[str]
    secret: bytes

    def __repr__(self) -> str:
        return f"<Relay {' '.join(self.urls)}>"


def ice_servers(relay: Relay | None, seat: str, now: datetime) -> IceServers:
    """RTCConfiguration.iceServers for one seat; empty without a relay, for then nothing more than our own address is needed."""
    if relay is None:
        return ()
    user = f"{int((now + LASTS).timestamp())}:{_alias(seat)}"
    digest = hmac.digest(relay.secret, user.encode(), "sha1")
    return ({"urls": list(relay.urls), "username": user, "credential": base64.b64encode(digest).decode()},)


def _alias(seat: str) -> str:
    """What the relay counts one person by; its log cannot be matched with ours without trying every seat."""
    return hashlib.sha256(f"laizuo relay {seat}".encode()).hexdigest()[:16]
