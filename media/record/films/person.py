"""The film of one person: picture and voice as sent, packed into one file without decoding (EVIDENCE.md, section 6).

VP8 goes into WebM, H.264 into MP4, the voice is Opus in both. The voice is the film's backbone: it runs without a hole from the first
to the last moment of the session, so every film has the session's length and starts with it. The picture begins when it began.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet as AvPacket

from media.core.depacketize import OPUS_RATE, START_CODE, Frame, Lost
from media.record.films.voice import Voiced, VoiceTrack

MICROSECOND = Fraction(1, 1_000_000)
# Two frames never share a moment: WebM counts in milliseconds.
LEAST_STEP_US = 1_000
# A picture that stands still for longer than this is listed as a gap.
GAP_US = 1_000_000
# Room for the index at the front of an MP4, so that it starts to play before its end is loaded: bytes per sample, and a base.
_INDEX_BYTES_PER_SECOND = 50 * 16 + 30 * 24
_INDEX_BASE = 64 << 10

CONTAINERS = {"VP8": ("webm", "video/webm"), "H264": ("mp4", "video/mp4"), None: ("webm", "audio/webm")}


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without a new picture. cause: `late` before the first, `hole` packets missing, `none` nothing was sent, `silenced` somebody had stopped it, `end` after the last."""

    from_us: int
    to_us: int
    cause: str


@dataclass(slots=True)
class Counts:
    frames: int = 0
    frames_lost: int = 0
    gaps: list[Gap] = field(default_factory=list)


class PersonFilm:
    """Writes one file. Pictures and voice may come in any interleaving, each in its own order of time."""

    def __init__(self, target: Any, codec: str | None, length_us: int, size: tuple[int, int] | None = None) -> None:
        """size  of the largest picture (VP8), which the track is said to have; None: that of the first."""
        self.codec = codec
        self.counts = Counts()
        self._target = target
        self._length_us = length_us
        self._size = size
        self._voice = VoiceTrack()
        self._early: list[Voiced] = []
        self._container: OutputContainer | None = None
        self._video: Any = None
        self._audio: Any = None
        self._last_us = 0
        self._lost_since = False
        if codec is None:
            self._open(None)

    @property
    def voice_counts(self) -> Any:
        return self._voice.counts

    def picture(self, item: Frame | Lost, at_us: int) -> None:
        """One frame at its moment, or the notice that one cannot be shown."""
        if isinstance(item, Lost):
            self.counts.frames_lost += 1
            self._lost_since = True
            return
        if at_us > self._length_us:
            return
        if self._container is None:
            self._open(item)
        at_us = max(at_us, 0, self._last_us + LEAST_STEP_US if self.counts.frames else 0)
        self._note_gap(at_us)
        self._last_us = at_us
        self.counts.frames += 1
        self._put(self._video, self._bytes(item), at_us, MICROSECOND, key=item.key)

    def voice(self, at_us: int, packet: bytes) -> None:
        if at_us <= self._length_us:
            self._say(self._voice.add(max(at_us, 0), packet))

    def finish(self) -> None:
        """Fill the voice up to the session's end and close the container."""
        self._say(self._voice.fill_to(self._length_us))
        self._note_gap(self._length_us, at_end=True)
        if self._container is None:
            self.codec = None
            self._open(None)
        if self._container is not None:
            self._container.close()

    def _note_gap(self, at_us: int, *, at_end: bool = False) -> None:
        if at_us - self._last_us > GAP_US:
            cause = "end" if at_end else "hole" if self._lost_since else "none"
            self.counts.gaps.append(Gap(self._last_us, at_us, "late" if not self.counts.frames else cause))
        self._lost_since = False

    def _bytes(self, frame: Frame) -> bytes:
        return frame.data if self.codec == "VP8" else annex_b(frame.data)

    def _open(self, first: Frame | None) -> None:
        container_format = CONTAINERS[self.codec][0]
        self._container = av.open(
            self._target, "w", format=container_format, options=container_options(container_format, self._length_us)
        )
        if first is not None and self.codec == "H264":
            source = h264_source(first)
            self._video = self._container.add_stream_from_template(source.streams.video[0])
            source.close()
        elif first is not None:
            self._video = self._container.add_stream("libvpx", rate=30)
            self._video.width, self._video.height = self._size or first.size or (640, 480)
        self._audio = self._container.add_stream("libopus", rate=OPUS_RATE)
        self._audio.codec_context.layout = "stereo"
        self._container.start_encoding()
        early, self._early = self._early, []
        self._say(early)

    def _say(self, voiced: Iterable[Voiced]) -> None:
        if self._container is None:
            self._early.extend(voiced)
            return
        for item in voiced:
            self._put(self._audio, item.data, item.start, Fraction(1, OPUS_RATE), duration=item.samples, key=True)

    def _put(self, stream: Any, data: bytes, at: int, base: Fraction, *, key: bool, duration: int = 0) -> None:
        packet = AvPacket(data)
        packet.stream, packet.time_base = stream, base
        packet.pts = packet.dts = at
        packet.duration = duration
        packet.is_keyframe = key
        if self._container is not None:
            self._container.mux(packet)


def container_options(container_format: str, length_us: int) -> dict[str, str]:
    """Bit exact (no random ids, no dates, no program names), index in front where the format has one."""
    options = {"fflags": "+bitexact"}
    if container_format == "mp4":
        options["moov_size"] = str(_INDEX_BASE + length_us // 1_000_000 * _INDEX_BYTES_PER_SECOND)
    return options


def annex_b(units: bytes) -> bytes:
    """NAL units with 4-byte lengths, as the frame builder gives them, into start-code form."""
    out, at = [], 0
    while at < len(units):
        size = int.from_bytes(units[at : at + 4], "big")
        out += [START_CODE, units[at + 4 : at + 4 + size]]
        at += 4 + size
    return b"".join(out)


def h264_source(first: Frame) -> Any:
    """A file of this key frame alone: the demuxer reads a stream's parameters better than we would.

    The caller holds on to it while it uses the stream: the stream's parameters go with the file.
    """
    return av.open(io.BytesIO(annex_b(first.data)), format="h264")
