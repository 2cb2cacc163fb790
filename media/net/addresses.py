"""Addresses of both families as the kernel tells them: on a port that takes both, an IPv4 peer appears mapped into IPv6 (RFC 4291 2.5.5.2)."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

_MAPPED: Final = "::ffff:"
_ATTACH_FILTER: Final = 26  # SO_ATTACH_FILTER, asm-generic/socket.h; Python has no name for it
_FILTER_STEP: Final = struct.Struct("HBBI")  # linux/filter.h sock_filter: code, jump if true, jump if false, k
_INTERFACE: Final = 0xFFFFF000 + 8  # SKF_AD_OFF + SKF_AD_IFINDEX
_LOAD_WORD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06


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


def leads_past_loopback(host: str, announced: Iterable[str]) -> bool:
    """Whether a port on loopback is announced at another address too: then it must be found there, though by this machine alone."""
    return _is_loopback(host) and not all(map(_is_loopback, announced))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def keep_to_this_machine(opened: socket.socket) -> bool:
    """Before bind: let in only what this machine sends itself, whichever of its addresses it is sent to. False: the system knows no such thing.

    Whoever binds the wildcard then is reached from here by any address, and from outside by none. Source: Linux socket(7) and
    networking/filter.rst: a packet for one of our own addresses comes by the loopback interface.
    """
    try:
        here = socket.if_nametoindex("lo")
        steps = [
            (_LOAD_WORD, 0, 0, _INTERFACE),
            (_JUMP_IF_EQUAL, 0, 1, here),
            (_RETURN, 0, 0, 0xFFFF),
            (_RETURN, 0, 0, 0),
        ]
        code = ctypes.create_string_buffer(b"".join(_FILTER_STEP.pack(*step) for step in steps))
        opened.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", len(steps), ctypes.addressof(code)))
    except OSError:
        return False
    return True


def bind(opened: socket.socket, address: tuple[object, ...], *, past_loopback: bool) -> None:
    """As socket.bind; `past_loopback` as `leads_past_loopback` says. Raises OSError."""
    if past_loopback and keep_to_this_machine(opened):
        address = ("::" if opened.family == socket.AF_INET6 else "0.0.0.0", *address[1:])
    opened.bind(address)
