"""Lines that block UDP: the same room over TCP, in both directions, on both packet paths; and strangers on that port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.media.conftest import QUICK
from tests.media.test_room_media import until_hears
from tests.support.eventually import eventually
from tests.support.media_worker import Controller, RunningWorker, running_worker
from tests.support.native import path_options
from tests.support.rtc_client import RtcClient, join
from tests.support.rtc_packets import continuous
from tests.support.tcp_client import TcpClient, tcp_address


@pytest.fixture(params=["python", "native"])
async def worker(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[RunningWorker]:
    async with running_worker(tmp_path, *QUICK, "--tcp", "127.0.0.1:0", *path_options(request.param)) as running:
        yield running


@pytest.fixture
async def controller(worker: RunningWorker) -> AsyncIterator[Controller]:
    connected = await worker.controller()
    await connected.ask("open_room", room="r1", session="s1", epoch=1, capacity=6, record=None)
    yield connected
    await connected.close()


async def come(controller: Controller, client: RtcClient, connection: int = 1) -> str:
    answer: str = (await join(controller, client, connection=connection))["answer"]
    await client.connect(answer)
    await controller.wait_for("peer_state", seat=client.name, connection=connection, state="connected")
    client.start_media()
    return answer


async def test_somebody_without_udp_is_in_the_room_like_the_others(controller: Controller) -> None:
    over_tcp, over_udp, third = TcpClient("a"), RtcClient("b"), TcpClient("c")
    for client in (over_tcp, over_udp, third):
        await come(controller, client)

    for hearing, heard in ((over_tcp, "b"), (over_udp, "a"), (third, "a"), (over_tcp, "c")):
        await until_hears(hearing, heard, 60)

    for client in (over_tcp, over_udp, third):
        assert all(continuous(line, unsettled=4) for line in client.received.values())
        assert client.counts["replayed"] == 0
        await client.close()
    assert (await controller.ask("stats", room=None))["dropped"].get("fault", 0) == 0


async def test_a_line_that_ends_is_told_and_the_seat_comes_back_over_the_other_way(controller: Controller) -> None:
    a, b = TcpClient("a"), RtcClient("b")
    await come(controller, a)
    await come(controller, b)
    await until_hears(b, "a")

    await a.close()
    await controller.wait_for("peer_state", seat="a", state="reconnecting")
    again = RtcClient("a")
    await come(controller, again, connection=2)

    await until_hears(b, "a", len(b.heard_from("a")) + 40)
    await again.close()
    await b.close()


async def test_who_reads_nothing_loses_his_own_packets_only(controller: Controller, worker: RunningWorker) -> None:
    """A stalled line: what is held for it stays small, and the others go on."""
    a, b, stalled = RtcClient("a"), RtcClient("b"), TcpClient("c")
    for client in (a, b, stalled):
        await come(controller, client)
    await until_hears(stalled, "a")
    asyncio.get_running_loop().remove_reader(stalled.sock.fileno())
    for _ in range(400):
        a.send_media("audio", bytes(1000), marker=False)

    async def refused() -> str | None:
        counters = (await controller.ask("stats", room=None))["dropped"]
        return None if counters.get("send_full", 0) > 5 else f"{counters}"

    await eventually(refused, 30)
    heard = len(a.heard_from("b"))
    await until_hears(a, "b", heard + 60)

    for client in (a, b, stalled):
        await client.close()


async def test_strangers_on_the_tcp_port_are_unanswered_and_shown_out(controller: Controller) -> None:
    a = TcpClient("a")
    where = tcp_address(await come(controller, a))
    reader, writer = await asyncio.open_connection(*where)
    for packet in (
        a.check(pwd="guess-guess-guess-guess"),
        b"\x16\xfe\xfd" + bytes(60),
        b"\x80\x60" + bytes(60),
        b"\x80",
    ):
        writer.write(len(packet).to_bytes(2, "big") + packet)

    async def counted() -> str | None:
        counters = (await controller.ask("stats", room=None))["dropped"]
        return None if counters.get("unknown_kind") else f"{counters}"

    await eventually(counted)
    writer.write((1501).to_bytes(2, "big"))  # longer than any packet: the connection ends

    async with asyncio.timeout(30):
        assert await reader.read() == b""
    writer.close()

    dropped = (await controller.ask("stats", room=None))["dropped"]
    assert dropped["stun_bad_integrity"] == 1
    assert dropped["unknown_source"] == 2
    assert dropped["unknown_kind"] == 1
    assert dropped["stream_refused"] == 1
    assert a.connected.is_set()
    await a.close()
