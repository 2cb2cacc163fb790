"""Two pages peer to peer, one of them behind the line: what the browser does by itself, to compare with.

The page on the line is told the relay's address for the other's, and the other is told none: it learns the relay's from the checks
that come through it. So every datagram of the call passes the line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from server.bench import BenchError

if TYPE_CHECKING:
    from playwright.sync_api import Page

_CANDIDATE = re.compile(r"a=candidate:\S+ \d+ (?P<protocol>\S+) \d+ (?P<host>\S+) (?P<port>\d+) typ host.*\r\n")


def host_of(description: str) -> tuple[str, int]:
    """The first UDP host candidate (IPv4). Raises BenchError."""
    for found in _CANDIDATE.finditer(description):
        if found["protocol"].lower() == "udp" and re.fullmatch(r"[\d.]+", found["host"]):
            return found["host"], int(found["port"])
    raise BenchError("the browser names no address of its own")


def with_candidate(description: str, address: tuple[str, int] | None) -> str:
    """The description with no candidate but this one."""
    bare = _CANDIDATE.sub("", description)
    if address is None:
        return bare
    line = f"a=candidate:1 1 udp 2130706431 {address[0]} {address[1]} typ host\r\n"
    return bare.replace("a=ice-ufrag:", line + "a=ice-ufrag:", 1)


def describe(line: Page, other: Page) -> str:
    """Bring the offer of the page on the line to the other; returns its answer."""
    offer = str(line.evaluate("offer()"))
    return str(other.evaluate("sdp => answer(sdp)", with_candidate(offer, None)))
