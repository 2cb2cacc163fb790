"""What wakes the C path, and how long one call goes on: by a timer under load, else by the socket, never to the loop's harm."""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import os
import select
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import pytest

from media.core.rtcp import (
    BandwidthEstimate,
    Goodbye,
    Nack,
    Packet,
    PictureLoss,
    ReceiverReport,
    SenderReport,
    SourceDescription,
)
from tests.support.eventually import eventually
from tests.support.native_room import OTHER, Room

TICKS, MOST_TICKS = 3, 50  # fastpath.h


class Timed(NamedTuple):
    """A room whose path its timer wakes. A pipe stands for all else that the loop waits for: it reads `waited`."""

    room: Room
    memory: Any
    waited: int
    wants: int


@pytest.fixture
def timed(room: Room) -> Iterator[Timed]:
    memory = room.path.memory
    waited, wants = os.pipe()
    memory.timer, memory.loop_fd, memory.every, memory.window = room.path._library.timer(), waited, 0.001, 1e9
    yield Timed(room, memory, waited, wants)
    for descriptor in (memory.timer, waited, wants):
        os.close(descriptor)
    memory.timer, memory.due = -1, None


async def test_under_load_a_timer_wakes_it_and_afterwards_the_socket_again(room: Room) -> None:
    """Nothing is lost at either change."""
    path, loop = room.path, asyncio.get_running_loop()
    room.notes.socket = room.port
    path.start(loop, room.notes)
    room.lane.budget = 1 << 30
    seq = 1

    async def load() -> str | None:
        nonlocal seq
        for _ in range(100):
            seq += 1
            room.send(seq, OTHER)
            await asyncio.sleep(0)
        return None if path.memory.timer >= 0 else f"{seq} packets and still woken by the socket"

    await eventually(load)
    await load()
    await eventually(lambda: None if path.memory.timer < 0 else "still woken by the timer")
    seq += 1
    room.send(seq, OTHER)
    await eventually(lambda: None if path.packets_in == seq else f"{path.packets_in} of {seq} packets")

    assert path.packets_out == 2 * seq
    path.close()


def test_by_the_timer_one_call_takes_several_ticks_unless_the_loop_has_something_to_do(timed: Timed) -> None:
    room, memory, waited, wants = timed
    before = memory.woken
    room.path.read()
    assert memory.woken == before + TICKS

    os.write(wants, b"!")
    room.path.read()
    assert memory.woken == before + TICKS + 1, "something else was kept waiting"

    os.read(waited, 1)
    room.path.read()
    assert memory.woken == before + TICKS + 2, "what the loop wrote was kept waiting"

    room.browser.send(b"\x00" * 20)  # for Python: it looks like STUN
    room.path.read()
    assert memory.woken == before + TICKS + 3, "what Python must see was kept waiting"
    assert select.select([memory.timer], [], [], 30)[0], "and then nobody was woken again"

    memory.loop_fd = -1
    room.path.read()
    assert memory.woken == before + TICKS + 4, "nobody can say what the loop waits for"


def test_reports_wait_for_the_end_of_a_call_and_what_is_asked_for_does_not(timed: Timed) -> None:
    room, memory = timed.room, timed.memory
    names = SourceDescription(((77, "name"),))
    reports: list[Packet] = [
        ReceiverReport(77, ()),
        SenderReport(77, 1, 2, 3, 4, ()),
        BandwidthEstimate(77, 500_000, (1,)),
        names,
    ]

    def take(*compounds: Sequence[Packet]) -> int:
        """Ticks of the call that brings these."""
        before, sent = memory.woken, [room.send_rtcp(*packets) for packets in compounds]
        room.notes.told.clear()
        room.path.read()
        assert [told[1] for told in room.notes.told if told[0] == "rtcp"] == sent, "all of them, in order"
        return cast(int, memory.woken - before)

    assert take(reports) == TICKS
    assert take(reports[:1], reports[1:], [names]) == TICKS
    wishes: list[Packet] = [Nack(77, 1001, (5,)), PictureLoss(77, 1001), Goodbye((77,))]
    for asked in wishes:
        assert take([reports[0], asked]) == 1
        assert take([reports[0]], [asked], reports) == 1


@pytest.mark.parametrize(("due_ms", "ticks"), [(-1, MOST_TICKS), (500, MOST_TICKS), (7, 7), (1, 1), (0, 1)], ids=str)
def test_by_the_timer_one_call_ends_before_the_loop_has_a_timer_due(timed: Timed, due_ms: int, ticks: int) -> None:
    memory = timed.memory
    asked: list[int] = []

    def answer(loop: int) -> int:
        asked.append(loop)
        return due_ms

    due = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(answer)
    memory.due, memory.loop = ctypes.cast(due, ctypes.c_void_p).value, 4711
    before = memory.woken
    timed.room.path.read()

    assert memory.woken == before + ticks
    assert asked == [4711]


def test_by_the_socket_one_call_waits_for_more_while_the_loop_has_nothing_else_to_do(room: Room) -> None:
    memory = room.path.memory
    other, wants = os.pipe()
    loop = select.epoll()
    loop.register(room.port.fileno(), select.EPOLLIN)
    loop.register(other, select.EPOLLIN)
    due_ms, seqs = [50], itertools.count(2)
    due = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda _: due_ms[0])
    memory.loop_fd, memory.window = loop.fileno(), 1e9
    memory.due = ctypes.cast(due, ctypes.c_void_p).value

    def take() -> int:
        """Batches that one call takes while a second packet is on its way."""
        before = memory.woken
        room.send(next(seqs), OTHER)
        later = threading.Timer(0.005, room.send, (next(seqs), OTHER))
        later.start()
        room.path.read()
        batches = cast(int, memory.woken - before)
        later.join()
        memory.loop_fd, was = -1, memory.loop_fd
        room.path.read()  # what came too late
        memory.loop_fd = was
        return batches

    try:
        assert any(take() == 2 for _ in range(100)), (
            "it never waited for the packet, or let no other thread run meanwhile"
        )

        due_ms[0] = 0
        assert take() == 1, "the loop has something to do at once"

        due_ms[0] = 50
        os.write(wants, b"!")
        assert take() == 1, "something else was kept waiting"
    finally:
        loop.close()
        for descriptor in (other, wants):
            os.close(descriptor)
        memory.loop_fd, memory.due = -1, None
