"""A newcomer gets the key frame that just came, and all after it, on both packet paths; and nothing that is not his to see."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from media.adapting import Adapting
from media.beginnings import AT_ONCE_S, TICK_S, Beginnings
from media.coming import cut_off
from media.core.bandwidth import START_BPS
from media.core.pacer import PACE
from media.forward.catching_up import LATEST_S
from media.forward.path import DownStream
from tests.support.forward_stage import VP8_DELTA, VP8_KEY, Stage
from tests.support.hand_loop import HandLoop

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
    beginnings = Beginnings(cast(Any, HandLoop()), stage.path)
    return down, beginnings.begin(Adapting(stage.now), stage.up, down, since, stage.now)


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


RUN, SIZE = 48, 1000  # packets, bytes


class Paced:
    """Newcomers on a line of which nothing is known, to a picture of many large packets; the test's clock."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.loop = stage, HandLoop(stage.now)
        self.beginnings = Beginnings(cast(Any, self.loop), stage.path, lambda: self.loop.now)
        self.adapting = Adapting(stage.now)
        self.number = 600
        self.come(VP8_KEY)
        for _ in range(RUN - 1):
            self.come(VP8_DELTA)
        stage.taken()

    def come(self, payload: bytes) -> None:
        self.number += 1
        self.stage.up.keys.wanted |= payload == VP8_KEY
        send(self.stage, self.number, payload + bytes(SIZE))

    def newcomer(self, port: int) -> DownStream:
        down = self.stage.subscriber(port)
        assert self.beginnings.begin(self.adapting, self.stage.up, down, BEGAN, self.stage.now)
        return down

    def move(self, seconds: float) -> None:
        self.stage.now += seconds
        self.loop.move(self.stage.now)

    def taken(self, *downs: DownStream) -> list[tuple[int, int]]:
        """Number and bits of what went to these."""
        ours = [down.ssrc for down in downs]
        return [(head.seq, 8 * len(body)) for head, body in self.stage.taken() if head.ssrc in ours]


def test_a_long_run_leaves_at_the_pace_of_his_line_and_nothing_overtakes_it(stage: Stage) -> None:
    paced = Paced(stage)
    down = paced.newcomer(3)
    sent = paced.taken(down)
    ticks = [sum(bits for _, bits in sent)]
    assert 0.8 * AT_ONCE_S < ticks[0] / START_BPS < 1.2 * AT_ONCE_S

    while len(sent) < RUN + len(ticks) // 4:
        if len(ticks) % 4 == 0:  # the picture goes on meanwhile
            paced.come(VP8_DELTA)
        paced.move(TICK_S)
        more = paced.taken(down)
        ticks.append(sum(bits for _, bits in more))
        sent += more

    assert max(ticks[1:]) <= 1.1 * SIZE * 8 * 2
    assert sum(ticks) <= START_BPS * (AT_ONCE_S + PACE * TICK_S * len(ticks)) + 1.1 * SIZE * 8
    paced.come(VP8_DELTA)
    sent += paced.taken(down)
    assert [seq for seq, _ in sent] == [(65530 + n) & 0xFFFF for n in range(len(sent))]
    assert len(sent) == paced.number - 600, "behind the run it comes as it comes"
    assert stage.watch.wanted == []


def test_all_his_pictures_share_what_goes_at_once(stage: Stage) -> None:
    paced = Paced(stage)

    downs = [paced.newcomer(port) for port in (3, 4)]

    assert sum(bits for _, bits in paced.taken(*downs)) < 1.2 * AT_ONCE_S * START_BPS
    for _ in range(200):
        paced.move(TICK_S)
    assert [down.packets for down in downs] == [RUN, RUN]
    assert paced.beginnings._lines == {}


def test_who_would_begin_too_late_waits_for_a_key_frame(stage: Stage) -> None:
    paced = Paced(stage)
    downs = [paced.newcomer(port) for port in range(3, 8)]
    for _ in range(200):
        paced.move(TICK_S)

    assert [down.packets for down in downs] == [RUN, RUN, downs[2].packets, 0, 0]
    assert downs[2].packets < RUN, "its rest is forgotten by then"
    assert [down in stage.up.downs for down in downs] == [True, True, False, False, False]
    paced.come(VP8_KEY)
    assert len(paced.taken(*downs[3:])) == 2


def test_a_picture_of_more_than_the_pace_is_caught_up_with(stage: Stage) -> None:
    paced = Paced(stage)
    stage.up.rate.bps = 3 * 100 * SIZE * 8  # three packets a tick
    down = paced.newcomer(3)
    sent, ticks = paced.taken(down), 0
    while down not in stage.up.downs:
        for _ in range(3):
            paced.come(VP8_DELTA)
        paced.move(TICK_S)
        sent += paced.taken(down)
        ticks += 1

    assert ticks * TICK_S < LATEST_S
    assert [seq for seq, _ in sent] == [(65530 + n) & 0xFFFF for n in range(paced.number - 600)]
    assert stage.watch.wanted == []


def test_who_went_and_came_back_is_sent_nothing_of_before(stage: Stage) -> None:
    paced = Paced(stage)
    first, second = paced.newcomer(3), paced.newcomer(4)
    paced.taken()
    stage.path.disconnect(second)
    paced.move(TICK_S)
    stage.path.connect(stage.up, second)

    for _ in range(100):
        paced.move(TICK_S)

    assert (first.packets, paced.taken(second)) == (RUN, [])
    paced.come(VP8_KEY)
    assert len(paced.taken(second)) == 1


def test_a_run_whose_packets_are_forgotten_ends_with_a_wish_for_a_key_frame(stage: Stage) -> None:
    paced = Paced(stage)
    down = paced.newcomer(3)
    stage.up.cache.max_age_s = 0.0
    stage.watch.wanted.clear()
    paced.move(TICK_S)
    paced.move(TICK_S)

    sent = paced.taken(down)
    assert [seq for seq, _ in sent] == [(65530 + n) & 0xFFFF for n in range(len(sent))]
    assert len(sent) < RUN
    assert stage.watch.wanted == [stage.up]


def test_who_is_still_behind_goes_on_with_a_newer_key_frame(stage: Stage) -> None:
    paced = Paced(stage)
    down = paced.newcomer(3)
    paced.come(VP8_KEY)
    paced.move(TICK_S)
    paced.come(VP8_DELTA)

    sent = paced.taken(down)
    assert len(sent) < 30
    assert [seq for seq, _ in sent] == [(65530 + n) & 0xFFFF for n in range(len(sent))], "nothing is missing to him"


def test_who_is_still_behind_gets_the_rest_until_another_layer_begins(stage: Stage) -> None:
    paced = Paced(stage)
    down = paced.newcomer(3)
    larger = stage.new_up(2, 78)
    stage.path.switch(larger, down)
    for _ in range(60):
        paced.move(TICK_S)
    assert (down.packets, down in stage.up.downs) == (RUN, True)

    stage.receive(1, VP8_KEY + b"larger", ssrc=78)

    assert (down.up, down.next_up) == (larger, None)
    assert paced.taken(down)[-1][0] == (65530 + RUN) & 0xFFFF


@pytest.mark.parametrize("why", ["paused", "left", "ended"])
def test_who_is_still_behind_is_sent_nothing_that_is_over(stage: Stage, why: str) -> None:
    paced = Paced(stage)
    down = paced.newcomer(3)
    paced.taken()
    if why == "paused":
        stage.path.pause(stage.up, True)
        stage.path.pause(stage.up, False)
    elif why == "left":
        stage.path.disconnect(down)
    else:
        stage.path.remove_up(stage.up)

    for _ in range(60):
        paced.move(TICK_S)

    assert paced.taken(down) == []
    assert (down in stage.up.waiting, down in stage.up.downs) == (why == "paused", False)
    assert paced.beginnings._lines == {}


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
