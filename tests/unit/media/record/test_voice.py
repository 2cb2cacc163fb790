"""A voice without holes: what is put in, what is left out, and that it never runs away from its time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.core.depacketize import OPUS_SILENCE
from media.record.films.voice import VoiceTrack

SPOKEN = b"\x78spoken"  # 20 ms, one frame


def lay(times_ms: list[float]) -> tuple[VoiceTrack, list[tuple[int, str]]]:
    """(track, [(start in ms, 'spoken' | 'concealed' | 'silence')])."""
    track = VoiceTrack()
    out = [item for at in times_ms for item in track.add(round(at * 1000), SPOKEN)]
    return track, [(item.start // 48, name_of(item.data)) for item in out]


def name_of(data: bytes) -> str:
    return {SPOKEN: "spoken", OPUS_SILENCE: "silence"}.get(data, "concealed")


def test_packets_lie_end_to_end() -> None:
    assert lay([0, 20, 40])[1] == [(0, "spoken"), (20, "spoken"), (40, "spoken")]


def test_a_short_hole_is_concealed_and_a_long_one_silent() -> None:
    assert lay([0, 60])[1] == [(0, "spoken"), (20, "concealed"), (40, "concealed"), (60, "spoken")]
    assert [name for _, name in lay([0, 220])[1]] == ["spoken", *["silence"] * 10, "spoken"]


def test_silence_stands_before_who_comes_late() -> None:
    track, laid = lay([100])

    assert laid == [*((at, "silence") for at in range(0, 100, 20)), (100, "spoken")]
    assert (track.counts.packets, track.counts.filled) == (1, 5)


def test_jitter_of_the_clock_moves_nothing() -> None:
    assert lay([0, 27, 36, 71])[1] == [(0, "spoken"), (20, "spoken"), (40, "spoken"), (60, "spoken")]


def test_a_packet_that_would_overlap_is_left_out_and_counted() -> None:
    track, laid = lay([0, 0, 20])

    assert laid == [(0, "spoken"), (20, "spoken")]
    assert track.counts.dropped == 1


def test_what_is_no_opus_is_left_out() -> None:
    track = VoiceTrack()

    assert list(track.add(0, b"")) == []
    assert track.counts.dropped == 1


@given(st.floats(-400e-6, 400e-6), st.integers(1, 60), st.integers(0, 2**16))
def test_a_wrong_quartz_never_moves_the_voice_by_more_than_a_packet(drift: float, seconds: int, offset_us: int) -> None:
    track = VoiceTrack()
    for index in range(seconds * 50):
        at_us = round(offset_us + index * 20_000 * (1 + drift))
        for item in track.add(at_us, SPOKEN):
            assert item.filler or abs(item.start / 48 - at_us / 1000) <= 20.1


def test_it_ends_where_it_is_told() -> None:
    track, _ = lay([0])

    assert [name_of(item.data) for item in track.fill_to(100_000)] == ["silence"] * 4
    assert track.next == 4800
