"""A small evidence pack on an invented clock, for measuring its checkers: two streams, events, one private event, a film of noise."""

from __future__ import annotations

import io
import random
from pathlib import Path

from media.record.journal import Journal
from media.record.packs.write import FilmSource, JournalSource, write_pack
from media.record.sealed import SealedWriter

KEY = bytes(range(32))
START_US = 1_790_000_000_000_000
BLOCK_US = 400_000
FILM_BYTES = 40_000
VOICE_US, FACE_US = 20_000, 100_000


class Clock:
    """Wall and monotonic clock of a session that nobody waited for."""

    def __init__(self) -> None:
        self.mono_us = 5_000_000

    def __call__(self) -> tuple[int, int]:
        return START_US + self.mono_us, self.mono_us


def write_journal(directory: Path, length_s: float, seed: int = 1, face_bytes: int = 300, face_every: int = 1) -> None:
    """One person's voice and face of that length: ten pictures a second of so many packets each."""
    dice, clock = random.Random(seed), Clock()
    journal = Journal.open(
        directory, session="s1", room="r1", key=KEY, facts={"procedure": "notarization"}, clocks=clock
    )
    voice = journal.stream("a", "voice", "audio", ssrc=1, codec="opus", clock_rate=48000, payload_type=111, channels=2)
    face = journal.stream("a", "face", "video", ssrc=2, codec="VP8", clock_rate=90000, payload_type=96)
    journal.event("identity", "a", {"number": "withheld"}, private=True)
    end_us = clock.mono_us + int(length_s * 1e6)
    while clock.mono_us < end_us:
        for number in range(BLOCK_US // VOICE_US):
            at_us = clock.mono_us + number * VOICE_US
            journal.packet(voice, at_us, _packet(dice, 111, at_us // VOICE_US, 80))
            if at_us % FACE_US == 0:
                for part in range(face_every):
                    packet = _packet(dice, 96, at_us // FACE_US * face_every + part, face_bytes)
                    journal.packet(face, at_us, packet)
        journal.event("page_shown", "a", {"page": clock.mono_us // BLOCK_US})
        clock.mono_us += BLOCK_US
        journal.seal_blocking()
    journal.close_blocking("ended")


def _packet(dice: random.Random, payload_type: int, number: int, size: int) -> bytes:
    return bytes((0x80, payload_type)) + (number & 0xFFFF).to_bytes(2, "big") + dice.randbytes(8 + size)


def make_pack(folder: Path, length_s: float = 30.0) -> bytes:
    """The pack's bytes."""
    write_journal(folder / "journal", length_s)
    film = SealedWriter(folder / "a-face.webm.sealed", KEY, "video/webm")
    film.write(random.Random(2).randbytes(FILM_BYTES))
    film.finish()
    target = io.BytesIO()
    films = [FilmSource(folder / "a-face.webm.sealed", "a-face.webm", KEY, {"seat": "a"})]
    journals = [JournalSource("r1", (folder / "journal",), KEY)]
    write_pack(target, journals, films, {"site": "bench"}, made_at="2026-09-21T00:00:00Z")
    return target.getvalue()
