"""A session of two people with real pictures and voice on an invented clock, for measuring how fast films are made."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from media.record.journal import Journal
from server.bench.sample_pack import BLOCK_US, KEY, Clock

FPS, SIZE, BIT_RATE = 20, (640, 360), 500_000
VOICE_RATE, VOICE_SAMPLES = 48_000, 960
LONGEST = 1100
SEATS = ("a", "b")
NTP_1970 = 2_208_988_800

Sent = tuple[int, int, bytes]  # at_us from the start, RTP timestamp, payload; the marker is the last of its timestamp


def write_session(directory: Path, length_s: float) -> None:
    """Two people, each VP8 640x360 at 20 pictures a second and Opus."""
    clock = Clock()
    start_us = clock.mono_us
    journal = Journal.open(directory, session="s1", room="r1", key=KEY, facts={}, clocks=clock)
    arrivals: list[tuple[int, int, int, Sent, bool]] = []
    pictures, voice = list(_pictures(length_s)), list(_voice(length_s))
    for index, seat in enumerate(SEATS):
        label = {"role": "party", "name": f"Person {seat}"}
        journal.event("joined", seat, {"label": label})
        face = journal.stream(seat, "face", "video", ssrc=10 + index, codec="VP8", clock_rate=90_000, payload_type=96)
        heard = journal.stream(
            seat, "voice", "audio", ssrc=20 + index, codec="opus", clock_rate=VOICE_RATE, payload_type=111, channels=2
        )
        arrivals += [(sent[0], face, 96, sent, last) for sent, last in pictures]
        arrivals += [(sent[0], heard, 111, sent, False) for sent in voice]
        for stream, rate in ((face, 90_000), (heard, VOICE_RATE)):
            ntp = int((clock()[0] / 1e6 + NTP_1970) * (1 << 32))
            journal.report(stream, start_us, ntp, 0)
            later = ntp + (int(length_s) << 32)
            journal.report(stream, start_us + int(length_s) * 1_000_000, later, int(length_s) * rate & 0xFFFFFFFF)
    _write(journal, clock, sorted(arrivals), start_us)
    clock.mono_us = start_us + int(length_s * 1e6)
    journal.close_blocking("ended")


def _write(journal: Journal, clock: Clock, arrivals: list[tuple[int, int, int, Sent, bool]], start_us: int) -> None:
    seqs: dict[int, int] = {}
    for at_us, stream, payload_type, (_, ts, payload), last in arrivals:
        while start_us + at_us >= clock.mono_us + BLOCK_US:
            clock.mono_us += BLOCK_US
            journal.seal_blocking()
        seq = seqs[stream] = seqs.get(stream, 0) + 1
        head = bytes((0x80, payload_type | (0x80 if last else 0))) + (seq & 0xFFFF).to_bytes(2, "big")
        journal.packet(stream, start_us + at_us, head + (ts & 0xFFFFFFFF).to_bytes(4, "big") + bytes(4) + payload)


def _pictures(length_s: float) -> Iterator[tuple[Sent, bool]]:
    encoder: Any = av.codec.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = *SIZE, "yuv420p"
    encoder.time_base, encoder.bit_rate, encoder.gop_size = Fraction(1, FPS), BIT_RATE, 5 * FPS
    encoder.options = {"deadline": "realtime", "cpu-used": "12", "lag-in-frames": "0"}
    for number in range(int(length_s * FPS)):
        frame = _picture(number)
        for packet in encoder.encode(frame):
            yield from _split(bytes(packet), number)


def _picture(number: int) -> Any:
    """A bar that wanders over a grey ground: something for the encoders to do."""
    frame = av.VideoFrame(*SIZE, "yuv420p")
    luma = bytearray(b"\x60" * frame.planes[0].buffer_size)
    width, step = frame.planes[0].line_size, number * 7 % (SIZE[0] - 80)
    for row in range(SIZE[1]):
        luma[row * width + step : row * width + step + 80] = bytes((row + number & 0xFF,)) * 80
    frame.planes[0].update(bytes(luma))
    for plane in frame.planes[1:]:
        plane.update(b"\x80" * plane.buffer_size)
    frame.pts = number
    return frame


def _split(data: bytes, number: int) -> Iterator[tuple[Sent, bool]]:
    """RFC 7741: one partition, 15-bit picture id."""
    ident = (0x8000 | number & 0x7FFF).to_bytes(2, "big")
    for at in range(0, len(data), LONGEST):
        descriptor = bytes((0x80 if at else 0x90, 0x80)) + ident
        sent = (number * 1_000_000 // FPS + at // LONGEST, number * 90_000 // FPS, descriptor + data[at : at + LONGEST])
        yield sent, at + LONGEST >= len(data)


def _voice(length_s: float) -> Iterator[Sent]:
    encoder: Any = av.codec.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = VOICE_RATE, "mono", "s16", 32_000
    tone = array("h", (int(8000 * math.sin(index * 440 * math.tau / VOICE_RATE)) for index in range(VOICE_SAMPLES)))
    for number in range(int(length_s * 50)):
        frame = av.AudioFrame(format="s16", layout="mono", samples=VOICE_SAMPLES)
        frame.planes[0].update(tone.tobytes())
        frame.sample_rate, frame.pts = VOICE_RATE, number * VOICE_SAMPLES
        for packet in encoder.encode(frame):
            yield number * 20_000, number * VOICE_SAMPLES, bytes(packet)
