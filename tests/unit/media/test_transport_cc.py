"""Feedback for publishers, read back by a reader of the test's own. draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1."""

from __future__ import annotations

import random

import pytest

from media.core.rtcp import TransportFeedback, parse_compound, write_compound
from media.core.rtp import find_extension
from media.core.transport_cc import MOST_RUNS, MOST_STATUSES, Arrivals, note_packet


def read(data: bytes) -> tuple[int, list[float | None], int]:
    """(base number, when each came in s or None, feedback count)."""
    base, count = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
    now = int.from_bytes(data[4:7], "big", signed=True) * 256
    symbols: list[int] = []
    at = 8
    while len(symbols) < count:
        chunk = int.from_bytes(data[at : at + 2], "big")
        at += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk & 0x4000:
            symbols += [chunk >> (12 - 2 * place) & 3 for place in range(7)]
        else:
            symbols += [chunk >> (13 - place) & 1 for place in range(14)]
    came: list[float | None] = []
    for symbol in symbols[:count]:
        if symbol == 0:
            came.append(None)
            continue
        now += data[at] if symbol == 1 else int.from_bytes(data[at : at + 2], "big", signed=True)
        at += symbol
        came.append(now * 0.00025)
    assert len(data) % 4 == 0
    assert 0 <= len(data) - at < 4
    assert not any(data[at:])
    return base, came, data[7]


def test_what_came_is_told_with_its_times() -> None:
    arrivals = Arrivals()
    for seq, at in ((65534, 50.0), (65535, 50.01), (1, 50.1), (0, 50.005)):
        arrivals.note(seq, at)

    (data,) = arrivals.take()

    base, came, count = read(data)
    assert (base, count) == (65534, 0)
    assert came == pytest.approx([50.0, 50.01, 50.005, 50.1], abs=0.0005)
    assert arrivals.take() == []


def test_what_is_missing_between_two_feedbacks_is_told_and_a_late_one_corrected() -> None:
    arrivals = Arrivals()
    arrivals.note(10, 1.0)
    arrivals.take()
    arrivals.note(13, 1.1)
    ((base, came, count),) = [read(data) for data in arrivals.take()]
    assert (base, [at is not None for at in came], count) == (11, [False, False, True], 1)

    arrivals.note(12, 1.12)
    ((base, came, _),) = [read(data) for data in arrivals.take()]

    assert (base, came[0]) == (12, pytest.approx(1.12, abs=0.0005))


def test_any_line_comes_out_as_it_was() -> None:
    chance = random.Random(3)
    arrivals, expected, told = Arrivals(), dict[int, float](), dict[int, float]()
    now, seq = 1000.0, 65000
    for tick in range(300):
        for _ in range(chance.randrange(60) if chance.random() < 0.9 else 600):
            now += chance.choice([0.0, 0.0002, 0.003, 0.07])
            seq += 1
            if chance.random() < 0.8:
                expected[seq] = now
                arrivals.note(seq & 0xFFFF, now)
        for data in arrivals.take():
            assert len(data) < 1200
            packet = TransportFeedback(1, 2, data)
            assert parse_compound(write_compound([packet])) == [packet]
            base, came, _ = read(data)
            assert len(came) <= MOST_STATUSES
            first = base + (seq - base & ~0xFFFF)
            first -= 0x10000 if first > seq else 0
            told |= {first + i: at for i, at in enumerate(came) if at is not None}
        assert tick >= 0

    assert told.keys() == expected.keys()
    assert max(abs(told[number] - expected[number]) for number in told) < 0.001


def test_a_number_from_long_ago_is_passed_over() -> None:
    arrivals = Arrivals()
    arrivals.note(5000, 1.0)
    arrivals.take()
    arrivals.note(10, 1.1)

    assert arrivals.take() == []


class Noting(Arrivals):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[int] = []

    def note(self, seq: int, at: float) -> None:
        self.told.append(seq)


def test_a_packets_number_is_found_wherever_find_extension_finds_it() -> None:
    chance = random.Random(8)
    found_some = 0
    for _ in range(5000):
        form = chance.choice([b"\xbe\xde", b"\xbe\xde", b"\x10\x00", b"\x00\x00"])
        body = bytes(chance.choice([0, 0x31, 0x31, 0x10, 0x22, 0xF0, 3, 2, chance.randrange(256)]) for _ in range(12))
        packet = bytes([0x80 | chance.choice([0, 0x10, 0x10, 0x11]), 96]) + bytes(10)
        packet += (bytes(4) if packet[0] & 1 else b"") + form + bytes([0, chance.choice([0, 1, 2, 3, 9])]) + body
        if chance.random() < 0.3:
            packet = packet[: chance.randrange(12, len(packet))]
        found = find_extension(packet, len(packet), 3)
        expected = [] if found is None or found[1] != 2 else [packet[found[0]] << 8 | packet[found[0] + 1]]
        noting = Noting()

        note_packet(noting, packet, 3, 1.0)

        assert noting.told == expected
        found_some += len(expected)
    assert found_some > 300


def test_of_a_line_that_loses_by_chance_only_what_came_is_told_and_that_twice() -> None:
    arrivals = Arrivals()
    arrivals.begin(forgives=True, at_once=False)
    for seq, at in ((65534, 50.0), (65535, 50.01), (2, 50.04), (3, 50.05)):
        arrivals.note(seq, at)

    first = arrivals.take()

    (base, came, _), (base_2, came_2, _) = [read(data) for data in first]
    assert (base, base_2) == (65534, 2)
    assert came == pytest.approx([50.0, 50.01], abs=0.0005)
    assert came_2 == pytest.approx([50.04, 50.05], abs=0.0005)
    assert (arrivals.expected, arrivals.came) == (4, 4), "the first ones are no loss"
    arrivals.note(5, 50.15)
    *again, new = arrivals.take()
    assert again == first
    assert read(new)[0] == 5
    assert read(new)[1] == pytest.approx([50.15], abs=0.0005)
    assert (arrivals.expected, arrivals.came) == (6, 5)
    assert arrivals.take() == [new]
    assert arrivals.take() == []


def test_where_packets_overtake_each_other_all_is_told_as_come_when_the_newest_did() -> None:
    arrivals = Arrivals()
    arrivals.begin(forgives=False, at_once=True)
    for seq, at in ((10, 50.0), (12, 50.02), (14, 50.05), (13, 50.09)):
        arrivals.note(seq, at)

    told = [read(data) for data in arrivals.take()]

    assert [base for base, _, _ in told] == [10, 12], "of those that may be on their way nothing is said"
    for _, came, _ in told:
        assert came == pytest.approx([50.05] * len(came), abs=0.0005)
    arrivals.note(11, 50.12)
    ((base, came, _),) = [read(data) for data in arrivals.take()]
    assert base == 11
    assert came == pytest.approx([50.12], abs=0.0005)
    assert arrivals.take() == [], "once is enough"


def test_who_leaves_out_every_second_number_gets_no_datagram_for_each() -> None:
    arrivals = Arrivals()
    arrivals.begin(forgives=True, at_once=False)
    for seq in range(0, 400, 2):
        arrivals.note(seq, 1.0)

    assert [read(data)[0] for data in arrivals.take()] == list(range(400 - 2 * MOST_RUNS, 400, 2))


def test_when_it_ends_the_lost_are_told_again() -> None:
    arrivals = Arrivals()
    arrivals.begin(forgives=True, at_once=False)
    arrivals.note(10, 1.0)
    arrivals.take()
    arrivals.begin(forgives=False, at_once=False)
    for seq in (11, 13):
        arrivals.note(seq, 1.1)

    ((base, came, _),) = [read(data) for data in arrivals.take()]

    assert (base, [at is None for at in came]) == (11, [False, True, False])
