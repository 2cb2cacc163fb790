"""Sockets and ports, settled before anything is started, so that a taken port is said at once and in plain words."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

import msgspec

from server import config
from server.config import Settings

BACKLOG = 1024  # people who press a button while the web process restarts wait here


class PortTaken(Exception):
    """Another program has the port."""


def listen(host: str, port: int) -> socket.socket:
    """The listening TCP socket, which the web process inherits and which outlives it.

    Raises  PortTaken, or OSError with the address named.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"port {port} of {host} is in use by another program. Choose another: --port {port + 1}"
            ) from error
        raise
    return listener


def media_host(settings: Settings) -> str:
    """The address media workers bind. A name is not enough for them."""
    host = settings.media.host or settings.host or "0.0.0.0"
    return str(socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0][4][0])


def announced(settings: Settings, host: str) -> tuple[str, ...]:
    """The addresses browsers are told for the bound `host`: a wildcard is none, so this machine's own addresses stand in."""
    if settings.media.announce:
        return settings.media.announce
    if ip_address(host).is_loopback and ":" not in host:  # a Firefox needs the other one (media/PACKETS.md, section 7)
        return tuple(dict.fromkeys((host, _own_address())))
    if not ip_address(host).is_unspecified:
        return (host,)
    return (_own_address(), *_own_address_6()) if ":" in host else (_own_address(),)


def public_url(settings: Settings, port: int) -> str:
    """What links and QR codes lead to: as configured, else an address that other machines reach."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    reachable = _own_address() if settings.host in ("0.0.0.0", "::", "") else settings.host
    return config.local_url(msgspec.structs.replace(settings, host=reachable), port)


def _own_address() -> str:
    """The address of the interface that leads outside; nothing is sent (the target is a documentation address, RFC 5737)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:  # no network at all
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _own_address_6() -> tuple[str, ...]:
    """The same of IPv6 (RFC 3849); none where no way leads outside, and none that only this line knows (RFC 4291 2.5.6)."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(("2001:db8::1", 9))
            own = str(probe.getsockname()[0])
    except OSError:  # no such family, or no network
        return ()
    return () if ip_address(own.partition("%")[0]).is_link_local else (own,)


def media_port(settings: Settings, host: str, index: int, taken: set[int]) -> int:
    """The UDP port for a worker about to start: media.port counted up by its index.

    A taken port gives way to any free one on loopback, and is an error where a firewall counts on it.

    taken   ports of the other workers
    Raises  PortTaken
    """
    wanted = settings.media.port + index if settings.media.port else 0
    port = None if wanted in taken else _free_udp_port(host, wanted)
    while port is None or port in taken:
        if not settings.is_loopback:
            raise PortTaken(
                f"UDP port {wanted} of {host} is in use by another program. Choose others with LAIZUO_MEDIA_PORT"
            )
        port = _free_udp_port(host, 0)
    return port


def tcp_port(settings: Settings, index: int, udp_port: int) -> int | None:
    """The TCP port of that worker, None for none. A taken one is said by the worker, which goes on without."""
    if not settings.media.tcp:
        return None
    ports = settings.media.tcp_ports
    if ports:
        return ports[index] if index < len(ports) else None
    return udp_port


def socket_address(host: str, port: int) -> str:
    """As on a worker's command line."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _free_udp_port(host: str, port: int) -> int | None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(
                ("" if host.startswith("127.") else host, port)
            )  # a worker on loopback takes it for all addresses
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return None
            raise
        return int(probe.getsockname()[1])
