"""Ports: a taken one is told in words, or given way to where nobody counts on it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from server.config import Media, Settings
from server.supervise.listen import PortTaken, announced, listen, media_host, media_port, public_url, tcp_port


@pytest.fixture
def taken() -> Iterator[int]:
    """A UDP port of loopback that somebody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        yield int(other.getsockname()[1])


def test_a_taken_tcp_port_is_named() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} of 127\.0\.0\.1 is in use"):
            listen("127.0.0.1", port)


def test_a_connection_is_accepted_before_anybody_serves_it() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname(), timeout=5) as person:
        assert person.getpeername() == listener.getsockname()


def test_on_loopback_a_taken_media_port_gives_way(taken: int) -> None:
    port = media_port(Settings(media=Media(port=taken)), "127.0.0.1", 0, set())

    assert port not in (taken, 0)


def test_elsewhere_a_taken_media_port_is_an_error(taken: int) -> None:
    settings = Settings(host="0.0.0.0", media=Media(host="127.0.0.1", port=taken))

    with pytest.raises(PortTaken, match=f"UDP port {taken} of 127.0.0.1 is in use"):
        media_port(settings, "127.0.0.1", 0, set())


def test_workers_do_not_get_each_others_ports(taken: int) -> None:
    settings = Settings(media=Media(port=taken))
    ports: set[int] = set()
    for index in range(4):
        ports.add(media_port(settings, "127.0.0.1", index, ports))

    assert len(ports) == 4


def test_media_is_bound_to_an_address_not_a_name() -> None:
    assert media_host(Settings(host="localhost", media=Media(host="127.0.0.1"))) == "127.0.0.1"
    assert media_host(Settings(host="127.0.0.1")) == "127.0.0.1"


def test_browsers_are_told_an_address_that_they_can_reach() -> None:
    anywhere = Settings(host="0.0.0.0")
    behind_nat = Settings(host="0.0.0.0", media=Media(announce=("203.0.113.5",)))

    assert announced(behind_nat, "0.0.0.0") == ("203.0.113.5",)
    (own,) = announced(anywhere, "0.0.0.0")
    assert not ip_address(own).is_unspecified
    assert announced(Settings(), "127.0.0.1") == tuple(dict.fromkeys(("127.0.0.1", own)))


def test_links_lead_to_where_other_machines_get_to() -> None:
    assert public_url(Settings(), 8080) == "http://127.0.0.1:8080"
    assert public_url(Settings(public_url="https://sit.example/"), 8080) == "https://sit.example"
    assert "0.0.0.0" not in public_url(Settings(host="0.0.0.0"), 8080)


def test_a_worker_is_reached_over_tcp_at_the_number_of_udp_or_at_its_own_port_or_not_at_all() -> None:
    assert tcp_port(Settings(), 1, 40001) == 40001
    configured = Settings(media=Media(tcp_ports=(443, 8443)))
    assert [tcp_port(configured, index, 40000 + index) for index in range(3)] == [443, 8443, None]
    assert tcp_port(Settings(media=Media(tcp=False)), 0, 40000) is None


def test_the_wildcard_of_ipv6_takes_both_families_and_one_address_only_its_own() -> None:
    with listen("::", 0) as both, listen("::1", 0) as six:
        port = both.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), timeout=5).close()
        socket.create_connection(("::1", six.getsockname()[1]), timeout=5).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", six.getsockname()[1]), timeout=5)


def test_who_listens_on_both_families_tells_an_address_of_each_that_it_has() -> None:
    told = [ip_address(address) for address in announced(Settings(host="::"), "::")]

    assert told[0].version == 4
    assert [address.version for address in told[1:]] in ([], [6])
    assert not any(address.is_unspecified or address.is_link_local for address in told)
    assert announced(Settings(host="::1"), "::1") == ("::1",)
