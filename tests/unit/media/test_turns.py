"""Turns: everybody once a round, few at a time, and one who breaks takes nobody's turn away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

import pytest

from media.turns import AT_ONCE, LONGEST_S, MOST_STEPS, shares, take_turns


@pytest.mark.parametrize("count", [0, 1, AT_ONCE, AT_ONCE + 1, 90, AT_ONCE * MOST_STEPS + 7, 500])
def test_everybody_has_one_turn_in_a_round_and_no_step_has_many_more_than_another(count: int) -> None:
    steps = shares(range(count))

    assert [member for step in steps for member in step] == list(range(count))
    assert 1 <= len(steps) <= MOST_STEPS
    assert max(map(len, steps)) - min(map(len, steps)) <= 1
    assert max(map(len, steps)) <= AT_ONCE or len(steps) == MOST_STEPS


def test_what_breaks_once_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    rounds: list[list[int]] = []
    steps_seen: set[tuple[int, int]] = set()

    async def play() -> None:
        enough = asyncio.Event()

        def gather() -> Sequence[int]:
            rounds.append([])
            if len(rounds) == 2:
                raise RuntimeError("nobody can be found")
            if len(rounds) == 4:
                enough.set()
            return range(3 * AT_ONCE)

        def begin(step: int, steps: int) -> None:
            steps_seen.add((step, steps))
            if len(rounds) == 3 and step == 1:
                raise RuntimeError("does not begin")

        def work(member: int) -> None:
            if len(rounds) == 1 and member == 0:
                raise RuntimeError("broken")
            rounds[-1].append(member)

        turns = asyncio.create_task(take_turns(0.001, gather, work, begin=begin))
        await asyncio.wait_for(enough.wait(), 30)
        turns.cancel()
        await asyncio.gather(turns, return_exceptions=True)

    with caplog.at_level(logging.ERROR):
        asyncio.run(play())

    everybody = list(range(3 * AT_ONCE))
    assert rounds[:3] == [everybody[1:], [], everybody]
    assert steps_seen == {(0, 1), (0, 3), (1, 3), (2, 3)}
    assert [record.message for record in caplog.records] == ["a turn broke", "a round did not begin", "a turn broke"]


def test_who_takes_long_lets_the_loop_work_before_the_next_one() -> None:
    order: list[int] = []
    loop_works = -1

    async def play() -> None:
        enough = asyncio.Event()
        loop = asyncio.get_running_loop()

        def look_at_the_socket() -> None:
            if order[-1:] != [loop_works]:
                order.append(loop_works)
            if not enough.is_set():
                loop.call_soon(look_at_the_socket)

        def work(member: int) -> None:
            until = time.monotonic() + LONGEST_S
            while time.monotonic() < until:
                pass
            order.append(member)
            if member == AT_ONCE - 1:
                enough.set()

        look_at_the_socket()
        turns = asyncio.create_task(take_turns(0.001, lambda: range(AT_ONCE), work))
        await asyncio.wait_for(enough.wait(), 30)
        turns.cancel()
        await asyncio.gather(turns, return_exceptions=True)

    asyncio.run(play())

    assert order[: 2 * AT_ONCE] == [each for member in range(AT_ONCE) for each in (loop_works, member)]
