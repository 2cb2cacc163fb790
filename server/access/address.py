"""Where a request comes from, for rate limits: the address of the socket, or what a proxy of ours says about it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from server.keys import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web


def client_address(request: web.Request) -> str:
    """The caller's address; X-Forwarded-For counts only as far as the proxies in the settings wrote it."""
    hops = ",".join(request.headers.getall("X-Forwarded-For", ()))
    return outermost(request.remote or "", hops, request.app[SETTINGS].trusted_proxies)


def outermost(remote: str, forwarded: str, trusted: Sequence[str]) -> str:
    """The first address, seen from us, that is not a trusted proxy.

    forwarded  "client, proxy1, proxy2": each proxy appends whom it heard; everything left of the first untrusted hop is hearsay
    trusted    addresses or networks
    """
    hops = [remote, *(hop.strip() for hop in reversed(forwarded.split(",")) if hop.strip())]
    for hop in hops:
        if not _is_trusted(hop, trusted):
            return hop
    return hops[-1]


def _is_trusted(hop: str, trusted: Sequence[str]) -> bool:
    try:
        address = ip_address(hop)
        return any(address in ip_network(entry, strict=False) for entry in trusted)
    except ValueError:
        return False
