"""The TCP port by itself, on loopback: what is taken, who is kept, who is shown out; the time is the test's."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import cast

import pytest

from media.forward.path import Lane, LaneOwner
from media.net.framing import framed
from media.net.ice_lite import Address
from media.net.tcp import KEPT_S, PER_HOST, PROVE_S, TcpPort
from tests.support.eventually import eventually


class OpenGate:
    """Takes every STUN that says `good`, and knows the lanes that the test puts in."""

    def __init__(self) -> None:
        self.lanes: dict[Address, Lane] = {}
        self.judged: list[tuple[bytes, Address]] = []
        self.faults = 0

    def judge(self, datagram: bytes, source: Address, now: float) -> str | None:
        self.judged.append((datagram, source))
        return None if b"good" in datagram else "stun_bad_integrity"

    def note_fault(self, size: int) -> None:
        self.faults += 1


class Stage:
    def __init__(self) -> None:
        self.gate, self.dropped = OpenGate(), Counter[str]()
        self.sealed: list[tuple[Lane, bytes]] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.port = TcpPort(self.gate, lambda lane, packet, _now: self.sealed.append((lane, packet)), self.dropped)

    async def come(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Address]:
        reader, writer = await asyncio.open_connection(*self.port.address)
        self.writers.append(writer)
        host, port = writer.get_extra_info("sockname")
        return reader, writer, (host, port, "tcp")

    async def judged(self, count: int) -> None:
        await eventually(lambda: None if len(self.gate.judged) >= count else f"{self.gate.judged}")


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    await made.port.start("127.0.0.1", 0)
    yield made
    made.port.close()
    for writer in made.writers:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def lane_of() -> Lane:
    return Lane(cast(LaneOwner, None), 1, 0.0)


async def ends(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(5):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


async def test_packets_come_with_their_connection_as_address_and_answers_go_back(stage: Stage) -> None:
    reader, writer, address = await stage.come()
    writer.write(framed(b"\0\1good") + framed(b"\x80\x60" + bytes(10)))
    await stage.judged(1)
    assert stage.gate.judged == [(b"\0\1good", address)]
    await eventually(lambda: None if stage.dropped["unknown_source"] == 1 else f"{stage.dropped}")

    lane = stage.gate.lanes[address] = lane_of()
    writer.write(framed(b"\x80\x60" + bytes(10)))
    await eventually(lambda: None if stage.sealed else "nothing came")
    assert stage.sealed == [(lane, b"\x80\x60" + bytes(10))]

    assert stage.port.send(b"answer", address) == 6
    assert await reader.readexactly(8) == framed(b"answer")


async def test_a_stranger_is_shown_out_and_a_second_way_is_kept_while_it_is_looked_after(stage: Stage) -> None:
    stranger, _, _ = one = await stage.come()
    second, writer, _ = await stage.come()
    one[1].write(framed(b"\0\1bad!"))
    writer.write(framed(b"\0\1good"))
    await stage.judged(2)
    now = time.monotonic()

    stage.port.watch(now + PROVE_S + 1)
    assert await ends(stranger)
    assert stage.dropped["stream_refused"] == 1

    stage.port.watch(now + KEPT_S - 1)
    writer.write(framed(b"\0\1good"))
    await stage.judged(3)
    stage.port.watch(now + KEPT_S + 5)
    assert await ends(second)
    assert stage.dropped["stream_refused"] == 1, "a browser that went away is no stranger"


async def test_a_lane_keeps_its_connection(stage: Stage) -> None:
    _, writer, address = await stage.come()
    writer.write(framed(b"\0\1good"))
    await stage.judged(1)
    stage.gate.lanes[address] = lane_of()

    stage.port.watch(time.monotonic() + 10 * KEPT_S)

    assert stage.port.send(b"still", address) == 5


async def test_who_reads_nothing_is_refused_more_and_a_gone_one_is_told(stage: Stage) -> None:
    _, writer, address = await stage.come()
    writer.write(framed(b"\0\1good"))
    await stage.judged(1)

    def fill() -> None:
        for _ in range(20_000):
            stage.port.send(bytes(1200), address)

    with pytest.raises(BlockingIOError):
        fill()
    writer.transport.abort()
    await eventually(lambda: None if not stage.port._streams else "it is still there")
    with pytest.raises(OSError, match="has ended"):
        stage.port.send(b"x", address)


async def test_one_host_has_so_many_and_no_more(stage: Stage) -> None:
    all_of_them = [await stage.come() for _ in range(PER_HOST)]
    for _, writer, _ in all_of_them:
        writer.write(framed(b"\0\1good"))
    await stage.judged(PER_HOST)
    late, _, _ = await stage.come()

    assert await ends(late)
    assert stage.dropped["stream_refused"] == 1
    assert not any(reader.at_eof() for reader, _, _ in all_of_them)


async def test_who_only_holds_connections_keeps_nobody_out(stage: Stage) -> None:
    known, writer, _ = await stage.come()
    writer.write(framed(b"\0\1good"))
    await stage.judged(1)
    holders = [await stage.come() for _ in range(PER_HOST - 1)]
    _, newcomer, address = await stage.come()
    newcomer.write(framed(b"\0\1good"))
    await stage.judged(2)

    assert await ends(holders[0][0])
    assert stage.gate.judged[-1] == (b"\0\1good", address)
    assert not known.at_eof()
    assert len(stage.port._streams) == PER_HOST
