"""RED for Opus: payloads taken apart and made, what is remembered of a voice, and what a line that loses leaves of it."""

from __future__ import annotations

import random

import pytest

from media.core.depacketize import Packet
from media.core.red import KEPT, MAX_BYTES, BadRed, Block, RecentVoice, pack, primary_offset, split, unfold, voice_for
from media.core.seqno import TS_MASK

PT = 111
# Chromium's: one frame 960 ticks back of 3 bytes, then the packet's own.
CHROMIUM = bytes([0x80 | PT]) + (960 << 10 | 3).to_bytes(3, "big") + bytes([PT]) + b"old" + b"new!"


def frame(number: int) -> Block:
    return Block(number * 960 & TS_MASK, b"%d" % number)


def test_a_browser_s_payload_is_two_frames() -> None:
    assert split(CHROMIUM, 5000) == [Block(4040, b"old"), Block(5000, b"new!")]
    assert CHROMIUM[primary_offset(CHROMIUM, 0, len(CHROMIUM)) :] == b"new!"


def test_what_is_packed_is_what_is_taken_apart_over_a_wrap_of_time() -> None:
    frames = [Block(-1920 & TS_MASK, b"a"), Block(-960 & TS_MASK, b""), Block(0, b"own")]

    assert split(pack(frames, PT), 0) == frames


def test_a_frame_too_far_back_or_too_long_is_left_out() -> None:
    own = Block(50_000, b"own")

    assert split(pack([Block(50_000 - 16_384, b"far"), Block(49_040, bytes(1024)), own], PT), own.ts) == [own]


@pytest.mark.parametrize("payload", [b"", b"\xef", b"\xef\x0f\x00", b"\xef\x0f\x00\x05", b"\xef\x0f\x00\x05\x6fabc"])
def test_what_is_cut_off_is_refused(payload: bytes) -> None:
    with pytest.raises(BadRed):
        split(payload, 0)


def test_more_blocks_than_a_voice_has_are_refused() -> None:
    with pytest.raises(BadRed, match="blocks: 17"):
        split(b"\xef\x0f\x00\x00" * 16 + b"\x6f", 0)


def test_so_many_frames_of_before_as_were_asked_for_oldest_first() -> None:
    recent = RecentVoice()
    recent.note([frame(number) for number in (1, 2, 4, 3, 5)])

    assert recent.behind(frame(6), 3) == [frame(3), frame(4), frame(5), frame(6)]
    assert recent.behind(frame(4), 9) == [frame(1), frame(2), frame(3), frame(4)]  # a late one carries nothing newer
    assert recent.behind(Block(frame(6).ts, bytes(MAX_BYTES)), 3)[:-1] == []


def test_only_the_newest_are_remembered() -> None:
    recent = RecentVoice()
    recent.note([frame(number) for number in range(3 * KEPT)])
    recent.note([frame(1)])

    assert len(recent.behind(frame(3 * KEPT), 99)) == KEPT + 1


def test_a_subscriber_without_red_gets_the_frame_alone_and_one_with_gets_more() -> None:
    recent = RecentVoice()
    recent.take(CHROMIUM, 5000, red=True)
    recent.take(b"\xff", 1, red=True)  # no RED: brings nothing

    assert voice_for(CHROMIUM, 5000, None, 0, PT, red=True) == b"new!"
    assert voice_for(b"opus", 5000, None, 0, PT, red=False) == b"opus"
    assert split(voice_for(b"next", 5960, recent, 2, 96, red=False), 5960) == [
        Block(4040, b"old"),
        Block(5000, b"new!"),
        Block(5960, b"next"),
    ]


def test_a_film_gets_each_frame_in_the_place_of_its_own_packet() -> None:
    assert list(unfold(Packet(70, (1 << 32) + 5000, False, CHROMIUM))) == [
        (Packet(69, (1 << 32) + 4040, False, b"old"), False),
        (Packet(70, (1 << 32) + 5000, False, b"new!"), True),
    ]
    assert list(unfold(Packet(70, 5000, False, b"\xff"))) == [(Packet(70, 5000, False, b""), True)]


@pytest.mark.parametrize(("loss", "depth", "most"), [(0.05, 1, 0.005), (0.10, 2, 0.003), (0.30, 3, 0.015)])
def test_what_is_lost_of_a_voice_that_is_sent_several_times(loss: float, depth: int, most: float) -> None:
    """A minute of 20 ms frames over a line that loses by chance: the share that came in no packet."""
    dice, recent, heard = random.Random(5), RecentVoice(), set[int]()
    count = 3000
    for number in range(count):
        own = frame(number)
        recent.note([own])
        if dice.random() >= loss:
            heard |= {block.ts for block in split(pack(recent.behind(own, depth), PT), own.ts)}

    assert 1 - len(heard) / count <= most
