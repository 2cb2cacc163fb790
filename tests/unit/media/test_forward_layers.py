"""Both packet paths, by the same tests: from one layer of a picture to another, in one line of numbers."""

from __future__ import annotations

from media.core.picture_ids import read_numbers
from media.forward.path import DownStream, UpStream
from tests.support.forward_stage import NewStage, Stage


def vp8(picture: int, tl0: int, *, key: bool, text: bytes) -> bytes:
    """A payload whose picture id is wide."""
    return bytes([0x90, 0xC0, 0x80 | picture >> 8, picture & 0xFF, tl0, 0 if key else 1]) + text


def two_layers(new_stage: NewStage) -> tuple[Stage, UpStream, DownStream]:
    """Somebody sees the large layer, and there is a small one."""
    stage = new_stage()
    small, down = stage.new_up(2, 79), stage.subscriber()
    stage.path.connect(stage.up, down)
    return stage, small, down


def test_another_layer_takes_over_with_its_key_frame_and_numbers_go_on(new_stage: NewStage) -> None:
    stage = new_stage()
    small, down = stage.new_up(2, 79), stage.subscriber(2, abs_ident=5)
    stage.path.connect(stage.up, down)
    stage.receive(500, vp8(100, 9, key=True, text=b"large 1"), ts=9000)

    stage.path.switch(small, down)
    stage.receive(501, vp8(101, 10, key=False, text=b"large 2"), ts=12000)
    stage.receive(60, vp8(7000, 200, key=False, text=b"small 1"), ts=500, ssrc=79)
    stage.now += 0.04
    stage.receive(61, vp8(7001, 201, key=True, text=b"small 2"), ts=3500, ssrc=79)
    stage.receive(502, vp8(102, 11, key=False, text=b"large 3"), ts=15000)
    stage.receive(62, vp8(7002, 202, key=False, text=b"small 3"), ts=6500, ssrc=79)

    headers, payloads = zip(*stage.taken(), strict=True)
    assert [payload[6:] for payload in payloads] == [b"large 1", b"large 2", b"small 2", b"small 3"]
    assert [read_numbers(payload, 0, len(payload)) for payload in payloads] == [
        (100, 9),
        (101, 10),
        (102, 11),
        (103, 12),
    ]
    assert [header.seq - headers[0].seq & 0xFFFF for header in headers] == [0, 1, 2, 3]
    assert headers[3].ts - headers[2].ts == 3000
    assert stage.watch.wanted[-1] is small
    assert (down.up, down.next_up, stage.up.downs, stage.up.waiting, small.waiting) == (small, None, [], [], [])


def test_repairs_carry_the_numbers_of_the_first_sending(new_stage: NewStage) -> None:
    stage, small, down = two_layers(new_stage)
    stage.receive(500, vp8(100, 9, key=True, text=b"large"), ts=9000)
    stage.path.switch(small, down)
    stage.receive(60, vp8(7000, 200, key=True, text=b"small"), ts=500, ssrc=79)
    first, second = stage.taken()

    assert stage.path.retransmit(down, [first[0].seq, second[0].seq], stage.now) == 1

    ((_, repaired),) = stage.taken()
    assert repaired == second[0].seq.to_bytes(2, "big") + second[1]


def test_a_change_of_mind_before_the_key_frame_leaves_no_trace(new_stage: NewStage) -> None:
    stage, small, down = two_layers(new_stage)
    stage.receive(500, vp8(100, 9, key=True, text=b"large 1"))

    stage.path.switch(small, down)
    stage.path.switch(stage.up, down)
    stage.receive(60, vp8(7000, 200, key=True, text=b"small 1"), ssrc=79)
    stage.receive(501, vp8(101, 10, key=False, text=b"large 2"))
    stage.path.switch(small, down)
    stage.path.remove_up(small)
    stage.receive(502, vp8(102, 11, key=False, text=b"large 3"))

    assert [payload[6:] for _, payload in stage.taken()] == [b"large 1", b"large 2", b"large 3"]
    assert (down.up, down.next_up, small.waiting) == (stage.up, None, [])


def test_the_layer_it_comes_from_may_end_before_the_key_frame(new_stage: NewStage) -> None:
    stage, small, down = two_layers(new_stage)
    stage.receive(500, vp8(100, 9, key=True, text=b"large"))
    stage.path.switch(small, down)

    stage.path.remove_up(stage.up)

    assert (down.up, down.next_up, small.waiting) == (None, None, [])  # the room wires it anew
    stage.path.connect(small, down)
    stage.receive(60, vp8(7000, 200, key=True, text=b"small"), ssrc=79)
    large, after = stage.taken()
    assert read_numbers(after[1], 0, 6) == (101, 10)
    assert after[0].seq == large[0].seq + 1 & 0xFFFF


def test_numbers_go_on_behind_a_layer_that_ended_long_ago(new_stage: NewStage) -> None:
    """Its packets are forgotten by then, all but the one that tells where it ended."""
    stage, small, down = two_layers(new_stage)
    for number in range(600):
        payload = vp8(100 + number, number & 0xFF, key=number == 0, text=bytes(1100))
        stage.receive(500 + number, payload, ts=3000 * number)
        stage.now += 1 / 300
        if number % 100 == 0:
            stage.up.cache.forget(stage.now)
    large = stage.taken()[-1]

    for _ in range(5):
        stage.now += 1
        stage.up.cache.forget(stage.now)
    stage.path.switch(small, down)
    stage.receive(60, vp8(7000, 200, key=True, text=b"small"), ts=500, ssrc=79)

    ((header, payload),) = stage.taken()
    assert read_numbers(large[1], 0, 6) == (699, 599 & 0xFF)
    assert read_numbers(payload, 0, 6) == (700, 600 & 0xFF)
    assert header.seq == large[0].seq + 1 & 0xFFFF
    assert stage.up.cache.get(500 + 599, stage.now) is None
