"""A browser that sends pictures and a voice over a line that loses, and who asks it again: how late its pictures are whole. Virtual time; seeded.

All packets share one count (transport-cc), repairs too; a browser repairs a packet again after the round trip that it was told of.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from media.core.loss import VIDEO_LOSS, LossTracker
from media.core.picture_end import PictureEnd
from media.uplines import RTT_TOLD_S
from tests.support.lossy_line import LossyLine

DELAY_S, JITTER_S = 0.1, 0.02
TICK_S, VOICE_S = 0.005, 0.02
PACKETS = (2, 3)  # of a picture of 300 kbit/s


@dataclass(frozen=True)
class _Sent:
    voice: bool
    seq: int
    number: int


@dataclass
class VoicedPicture:
    """See the module. `run`, then `late`."""

    loss: float
    frames_per_s: float
    seed: int
    looks_ahead: bool
    asked_ahead: int = 0
    _pictures: list[tuple[float, list[int]]] = field(default_factory=list)
    _whole: dict[int, float] = field(default_factory=dict)  # number of the stream -> when it came
    _numbers: int = 0
    _seqs: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._there: LossyLine[_Sent] = LossyLine(self._chance, self.loss, DELAY_S, JITTER_S)
        self._back: LossyLine[tuple[int, ...]] = LossyLine(self._chance, self.loss, DELAY_S, JITTER_S)
        self._tracker, self._end = LossTracker(VIDEO_LOSS, rtt_s=2 * DELAY_S), PictureEnd()
        self._tracker.persists = True
        self._came: dict[int, float] = {}
        self._last_at = 0.0
        self._answered: dict[int, float] = {}

    def run(self, seconds: float) -> VoicedPicture:
        picture_at, voice_at = 0.0, 0.003
        for tick in range(int((seconds + 1) / TICK_S)):
            now = tick * TICK_S
            if picture_at <= now < seconds:
                self._picture(now)
                picture_at += 1 / self.frames_per_s
            if now >= voice_at:
                self._send(_Sent(True, 0, self._numbers), now)
                voice_at += VOICE_S
            self._receive(now)
            if tick % 4 == 0:
                self._ask(now)
            self._repair(now)
        return self

    def late(self, longer_s: float) -> float:
        """Share of the pictures that were whole so much later than they would be without loss."""
        waits = [max(self._whole.get(seq, at + 9.0) for seq in seqs) - at - DELAY_S for at, seqs in self._pictures]
        return sum(wait > longer_s for wait in waits) / len(waits)

    def _picture(self, now: float) -> None:
        seqs = [self._seqs + at for at in range(self._chance.choice(PACKETS))]
        self._seqs += len(seqs)
        self._pictures.append((now, seqs))
        for seq in seqs:
            self._send(_Sent(False, seq, self._numbers), now)

    def _send(self, packet: _Sent, now: float) -> None:
        self._numbers += 1
        self._there.send(packet, now)

    def _receive(self, now: float) -> None:
        for at, packet in self._there.arrived(now):
            self._came[packet.number] = at
            if not packet.voice and self._tracker.receive(packet.seq & 0xFFFF, at) >= 0:
                self._last_at = at
                self._whole.setdefault(packet.seq, at)

    def _ask(self, now: float) -> None:
        wanted = self._tracker.due(now)
        if self.looks_ahead and self._tracker.highest >= 0:
            ahead = self._end.look(self._came, self._tracker.highest, self._last_at, now)
            self.asked_ahead += len(ahead)
            wanted += [ext & 0xFFFF for ext in ahead]
        for number in [number for number, at in self._came.items() if now - at > 0.6]:
            del self._came[number]
        if wanted:
            self._back.send(tuple(wanted), now)

    def _repair(self, now: float) -> None:
        for at, seqs in self._back.arrived(now):
            for seq in seqs:
                sent = self._seqs - 1 - ((self._seqs - 1 - seq) & 0xFFFF)
                if sent >= 0 and at - self._answered.get(sent, -1.0) >= RTT_TOLD_S:
                    self._answered[sent] = at
                    self._send(_Sent(False, sent, self._numbers), at)
