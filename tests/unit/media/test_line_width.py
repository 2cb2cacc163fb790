"""What the answers to a train of checks say of a line, and the datagrams it is made of."""

from __future__ import annotations

import random

import pytest
from aioice import stun

from media.core.line_width import NARROW_BPS, TRAIN, LineWidth
from media.forward.path import Lane
from media.forward.self_test import Notes
from media.measuring import ANSWERED_WITHIN_S, Measured, Measuring
from media.net.ice_lite import Address, Credentials, is_binding_request
from media.net.own_check import answered, own_check

OURS = Credentials("abcdef012345", "0123456789abcdef0123456789abcdef0123")
THEIRS = Credentials("Qw3r", "theirs56789abcdef0123456")
ADDRESS = ("192.0.2.7", 40001)


class Browser:
    """Answers checks behind a line: each waits for those before it, then takes its time, then jitters."""

    def __init__(self, line_bps: float, jitter_s: float = 0.0, seed: int = 1) -> None:
        self.measuring = Measuring(self._take)
        self.told: list[int | None] = []
        self.sent = 0
        self._line_bps, self._jitter_s, self._dice = line_bps, jitter_s, random.Random(seed)
        self._free_at = 100.0
        self._answers: list[tuple[float, bytes]] = []

    def come(self, lost: frozenset[int] = frozenset()) -> list[int | None]:
        self.measuring.begin(Measured(lane(ADDRESS), OURS, THEIRS, lambda bps, now: self.told.append(bps)), 100.0)
        for place, (at, answer) in enumerate(sorted(self._answers)):
            if place not in lost:
                assert self.measuring.take(answer, ADDRESS, at)
        return self.told

    def _take(self, datagram: bytes, address: object) -> bool:
        assert address == ADDRESS
        self.sent += len(datagram)
        self._free_at += len(datagram) * 8 / self._line_bps
        jitter_s = max(0.0, self._dice.gauss(0.1, self._jitter_s)) if self._jitter_s else 0.02
        self._answers.append((self._free_at + jitter_s, answer_to(datagram)))
        return True


def lane(address: Address) -> Lane:
    found = Lane(Notes(), 1, 0.0)
    found.address = address
    return found


def kept() -> tuple[Measuring, list[bytes]]:
    """And what it sends."""
    sent: list[bytes] = []

    def send(datagram: bytes, address: object) -> bool:
        sent.append(datagram)
        return True

    return Measuring(send), sent


def answer_to(datagram: bytes, pwd: str = THEIRS.pwd) -> bytes:
    asked = stun.parse_message(datagram)
    answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, asked.transaction_id)
    answer.attributes["XOR-MAPPED-ADDRESS"] = ADDRESS
    answer.add_message_integrity(pwd.encode())
    return bytes(answer)


@pytest.mark.parametrize("line_bps", [20_000, 40_000, 64_000, 100_000])
def test_a_narrow_line_is_measured(line_bps: int) -> None:
    told = Browser(line_bps).come()

    assert told == [pytest.approx(line_bps, rel=0.1)]


@pytest.mark.parametrize("line_bps", [150_000, 256_000, 512_000, 20_000_000])
def test_a_wider_line_is_left_alone(line_bps: int) -> None:
    assert Browser(line_bps).come() == [None]


def test_jitter_is_no_narrow_line() -> None:
    """Eighty milliseconds of it, overtaking included: the worst line of the bench."""
    assert all(Browser(1e9, 0.04, seed).come() == [None] for seed in range(500))


def test_a_busy_machine_that_answers_late_answers_all_at_once() -> None:
    width = LineWidth()
    said = [width.note(place, at) for place, at in enumerate((0.01, 0.4, 0.401, 0.402))]

    assert said == [False, False, False, True]
    assert width.bps is None


def test_what_is_lost_or_late_says_nothing() -> None:
    assert Browser(64_000).come(lost=frozenset({2})) == []

    slow = Browser(64_000)
    slow._free_at += ANSWERED_WITHIN_S
    assert slow.come() == []


def test_an_answer_counts_once_from_its_address_and_only_if_it_is_authentic() -> None:
    told: list[int | None] = []
    measuring, sent = kept()
    measuring.begin(Measured(lane(ADDRESS), OURS, THEIRS, lambda bps, now: told.append(bps)), 100.0)
    answers = [answer_to(datagram) for datagram in sent]

    assert not measuring.take(answers[0], ("192.0.2.8", 40001), 100.1)
    assert not measuring.take(answer_to(sent[0], "another456789abcdef0123456"), ADDRESS, 100.1)
    assert not measuring.take(sent[0], ADDRESS, 100.1)
    assert not measuring.take(b"\x01\x01", ADDRESS, 100.1)
    assert [measuring.take(answer, ADDRESS, 100.1) for answer in answers] == [True] * len(TRAIN)
    assert not measuring.take(answers[0], ADDRESS, 100.1)
    assert told == [None]


def test_over_a_connection_nothing_is_measured() -> None:
    measuring, sent = kept()

    measuring.begin(Measured(lane(("192.0.2.7", 40001, "tcp")), OURS, THEIRS, lambda bps, now: None), 100.0)

    assert not sent


def test_what_is_never_answered_is_forgotten() -> None:
    measuring, sent = kept()
    measuring.begin(Measured(lane(ADDRESS), OURS, THEIRS, lambda bps, now: None), 100.0)
    first = answer_to(sent[0])
    measuring.begin(Measured(lane(ADDRESS), OURS, THEIRS, lambda bps, now: None), 100.1 + ANSWERED_WITHIN_S)

    assert not measuring.take(first, ADDRESS, 100.2 + ANSWERED_WITHIN_S)


@pytest.mark.parametrize("padding", TRAIN)
def test_our_check_is_one_that_a_browser_takes(padding: int) -> None:
    """Well-formed and authentic by the browser's own password, its name first; nothing in it that must be understood and is not."""
    datagram = own_check(b"0123456789ab", OURS, THEIRS, padding)

    message = stun.parse_message(datagram)
    assert is_binding_request(datagram)
    assert message.attributes["USERNAME"] == f"{THEIRS.ufrag}:{OURS.ufrag}"
    assert "FINGERPRINT" in message.attributes
    assert "ICE-CONTROLLED" in message.attributes
    assert "USE-CANDIDATE" not in message.attributes
    assert message.check_message_integrity(THEIRS.pwd.encode())
    assert len(datagram) >= padding
    assert answered(answer_to(datagram)) == b"0123456789ab"


def test_the_train_takes_no_longer_than_a_join_bears() -> None:
    browser = Browser(64_000)
    browser.come()

    assert browser.sent * 8 / 64_000 < 0.5
    assert browser.sent * 8 / NARROW_BPS < 0.25
