"""Voice as RED on both packet paths: forwarded as it came, unpacked for who takes none, made anew for who needs more."""

from __future__ import annotations

import pytest

from media.core.red import NO_PT, Block, pack, split
from media.forward.path import DownStream
from media.net.answer import pt_table
from tests.support.forward_stage import Stage

OPUS, RED, THEIR_OPUS, THEIR_RED = 96, 95, 102, 104


@pytest.fixture(params=["python", "native"])
def stage(request: pytest.FixtureRequest) -> Stage:
    stage = Stage(request.param, "audio", "opus")
    stage.up.red_pt = RED
    return stage


def subscriber(stage: Stage, port: int, *, red: bool) -> DownStream:
    down = stage.subscriber(port)
    down.pt = bytes({OPUS: THEIR_OPUS, RED: THEIR_RED if red else THEIR_OPUS}.get(n & 0x7F, 0) for n in range(128)) * 2
    down.red_pt, down.block_pt = THEIR_RED if red else NO_PT, THEIR_OPUS
    stage.path.connect(stage.up, down)
    return down


def frame(number: int) -> Block:
    return Block(number * 960, b"frame %d" % number)


def send(stage: Stage, number: int, *, red: bool = True) -> None:
    payload = pack([frame(number - 1), frame(number)], OPUS) if red else frame(number).data
    stage.receive(500 + number, payload, ts=frame(number).ts, pt=RED if red else OPUS)


def test_who_takes_red_gets_it_as_it_came_and_who_does_not_its_last_frame(stage: Stage) -> None:
    with_red, without = subscriber(stage, 2, red=True), subscriber(stage, 3, red=False)

    send(stage, 1)
    send(stage, 2)

    sent = stage.taken()
    assert [(head.pt, body) for head, body in sent if head.ssrc == with_red.ssrc] == [
        (THEIR_RED, pack([frame(0), frame(1)], OPUS)),
        (THEIR_RED, pack([frame(1), frame(2)], OPUS)),
    ]
    assert [(head.pt, body) for head, body in sent if head.ssrc == without.ssrc] == [
        (THEIR_OPUS, frame(1).data),
        (THEIR_OPUS, frame(2).data),
    ]
    assert (without.packets, without.octets) == (2, 2 * len(frame(1).data))


@pytest.mark.parametrize("red", [True, False])
def test_a_lossy_line_gets_more_of_what_was_before(stage: Stage, red: bool) -> None:
    """Whether the publisher sends RED or not; a frame that only RED brought counts too."""
    down = subscriber(stage, 2, red=True)
    down.depth = 2

    for number in (1, 2, 4, 5):
        send(stage, number, red=red)

    last, body = stage.taken()[-1]
    assert (last.pt, last.ts) == (THEIR_RED, frame(5).ts - frame(1).ts + 7)
    there = [frame(3), frame(4), frame(5)] if red else [frame(2), frame(4), frame(5)]
    assert split(body, frame(5).ts) == there
    assert body[0] & 0x7F == THEIR_OPUS


def test_depth_comes_and_goes_without_a_gap_in_numbers(stage: Stage) -> None:
    down = subscriber(stage, 2, red=True)

    for number in range(1, 7):
        down.depth = 3 if number in (3, 4) else 0
        send(stage, number, red=False)

    sent = stage.taken()
    assert [head.pt for head, _ in sent] == [THEIR_OPUS] * 2 + [THEIR_RED] * 2 + [THEIR_OPUS] * 2
    assert [head.seq - sent[0][0].seq & 0xFFFF for head, _ in sent] == list(range(6))


def test_what_says_it_is_red_and_is_not_goes_to_nobody_who_would_have_to_believe_it(stage: Stage) -> None:
    subscriber(stage, 3, red=False)

    stage.receive(1, b"\xef\x0f\x00\x05\x6fabc", pt=RED)

    assert stage.taken() == []
    assert stage.dropped["rtp_malformed"] == 1


def test_red_of_another_opus_number_is_unpacked() -> None:
    """The blocks inside say what the publisher calls Opus."""
    up = {"red": 63, "opus": 111}

    assert pt_table(up, {"red": 60, "opus": 111})[63] == 60
    assert pt_table(up, {"red": 60, "opus": 109})[63] == 109
    assert pt_table(up, {"opus": 109})[63 | 0x80] == 109 | 0x80
    assert pt_table({"opus": 111}, {"red": 60, "opus": 109})[111] == 109
