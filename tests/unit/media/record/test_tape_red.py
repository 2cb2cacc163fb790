"""A voice recorded as RED: a film gets each frame once, and a lost packet's frame from the one behind it."""

from __future__ import annotations

from pathlib import Path

from media.core.red import Block, pack
from media.core.rtp import HEADER, VERSION_2
from media.record.films.tape import Replay, scan
from media.record.journal import Journal
from media.record.reader import SessionKeys, load_segments
from tests.support.synthetic_session import KEY

LOST = {20, 30, 31, 59}


async def test_a_lost_packet_s_frame_is_taken_from_the_next(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, session="s1", room="r1", key=KEY, facts={})
    stream = journal.stream(
        "a", "voice", "audio", ssrc=7, codec="opus", clock_rate=48_000, payload_type=111, channels=2, fmtp="red=63"
    )
    for number in range(60):
        if number not in LOST:
            journal.packet(stream, 1_000_000 + number * 20_000, packet(number))
    await journal.close("ended")

    segments, keys = load_segments([tmp_path]), SessionKeys(KEY)
    played = [packet for _, packet in Replay(scan(segments, keys), segments, keys).packets()]

    assert [(p.seq & 0xFFFF, p.payload) for p in played] == [
        (900 + number, frame(number).data) for number in range(60) if number not in (30, 59)
    ]
    assert {p.ts - played[0].ts - (p.seq - played[0].seq) * 960 for p in played} == {0}


def frame(number: int) -> Block:
    return Block(5000 + number * 960, b"frame %d" % number)


def packet(number: int) -> bytes:
    """Plain Opus at first, as a page that has not yet heard of losses sends it."""
    pt, payload = (111, frame(number).data) if number < 10 else (63, pack([frame(number - 1), frame(number)], 111))
    return HEADER.pack(VERSION_2, pt, 900 + number, frame(number).ts, 7) + payload
