"""What the C path asks of the event loop that calls it."""

from __future__ import annotations

import asyncio
import ctypes
import select
import socket
from collections.abc import Callable
from typing import cast

import pytest
import uvloop

from media.forward.event_loop import descriptor_of, due_of


@pytest.mark.parametrize("make", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_loop_tells_when_it_has_something_to_do(make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    loop = make()
    here, there = socket.socketpair()
    try:
        loop.add_reader(here.fileno(), loop.stop)
        loop.call_soon(loop.stop)
        loop.run_forever()  # what is added is waited for from the next round on
        assert not select.select([descriptor_of(loop)], [], [], 0)[0]

        there.send(b"!")
        assert select.select([descriptor_of(loop)], [], [], 30)[0]
    finally:
        loop.close()
        here.close()
        there.close()


def test_a_loop_that_tells_nothing_has_no_descriptor() -> None:
    assert descriptor_of(cast(asyncio.AbstractEventLoop, object())) == -1


def test_uvloop_tells_when_its_next_timer_is_due() -> None:
    """In its own time, which stands still while it calls us."""
    told: list[int] = []

    async def look() -> None:
        loop = asyncio.get_running_loop()
        due = due_of(loop)
        assert due is not None
        ask = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(due.ask)

        def tell() -> None:
            told.append(ask(due.loop))

        far, near = loop.call_later(1000, tell), loop.call_later(100, tell)
        here, there = socket.socketpair()
        with here, there:
            woken = asyncio.Event()

            def read() -> None:
                tell()
                loop.remove_reader(here.fileno())
                woken.set()

            loop.add_reader(here.fileno(), read)
            there.send(b"!")
            await woken.wait()
        near.cancel()
        loop.call_soon(tell)
        far.cancel()
        tell()
        await asyncio.sleep(0)

    uvloop.run(look())

    by_reader, at_once, _ = told
    assert 0 < by_reader <= 100_000, "of two timers the nearer one"
    assert at_once == 0, "something is to be done at once"


def test_a_loop_whose_timers_cannot_be_asked_for() -> None:
    loop = asyncio.new_event_loop()
    try:
        assert due_of(loop) is None
    finally:
        loop.close()
