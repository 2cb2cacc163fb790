"""The socket or a timer: whatever wakes the Python path, each datagram is read once, and soon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator

import pytest

from media.net.waking import Waking
from tests.support.eventually import eventually

Wire = tuple[socket.socket, socket.socket]


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    here.setblocking(False)
    yield here, there
    here.close()
    there.close()


class Reader:
    """Reads all there is, and remembers how many there were each time."""

    def __init__(self, port: socket.socket) -> None:
        self.port = port
        self.read: list[int] = []
        self.pretends = 0  # so many more

    def __call__(self) -> int:
        taken = 0
        while True:
            try:
                self.port.recv(100)
            except BlockingIOError:
                break
            taken += 1
        self.read.append(taken)
        return taken + self.pretends

    def waits_for(self, count: int) -> str | None:
        return None if sum(self.read) == count else f"{sum(self.read)} of {count}"


async def test_the_socket_wakes_until_the_timer_does_and_again(wire: Wire) -> None:
    here, there = wire
    reader = Reader(here)
    waking = Waking(asyncio.get_running_loop(), here.fileno(), reader)

    for every_s in (0.0, 0.0005, 0.001, 0.0):
        waking.wake_every(every_s)
        before = sum(reader.read)
        there.send(b"one")
        await eventually(lambda expected=before + 1: reader.waits_for(expected))

    waking.close()


async def test_by_the_timer_it_looks_although_nothing_came(wire: Wire) -> None:
    reader = Reader(wire[0])
    waking = Waking(asyncio.get_running_loop(), wire[0].fileno(), reader)

    waking.wake_every(0.0005)
    await eventually(lambda: None if reader.read.count(0) > 3 else "it does not tick")
    waking.wake_every(0.0)
    looked = len(reader.read)
    await asyncio.sleep(0.02)

    assert len(reader.read) == looked
    waking.close()


async def test_the_load_chooses(wire: Wire) -> None:
    """So many datagrams that a timer is wanted; then none, and the socket wakes again."""
    here, there = wire
    there.setblocking(False)
    reader = Reader(here)
    waking = Waking(asyncio.get_running_loop(), here.fileno(), reader)
    reader.pretends = 20
    loop = asyncio.get_running_loop()

    def send_on() -> None:
        with contextlib.suppress(BlockingIOError):
            there.send(b"one")
        if not waking.by_timer:
            loop.call_soon(send_on)

    send_on()
    await eventually(lambda: None if waking.by_timer else "the socket wakes it")
    reader.pretends = 0
    await eventually(lambda: "the timer wakes it" if waking.by_timer else None)
    expected = sum(reader.read) + 1
    there.send(b"one")
    await eventually(lambda: reader.waits_for(expected))

    waking.close()


async def test_nothing_is_left_open(wire: Wire) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    reader = Reader(wire[0])
    for every_s in (0.0, 0.001):
        waking = Waking(asyncio.get_running_loop(), wire[0].fileno(), reader)
        waking.wake_every(every_s)
        waking.close()
    wire[1].send(b"for nobody")
    await asyncio.sleep(0.02)

    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert sum(reader.read) == 0
