"""A port on loopback that is announced at this machine's own address too (a Firefox finds no other): found there by this machine alone."""

from __future__ import annotations

import select
import socket
from collections import Counter
from collections.abc import Iterator

import pytest

from media.net.addresses import keep_to_this_machine, leads_past_loopback
from media.net.tcp import TcpPort
from media.net.udp import UdpPort
from server.config import Settings
from server.supervise.listen import announced

GROUP = "239.255.94.17"  # administratively scoped (RFC 2365); sent to hop 0, so it never leaves this machine
PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def filters() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        if not keep_to_this_machine(probe):
            pytest.skip(
                "this system filters no sockets (Linux does), so this did not run: Firefox beside the server needs --host 0.0.0.0"
            )


@pytest.fixture
def port() -> Iterator[UdpPort]:
    opened = UdpPort("127.0.0.1", 0, lambda *_: None, Counter(), past_loopback=True)
    yield opened
    opened.socket.close()


def heard(opened: socket.socket) -> bytes:
    ready, _, _ = select.select([opened], [], [], PATIENCE_S)
    assert ready, "nothing came"
    return opened.recv(100)


def test_every_address_that_is_told_leads_there_and_answers(port: UdpPort) -> None:
    for host in announced(Settings(), "127.0.0.1"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as browser:
            browser.bind((host, 0))
            browser.connect((host, port.address[1]))
            browser.send(b"check")
            assert heard(port.socket) == b"check"
            port.send(b"reply", browser.getsockname())

            assert heard(browser) == b"reply"


def test_what_comes_by_another_interface_is_not_let_in() -> None:
    own = announced(Settings(host="0.0.0.0"), "0.0.0.0")[0]
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anybody,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kept,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        assert keep_to_this_machine(kept)
        for opened in (anybody, kept):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        anybody.bind(("", 0))
        kept.bind(anybody.getsockname())
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        try:
            for opened in (anybody, kept):
                opened.setsockopt(
                    socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(own)
                )
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
            sender.sendto(b"from a net", (GROUP, anybody.getsockname()[1]))
        except OSError as error:
            pytest.skip(f"no network beside loopback takes a group, so this did not run: {error}")
        if own.startswith("127."):
            pytest.skip("no network beside loopback, so this did not run")
        sender.sendto(b"from here", (own, anybody.getsockname()[1]))

        # Of a datagram to one address the socket bound last has it, of one to a group all that may
        assert heard(anybody) == b"from a net"
        assert heard(kept) == b"from here"


async def test_connections_find_it_too() -> None:
    udp = UdpPort("127.0.0.1", 0, lambda *_: None, Counter())
    port = TcpPort(udp, lambda *_: None, Counter())
    await port.start("127.0.0.1", 0, past_loopback=True)
    try:
        socket.create_connection(("127.0.0.2", port.address[1]), timeout=PATIENCE_S).close()
    finally:
        port.close()
        udp.socket.close()


def test_only_a_port_on_loopback_that_is_told_elsewhere_is_meant() -> None:
    assert leads_past_loopback("127.0.0.1", ["127.0.0.1", "192.0.2.2"])
    assert not leads_past_loopback("127.0.0.1", ["127.0.0.2"])
    assert not leads_past_loopback("192.0.2.2", ["192.0.2.2"])
    assert leads_past_loopback("127.0.0.1", ["sfu.example"])
