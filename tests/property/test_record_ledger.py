"""Whatever a line loses, delays and doubles, and whatever is paused: the ledger adds up, and its checker says the same."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from media.core.ledger import Ledger, Range
from media.record.layout import MISSING, MISSING_PACKETS, RTP, WITHHELD_PACKETS, encode_record
from media.record.ledger import LedgerCheck

TICK_S = 0.02


class Writer:
    """What the recorder does with a ledger, in memory."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.chunk = b""
        self.came: set[int] = set()

    def packet(self, number: int, now: float, *, late: bool) -> None:
        seq = number & 0xFFFF
        taken = self.ledger.fill(seq) if late else self.ledger.receive(seq, now)
        if taken:
            assert number not in self.came
            self.came.add(number)
            self.chunk += encode_record(RTP, 0, b"\x80\x60" + seq.to_bytes(2, "big") + bytes(9))

    def declare(self, kind: int, ranges: list[Range]) -> None:
        for first, count in ranges:
            self.chunk += encode_record(kind, 0, MISSING.pack(first, count))


def play(seed: int) -> Writer:
    """Some seconds of a stream over a bad line."""
    dice, writer = random.Random(seed), Writer()
    loss, number = dice.choice([0.0, 0.05, 0.3]), dice.randrange(65536)
    on_the_way: list[tuple[float, int]] = []
    for step in range(dice.randrange(1, 800)):
        now = step * TICK_S
        if dice.random() < 0.005:
            hole = dice.randrange(1, 3000)
            if dice.random() < 0.5 and writer.came:
                on_the_way.clear()
                newest = max(writer.came)
                writer.declare(WITHHELD_PACKETS, writer.ledger.skip(number + hole - newest - 1))
            number += hole
        if dice.random() >= loss:
            on_the_way.append((now + dice.choice([0.0, 0.0, 0.0, 0.05, 1.5, 6.0]), number))
        number += 1
        for at, came in [item for item in on_the_way if item[0] <= now]:
            on_the_way.remove((at, came))
            if number - came < 30_000:
                writer.packet(came, now, late=now - at > 1.0)
        writer.declare(MISSING_PACKETS, writer.ledger.declare(now))
    writer.declare(MISSING_PACKETS, writer.ledger.end())
    return writer


def checked(writer: Writer, **changed: int) -> LedgerCheck:
    check, ledger = LedgerCheck(), writer.ledger
    check.event({"kind": "stream", "data": {"stream": 4, "ledger": True}})
    check.take(4, writer.chunk)
    end = {"stream": 4, "received": ledger.received, "missing": ledger.missing, "withheld": ledger.withheld}
    check.event({"kind": "stream_ended", "data": {**end, **changed}})
    check.event({"kind": "closed", "data": {}})
    return check


@given(st.integers(0, 2**32))
def test_the_ledger_adds_up_and_its_checker_agrees(seed: int) -> None:
    writer = play(seed)

    ledger = writer.ledger
    assert ledger.received + ledger.missing + ledger.withheld == ledger.sent
    assert ledger.received == len(writer.came)
    assert list(checked(writer).findings()) == []


@given(st.integers(0, 2**32), st.sampled_from(["received", "missing", "withheld"]))
def test_an_end_that_says_otherwise_is_found(seed: int, name: str) -> None:
    assert [finding.is_damage for finding in checked(play(seed), **{name: 999_999}).findings()] == [True]


def test_numbers_that_nothing_is_said_about_are_found() -> None:
    writer = Writer()
    for number in (5, 6, 9):
        writer.packet(number, 0.0, late=False)

    found = list(checked(writer).findings())

    assert [(finding.is_damage, finding.what) for finding in found] == [
        (True, "2 of 5 packets sent were neither received nor declared")
    ]


def test_a_killed_writer_is_no_damage_but_is_told() -> None:
    writer = Writer()
    for number in (5, 9):
        writer.packet(number, 0.0, late=False)
    check = LedgerCheck()
    check.event({"kind": "stream", "data": {"stream": 4, "ledger": True}})
    check.take(4, writer.chunk)
    check.event({"kind": "continued", "data": {}})

    assert [finding.is_damage for finding in check.findings()] == [False]
    assert "3 not said = 5 sent" in str(check.summary())
