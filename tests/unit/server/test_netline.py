"""The bad line of `bench network`: what it does to datagrams is what its name says."""

from __future__ import annotations

import argparse
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from server import bench
from server.bench import BenchError
from server.bench.netline.direct import host_of, with_candidate
from server.bench.netline.relay import Relay
from server.bench.netline.shape import LINES, Direction, Line, Shaper
from server.bench.network import COUNTED, PEERS, Seen, adapted_after, figures_of, open_janus, seen_between

COUNT = 5000
MORE = ("back_s", "back_rate_share", "delay_p95_s", "adapt_s")  # of some lines only


def passed(shape: Direction, size: int = 100, every_s: float = 0.01) -> tuple[Shaper, list[tuple[float, int]]]:
    """(seconds under way, number) of each datagram that arrives, in order of arrival."""
    shaper = Shaper(shape, random.Random(7))
    arrived: list[tuple[float, int]] = []
    for number in range(COUNT):
        now = number * every_s
        shaper.send(number.to_bytes(4, "big") + bytes(size - 4), None, now)
        while (at := shaper.next_at()) is not None and at <= now + every_s:
            for data, _ in shaper.due(at):
                sent = int.from_bytes(data[:4], "big")
                arrived.append((at - sent * every_s, sent))
    return shaper, arrived


@pytest.mark.parametrize(("name", "share"), [("clean", 0.0), ("loss5", 0.05), ("loss30", 0.30), ("bursts", 0.0909)])
def test_as_much_is_lost_as_the_line_says(name: str, share: float) -> None:
    shaper, _ = passed(LINES[name].up)

    assert shaper.lost / COUNT == pytest.approx(share, abs=0.02)


def test_far_is_late_and_restless_is_out_of_order_and_twice() -> None:
    _, far = passed(LINES["loss5"].down)
    assert sum(way for way, _ in far) / len(far) == pytest.approx(0.1, abs=0.01)
    _, restless = passed(LINES["restless"].down)
    numbers = [number for _, number in restless]
    assert len(numbers) > len(set(numbers)) > COUNT * 0.97
    assert numbers != sorted(numbers)


def test_a_narrow_line_passes_its_rate_and_holds_no_more_than_its_queue() -> None:
    shaper, arrived = passed(Direction(rate_bps=64_000, queue=60), size=1000)  # ten times what goes through

    span_s = COUNT * 0.01
    assert len(arrived) * 8000 / span_s == pytest.approx(64_000, rel=0.05)
    assert max(way for way, _ in arrived) <= 60 * 8000 / 64_000 + 0.2
    assert shaper.lost > COUNT * 0.8


def test_a_shaper_tells_how_long_its_queue_was_and_what_went_through() -> None:
    shaper = Shaper(Direction(rate_bps=8000), random.Random(7))

    for at in (10.0, 10.0, 11.5, 20.0):  # each takes a second
        shaper.send(bytes(1000), None, at)
    shaper.dark = True
    shaper.send(bytes(1000), None, 20.0)

    assert shaper.waits == [(10.0, 0.0), (10.0, 1.0), (11.5, 0.5), (20.0, 0.0)]
    assert (shaper.passed, shaper.lost) == (4000, 1)
    assert adapted_after(shaper.waits) == 1.5
    assert adapted_after([(10.0, 0.0), (12.0, 0.19)]) == 0.0


def test_nothing_of_udp_passes_where_only_tcp_does() -> None:
    shaper, arrived = passed(LINES["tcp"].up)

    assert (shaper.lost, arrived) == (COUNT, [])


@pytest.fixture
def echo() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(5)
        yield opened


def test_the_relay_carries_both_ways_and_nothing_in_the_dark(echo: socket.socket) -> None:
    with (
        Relay(Line(Direction(), Direction()), echo.getsockname()) as relay,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as browser,
    ):
        browser.settimeout(5)
        browser.sendto(b"there", relay.address)
        data, back = echo.recvfrom(100)
        echo.sendto(data + b" and back", back)
        assert browser.recv(100) == b"there and back"

        relay.darken(True)
        echo.sendto(b"lost", back)
        browser.settimeout(0.2)
        with pytest.raises(TimeoutError):
            browser.recv(100)
        assert relay.down.lost == 1


def test_two_ports_of_a_server_are_one_line(echo: socket.socket) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second,
        Relay(Line(Direction(), Direction()), echo.getsockname()) as relay,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as browser,
    ):
        second.bind(("127.0.0.1", 0))
        second.settimeout(5)
        browser.settimeout(5)
        other = relay.address_for(second.getsockname())
        for told, port in ((relay.address, echo), (other, second)):
            browser.sendto(b"there", told)
            data, back = port.recvfrom(100)
            port.sendto(data + b" and back", back)
            assert browser.recvfrom(100) == (b"there and back", told)
        assert (relay.up.sent, relay.down.sent) == (2, 2)


def test_where_janus_is_not_installed_each_line_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        room = open_janus(tmp_path, argparse.Namespace(peer=["janus"], lines=["loss5", "narrow"]), stack, absent, {})

    assert room is None
    assert absent.keys() == {"loss5_janus", "narrow_janus"}
    assert all("apt install janus" in reason for reason in absent.values())


def test_every_key_of_the_network_is_explained_in_the_page() -> None:
    page = Path(bench.__file__).with_name("FIGURES.md").read_text("utf-8")
    seen = figures_of(Seen(15.0, 0.1, 0.0, 0.0, 0.0, 0.0, 0))

    assert all(f"`{way}_{key}`" in page for key in seen for way in ("down", "up"))
    assert all(f"`{way}_{key}`" in page for key in MORE for way in ("down", "up"))
    assert "`joined_s`" in page
    assert all(f"`{line}`" in page for line in LINES)
    assert all(f"`LINE_{peer}_`" in page for peer in PEERS)


def test_a_standstill_at_the_end_counts_as_a_gap() -> None:
    before = counted(now=1000.0, frames=10, concealed=100, samples=1000, breaks=1)
    after = counted(
        now=11_000.0, frames=40, concealed=200, samples=2000, breaks=3, shown=[900.0, 1100.0, 1200.0, 1500.0, 3000.0]
    )

    seen = seen_between(before, after)

    assert (seen.fps, seen.gap_s, seen.concealed, seen.breaks) == (3.0, 8.0, 0.1, 2)
    assert (seen.hitches, seen.freezes) == (18.0, 12.0)  # 0.3, 1.5 and 8 s in ten seconds


def test_what_was_sent_again_is_not_lost() -> None:
    before = counted(packets=100, lost=7, repaired=6)

    seen = seen_between(before, counted(now=1000.0, packets=190, lost=17, repaired=11))

    assert seen.residual == 0.05
    assert seen_between(before, counted(now=1000.0, packets=190, lost=7, repaired=9)).residual == 0  # asked for twice


def counted(*, now: float = 0.0, shown: list[float] | None = None, **counts: int) -> dict[str, Any]:
    return dict.fromkeys(COUNTED, 0) | counts | {"now": now, "shown": shown or []}


OFFER = (
    "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "a=candidate:1 1 udp 2122260223 2001:db8::7 40001 typ host generation 0\r\n"
    "a=candidate:2 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active\r\n"
    "a=candidate:3 1 udp 2122260223 192.0.2.7 40002 typ host generation 0\r\n"
    "a=ice-ufrag:abcd\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=mid:1\r\n"
)


def test_a_page_peer_to_peer_is_told_the_line_s_address_and_no_other() -> None:
    assert host_of(OFFER) == ("192.0.2.7", 40002)

    told = with_candidate(OFFER, ("192.0.2.7", 50000))

    assert host_of(told) == ("192.0.2.7", 50000)
    assert told.count("a=candidate") == 1
    assert "a=candidate" not in with_candidate(told, None)


def test_a_page_without_an_address_is_refused() -> None:
    with pytest.raises(BenchError, match="no address"):
        host_of(with_candidate(OFFER, None))
