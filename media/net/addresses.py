"""Addresses of both families as the kernel tells them: on a port that takes both, an IPv4 peer appears mapped into IPv6 (RFC 4291 2.5.5.2)."""

from __future__ import annotations

import socket
from typing import Final

_MAPPED: Final = "::ffff:"


def plain(host: str) -> str:
    """The address as its owner knows it: IPv4 that is mapped into IPv6 without the mapping, and no zone."""
    if host.startswith(_MAPPED) and "." in host:
        return host[len(_MAPPED) :]
    return host.partition("%")[0]


def host_key(host: str) -> str | bytes:
    """What counts as one host where sources are limited: an IPv4 address, or a /64 of IPv6, which is what one line has (RFC 6177)."""
    host = plain(host)
    return socket.inet_pton(socket.AF_INET6, host)[:8] if ":" in host else host


def takes_both(opened: socket.socket) -> None:
    """Let a socket of IPv6 take IPv4 too once it is bound to `::`; nothing for others. Before bind."""
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
