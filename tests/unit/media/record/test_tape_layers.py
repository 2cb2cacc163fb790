"""The recording goes from layer to layer: a film gets the streams of one source one after the other, never mixed."""

from __future__ import annotations

from pathlib import Path

from media.record.films.tape import Replay, scan
from media.record.journal import Journal
from media.record.reader import SessionKeys, load_segments
from tests.support.synthetic_session import KEY


async def test_a_layer_that_was_recorded_for_a_moment_comes_before_the_one_that_follows_it(tmp_path: Path) -> None:
    """Both stand in one block, the first one shorter than a film waits for the beginning of a stream."""
    journal = Journal.open(tmp_path, session="s1", room="r1", key=KEY, facts={})
    start_us = 1_000_000
    layers = [
        journal.stream(
            "a", "face", "video", ssrc=ssrc, codec="VP8", clock_rate=90_000, payload_type=96, rid=rid, ledger=True
        )
        for ssrc, rid in ((7, "h"), (8, "f"))
    ]
    for number in range(3):
        journal.packet(layers[0], start_us + number * 10_000, packet(7, number))
    for number in range(60):
        journal.packet(layers[1], start_us + 30_000 + number * 10_000, packet(8, 900 + number))
    await journal.close("ended")

    segments, keys = load_segments([tmp_path]), SessionKeys(KEY)
    replay = Replay(scan(segments, keys), segments, keys)

    order = [(stream.rid, played.seq & 0xFFFF) for stream, played in replay.packets()]
    assert order == [("h", number) for number in range(3)] + [("f", 900 + number) for number in range(60)]


def packet(ssrc: int, seq: int) -> bytes:
    head = b"\x80\xe0" + seq.to_bytes(2, "big") + (seq * 900).to_bytes(4, "big") + ssrc.to_bytes(4, "big")
    return head + b"\x10\x01picture"
