"""What is sent again before anybody asks: each packet once, some way behind, and nothing of another stream."""

from __future__ import annotations

import random

from media.core.echo import ECHO_AFTER_S, MOST_AT_ONCE, Echo

TICK_S = 1 / 32


def echoed(echo: Echo, newest: list[int], delta: int = 0, start: float = 0.0) -> list[list[int]]:
    """One look a tick."""
    return [list(echo.due(number, delta, start + tick * TICK_S)) for tick, number in enumerate(newest)]


def test_each_packet_is_due_once_and_not_at_once() -> None:
    echo = Echo(2 * TICK_S)
    assert echoed(echo, [100, 102, 105, 105, 106, 106, 106]) == [[], [], [], [101, 102], [103, 104, 105], [], [106]]


def test_another_stream_begins_anew() -> None:
    echo = Echo(2 * TICK_S)
    echoed(echo, [100, 101, 102])

    assert echoed(echo, [7000, 7001, 7002, 7003], delta=5, start=1.0) == [[], [], [], [7001]]


def test_after_a_standstill_only_the_newest() -> None:
    assert echoed(Echo(0.0), [10, 10 + 3 * MOST_AT_ONCE])[1] == list(
        range(11 + 2 * MOST_AT_ONCE, 11 + 3 * MOST_AT_ONCE)
    )


def test_what_a_lossy_line_leaves_of_pictures_without_a_single_request() -> None:
    """A third of a frame's packets lost, all of it sent three times: one frame in twelve has to wait for a repair, not two of three."""
    dice = random.Random(3)
    frames, packets = 900, 3
    copies = 1 + len(ECHO_AFTER_S)
    waits = sum(any(all(dice.random() < 0.3 for _ in range(copies)) for _ in range(packets)) for _ in range(frames))

    assert waits / frames < 0.1
