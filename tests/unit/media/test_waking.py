"""The Python path's port: woken by each packet, or by a timer while they come thick."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from media.net.waking import NO_TIMER, Waking, new_timer
from tests.support.eventually import eventually

MOST = 16
THICK = 8  # packets that are sent each time the loop comes round


@dataclass(slots=True)
class Line:
    """Two ends of a line, and what has been read at one."""

    here: socket.socket
    there: socket.socket
    sent: int = 0
    numbers: list[int] = field(default_factory=list)

    def send(self, count: int = 1) -> None:
        for _ in range(count):
            try:
                self.there.send(self.sent.to_bytes(4, "big"))
            except BlockingIOError:
                return
            self.sent += 1

    def read(self) -> int:
        for number in range(MOST):
            try:
                self.numbers.append(int.from_bytes(self.here.recv(16), "big"))
            except BlockingIOError:
                return number
        return MOST

    def whole(self) -> str | None:
        return None if self.numbers == list(range(self.sent)) else f"{len(self.numbers)} of {self.sent} were read"


@pytest.fixture
def line() -> Iterator[Line]:
    here, there = socket.socketpair(type=socket.SOCK_DGRAM)
    with here, there:
        here.setblocking(False)
        there.setblocking(False)
        yield Line(here, there)


async def sends_thickly(line: Line, rounds: int) -> None:
    for _ in range(rounds):
        line.send(THICK)
        await asyncio.sleep(0)


async def until_by_timer(line: Line, waking: Waking) -> None:
    async def lacking() -> str | None:
        await sends_thickly(line, 400)
        return None if waking.by_timer else f"{line.sent} packets were sent, and each wakes us"

    await eventually(lacking)


async def test_thick_packets_wait_for_a_timer_and_thin_ones_do_not(line: Line) -> None:
    waking = Waking(asyncio.get_running_loop(), line.here.fileno(), line.read, MOST, new_timer())
    try:
        assert not waking.by_timer
        line.send()
        await eventually(line.whole)

        await until_by_timer(line, waking)
        await eventually(line.whole)
        await eventually(lambda: "the timer ticks for nothing" if waking.by_timer else None)

        line.send()
        await eventually(line.whole)
        await until_by_timer(line, waking)
        await eventually(line.whole)
    finally:
        waking.close()


async def test_without_a_timer_the_socket_wakes_us_however_thick_they_come(line: Line) -> None:
    loop = asyncio.get_running_loop()
    waking = Waking(loop, line.here.fileno(), line.read, MOST, NO_TIMER)
    try:
        begun = loop.time()
        while loop.time() - begun < 0.3:
            await sends_thickly(line, 100)
        await eventually(line.whole)
        assert not waking.by_timer
    finally:
        waking.close()


async def test_nothing_is_read_after_the_end(line: Line) -> None:
    waking = Waking(asyncio.get_running_loop(), line.here.fileno(), line.read, MOST, new_timer())
    await until_by_timer(line, waking)
    line.send(MOST)

    waking.close()
    read = len(line.numbers)
    await sends_thickly(line, 100)

    assert len(line.numbers) == read
