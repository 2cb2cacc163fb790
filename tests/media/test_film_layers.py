"""A film that opens with the small layer of a picture: its track has the size of the large one, and it is the same when it is made again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from media.record.film import make_films
from media.record.films.spec import Spec
from media.record.journal import Journal
from tests.support.synthetic_session import KEY, START_MONO_US, FakeClock, Person, encode_video, split_vp8

SMALL, LARGE = (160, 90), (640, 360)
CHANGES_S, LENGTH_S = 3.0, 5.0


def packets(size: tuple[int, int], ssrc: int, begin_s: float, end_s: float) -> Iterator[tuple[int, bytes]]:
    """(arrival in microseconds of the session, packet)."""
    seq = 100
    for number, (at_s, frame) in enumerate(encode_video(Person("a", size=size), begin_s, end_s)):
        pieces = split_vp8(frame, number)
        for index, piece in enumerate(pieces):
            mark = 0x80 if index == len(pieces) - 1 else 0
            head = bytes([0x80, 96 | mark]) + seq.to_bytes(2, "big") + int(at_s * 90_000).to_bytes(4, "big")
            yield int(at_s * 1e6) + 20_000, head + ssrc.to_bytes(4, "big") + piece
            seq += 1


def record_layers(directory: Path) -> None:
    clock = FakeClock()
    journal = Journal.open(directory, session="s1", room="r1", key=KEY, facts={}, clocks=clock)
    layers = (("h", SMALL, 7, 0.0, CHANGES_S), ("f", LARGE, 8, CHANGES_S, LENGTH_S))
    for rid, size, ssrc, begin_s, end_s in layers:
        stream = journal.stream(
            "a", "face", "video", ssrc=ssrc, codec="VP8", clock_rate=90_000, payload_type=96, rid=rid
        )
        for at_us, packet in packets(size, ssrc, begin_s, end_s):
            clock.at(at_us)
            journal.packet(stream, START_MONO_US + at_us, packet)
        journal.seal_blocking()
    clock.at(int(LENGTH_S * 1e6))
    journal.close_blocking("ended")


def film_of(journal: Path, output: Path) -> Path:
    spec = Spec((journal,), KEY, output, kinds=("person",), sealed=False)
    made: dict[str, Any] = make_films(spec, lambda *_: None)
    return output / str(made["films"][0]["file"])


def test_the_track_is_as_large_as_the_largest_layer(tmp_path: Path) -> None:
    record_layers(tmp_path / "journal")

    film, again = (film_of(tmp_path / "journal", tmp_path / name) for name in ("films", "again"))

    with av.open(str(film)) as container:
        [track] = container.streams.video
        said = track.width, track.height
        shown = [(frame.width, frame.height) for frame in container.decode(track)]
    assert said == LARGE
    assert (shown[0], shown[-1]) == (SMALL, LARGE)
    assert len(shown) == LENGTH_S * 25
    assert film.read_bytes() == again.read_bytes()


def test_a_picture_that_was_stopped_says_so(tmp_path: Path) -> None:
    """It was sent, and withheld on somebody's word: a gap with that cause, not one where nothing was sent."""
    clock = FakeClock()
    journal = Journal.open(tmp_path / "journal", session="s1", room="r1", key=KEY, facts={}, clocks=clock)
    facts: dict[str, Any] = {"codec": "VP8", "clock_rate": 90_000, "payload_type": 96}
    stream = journal.stream("a", "face", "video", ssrc=7, **facts)
    for begin_s, end_s, kind in ((0.0, 1.0, "paused"), (3.0, 4.0, None)):
        for at_us, packet in packets(SMALL, 7, begin_s, end_s):
            clock.at(at_us)
            # as one stream: what was sent in between took no numbers here
            number = int.from_bytes(packet[2:4], "big") + int(begin_s) * 100
            journal.packet(stream, START_MONO_US + at_us, packet[:2] + number.to_bytes(2, "big") + packet[4:])
        if kind:
            journal.event("paused", "a", {"source": "face"})
            clock.at(3_000_000)
            journal.event("resumed", "a", {"source": "face"})
    clock.at(4_100_000)
    journal.close_blocking("ended")

    spec = Spec((tmp_path / "journal",), KEY, tmp_path / "films", kinds=("person",), sealed=False)
    made = make_films(spec, lambda *_: None)

    [film] = made["films"]
    assert [gap["cause"] for gap in film["gaps"]] == ["silenced"]
