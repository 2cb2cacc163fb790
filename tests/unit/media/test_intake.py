"""What a port reads at once: the bytes that were sent, and who sent them; the same one by one where libc has no recvmmsg."""

from __future__ import annotations

import logging
import select
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from media.forward.choose import choose_path
from media.forward.self_test import Notes
from media.net.ice_lite import Address
from media.net.intake import MOST_KNOWN, PLACES, Intake, reads_many
from media.net.mmsg import libc_call
from media.net.sockaddr import sockaddr
from media.net.udp import UdpPort

HOSTS = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
WITHIN_S = 30


@dataclass(slots=True)
class Wire:
    """A port that reads, and who sends to it."""

    intake: Intake
    port: socket.socket
    senders: list[socket.socket]

    def read(self, wanted: int) -> list[tuple[bytes, Address]]:
        found: list[tuple[bytes, Address]] = []
        while len(found) < wanted and select.select([self.port], [], [], WITHIN_S)[0]:
            for place in self.intake.places[: self.intake.take()]:
                found.append((bytes(place.view[: place.length[0]]), self.intake.learn(place)))
        return found


def opened(family: socket.AddressFamily) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind((HOSTS[family], 0))
    made.setblocking(False)
    return made


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def family(request: pytest.FixtureRequest) -> socket.AddressFamily:
    chosen: socket.AddressFamily = request.param
    return chosen


@pytest.fixture(params=[True, False], ids=["together", "singly"])
def wire(request: pytest.FixtureRequest, family: socket.AddressFamily) -> Iterator[Wire]:
    port, senders = opened(family), [opened(family) for _ in range(3)]
    for sender in senders:
        sender.connect(port.getsockname())
    yield Wire(Intake(port, many=request.param), port, senders)
    for each in (port, *senders):
        each.close()


def test_each_datagram_is_read_with_its_sender(wire: Wire) -> None:
    sent = []
    for number in range(2 * PLACES + 3):
        sender = wire.senders[number % 3]
        datagram = bytes([number]) * (1 + 37 * number)
        sender.send(datagram)
        sent.append((datagram, sender.getsockname()))

    assert wire.read(len(sent)) == sent
    assert wire.intake.take() == 0


def test_what_is_empty_or_too_long_is_told_as_such(wire: Wire) -> None:
    for size in (0, 1501, 3000):
        wire.senders[0].send(bytes(size))

    sizes = [len(datagram) for datagram, _ in wire.read(3)]
    assert sizes[:2] == [0, 1501]
    assert sizes[2] > 1500


def test_an_address_is_one_object(wire: Wire) -> None:
    for _ in range(2):
        wire.senders[0].send(b"!")

    (_, first), (_, second) = wire.read(2)
    assert first is second


def test_many_forged_sources_fill_no_memory(wire: Wire) -> None:
    place = wire.intake.places[0]
    for number in range(MOST_KNOWN + 10):
        host = "fd00::1" if wire.port.family == socket.AF_INET6 else "192.0.2.1"
        place.source[:] = sockaddr((host, 1024 + number))
        assert wire.intake.learn(place)[1] == 1024 + number

    assert len(wire.intake.known) <= MOST_KNOWN


def test_a_closed_port_is_an_error(wire: Wire) -> None:
    wire.port.close()

    with pytest.raises(OSError, match="Bad file descriptor"):
        wire.intake.take()


def test_this_machine_reads_many(family: socket.AddressFamily) -> None:
    """Else the tests above looked at one way only."""
    assert reads_many(family)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No Linux, as far as one can tell."""
    reads_many.cache_clear()
    monkeypatch.setattr(sys, "platform", "freebsd14")
    yield
    reads_many.cache_clear()


def test_elsewhere_one_line_says_that_datagrams_go_one_by_one(
    elsewhere: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = UdpPort("127.0.0.1", 0, lambda *_: None, Counter())
    with port.socket, caplog.at_level(logging.INFO):
        choose_path("python", tmp_path, port, port.dropped, Notes())
        intake = Intake(port.socket, many=True)

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "a call of its own" in caplog.text
    assert intake.at_once == 1


def test_what_libc_has_not_is_not_called() -> None:
    assert libc_call("no_such_call_in_any_libc") is None
