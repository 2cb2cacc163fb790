"""The composed film: everybody in one picture with names, clock and captions, all voices mixed; H.264 and AAC in an MP4.

Deterministic: the same journal, spec and library versions give the same bytes (fixed encoder threads, bit-exact muxer, no dates).
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from operator import add
from typing import Any

import av
from av.codec.context import Flags

from media.core.depacketize import OPUS_RATE, Frame, Lost
from media.record.films.canvas import BLACK, PANEL, Canvas, Rect
from media.record.films.letters import Letters
from media.record.films.person import annex_b, container_options
from media.record.films.tape import LATE_US, Event
from media.record.films.tiles import SHARED_SOURCES, Tile, Wanted, arrange, fit
from media.record.films.voice import Voiced, VoiceTrack

WIDTH, HEIGHT, FPS = 1280, 720, 20
FOOTER = 48
LABEL_HEIGHT, FOOTER_TEXT = 24, 32
# A picture that is older than this is no longer the person: the tile says so.
STALE_US = 3_000_000
CAPTION_US = 6_000_000
# Fast enough for real time on one core at 720p, and small enough for years of keeping.
_X264 = {"preset": "superfast", "crf": "26", "threads": "2", "x264-params": "keyint=100:scenecut=0"}
_MIX_SAMPLES = 1024


@dataclass(slots=True)
class _Picture:
    """One stream of frames: those waiting, the decoder, the last picture, and its tile; a shared picture has one only while it comes."""

    shared: bool
    tile: Tile | None = None
    frame: Any = None
    waiting: deque[tuple[int, int, str, Frame]] = field(default_factory=deque)
    epoch: int = -1
    decoder: Any = None
    last_us: int | None = None
    shown: bool = False


@dataclass(slots=True)
class _Voice:
    """One seat's voice, decoded and laid end to end; pcm begins at sample `start`."""

    track: VoiceTrack = field(default_factory=VoiceTrack)
    decoder: Any = None
    resampler: Any = None
    pcm: array[int] = field(default_factory=lambda: array("h"))
    start: int = 0


class ComposedFilm:
    """Takes frames and voices in any interleaving that is at most LATE_US out of order; `advance` renders what is settled."""

    def __init__(
        self,
        target: Any,
        wanted: Sequence[Wanted],
        events: Sequence[Event],
        length_us: int,
        start_wall_us: int,
        utc_offset_s: int,
        letters: Letters,
    ) -> None:
        self._length_us = length_us
        self._letters = letters
        self._start = datetime.fromtimestamp(start_wall_us / 1e6, UTC) + timedelta(seconds=utc_offset_s)
        self._chinese = letters.can_write("无画面")
        names = {entry.seat: entry.label for entry in wanted}
        said = [(event.at_us, caption(event, names, chinese=self._chinese)) for event in events]
        self._captions = [(at_us, words) for at_us, words in said if words]
        self._canvas = Canvas(WIDTH, HEIGHT)
        self._wanted = list(wanted)
        self._pictures = {(one.seat, one.source): _Picture(one.source in SHARED_SOURCES) for one in wanted}
        self._voices: dict[str, _Voice] = {}
        self._footer = ""
        self._next_tick = 0
        self._mixed = 0
        self._open(target)
        self._lay_out()

    def _open(self, target: Any) -> None:
        self._container = av.open(target, "w", format="mp4", options=container_options("mp4", self._length_us))
        self._video: Any = self._container.add_stream("libx264", rate=FPS, options=_X264)
        self._video.width, self._video.height, self._video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        self._video.codec_context.time_base = Fraction(1, FPS)
        self._audio: Any = self._container.add_stream("aac", rate=OPUS_RATE, options={"flags": "+bitexact"})
        self._audio.codec_context.layout, self._audio.bit_rate = "mono", 64_000

    def picture(self, seat: str, source: str, epoch: int, codec: str, item: Frame | Lost, at_us: int) -> None:
        target = self._pictures.get((seat, source))
        if target is not None and isinstance(item, Frame):
            target.waiting.append((at_us, epoch, codec, item))

    def voice(self, seat: str, at_us: int, packet: bytes) -> None:
        voice = self._voices.setdefault(seat, _Voice())
        self._hear(voice, voice.track.add(max(at_us, 0), packet))

    def _hear(self, voice: _Voice, voiced: Iterator[Voiced]) -> None:
        for item in voiced:
            if voice.decoder is None:
                voice.decoder = av.codec.CodecContext.create("libopus", "r")
                voice.decoder.sample_rate, voice.decoder.layout = OPUS_RATE, "mono"
                voice.resampler = av.AudioResampler(format="s16", layout="mono", rate=OPUS_RATE)
            before = len(voice.pcm)
            for frame in voice.decoder.decode(av.Packet(item.data)):
                for out in voice.resampler.resample(frame):
                    voice.pcm.frombytes(bytes(out.planes[0])[: out.samples * 2])
            short = item.samples - (len(voice.pcm) - before)
            if short > 0:
                voice.pcm.extend([0] * short)
            elif short < 0:
                del voice.pcm[short:]

    def advance(self, arrived_us: int) -> None:
        """Everything of the session before arrived_us - LATE_US is settled; render it."""
        self._render(min(arrived_us - LATE_US - 1_000_000, self._length_us))

    def finish(self) -> None:
        self._render(self._length_us)
        self._mix(self._length_us * OPUS_RATE // 1_000_000)
        for stream in (self._video, self._audio):
            self._container.mux(stream.encode(None))
        self._container.close()

    def _render(self, until_us: int) -> None:
        if self._next_tick * 1_000_000 // FPS >= until_us:
            return
        while self._next_tick * 1_000_000 // FPS < until_us:
            self._tick(self._next_tick * 1_000_000 // FPS)
            self._next_tick += 1
        self._mix(until_us * OPUS_RATE // 1_000_000)

    def _tick(self, at_us: int) -> None:
        if any([self._update(picture, at_us) for picture in self._pictures.values()]):
            self._lay_out()
        self._write_footer(at_us)
        frame = self._canvas.frame()
        frame.pts, frame.time_base = self._next_tick, Fraction(1, FPS)
        self._container.mux(self._video.encode(frame))

    def _lay_out(self) -> None:
        """Places for everybody, and for what is shared while it is: then the faces stand beside it, before and after they have it all."""
        for picture in self._pictures.values():
            picture.tile = None
        present = [one for one in self._wanted if self._has_place(self._pictures[one.seat, one.source])]
        self._canvas.fill(Rect(0, 0, WIDTH, HEIGHT - FOOTER), BLACK)
        for tile in arrange(present, WIDTH, HEIGHT - FOOTER):
            picture = self._pictures[tile.seat, tile.source]
            picture.tile = tile
            if picture.frame is not None and picture.shown:
                self._show(picture, tile, picture.frame)
            else:
                self._show_absent(picture, tile)

    @staticmethod
    def _has_place(picture: _Picture) -> bool:
        return picture.shown or not picture.shared

    def _update(self, picture: _Picture, at_us: int) -> bool:
        """Take what is due. True: a shared picture has come or gone, and the places are other ones."""
        newest = None
        while picture.waiting and picture.waiting[0][0] <= at_us:
            taken_us, epoch, codec, frame = picture.waiting.popleft()
            decoded = _decode(picture, epoch, codec, frame)
            newest = decoded if decoded is not None else newest
            picture.last_us = taken_us
        if newest is not None:
            picture.frame = newest
            if picture.tile is None:
                picture.shown = True
                return True
            self._show(picture, picture.tile, newest)
        elif picture.shown and picture.last_us is not None and at_us - picture.last_us > STALE_US:
            picture.frame, picture.shown = None, False
            if picture.shared or picture.tile is None:
                return True
            self._show_absent(picture, picture.tile)
        return False

    def _show(self, picture: _Picture, tile: Tile, frame: Any) -> None:
        place = fit(frame.width, frame.height, tile.rect)
        if not picture.shown:
            self._canvas.fill(tile.rect, BLACK)
        self._canvas.paste(frame.reformat(width=place.width, height=place.height, format="yuv420p"), place.x, place.y)
        self._label(tile.rect, tile.label)
        picture.shown = True

    def _show_absent(self, picture: _Picture, tile: Tile) -> None:
        self._canvas.fill(tile.rect, PANEL)
        self._label(tile.rect, f"{tile.label} - {NO_PICTURE[0 if self._chinese else 1]}")
        picture.shown = False

    def _label(self, rect: Rect, text: str) -> None:
        mask = self._letters.draw(text, LABEL_HEIGHT)
        height = mask.height + 8 & ~1
        top = rect.y + rect.height - height & ~1
        self._canvas.fill(Rect(rect.x, top, min(mask.width + 16, rect.width) & ~1, height), BLACK)
        self._canvas.write(mask, rect.x + 8, top + 4)

    def _write_footer(self, at_us: int) -> None:
        clock = (self._start + timedelta(microseconds=at_us)).strftime("%Y-%m-%d %H:%M:%S")
        said = [words for when, words in self._captions if when <= at_us < when + CAPTION_US]
        text = clock + ("   " + said[-1] if said else "")
        if text == self._footer:
            return
        self._footer = text
        self._canvas.fill(Rect(0, HEIGHT - FOOTER, WIDTH, FOOTER), BLACK)
        self._canvas.write(self._letters.draw(text, FOOTER_TEXT), 12, HEIGHT - FOOTER + (FOOTER - FOOTER_TEXT) // 2)

    def _mix(self, until: int) -> None:
        for voice in self._voices.values():
            self._hear(voice, voice.track.fill_to(until * 1_000_000 // OPUS_RATE + 20_000))
        while self._mixed < until:
            frame = av.AudioFrame(format="fltp", layout="mono", samples=_MIX_SAMPLES)
            frame.planes[0].update(self._blend(self._mixed, _MIX_SAMPLES))
            frame.sample_rate, frame.pts, frame.time_base = OPUS_RATE, self._mixed, Fraction(1, OPUS_RATE)
            self._container.mux(self._audio.encode(frame))
            self._mixed += _MIX_SAMPLES

    def _blend(self, start: int, samples: int) -> bytes:
        mixed: array[int] | None = None
        for voice in self._voices.values():
            del voice.pcm[: max(0, start - voice.start)]
            voice.start = max(voice.start, start)
            piece = voice.pcm[:samples]
            piece.extend([0] * (samples - len(piece)))
            if any(piece):
                mixed = piece if mixed is None else array("i", map(add, mixed, piece))
        if mixed is None:
            return bytes(4 * samples)
        return array("f", (min(1.0, max(-1.0, value / 32768)) for value in mixed)).tobytes()


def _decode(picture: _Picture, epoch: int, codec: str, frame: Frame) -> Any:
    """The decoded picture, None when the decoder refuses it: a frame we could not show is no reason to end the film."""
    if epoch != picture.epoch:
        picture.epoch, picture.decoder = epoch, av.codec.CodecContext.create("vp8" if codec == "VP8" else "h264", "r")
        # Threads would hold frames back; one frame in must be one frame out.
        picture.decoder.thread_count = 1
        if codec == "H264":
            picture.decoder.flags |= Flags.low_delay
    try:
        frames = picture.decoder.decode(av.Packet(frame.data if codec == "VP8" else annex_b(frame.data)))
    except av.FFmpegError:
        return None
    return frames[-1] if frames else None


def caption(event: Event, names: Mapping[str, str], *, chinese: bool) -> str:
    """What the footer says about an event; empty: nothing. Of the event's data nothing is shown."""
    words = CAPTIONS.get(event.kind, ("", ""))[0 if chinese else 1]
    who = names.get(event.seat or "", "")
    return f"{words}: {who}" if words and who else words


NO_PICTURE = ("无画面", "no picture")
CAPTIONS = {
    "opened": ("开始录制", "recording started"),
    "continued": ("中断后继续录制", "recording continued after an interruption"),
    "volume_changed": ("录制改存到另一磁盘", "recording goes on on another disk"),
    "joined": ("加入", "joined"),
    "admitted": ("准许进入", "admitted"),
    "left": ("离开", "left"),
    "reconnecting": ("连接中断", "connection lost"),
    "connected": ("已连接", "connected"),
    "gone": ("已断开", "disconnected"),
    "paused": ("暂停接收", "paused by the server"),
    "resumed": ("恢复接收", "resumed"),
    "consent": ("同意", "consent given"),
    "identity_checked": ("身份已核验", "identity checked"),
    "page_shown": ("出示页面", "page shown"),
    "showing_ended": ("出示结束", "put away"),
    "signed": ("签名", "signed"),
    "session_ended": ("会话结束", "session ended"),
    "closed": ("结束录制", "recording ended"),
}
