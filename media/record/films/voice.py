"""One continuous voice from what arrived: every 20 ms has a packet, holes are filled and counted. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from media.core.depacketize import OPUS_RATE, OPUS_SILENCE, BadPayload, opus_samples

FILLER_SAMPLES = 960
# A hole this short is concealed by the decoder, which knows the voice; a longer one is honest silence.
CONCEALED_SAMPLES = 5 * FILLER_SAMPLES
# Opus packets of 20 ms and one frame, by configuration (upper five bits of the TOC): others cannot be concealed with one byte.
_CONFIGS_OF_20_MS = frozenset({1, 5, 9, 13, 15, 19, 23, 27, 31})


@dataclass(frozen=True, slots=True)
class Voiced:
    """One packet of the continuous track, at `start` samples of 48 kHz. filler: it was not sent by the person."""

    start: int
    samples: int
    data: bytes
    filler: bool


@dataclass(slots=True)
class VoiceCounts:
    """packets as sent, filler packets put in, packets taken out because the sender's clock runs fast or they overlap."""

    packets: int = 0
    filled: int = 0
    dropped: int = 0


class VoiceTrack:
    """Lays packets end to end from 0. A deviation of 20 ms or more is made good by a filler, or by leaving a packet out."""

    def __init__(self) -> None:
        self.next = 0
        self.counts = VoiceCounts()
        self._toc: int | None = None

    def add(self, at_us: int, packet: bytes) -> Iterator[Voiced]:
        """The packet, behind the filler that it needs. Packets must come in the order of their time."""
        try:
            samples = opus_samples(packet)
        except BadPayload:
            samples = 0
        start = at_us * OPUS_RATE // 1_000_000
        if not samples or start <= self.next - FILLER_SAMPLES:
            self.counts.dropped += 1
            return
        yield from self._fill(start)
        self._toc = packet[0]
        self.counts.packets += 1
        yield self._place(packet, samples, filler=False)

    def fill_to(self, at_us: int) -> Iterator[Voiced]:
        """Silence up to this time, to within 20 ms."""
        self._toc = None
        yield from self._fill(at_us * OPUS_RATE // 1_000_000)

    def _fill(self, start: int) -> Iterator[Voiced]:
        short = start - self.next < CONCEALED_SAMPLES and self._toc is not None and self._toc >> 3 in _CONFIGS_OF_20_MS
        data = bytes([self._toc & 0xFC]) if short and self._toc is not None else OPUS_SILENCE
        while start - self.next >= FILLER_SAMPLES:
            self.counts.filled += 1
            yield self._place(data, FILLER_SAMPLES, filler=True)

    def _place(self, data: bytes, samples: int, *, filler: bool) -> Voiced:
        voiced = Voiced(self.next, samples, data, filler)
        self.next += samples
        return voiced
