"""The map as rows of (extended number, timestamp) -> (number, timestamp); the first cycle of sources is left off for readability."""

from __future__ import annotations

import pytest

from media.core.seqmap import LATE_MAX, NOTHING, SEGMENTS_KEPT, Origin, SeqMap

RATE = 90000
FRAME = RATE // 30


def new_map(first_seq: int = 1000, first_ts: int = 50000, source: int = 1) -> SeqMap:
    seqmap = SeqMap(RATE, first_seq, first_ts, min_step_s=1 / 30)
    seqmap.switch(source)
    return seqmap


def forward(seqmap: SeqMap, ext: int, ts: int, now: float) -> tuple[int, int] | None:
    packed = seqmap.forward(ext, ts, now)
    return None if packed == NOTHING else (packed >> 32, packed & 0xFFFFFFFF)


def seqs(seqmap: SeqMap, exts: list[int], now: float = 0.0) -> list[int | None]:
    mapped = [forward(seqmap, ext, 0, now) for ext in exts]
    return [None if pair is None else pair[0] for pair in mapped]


@pytest.mark.parametrize(
    ("exts", "expected"),
    [
        ([10, 11, 12], [1000, 1001, 1002]),
        ([10, 12, 13], [1000, 1002, 1003]),  # a loss stays a gap
        ([10, 12, 11], [1000, 1002, 1001]),  # late
        ([10, 9, 11], [1000, None, 1001]),  # from before the start
        ([65535, 65536, 65537], [1000, 1001, 1002]),
    ],
)
def test_one_source(exts: list[int], expected: list[int | None]) -> None:
    assert seqs(new_map(), exts) == expected


def test_outgoing_numbers_wrap() -> None:
    seqmap = new_map(first_seq=65534, first_ts=0xFFFFFFFF)

    assert [forward(seqmap, ext, 100 + ext, 0.0) for ext in range(3)] == [(65534, 0xFFFFFFFF), (65535, 0), (0, 1)]


def test_nothing_flows_without_a_source() -> None:
    assert SeqMap(RATE, 0, 0).forward(70000, 0, 0.0) == NOTHING


def test_what_is_left_out_by_a_cut_leaves_no_gap() -> None:
    seqmap = new_map()
    seqs(seqmap, [10, 11])
    seqmap.cut()

    assert seqs(seqmap, [50, 51]) == [1002, 1003]
    assert seqs(seqmap, [30, 49]) == [None, None]  # left out on purpose


def test_late_packets_of_before_the_cut_keep_their_place() -> None:
    seqmap = new_map()
    seqs(seqmap, [10, 13])
    seqmap.cut()

    assert seqs(seqmap, [12]) == [None]  # while nothing flows, nothing flows
    assert seqs(seqmap, [20, 11, 12]) == [1004, 1001, 1002]


def test_a_late_packet_does_not_open_a_segment() -> None:
    seqmap = new_map()
    seqs(seqmap, [10, 11])
    seqmap.cut()

    assert seqs(seqmap, [11, 10, 12]) == [None, None, 1002]


def test_switch_of_source_runs_on_in_numbers_and_time() -> None:
    seqmap = new_map()
    assert forward(seqmap, 10, 7_000_000, 100.0) == (1000, 50000)
    assert forward(seqmap, 11, 7_003_000, 100.033) == (1001, 53000)
    seqmap.switch(2)

    assert forward(seqmap, 900_000, 123, 101.033) == (1002, 53000 + RATE)
    assert forward(seqmap, 900_001, 3123, 101.066) == (1003, 56000 + RATE)


def test_switch_within_a_frame_still_steps_the_timestamp() -> None:
    seqmap = new_map()
    forward(seqmap, 10, 7_000_000, 100.0)
    seqmap.switch(2)

    assert forward(seqmap, 20, 5, 100.001) == (1001, 50000 + FRAME)


def test_late_packet_of_the_source_before_is_not_sent() -> None:
    """After a switch only packets of the new source are offered; the same extended number means another packet."""
    seqmap = new_map()
    seqs(seqmap, [10, 12])
    seqmap.switch(2)

    assert seqs(seqmap, [11, 12]) == [1003, 1004]


def test_back_to_the_first_source() -> None:
    seqmap = new_map()
    seqs(seqmap, [10, 11, 13])
    seqmap.switch(2)
    seqs(seqmap, [70, 71])
    seqmap.switch(1)

    assert seqs(seqmap, [13]) == [None]  # already sent: not twice
    assert seqs(seqmap, [14, 12]) == [1006, 1002]


def test_very_late_packets_are_refused() -> None:
    seqmap = new_map()
    seqs(seqmap, [10, 11 + LATE_MAX])

    assert seqs(seqmap, [10 + 1]) == [1001]
    assert seqs(seqmap, [12 + LATE_MAX, 13 + LATE_MAX, 12]) == [1002 + LATE_MAX, 1003 + LATE_MAX, None]


def test_origin_is_the_inverse() -> None:
    seqmap = new_map(first_seq=65534)
    sent = {}
    for ext in (10, 11, 13):
        sent[seqmap.forward(ext, 0, 0.0) >> 32] = (1, ext)
    seqmap.switch(2)
    for ext in (500, 501):
        sent[seqmap.forward(ext, 0, 1.0) >> 32] = (2, ext)

    found = {seq: seqmap.origin(seq) for seq in sent}

    assert {seq: (o.source, o.ext) for seq, o in found.items() if o} == sent
    assert list(sent) == [65534, 65535, 1, 2, 3]
    assert seqmap.origin(4) is None  # not sent yet
    assert seqmap.origin(65533) is None  # before the start
    assert seqmap.origin(0) == Origin(1, 12, seqmap.origin(1).ts_delta)  # type: ignore[union-attr]  # the lost one: may come


def test_origin_knows_the_timestamp_of_then() -> None:
    seqmap = new_map()
    _, out_ts = forward(seqmap, 10, 7_000_000, 0.0) or (0, 0)
    seqmap.cut()
    forward(seqmap, 20, 7_900_000, 60.0)

    origin = seqmap.origin(1000)

    assert origin is not None
    assert 7_000_000 + origin.ts_delta & 0xFFFFFFFF == out_ts


def test_origin_while_nothing_flows() -> None:
    seqmap = new_map()
    seqs(seqmap, [10, 11])
    seqmap.cut()

    assert seqmap.origin(1001) is not None
    assert seqmap.origin(1002) is None


def test_memory_of_segments_is_bounded() -> None:
    seqmap = new_map()
    for i in range(100):
        seqs(seqmap, [i * 10])
        seqmap.cut()

    assert seqmap.origin(1099) is not None
    assert seqmap.origin(1099 - SEGMENTS_KEPT) is None
