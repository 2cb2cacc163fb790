"""What a publisher's browser needs to measure its line: which of its packets came, and when (transport-cc).

Each packet carries a number that counts over all streams of the browser. `Arrivals` collects numbers and times, and says every tenth of
a second what came since: the browser's own estimator (GCC) does the rest. Of a line that loses by chance (core/up_line.py) nothing is said of
the lost: each run that came is told by itself, and twice, because the feedback is lost as well. (Told as come they would be taken
out of what the browser can send again.) Of a line on which packets overtake each other (core/overtaking.py) all is told as come at once, when the
newest did.

Source: draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import sub
from struct import Struct
from typing import Final

from media.core.overtaking import Overtaking
from media.core.rtp import EXTENSION_BIT, FIXED_HEADER, ONE_BYTE_PROFILE, find_extension
from media.core.seqno import FIRST_CYCLE, SEQ_MASK, unwrap_seq
from media.core.up_line import UpLine

# Statuses in one feedback: with the longest deltas and chunks it stays below 800 bytes.
MOST_STATUSES: Final = 256
# Older than what was told already by more than this: from before a pause, not late.
LATEST: Final = 1000
# Told by themselves in a tenth of a second: 30 % of loss at 2 Mbit/s makes 8. Who leaves out every second number would get a datagram for each.
MOST_RUNS: Final = 32
TICK_S: Final = 0.00025  # of a delta
REFERENCE_TICKS: Final = 256  # of the reference time: 64 ms
_NOT_RECEIVED, _SMALL, _LARGE = 0, 1, 2
_RUN_MOST = 0x1FFF
_PER_VECTOR = 7
_RUNS = [bytes([symbol]) for symbol in (_NOT_RECEIVED, _SMALL, _LARGE)]
_RESERVED = 0xF0  # an element's head from here on: the walk ends (RFC 8285 §4.2)
_ONE_BYTE_FORM = ONE_BYTE_PROFILE.to_bytes(2, "big")
_HEAD = Struct("!HHI")
_U16 = Struct("!H")


class Arrivals:
    """One browser's packets. `note` in any order; `take` on a timer."""

    __slots__ = (
        "_again",
        "_before",
        "_count",
        "_newest",
        "_next",
        "_noted",
        "at_once",
        "came",
        "expected",
        "forgives",
        "line",
        "overtaking",
    )

    def __init__(self) -> None:
        self.line, self.overtaking = UpLine(), Overtaking()
        self.forgives = self.at_once = False
        self.expected = self.came = 0  # of all that was noted here
        self._again: list[bytes] = []
        self._noted: list[tuple[int, float]] = []  # as they came
        self._before: list[tuple[int, float]] = []  # what was told last
        self._newest = -1
        self._next = -1  # what is told next; -1: from the first that came
        self._count = 0

    def begin(self, *, forgives: bool, at_once: bool) -> None:
        """Go over to saying nothing of the lost, or to telling all as come at once, or back."""
        self.forgives, self.at_once = forgives, at_once
        self._next = self._newest = -1
        self._again = []
        self._noted.clear()

    @property
    def gentle(self) -> bool:
        """Whether anything is told otherwise than it is."""
        return self.forgives or self.at_once

    def fetch(self) -> None:
        """Take over what was noted elsewhere."""

    def note(self, seq: int, at: float) -> None:
        """A packet with this number (16 bit) came at `at`, monotonic seconds."""
        self._noted.append((seq, at))

    def noted(self) -> list[tuple[int, float]]:
        """Number and time of what came since the call of `take` before the last one, while nothing is told of the lost."""
        self.fetch()
        return [*self._before, *self._noted]

    def take(self) -> list[bytes]:
        """What came since the last call, as bodies of `TransportFeedback`; empty if nothing did."""
        again, self._again = self._again, []
        came = self._came()
        if not came:
            return again
        if self.at_once:
            came = dict.fromkeys(came, came[max(came)])
        if not self.gentle:
            return self._told(came)
        runs = list(_runs_of(sorted(came)))[-MOST_RUNS:]
        told = [self._tell(run[0], [came[number] for number in run]) for run in runs]
        self._again = told if self.forgives else []
        return again + told

    def _told(self, came: dict[int, float]) -> list[bytes]:
        first = min(came)
        # A late one is told again with its neighbours: the browser corrects what it took for lost.
        start = first if self._next < 0 else min(first, self._next)
        if self._newest - start > 4 * MOST_STATUSES:
            start = first
        told: list[bytes] = []
        while start <= self._newest:
            numbers = range(start, min(start + MOST_STATUSES, self._newest + 1))
            times = [came.get(number) for number in numbers]
            if times.count(None) < len(times):
                told.append(self._tell(start, times))
            start = numbers.stop
        self._next = self._newest + 1
        return told

    def _came(self) -> dict[int, float]:
        """Extended number -> when, of what was noted; empties it."""
        noted, self._noted = self._noted, []
        self._before = noted if self.forgives else []
        came: dict[int, float] = {}
        before = newest = self._newest
        for seq, at in noted:
            ext = newest + 1  # the usual case, told by one comparison
            if newest < 0:
                ext = FIRST_CYCLE + seq
            elif seq != ext & SEQ_MASK:
                ext = unwrap_seq(seq, newest)
                if newest - ext >= LATEST:
                    continue
            if ext > newest:
                newest = ext
                came[ext] = at
            else:
                came.setdefault(ext, at)
        self._newest = newest
        self.came += len(came)
        self.expected += newest - before if before >= 0 else len(came)
        return came

    def _tell(self, start: int, times: Sequence[float | None]) -> bytes:
        """One body: when each number from `start` on came; at least one did."""
        ticks = [None if at is None else int(at / TICK_S) for at in times]
        first = next(tick for tick in ticks if tick is not None)
        reference = first // REFERENCE_TICKS
        symbols, deltas = _deltas(ticks, reference * REFERENCE_TICKS)
        head = _HEAD.pack(start & SEQ_MASK, len(times), (reference & 0xFFFFFF) << 8 | self._count)
        self._count = (self._count + 1) & 0xFF
        body = head + b"".join(_U16.pack(chunk) for chunk in _chunks(symbols)) + deltas
        return body + bytes(-len(body) % 4)


def _runs_of(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    """Rising numbers, cut wherever one is missing, and after MOST_STATUSES."""
    begin = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or numbers[at] != numbers[at - 1] + 1 or at - begin == MOST_STATUSES:
            yield numbers[begin:at]
            begin = at


def note_packet(arrivals: Arrivals, packet: bytes, ident: int, now: float) -> None:
    """Note the number that a packet carries in the extension `ident`, if it does: find_extension's walk, in place for its usual form."""
    first = packet[0]
    if not first & EXTENSION_BIT:
        return
    at = FIXED_HEADER + ((first & 0x0F) << 2) + 4
    size = len(packet)
    if at > size:
        return
    if packet[at - 4 : at - 2] != _ONE_BYTE_FORM:
        _note_unusual(arrivals, packet, ident, now)
        return
    end = at + ((packet[at - 2] << 8 | packet[at - 1]) << 2)
    if end > size:
        return
    while at < end:
        head = packet[at]
        if head == 0:
            at += 1
            continue
        after = at + 2 + (head & 0x0F)
        if head >= _RESERVED or after > end:
            return
        if head >> 4 == ident:
            if after == at + 3:
                arrivals.note(packet[at + 1] << 8 | packet[at + 2], now)
            return
        at = after


def _note_unusual(arrivals: Arrivals, packet: bytes, ident: int, now: float) -> None:
    found = find_extension(packet, len(packet), ident)
    if found is not None and found[1] == 2:
        arrivals.note(packet[found[0]] << 8 | packet[found[0] + 1], now)


def _deltas(ticks: Sequence[int | None], before: int) -> tuple[bytes, bytes]:
    """The symbol of each status, and the deltas of those that came. `before`: the reference time."""
    there = [tick for tick in ticks if tick is not None]
    steps = list(map(sub, there, [before, *there]))
    if len(there) == len(ticks) and min(steps) >= 0 and max(steps) <= 0xFF:  # nearly always
        return _RUNS[_SMALL] * len(ticks), bytes(steps)
    symbols, deltas = bytearray(), bytearray()
    for tick in ticks:
        if tick is None:
            symbols.append(_NOT_RECEIVED)
            continue
        delta = tick - before
        if 0 <= delta <= 0xFF:
            symbols.append(_SMALL)
            deltas.append(delta)
        else:
            delta = max(-0x8000, min(0x7FFF, delta))
            symbols.append(_LARGE)
            deltas += _U16.pack(delta & 0xFFFF)
        before += delta
    return bytes(symbols), bytes(deltas)


def _chunks(symbols: bytes) -> Iterable[int]:
    """Runs where they are at least as short as vectors of seven, which hold any mixture."""
    at = 0
    while at < len(symbols):
        symbol, rest = symbols[at], symbols[at:]
        run = len(rest) - len(rest.lstrip(_RUNS[symbol]))
        if run >= _PER_VECTOR or at + run == len(symbols):
            run = min(run, _RUN_MOST)
            yield symbol << 13 | run
            at += run
            continue
        vector = [*symbols[at : at + _PER_VECTOR], *[_NOT_RECEIVED] * _PER_VECTOR][:_PER_VECTOR]
        chunk = 0xC000
        for place, each in enumerate(vector):
            chunk |= each << (12 - 2 * place)
        yield chunk
        at += _PER_VECTOR
