"""The ledger of one recorded stream: which numbers came, which were withheld, which are declared missing.

    received + missing + withheld = sent          (all numbers from the first to the last one seen)

The live path stops asking for a packet when no subscriber could use it any more (loss.py). A recording has more time: what the live
path has given up is asked for again here, gently, until the sender's own memory has forgotten it too; then it is declared.

Cases for an arriving number n, highest so far h:
1. n = h+1: the common one.
2. n > h+1: h+1..n-1 are missing from now on. More than MAX_WAITING at once: the line was gone; they are declared at once.
3. n is missing: it came after all.
4. n shortly before the first one: the stream begins there; what lies between is missing.
5. else it was here before, or is declared already: refused, or the sum would not be right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from media.core.loss import START_SLACK
from media.core.seqno import FIRST_CYCLE, SEQ_MASK, unwrap_seq

# libwebrtc keeps a sent packet about three seconds; an answer under way may take the fourth.
EVIDENCE_AGE_S = 4.0
EVIDENCE_RETRY_S = 0.5
# Ten times a second: 100 packets a second are about 1 Mbit/s. After an outage the live picture needs the line more.
ASK_AT_ONCE = 10
MAX_WAITING = 2048

Range = tuple[int, int]  # first 16-bit number, count


class _Wanted:
    __slots__ = ("asked_at", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.asked_at = since - EVIDENCE_RETRY_S


class Ledger:
    """See the module. `received`, `missing` (declared) and `withheld` are counts; `waiting`: there is something to look after."""

    __slots__ = ("_declared", "_first", "_highest", "_next", "_wanted", "missing", "received", "withheld")

    def __init__(self) -> None:
        self._next = -1  # 16 bit; -1 before the first packet
        self._first = self._highest = -1  # extended
        self._wanted: dict[int, _Wanted] = {}
        self._declared: list[Range] = []
        self.received = self.missing = self.withheld = 0

    @property
    def waiting(self) -> int:
        return len(self._wanted) + len(self._declared)

    @property
    def sent(self) -> int:
        """How many numbers the sender has used, as far as we can know."""
        return self._highest - self._first + 1 if self._first >= 0 else 0

    def receive(self, seq: int, now: float) -> bool:
        """Take a number. False: it stands in the ledger already (case 5); do not record it."""
        if seq == self._next:
            self._next = (seq + 1) & SEQ_MASK
            self._highest += 1
            self.received += 1
            return True
        return self._receive_out_of_order(seq, now)

    def fill(self, seq: int) -> bool:
        """Take a number only if it is missing (case 3)."""
        if self._first < 0 or self._wanted.pop(unwrap_seq(seq, self._highest), None) is None:
            return False
        self.received += 1
        return True

    def skip(self, count: int) -> list[Range]:
        """The next so many numbers were sent and are withheld; returns them."""
        if self._first < 0 or count <= 0:
            return []
        start = self._highest + 1
        self._highest += count
        self._next = (self._highest + 1) & SEQ_MASK
        self.withheld += count
        return _cut(start, count)

    def due(self, now: float, still_live: Callable[[int], bool]) -> list[int]:
        """Numbers (16 bit) to ask for now: those that the live path has given up, oldest first."""
        ask: list[int] = []
        for ext, wanted in self._wanted.items():
            if now - wanted.asked_at >= EVIDENCE_RETRY_S and not still_live(ext & SEQ_MASK):
                wanted.asked_at = now
                ask.append(ext & SEQ_MASK)
                if len(ask) == ASK_AT_ONCE:
                    break
        return ask

    def declare(self, now: float) -> list[Range]:
        """Give up what is too old; returns all that is newly declared missing."""
        self._give_up([ext for ext, wanted in self._wanted.items() if now - wanted.since >= EVIDENCE_AGE_S])
        return self._take_declared()

    def end(self) -> list[Range]:
        """The stream is over: everything that still waits is declared missing."""
        self._give_up(list(self._wanted))
        return self._take_declared()

    def _receive_out_of_order(self, seq: int, now: float) -> bool:
        if self._next < 0:
            self._first = self._highest = FIRST_CYCLE + seq
        else:
            ext = unwrap_seq(seq, self._highest)
            if ext <= self._highest:
                return self.fill(seq) or self._begin_earlier(ext, now)
            self._want(self._highest + 1, ext, now)
            self._highest = ext
        self._next = (self._highest + 1) & SEQ_MASK
        self.received += 1
        return True

    def _begin_earlier(self, ext: int, now: float) -> bool:
        if not self._first - START_SLACK <= ext < self._first:
            return False
        self._want(ext + 1, self._first, now)
        self._first = ext
        self.received += 1
        return True

    def _want(self, start: int, end: int, now: float) -> None:
        count = end - start
        if count + len(self._wanted) > MAX_WAITING:
            self.missing += count
            self._declared += _cut(start, count)
        else:
            self._wanted.update((ext, _Wanted(now)) for ext in range(start, end))

    def _give_up(self, numbers: list[int]) -> None:
        for ext in numbers:
            del self._wanted[ext]
        self.missing += len(numbers)
        self._declared += _ranges(sorted(numbers))

    def _take_declared(self) -> list[Range]:
        declared, self._declared = self._declared, []
        return declared


def _ranges(numbers: list[int]) -> list[Range]:
    """Rising extended numbers as ranges."""
    starts = [n for before, n in pairwise([-2, *numbers]) if n != before + 1]
    ends = [n + 1 for n, after in pairwise([*numbers, -2]) if after != n + 1]
    return [cut for start, end in zip(starts, ends, strict=True) for cut in _cut(start, end - start)]


def _cut(start: int, count: int) -> list[Range]:
    """A range in pieces whose count fits 16 bits."""
    pieces: Iterable[int] = range(start, start + count, SEQ_MASK)
    return [(piece & SEQ_MASK, min(SEQ_MASK, start + count - piece)) for piece in pieces]


class Roll:
    """What a path has recorded of one up stream by itself, and the ledger that counts it.

    Only packets that follow one another are there. Whoever writes anything else of the stream takes the roll first.
    """

    __slots__ = ("ledger",)

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def take(self) -> tuple[bytes, int]:
        """Records of the journal (record/layout.py), and how many; the roll is empty afterwards."""
        return b"", 0
