"""Recorded sessions made from known pictures and sounds: a white flash and a beep at the same instants.

Everything is seeded and runs on an invented clock. What a film of such a journal shows can be measured by decoding it.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from media.record.journal import Journal
from media.record.layout import RTP

RATE = 48_000
NTP_1970 = 2_208_988_800
FLASH_EVERY_S = 2.0
FLASH_S = 0.2
MTU = 1100
# Enough for an hour at 25 pictures a second.
NUMBER_BITS = 20
KEY = bytes(range(32))
START_WALL_US = 1_790_000_000_000_000
START_MONO_US = 5_000_000_000


@dataclass
class FakeClock:
    """(wall, monotonic) in microseconds, set by the test."""

    us: int = 0
    start_wall_us: int = START_WALL_US

    def __call__(self) -> tuple[int, int]:
        return self.start_wall_us + self.us, START_MONO_US + self.us

    def at(self, us: int) -> None:
        self.us = us


@dataclass
class Person:
    """Who sends what, when, and through which line. Times in seconds of the session; drift in parts per million."""

    seat: str
    codec: str | None = "VP8"
    joins: float = 0.0
    leaves: float = 10.0
    fps: int = 25
    size: tuple[int, int] = (320, 240)
    clock_offset_s: float = 0.0
    drift_ppm: float = 0.0
    delay_ms: float = 20.0
    audio_delay_ms: float = 60.0
    jitter_ms: float = 5.0
    loss: float = 0.0
    duplicates: float = 0.0
    away: list[tuple[float, float]] = field(default_factory=list)
    voice: bool = True
    reports: bool = True
    key_every_s: float = 2.0
    numbered: bool = False


@dataclass(order=True)
class Arrival:
    at_us: int
    order: int
    stream: str = field(compare=False)
    kind: int = field(compare=False)
    body: Any = field(compare=False)


def flashes(at_s: float) -> bool:
    return at_s % FLASH_EVERY_S < FLASH_S


def picture(size: tuple[int, int], index: int, *, white: bool, numbered: bool = False) -> av.VideoFrame:
    """One shade; when numbered, the lowest sixth shows the index in bars, the highest bit at the left."""
    frame = av.VideoFrame(*size, "yuv420p")
    level = 235 if white else 40 + index % 7
    for number, plane in enumerate(frame.planes):
        plane.update(bytes([level if number == 0 else 128]) * plane.buffer_size)
    if numbered:
        plane = frame.planes[0]
        shades = (235 if index >> bit & 1 else 16 for bit in reversed(range(NUMBER_BITS)))
        line = b"".join(bytes([shade]) * (size[0] // NUMBER_BITS) for shade in shades).ljust(plane.line_size, b"\x10")
        above = size[1] - size[1] // 6
        plane.update(bytes([level]) * plane.line_size * above + line * (size[1] - above))
    return frame


def number_of(frame: Any) -> int:
    """The index that a numbered picture shows."""
    plane = frame.reformat(format="gray").planes[0]
    content, width = bytes(plane), frame.width // NUMBER_BITS
    row = plane.line_size * (frame.height - frame.height // 12)
    bits = (content[row + width * bit + width // 2] > 128 for bit in range(NUMBER_BITS))
    return sum(1 << NUMBER_BITS - 1 - place for place, on in enumerate(bits) if on)


def sound(at_sample: int, samples: int) -> av.AudioFrame:
    """1 kHz while the flash is on, silence otherwise."""
    silent = not flashes(at_sample / RATE) and not flashes((at_sample + samples - 1) / RATE)
    values = array("h", bytes(2 * samples)) if silent else array("h")
    for index in () if silent else range(at_sample, at_sample + samples):
        values.append(int(12_000 * math.sin(2 * math.pi * 1000 * index / RATE)) if flashes(index / RATE) else 0)
    frame = av.AudioFrame(format="s16", layout="mono", samples=samples)
    frame.planes[0].update(values.tobytes())
    frame.sample_rate = RATE
    return frame


def encode_video(person: Person, start_s: float, end_s: float) -> Iterator[tuple[float, bytes]]:
    """(capture time, encoded frame) for the whole frames between two times."""
    name = {"VP8": "libvpx", "H264": "libx264"}[str(person.codec)]
    encoder: Any = av.codec.CodecContext.create(name, "w")
    encoder.width, encoder.height = person.size
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, person.fps)
    encoder.bit_rate, encoder.gop_size = 600_000, int(person.fps * person.key_every_s)
    low_delay = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    encoder.options = (
        low_delay if name == "libvpx" else {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
    )
    first = math.ceil(start_s * person.fps)
    for index in range(first, math.floor(end_s * person.fps)):
        frame = picture(person.size, index, white=flashes(index / person.fps), numbered=person.numbered)
        frame.pts = index - first
        for packet in encoder.encode(frame):
            yield index / person.fps, bytes(packet)


def encode_voice(start_s: float, end_s: float) -> Iterator[tuple[float, bytes]]:
    encoder: Any = av.codec.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "mono", "s16"
    encoder.bit_rate, encoder.options = 32_000, {"application": "voip"}
    first = math.ceil(start_s * 50)
    for index in range(first, math.floor(end_s * 50)):
        frame = sound(index * 960, 960)
        frame.pts = (index - first) * 960
        for packet in encoder.encode(frame):
            yield index / 50, bytes(packet)


def split_vp8(frame: bytes, picture_id: int) -> list[bytes]:
    """RFC 7741: one partition, 15-bit picture id."""
    pieces = [frame[at : at + MTU] for at in range(0, len(frame), MTU)]
    ident = (0x8000 | picture_id & 0x7FFF).to_bytes(2, "big")
    return [bytes([0x90 if number == 0 else 0x80, 0x80]) + ident + piece for number, piece in enumerate(pieces)]


def split_h264(frame: bytes) -> list[bytes]:
    """RFC 6184: small parameter sets together in one STAP-A, the rest single or as FU-A."""
    units = [
        unit.strip(b"\x00") if not index else unit
        for index, unit in enumerate(frame.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01"))
    ]
    units = [unit for unit in units if unit]
    sets = [unit for unit in units if unit[0] & 0x1F in (7, 8)]
    payloads = [b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in sets)] if sets else []
    for unit in units:
        if unit in sets:
            continue
        if len(unit) <= MTU:
            payloads.append(unit)
            continue
        pieces = [unit[at : at + MTU] for at in range(1, len(unit), MTU)]
        for number, piece in enumerate(pieces):
            ends = (0x80 if number == 0 else 0) | (0x40 if number == len(pieces) - 1 else 0)
            payloads.append(bytes([unit[0] & 0xE0 | 28, ends | unit[0] & 0x1F]) + piece)
    return payloads


def rtp(payload_type: int, seq: int, ts: int, ssrc: int, payload: bytes, *, marker: bool) -> bytes:
    head = bytes([0x80, payload_type | (0x80 if marker else 0)])
    return (
        head
        + (seq & 0xFFFF).to_bytes(2, "big")
        + (ts & 0xFFFFFFFF).to_bytes(4, "big")
        + ssrc.to_bytes(4, "big")
        + payload
    )


class Line:
    """One person's way to us: delay, jitter, loss, duplicates; and the person's wrong clock."""

    def __init__(self, person: Person, seed: int) -> None:
        self.person = person
        self.random = random.Random(seed)
        self.arrivals: list[Arrival] = []
        self._order = 0

    def true_to_sender_s(self, at_s: float) -> float:
        return at_s * (1 + self.person.drift_ppm / 1e6) + self.person.clock_offset_s

    def send(self, at_s: float, stream: str, kind: int, body: Any, delay_ms: float) -> None:
        if any(start <= at_s < end for start, end in self.person.away):
            return
        if kind == RTP and self.random.random() < self.person.loss:
            return
        jitter = self.random.random() * self.person.jitter_ms
        copies = 2 if kind == RTP and self.random.random() < self.person.duplicates else 1
        for copy in range(copies):
            at_us = round((at_s * 1000 + delay_ms + jitter + copy * 3) * 1000)
            self._order += 1
            self.arrivals.append(Arrival(at_us, self._order, stream, kind, body))

    def report(self, at_s: float, stream: str, rtp_ts: int, delay_ms: float) -> None:
        ntp_s = NTP_1970 + START_WALL_US / 1e6 + self.true_to_sender_s(at_s)
        self.send(at_s, stream, 2, (int(ntp_s * (1 << 32)), rtp_ts & 0xFFFFFFFF), delay_ms)


def perform(person: Person, seed: int) -> list[Arrival]:
    """Everything that comes from one person, in order of arrival. One epoch (new SSRC) per stretch between absences."""
    line = Line(person, seed)
    edges = [person.joins, *(edge for stretch in person.away for edge in stretch), person.leaves]
    for epoch, (start, end) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
        if person.codec is not None:
            _perform_video(line, epoch, start, end)
        if person.voice:
            _perform_voice(line, epoch, start, end)
    return sorted(line.arrivals)


def _ticks(line: Line, at_s: float, rate: int, base: int) -> int:
    """The sender's RTP clock runs with its own quartz: drift included."""
    return base + round(at_s * (1 + line.person.drift_ppm / 1e6) * rate)


def _perform_video(line: Line, epoch: int, start: float, end: float) -> None:
    person, stream = line.person, f"face {epoch}"
    seq, base = line.random.randrange(65536), line.random.randrange(1 << 32)
    next_report = start + 0.3
    for number, (at_s, data) in enumerate(encode_video(person, start, end)):
        payloads = split_vp8(data, number) if person.codec == "VP8" else split_h264(data)
        for index, payload in enumerate(payloads):
            packet = rtp(
                96, seq, _ticks(line, at_s, 90_000, base), 1000 + epoch, payload, marker=index == len(payloads) - 1
            )
            line.send(at_s + index * 1e-4, stream, RTP, packet, person.delay_ms)
            seq += 1
        if person.reports and at_s >= next_report:
            line.report(at_s + 0.01, stream, _ticks(line, at_s + 0.01, 90_000, base), person.delay_ms)
            next_report += 1.0


def _perform_voice(line: Line, epoch: int, start: float, end: float) -> None:
    person, stream = line.person, f"voice {epoch}"
    seq, base = line.random.randrange(65536), line.random.randrange(1 << 32)
    next_report = start + 1.1
    for at_s, data in encode_voice(start, end):
        packet = rtp(111, seq, _ticks(line, at_s, RATE, base), 2000 + epoch, data, marker=False)
        line.send(at_s, stream, RTP, packet, person.audio_delay_ms)
        seq += 1
        if person.reports and at_s >= next_report:
            line.report(at_s + 0.01, stream, _ticks(line, at_s + 0.01, RATE, base), person.audio_delay_ms)
            next_report += 2.5


def record(
    directory: Path,
    people: list[Person],
    length_s: float,
    seed: int = 1,
    names: tuple[str, str] = ("s1", "r1"),
    key: bytes = KEY,
    wall_us: int = START_WALL_US,
    second: Path | None = None,
) -> None:
    """Write the journal of a session of this length, in blocks of 0.4 s of session time. names = (session, room)."""
    clock = FakeClock(start_wall_us=wall_us)
    journal = Journal.open(
        directory, session=names[0], room=names[1], key=key, facts={"procedure": "notarization"}, second=second, clocks=clock
    )  # fmt: skip
    arrivals = sorted(
        (a, person.seat, person)
        for number, person in enumerate(people)
        for a in _keyed(perform(person, seed + number), number)
    )
    streams: dict[tuple[str, str], int] = {}
    cut_us = 400_000
    for person in people:
        journal.event(
            "joined",
            person.seat,
            {"label": {"role": "party", "name": f"Person {person.seat}"}},
            START_MONO_US + round(person.joins * 1e6),
        )
    for arrival, seat, person in arrivals:
        while arrival.at_us >= cut_us:
            clock.at(cut_us)
            journal.seal_blocking()
            cut_us += 400_000
        _append(journal, streams, arrival, seat, person)
    clock.at(round(length_s * 1e6))
    journal.close_blocking("ended")


def _keyed(arrivals: list[Arrival], number: int) -> list[Arrival]:
    for arrival in arrivals:
        arrival.order = arrival.order * 100 + number
    return arrivals


def _append(journal: Journal, streams: dict[tuple[str, str], int], arrival: Arrival, seat: str, person: Person) -> None:
    source, _, epoch = arrival.stream.partition(" ")
    key = f"{arrival.stream} {person.codec}"
    at_us = START_MONO_US + arrival.at_us
    stream = streams.get((seat, key))
    if stream is None:
        video = source == "face"
        stream = streams[(seat, key)] = journal.stream(
            seat,
            source,
            "video" if video else "audio",
            ssrc=(1000 if video else 2000) + int(epoch),
            codec=str(person.codec) if video else "opus",
            clock_rate=90_000 if video else RATE,
            payload_type=96 if video else 111,
            at_us=at_us,
        )
    if arrival.kind == RTP:
        journal.packet(stream, at_us, arrival.body)
    else:
        journal.report(stream, at_us, *arrival.body)


@dataclass
class Measured:
    """What decoding a film shows: its length, the moments of flashes and beeps, in seconds. numbers: (moment, index) of numbered pictures."""

    length_s: float
    flashes: list[float]
    beeps: list[float]
    frames: int
    numbers: list[tuple[float, int]] = field(default_factory=list)


def measure(source: Any, *, numbered: bool = False) -> Measured:
    """Decode the whole film. A flash or beep is counted at its first frame or sample."""
    with av.open(source) as container:
        video = next(iter(container.streams.video), None)
        audio = next(iter(container.streams.audio), None)
        bright: list[tuple[float, bool]] = []
        loud: list[tuple[float, bool]] = []
        numbers: list[tuple[float, int]] = []
        end = 0.0
        mono = audio and av.AudioResampler(format="s16", layout="mono", rate=audio.rate)
        for packet in container.demux():
            for frame in packet.decode():
                if packet.stream is video:
                    bright.append((float(frame.time), _brightness(frame) > 150))
                    numbers += [(float(frame.time), number_of(frame))] if numbered else []
                elif packet.stream is audio:
                    loud += _loudness(frame, mono)
                    end = max(end, float(frame.time) + frame.samples / frame.sample_rate)
        length_s = max(end, bright[-1][0] if bright else 0.0)
        return Measured(length_s, _rises(bright), _rises(loud), len(bright), numbers)


def _brightness(frame: Any) -> int:
    plane = frame.planes[0]
    assert frame.format.name.startswith("yuv"), frame.format
    return bytes(plane)[plane.line_size * (frame.height // 2) + frame.width // 2]


def _loudness(frame: Any, mono: Any) -> list[tuple[float, bool]]:
    """Peak of each millisecond. mono: the resampler of this line, which delays nothing as it only mixes."""
    values: array[int] = array("h")
    for out in mono.resample(frame):
        values.frombytes(bytes(out.planes[0])[: out.samples * 2])
    assert len(values) == frame.samples
    step = frame.sample_rate // 1000
    peaks = (values[at : at + step] for at in range(0, len(values), step))
    return [(float(frame.time) + at / 1000, max(peak) > 2500 or min(peak) < -2500) for at, peak in enumerate(peaks)]


def _rises(marks: list[tuple[float, bool]]) -> list[float]:
    """Starts of true stretches; one that follows an earlier within 0.3 s belongs to it."""
    starts: list[float] = []
    last_true = -1.0
    for at, on in marks:
        if on and at - last_true > 0.3:
            starts.append(at)
        last_true = at if on else last_true
    return starts
