"""Rows of arrivals, what is declared of them and when it is asked for."""

from __future__ import annotations

import pytest

from media.core.ledger import ASK_AT_ONCE, EVIDENCE_AGE_S, EVIDENCE_RETRY_S, MAX_WAITING, Ledger


def fed(seqs: list[int], now: float = 0.0) -> Ledger:
    ledger = Ledger()
    for seq in seqs:
        ledger.receive(seq, now)
    return ledger


def sums(ledger: Ledger) -> tuple[int, int, int, int]:
    return ledger.received, ledger.missing, ledger.withheld, ledger.sent


@pytest.mark.parametrize(
    ("arrivals", "declared", "sent"),
    [
        ([10, 11, 12], [], 3),
        ([10, 12, 15], [(11, 1), (13, 2)], 6),
        ([65534, 1, 0], [(65535, 1)], 4),
        ([10, 12, 11], [], 3),
        ([10, 8], [(9, 1)], 3),  # the one that came first had overtaken
        ([10, 13, 12, 12, 10], [(11, 1)], 4),  # what is here already counts once
        ([7, 7 + MAX_WAITING + 2], [(8, MAX_WAITING + 1)], MAX_WAITING + 3),
    ],
)
def test_what_is_declared_when_the_stream_ends(arrivals: list[int], declared: list[tuple[int, int]], sent: int) -> None:
    ledger = fed(arrivals)

    assert ledger.end() == declared
    received, missing, withheld, all_ = sums(ledger)
    assert (received + missing + withheld, all_) == (sent, sent)


def test_what_the_live_path_still_wants_is_left_to_it() -> None:
    ledger = fed([10, 13])

    assert ledger.due(0.1, lambda seq: seq == 11) == [12]
    assert ledger.due(0.2, lambda _: False) == [11]
    assert ledger.due(0.1 + EVIDENCE_RETRY_S, lambda _: False) == [12]


def test_a_long_hole_is_asked_for_little_by_little_from_its_beginning() -> None:
    ledger = fed([10, 500])

    assert ledger.due(0.1, lambda _: False) == list(range(11, 11 + ASK_AT_ONCE))
    assert ledger.due(0.2, lambda _: False) == list(range(11 + ASK_AT_ONCE, 11 + 2 * ASK_AT_ONCE))


def test_after_some_seconds_it_is_declared_and_a_later_one_refused() -> None:
    ledger = fed([10, 12])

    assert ledger.declare(EVIDENCE_AGE_S - 0.01) == []
    assert ledger.declare(EVIDENCE_AGE_S) == [(11, 1)]
    assert not ledger.fill(11)
    assert not ledger.receive(11, EVIDENCE_AGE_S + 1)
    assert sums(ledger) == (2, 1, 0, 3)


def test_what_comes_late_fills_only_a_hole() -> None:
    ledger = fed([10, 12])

    assert [ledger.fill(seq) for seq in (11, 11, 12, 400)] == [True, False, False, False]
    assert ledger.end() == []


def test_a_pause_longer_than_a_cycle_of_numbers_is_withheld_whole() -> None:
    ledger = fed([65000])

    assert ledger.skip(70_000) == [(65001, 65535), (65000, 4465)]
    assert ledger.receive((65001 + 70_000) & 0xFFFF, 9.0)
    assert sums(ledger) == (2, 0, 70_000, 70_002)
