"""What a film shows: how long it is, and how far its flashes and beeps are apart (tests/support/marked_camera.js)."""

from __future__ import annotations

import array
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from pathlib import Path

BRIGHT = 128  # mean luma of a frame that flashes
LOUD = 0.02  # RMS of a 10 ms window that beeps, full scale 1
WINDOW_S = 0.01
QUIET_S = 0.3  # an onset follows at least this long a pause: a beep lasts 0.2 s, a pause 0.8 s
NEAR_S = 0.45  # a flash and the beep that belongs to it are nearer to each other than to any other


@dataclass(frozen=True, slots=True)
class Marks:
    """One decoded film. Times in seconds from its start."""

    video_end_s: float
    audio_end_s: float
    frames: int
    flashes: list[float]
    beeps: list[float]

    @property
    def length_s(self) -> float:
        """Until the last picture or sound."""
        return max(self.video_end_s, self.audio_end_s)

    def apart_ms(self) -> float:
        """Median distance of a beep behind its flash; negative: the sound comes first."""
        pairs = [min((beep - flash for beep in self.beeps), key=abs) for flash in self.flashes]
        near = [distance for distance in pairs if abs(distance) < NEAR_S]
        assert len(near) >= 3, f"too few marks: flashes {self.flashes}, beeps {self.beeps}"
        return statistics.median(near) * 1000


def look_at(path: Path) -> Marks:
    """Decode a whole film."""
    lights: list[tuple[float, bool]] = []
    sounds: list[tuple[float, bool]] = []
    ends = {"video": 0.0, "audio": 0.0}
    mono = av.AudioResampler(format="s16", layout="mono", rate=48000)
    with av.open(str(path)) as container:
        for frame in container.decode():
            start = float(frame.time or 0.0)
            if isinstance(frame, av.VideoFrame):
                lights.append((start, _brightness(frame) > BRIGHT))
                ends["video"] = max(ends["video"], start + 1 / 30)
            elif isinstance(frame, av.AudioFrame):
                sounds += [window for part in mono.resample(frame) for window in _loudness(part, start)]
                ends["audio"] = max(ends["audio"], start + frame.samples / frame.sample_rate)
    return Marks(ends["video"], ends["audio"], len(lights), _onsets(lights), _onsets(sounds))


def _brightness(frame: av.VideoFrame) -> float:
    """Of 16 rows, 16 points each."""
    assert frame.format.name.startswith("yuv"), frame.format
    luma, content = frame.planes[0], bytes(frame.planes[0])
    starts = [row * luma.line_size for row in range(0, frame.height, frame.height // 16)]
    points = [content[start : start + frame.width : frame.width // 16] for start in starts]
    return sum(map(sum, points)) / sum(map(len, points))


def _loudness(frame: av.AudioFrame, start: float) -> list[tuple[float, bool]]:
    samples = array.array("h", bytes(frame.planes[0])[: frame.samples * 2])
    step = int(frame.sample_rate * WINDOW_S)
    windows = (samples[at : at + step] for at in range(0, len(samples), step))
    return [
        (start + index * WINDOW_S, math.sqrt(sum(x * x for x in window) / len(window)) / 32768 > LOUD)
        for index, window in enumerate(windows)
    ]


def _onsets(marks: list[tuple[float, bool]]) -> list[float]:
    """Instants at which it becomes bright or loud after a pause; one that is so from the start has no known onset."""
    onsets: list[float] = []
    last_on = 0.0
    for at, on in sorted(marks):
        if on:
            if at - last_on > QUIET_S:
                onsets.append(at)
            last_on = at
    return onsets
