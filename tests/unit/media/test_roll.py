"""What a path records by itself is what the tap would have recorded, packet by packet: the same bytes, times, order and sums."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from media.core.rtp import HEADER
from media.forward.native_objects import ROLL
from media.record.journal import Journal
from media.record.layout import RTP, split_records
from media.record.ledger import LedgerCheck
from media.record.reader import BlockSeen, Opened, SessionKeys, examine, load_segments, open_chunk, read_events
from media.recorder import StreamTap
from tests.support.forward_stage import VP8_DELTA, VP8_KEY, Stage
from tests.support.synthetic_session import KEY

Recording = tuple[list[tuple[int, int, bytes]], dict[str, Any]]


class Take:
    """A stage whose stream goes into a journal."""

    def __init__(self, path: str, folder: Path) -> None:
        self.stage = Stage(path)
        self.folder = folder / path
        self.journal = Journal.open(self.folder, session="s1", room="r1", key=KEY, facts={})
        self.taps: set[StreamTap] = set()
        up = self.stage.up
        self.number = self.journal.stream(
            "a", "face", "video", ssrc=77, codec="VP8", clock_rate=90000, payload_type=96, ledger=True
        )
        up.tap = self.tap = StreamTap(self.journal, self.number, "a", up, self.taps)
        self.repairs = 0

    def send(self, number: int, body: bytes) -> None:
        self.stage.now += 0.004
        self.stage.receive_plain(HEADER.pack(0x80, 96, number & 0xFFFF, number, 77) + body)

    def repair(self, number: int, body: bytes) -> None:
        self.repairs += 1
        self.stage.receive_plain(
            HEADER.pack(0x80, 97, self.repairs, 0, 78) + (number & 0xFFFF).to_bytes(2, "big") + body
        )

    def pause(self, paused: bool) -> None:
        self.tap.pause(paused)
        self.stage.path.pause(self.stage.up, paused)

    def end(self) -> Recording:
        """(kind, arrival of packets, body) of each record, and what the end of the stream says."""
        self.tap.end()
        self.stage.up.tap = None
        assert not self.taps
        self.journal.close_blocking("over")
        records: list[tuple[int, int, bytes]] = []
        check, end = LedgerCheck(), dict[str, Any]()
        for seen in examine(load_segments([self.folder])):
            assert isinstance(seen, BlockSeen), str(seen)
            for chunk in seen.block.chunks:
                opened = open_chunk(seen, chunk.index, SessionKeys(KEY))
                assert isinstance(opened, Opened)
                assert opened.plaintext is not None
                if chunk.stream is None:
                    for event in read_events(opened.plaintext):
                        check.event(event)
                        end = event["data"] if event["kind"] == "stream_ended" else end
                else:
                    assert check.take(chunk.stream, opened.plaintext) == chunk.records
                    records += [
                        (r.kind, r.arrival_us if r.kind == RTP else 0, bytes(r.body))
                        for r in split_records(opened.plaintext)
                    ]
        assert list(check.findings()) == []
        return records, end


def play(take: Take, seed: int) -> Recording:
    """A line that loses, swaps, doubles and repairs; a picture that is taken away and given back."""
    dice, number = random.Random(seed), 65_300
    lost: list[int] = []
    for step in range(1500):
        number += 1
        body = (VP8_KEY if step % 100 == 0 else VP8_DELTA) + dice.randbytes(dice.choice([0, 20, 300, 1100]))
        chance = dice.random()
        if chance < 0.04:
            lost.append(number)
        elif chance < 0.06:
            take.send(number + 1, body)
            take.send(number, body)
            number += 1
        else:
            take.send(number, body)
        if lost and dice.random() < 0.03:
            take.repair(lost.pop(), VP8_DELTA + b"again")
        if dice.random() < 0.01:
            take.repair(number, body)
        if dice.random() < 0.02:
            take.tap.gather()
        if dice.random() < 0.02:
            take.tap.look_after(take.stage.now)
        if dice.random() < 0.01:
            take.tap.report(5, 6, 7, 8, take.stage.now)
        if dice.random() < 0.006:
            take.pause(not take.stage.up.paused)
    return take.end()


@pytest.mark.parametrize("seed", range(6))
def test_both_paths_leave_the_same_records(tmp_path: Path, seed: int) -> None:
    by_tap, by_roll = (play(Take(path, tmp_path), seed) for path in ("python", "native"))

    assert by_roll == by_tap
    assert by_roll[1]["withheld"] + by_roll[1]["missing"] > 0


def test_what_follows_in_order_is_recorded_without_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take = Take("native", tmp_path)
    given: list[bytes] = []
    real = take.journal.packet

    def packet(stream: int, arrival_us: int, rtp: bytes) -> None:
        given.append(rtp)
        real(stream, arrival_us, rtp)

    monkeypatch.setattr(take.journal, "packet", packet)
    for number in range(50):
        take.send(number, VP8_KEY)

    records, end = take.end()

    assert len(given) == 1  # the first of a stream
    assert [body[2] << 8 | body[3] for kind, _, body in records if kind == RTP] == list(range(50))
    assert (end["received"], end["missing"]) == (50, 0)


def test_a_roll_that_is_full_loses_nothing(tmp_path: Path) -> None:
    take = Take("native", tmp_path)
    body = VP8_DELTA + bytes(1000)
    packets = ROLL["video"] // len(body) * 3
    for number in range(packets):
        take.send(number, body)

    records, end = take.end()

    assert [data[2] << 8 | data[3] for _, _, data in records] == list(range(packets))
    assert end["received"] == packets


def test_a_tap_that_follows_another_begins_with_nothing(tmp_path: Path) -> None:
    take = Take("native", tmp_path)
    for number in range(5):
        take.send(number, VP8_KEY)
    up, first = take.stage.up, take.tap
    second = take.journal.stream("a", "face", "video", ssrc=77, codec="VP8", clock_rate=90000, payload_type=96)
    up.tap = take.tap = StreamTap(take.journal, second, "a", up, take.taps)
    take.send(5, VP8_KEY)
    take.send(6, VP8_KEY)

    first.end()
    records, end = take.end()

    assert [(body[2] << 8 | body[3]) for _, _, body in records] == list(range(7))
    assert end == {"stream": second, "received": 2, "missing": 0, "withheld": 0}
