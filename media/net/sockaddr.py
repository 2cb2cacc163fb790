"""Addresses as the kernel has them in memory (struct sockaddr_in, sockaddr_in6)."""

from __future__ import annotations

import socket
import struct
from typing import Any, Final

from media.net.ice_lite import Address

# By the family of a socket: so many bytes it tells of each source.
SOCKADDR_BYTES: Final = {socket.AF_INET: 16, socket.AF_INET6: 28}


def sockaddr(address: Address) -> bytes:
    """As the kernel wants it; empty for NOWHERE and for a connection. An address with a colon is IPv6."""
    if len(address) == 3 or not address[0]:
        return b""
    host, port, *rest = address
    if ":" in host:
        flow, scope = rest or (0, 0)
        return struct.pack(
            "=H2s4s16sI", socket.AF_INET6, port.to_bytes(2, "big"), flow.to_bytes(4, "big"), _packed(host), scope
        )
    return struct.pack("=H2s4s8x", socket.AF_INET, port.to_bytes(2, "big"), _packed(host))


def _packed(host: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host.partition("%")[0])


def address_of(packed: bytes) -> Address:
    """The address as `socket.recvfrom` would give it."""
    (family,) = struct.unpack_from("=H", packed)
    port = int.from_bytes(packed[2:4], "big")
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, packed[4:8]), port
    flow, (scope,) = int.from_bytes(packed[4:8], "big"), struct.unpack_from("=I", packed, 24)
    six: Any = (socket.inet_ntop(socket.AF_INET6, packed[8:24]), port, flow, scope)
    address: Address = six
    return address
