"""When the C path wakes by a timer, and how long it waits."""

from __future__ import annotations

import pytest

from media.forward.coalesce import LONGEST_S, SHORTEST_S, WINDOW_S, Coalescing


def settle(coalescing: Coalescing, packets_per_s: float, wakes_per_s: float, start: float) -> float:
    """Half a second of a steady load; returns the time after it."""
    for number in range(10):
        coalescing.note(int(packets_per_s * WINDOW_S), int(wakes_per_s * WINDOW_S), start + WINDOW_S * number)
    return start + 0.5


@pytest.mark.parametrize(
    ("packets_per_s", "wakes_per_s", "every_s"),
    [
        (600, 240, 0.0),  # one room of three
        (1800, 700, 0.0),  # one room of nine
        (6000, 2400, LONGEST_S),  # ten rooms of three
        (10000, 4000, 0.0008),
        (18000, 7000, SHORTEST_S),  # thirty
        (900, 900, 0.0),  # a timer would mostly tick for nothing
    ],
)
def test_the_load_decides(packets_per_s: float, wakes_per_s: float, every_s: float) -> None:
    coalescing = Coalescing()

    settle(coalescing, packets_per_s, wakes_per_s, 100.0)

    assert coalescing.every_s == pytest.approx(every_s, abs=0.0001)


def test_it_returns_to_the_socket_when_the_load_is_gone() -> None:
    coalescing = Coalescing()
    now = settle(coalescing, 6000, 2400, 100.0)
    assert coalescing.every_s == LONGEST_S

    now = settle(coalescing, 4000, 1000, now)
    assert coalescing.every_s == LONGEST_S, "by the timer there are never more wakes than ticks"
    settle(coalescing, 300, 1000, now)
    assert coalescing.every_s == 0.0


def test_a_change_is_told_once() -> None:
    coalescing = Coalescing()
    told = [coalescing.note(300, 120, 100.0 + WINDOW_S * number) for number in range(20)]

    assert [change for change in told if change is not None] == [LONGEST_S]


def test_a_long_silence_is_no_load() -> None:
    coalescing = Coalescing()
    coalescing.note(1, 1, 100.0)

    assert coalescing.note(128, 1, 160.0) is None
