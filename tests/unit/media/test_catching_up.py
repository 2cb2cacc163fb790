"""A newcomer gets the key frame that just came, and all after it, on both packet paths; and nothing that is not his to see."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from media.coming import cut_off
from media.forward.catching_up import LATEST_S
from media.forward.path import DownStream
from tests.support.forward_stage import VP8_DELTA, VP8_KEY, Stage

BEGAN = 99.0


@pytest.fixture(params=["python", "native"])
def stage(request: pytest.FixtureRequest) -> Stage:
    """Somebody sees a key frame, of two packets, and two pictures more."""
    stage = Stage(request.param)
    stage.path.connect(stage.up, stage.subscriber(2))
    send(stage, 500, VP8_KEY)
    for n in (501, 502, 503):
        send(stage, n, VP8_DELTA)
    stage.taken()
    stage.watch.wanted.clear()
    return stage


def send(stage: Stage, number: int, payload: bytes) -> None:
    stage.receive(number, payload + b"%d" % number, ts=number * 3000)


def newcomer(stage: Stage, since: float = BEGAN, port: int = 3) -> tuple[DownStream, bool]:
    down = stage.subscriber(port, abs_ident=3)
    return down, stage.path.catch_up(stage.up, down, since, stage.now)


def test_all_since_the_key_frame_comes_at_once_and_goes_on(stage: Stage) -> None:
    stage.now += 0.2
    down, caught = newcomer(stage)
    send(stage, 504, VP8_DELTA)

    assert caught
    sent = [(head.seq, head.ts, body) for head, body in stage.taken() if head.ssrc == down.ssrc]
    assert [seq for seq, _, _ in sent] == [65530, 65531, 65532, 65533, 65534]
    assert [ts - sent[0][1] for _, ts, _ in sent] == [0, 3000, 6000, 9000, 12000]
    assert [body for _, _, body in sent] == [VP8_KEY + b"500", *(VP8_DELTA + b"%d" % n for n in (501, 502, 503, 504))]
    assert (down.packets, down.octets) == (5, sum(len(body) for _, _, body in sent))
    assert stage.watch.wanted == [], "the publisher was asked for nothing"


def test_what_he_lost_of_it_is_repaired(stage: Stage) -> None:
    down, _ = newcomer(stage)
    stage.taken()

    assert stage.path.retransmit(down, [65531], stage.now) == 1
    assert stage.taken()[0][1] == (65531).to_bytes(2, "big") + VP8_DELTA + b"501"


@pytest.mark.parametrize(
    "why", ["came before him", "is too old", "lacks a packet", "was before a pause", "was in another room"]
)
def test_what_is_not_his_or_not_whole_is_not_sent(stage: Stage, why: str) -> None:
    since = BEGAN
    if why == "came before him":
        since = stage.now + 0.01
    elif why == "is too old":
        stage.now += LATEST_S + 0.01
    elif why == "lacks a packet":
        send(stage, 505, VP8_DELTA)
    elif why == "was before a pause":
        stage.path.pause(stage.up, True)
        stage.path.pause(stage.up, False)
    else:
        cut_off(stage.path, cast(Any, SimpleNamespace(peer=SimpleNamespace(ups=[stage.up], downs={}))))
    stage.taken()

    down, caught = newcomer(stage, since)

    assert not caught
    assert (down.up, stage.taken()) == (None, [])


def test_nobody_gets_it_twice(stage: Stage) -> None:
    down, _ = newcomer(stage)
    stage.path.disconnect(down)
    stage.taken()

    assert not stage.path.catch_up(stage.up, down, BEGAN, stage.now)
    assert stage.taken() == []


def test_a_full_socket_leaves_him_waiting_for_the_next_key_frame(stage: Stage) -> None:
    stage.wire.full = True
    down, _ = newcomer(stage)
    stage.wire.full = False

    send(stage, 504, VP8_DELTA)
    assert [head.ssrc for head, _ in stage.taken()].count(down.ssrc) == 0
    send(stage, 505, VP8_KEY)
    assert [head.ssrc for head, _ in stage.taken()].count(down.ssrc) == 1
