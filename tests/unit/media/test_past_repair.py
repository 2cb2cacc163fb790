"""A subscriber asks for what nobody can send him any more: the publisher is asked for a key frame at once."""

from __future__ import annotations

from collections import Counter

import pytest

from media.core.packetcache import MAX_AGE_S
from media.feedback import LOOKED_AT, is_past_repair
from media.forward.path import DownStream, Kind, UpStream
from media.forward.self_test import Notes, Wire, wired_python

FIRST = 1 << 16  # extended


def shown(kind: Kind = "video") -> tuple[UpStream, DownStream]:
    """Ten packets of a stream, forwarded under the numbers 500 to 509 at 50.0 s; the third had not come to us."""
    path, _ = wired_python(Wire(), Notes(), Counter[str]())
    lane = path.new_lane(Notes(), 1, 0.0)
    up = path.new_up(3, lane, kind, "VP8", 90000, 33, nack=True)
    down = path.new_down(lane, kind, 90000, 44, 500, 0)
    down.up = up
    down.map.switch(up.handle)
    for n in range(10):
        if n != 2:
            ext = up.loss.receive(n, 50.0)
            up.cache.store(ext, bytes([0x80] * 20), 50.0)
            down.map.forward(ext, 3000 * n, 50.0)
    return up, down


def test_what_is_kept_is_repaired() -> None:
    _, down = shown()

    assert not is_past_repair(down, [500, 501, 509], 50.5)


def test_what_is_kept_no_longer_will_never_come() -> None:
    _, down = shown()

    assert is_past_repair(down, [501, 509], 50.1 + MAX_AGE_S)
    assert not is_past_repair(down, [499, 520], 50.1 + MAX_AGE_S), "numbers that he was never sent"


def test_what_we_wait_for_ourselves_may_yet_come() -> None:
    up, down = shown()
    assert not is_past_repair(down, [502], 50.1)

    up.loss.due(52.0)  # given up
    assert is_past_repair(down, [502], 52.0)


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_only_a_picture_has_key_frames(kind: Kind) -> None:
    _, down = shown(kind)

    assert is_past_repair(down, [501], 60.0) is (kind == "video")
    assert not is_past_repair(down, [*[499] * LOOKED_AT, 501], 60.0)
    down.up = None
    assert not is_past_repair(down, [501], 60.0)
