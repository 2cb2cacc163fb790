"""Checks a journal's ledger: per stream, received + declared missing + withheld = sent (EVIDENCE.md, section 5). No I/O, no clock."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from media.core.seqno import FIRST_CYCLE, SEQ_MASK, unwrap_seq
from media.record.layout import MISSING, MISSING_PACKETS, RECORD, RTP, WITHHELD_PACKETS, BadLayout

_LEAST = RECORD.size - 2
_LEAST_RTP = _LEAST + 12
# Length, type, and the sequence number if it is a packet: as far as the shortest records that count here reach.
_GLANCE = struct.Struct(">HB10xH")
# Kinds of events after which a writer declares nothing any more for streams before.
_WRITER_ENDS = ("continued", "closed")


class _Book:
    """One stream: what its records say about its numbers."""

    __slots__ = ("first", "highest", "missing", "next", "open", "received", "twice", "withheld")

    def __init__(self) -> None:
        self.next = -1
        self.first = self.highest = -1
        self.open: set[int] = set()  # numbers that nothing was said about yet
        self.received = self.missing = self.withheld = self.twice = 0

    def follow(self, count: int) -> None:
        """So many numbers came, each the next."""
        if count:
            self.received += count
            self.highest += count
            self.next = (self.highest + 1) & SEQ_MASK

    def packet(self, seq: int) -> None:
        """A number out of order."""
        self.received += 1
        self._take(seq, 1)

    def declare(self, seq: int, count: int, kind: int) -> None:
        if kind == MISSING_PACKETS:
            self.missing += count
        else:
            self.withheld += count
        self._take(seq, count)

    def _take(self, seq: int, count: int) -> None:
        if self.highest < 0:
            self.first, self.highest = FIRST_CYCLE + seq, FIRST_CYCLE + seq - 1
        start = unwrap_seq(seq, self.highest)
        self._reach(start)
        for number in range(start, start + count):
            if number > self.highest:
                self.highest = number
            elif number in self.open:
                self.open.discard(number)
            else:
                self.twice += 1
        self.next = (self.highest + 1) & SEQ_MASK

    def _reach(self, start: int) -> None:
        """Everything between what is known and `start` is open."""
        self.open.update(range(self.highest + 1, start))
        if start < self.first:
            self.open.update(range(start, self.first))
            self.first = start

    @property
    def sent(self) -> int:
        return self.highest - self.first + 1 if self.highest >= 0 else 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A ledger that does not add up. `is_damage` False: its writer was stopped before it could declare the rest."""

    stream: int
    what: str
    is_damage: bool


class LedgerCheck:
    """Feed it each chunk and each event in order; then ask for `findings` and `summary`."""

    def __init__(self) -> None:
        self._books: dict[int, _Book] = {}
        self._promised: dict[int, dict[str, Any]] = {}  # stream -> what its end says; {} while it has none
        self._stopped: set[int] = set()
        self._withheld: set[int] = set()

    def event(self, event: dict[str, Any]) -> None:
        data = event.get("data")
        facts: dict[str, Any] = data if isinstance(data, dict) else {}
        stream = facts.get("stream")
        if event.get("kind") == "stream" and facts.get("ledger") is True and isinstance(stream, int):
            self._promised[stream] = {}
        elif event.get("kind") == "stream_ended" and isinstance(stream, int):
            self._promised[stream] = facts
        elif event.get("kind") in _WRITER_ENDS:
            self._stopped |= {number for number, ended in self._promised.items() if not ended}

    def skip(self, stream: int) -> None:
        """A chunk of this stream cannot be read: its ledger cannot be checked."""
        self._withheld.add(stream)

    def take(self, stream: int, plaintext: bytes) -> int:
        """Read one chunk; returns the number of its records. Raises BadLayout."""
        book = self._books.setdefault(stream, _Book())
        glance, following = _GLANCE.unpack_from, book.next
        end = len(plaintext)
        last = end - _GLANCE.size
        at = count = in_order = 0
        while at <= last:
            length, kind, seq = glance(plaintext, at)
            after = at + 2 + length
            if after > end:
                break
            if seq == following and kind == RTP and length >= _LEAST_RTP:
                following = seq + 1 if seq != SEQ_MASK else 0
                in_order += 1
            elif length < _LEAST:
                break
            else:
                book.follow(in_order)
                count += in_order + 1
                in_order = 0
                self._other(book, plaintext, at, length)
                following = book.next
            at = after
        book.follow(in_order)
        count += in_order
        while at + RECORD.size <= end:  # too short to be glanced at, and so none that counts
            length = plaintext[at] << 8 | plaintext[at + 1]
            if length < _LEAST or at + 2 + length > end:
                break
            at += 2 + length
            count += 1
        if at != end:
            raise BadLayout(f"the records end at byte {at} of {end}")
        return count

    def _other(self, book: _Book, plaintext: bytes, at: int, length: int) -> None:
        """A record that is not the next packet."""
        _, kind, seq = _GLANCE.unpack_from(plaintext, at)
        if kind == RTP and length >= _LEAST_RTP:
            book.packet(seq)
        elif kind in (MISSING_PACKETS, WITHHELD_PACKETS) and length == _LEAST + MISSING.size:
            first, numbers = MISSING.unpack_from(plaintext, at + RECORD.size)
            book.declare(first, numbers, kind)

    def findings(self) -> Iterator[Finding]:
        for stream in sorted(self._promised.keys() - self._withheld):
            book = self._books.get(stream, _Book())
            ended = self._promised[stream]
            stopped = not ended
            if book.open:
                what = f"{len(book.open)} of {book.sent} packets sent were neither received nor declared"
                yield Finding(stream, what + (": its writer was stopped" if stopped else ""), not stopped)
            if book.twice:
                yield Finding(stream, f"{book.twice} packets are accounted for twice", True)
            said = (ended.get("received"), ended.get("missing"), ended.get("withheld"))
            if not stopped and said != (book.received, book.missing, book.withheld):
                yield Finding(
                    stream, f"its end says received, missing, withheld = {said}, the records say otherwise", True
                )

    def summary(self) -> str | None:
        """The sum over all streams that promise a ledger; None when none does."""
        books = [self._books[s] for s in self._promised.keys() - self._withheld if s in self._books]
        if not books:
            return None
        received, missing, withheld = (
            sum(getattr(b, name) for b in books) for name in ("received", "missing", "withheld")
        )
        open_, sent = sum(len(b.open) for b in books), sum(b.sent for b in books)
        unsaid = f" + {open_} not said" if open_ else ""
        hidden = f"; {len(self._withheld)} streams not checkable" if self._withheld else ""
        return (
            f"ledger of {len(books)} streams: {received} packets received + {missing} declared missing + {withheld} withheld"
            f"{unsaid} = {sent} sent{hidden}"
        )
