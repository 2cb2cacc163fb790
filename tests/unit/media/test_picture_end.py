"""The lost end of a picture is asked for before the next picture comes: on virtual lines, and by both paths."""

from __future__ import annotations

from typing import Any, cast

import pylibsrtp
import pytest

from media.core.loss import REORDER_PERSISTING_S, REPEAT_S
from media.core.picture_end import LOOKS_FOR_S, MOST, PictureEnd
from media.core.rtcp import Nack, parse_compound
from media.core.rtp import HEADER
from media.picture_ends import PictureEnds
from tests.support.forward_stage import GCM, OUR_KEY, VP8_KEY, Stage
from tests.support.hand_loop import HandLoop
from tests.support.voiced_picture import VoicedPicture

SOON = REORDER_PERSISTING_S + 0.001


@pytest.mark.parametrize(
    ("loss", "frames", "share"), [(0.10, 15, 0.75), (0.10, 8, 0.6), (0.30, 15, 0.85), (0.30, 8, 0.7)]
)
def test_fewer_pictures_are_late(loss: float, frames: int, share: float) -> None:
    def late(*, looks_ahead: bool) -> float:
        return sum(VoicedPicture(loss, frames, seed, looks_ahead).run(60).late(0.3) for seed in range(3))

    assert late(looks_ahead=True) < share * late(looks_ahead=False)


def test_where_packets_overtake_each_other_little_is_asked_for_in_vain() -> None:
    assert VoicedPicture(0.0, 15, 1, True).run(30).asked_ahead < 15


def test_the_hole_behind_a_stream_is_asked_for_a_moment_after_it_shows() -> None:
    end, came = PictureEnd(), {1: 0.0, 4: 0.02}

    assert end.look(came, 500, 0.0, 0.02) == []
    assert end.look(came, 500, 0.0, 0.02 + SOON) == [501, 502]
    assert end.look(came, 500, 0.0, 0.03 + SOON) == []
    assert end.look(came, 500, 0.0, 0.02 + SOON + REPEAT_S) == [501, 502]
    assert end.look(came, 501, 0.02 + SOON, 0.2) == [], "a repair has come, and its number is not known"


def test_not_more_than_a_few_and_not_for_ever() -> None:
    end, came = PictureEnd(), {1: 0.0, 40: 0.02}

    assert end.look(came, 500, 0.0, 0.1) == list(range(501, 501 + MOST))
    assert end.look(came, 500, 0.0, 0.001 + LOOKS_FOR_S) == []


def test_what_came_whole_is_not_asked_for() -> None:
    assert PictureEnd().look({1: 0.0, 2: 0.02, 4: 0.04}, 500, 0.0, 0.1) == []


@pytest.mark.parametrize("name", ["python", "native"])
def test_a_browser_is_asked_for_the_end_of_its_picture(name: str) -> None:
    stage, loop = Stage(name), HandLoop(now=100.0)
    stage.lane.count_ident = 3
    ends = PictureEnds(cast(Any, loop), lambda: loop.now)
    hearing = pylibsrtp.Session(pylibsrtp.Policy(OUR_KEY, pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=GCM))

    def take(number: int, seq: int, ssrc: int = 77) -> None:
        block = b"\xbe\xde\x00\x01\x31" + number.to_bytes(2, "big") + b"\x00"
        stage.now = loop.now
        stage.receive_plain(HEADER.pack(0x90, 96, seq, 0, ssrc) + block + VP8_KEY)

    def asked() -> list[tuple[int, ...]]:
        sent, stage.wire.sent = stage.wire.sent, []
        packets = [packet for data, _ in sent for packet in parse_compound(hearing.unprotect_rtcp(data))]
        return [packet.seqs for packet in packets if isinstance(packet, Nack)]

    stage.path.tell_gently(stage.lane, forgives=True, at_once=False)
    ends.attend(stage.path, stage.lane, [stage.up], loop.now)
    stage.new_up(2, 78)
    take(10, 500)
    take(11, 501)
    stage.path.tell_arrivals()
    stage.wire.sent.clear()
    loop.move(100.02)
    take(14, 900, ssrc=78)
    loop.move(100.09)

    assert set(asked()) == {(502, 503)}
    take(12, 502)
    take(15, 504)
    loop.move(100.2)
    assert asked() == []

    stage.path.tell_gently(stage.lane, forgives=False, at_once=False)
    ends.attend(stage.path, stage.lane, [stage.up], loop.now)
    take(16, 505)
    take(20, 901, ssrc=78)
    loop.move(101.0)
    assert asked() == []
