"""What waits to be written: one buffer per stream, and the events. No lock here; the journal holds its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from media.record import layout
from media.record.layout import RECORD

_HEAD = RECORD.size
_OVERHEAD = _HEAD - 2


@dataclass(slots=True)
class Buffer:
    """Records of one stream, or events as JSON lines."""

    stream: int | None
    parts: list[bytes] = field(default_factory=list)
    records: int = 0
    private: bool = False


@dataclass(slots=True)
class Cut:
    """The content of one block. counters are those after it."""

    buffers: list[Buffer]
    next_event: int
    next_stream: int


class Pending:
    """Collects between two cuts. `bytes` is what it holds."""

    __slots__ = ("_events", "_private", "_streams", "bytes", "next_event", "next_stream")

    def __init__(self, next_event: int, next_stream: int) -> None:
        self.next_event = next_event
        self.next_stream = next_stream
        self.clear()

    def clear(self) -> None:
        self.bytes = 0
        self._streams: dict[int, Buffer] = {}
        self._events = Buffer(None)
        self._private: list[Buffer] = []

    def open_stream(self) -> int:
        number = self.next_stream
        self.next_stream += 1
        return number

    def add_record(self, stream: int, kind: int, arrival_us: int, body: bytes | bytearray | memoryview) -> int:
        """Returns the bytes that wait."""
        buffer = self._streams.get(stream)
        if buffer is None:
            buffer = self._streams[stream] = Buffer(stream)
        size = len(body)
        # What is bytes already is not copied here, on the packet path, but once in the writer's thread.
        buffer.parts += (RECORD.pack(size + _OVERHEAD, kind, arrival_us), bytes(body))
        buffer.records += 1
        self.bytes += size + _HEAD
        return self.bytes

    def add_records(self, stream: int, records: bytes, count: int) -> int:
        """Several records of a stream in one piece. Returns the bytes that wait."""
        buffer = self._streams.get(stream)
        if buffer is None:
            buffer = self._streams[stream] = Buffer(stream)
        buffer.parts.append(records)
        buffer.records += count
        self.bytes += len(records)
        return self.bytes

    def add_event(
        self, kind: str, seat: str | None, data: dict[str, Any], at_us: int, wall_us: int, *, private: bool
    ) -> None:
        fact = {"n": self.next_event, "at_us": at_us, "wall_us": wall_us, "kind": kind, "seat": seat, "data": data}
        line = layout.canonical(fact) + b"\n"
        self.next_event += 1
        buffer = Buffer(None, private=True) if private else self._events
        if private:
            self._private.append(buffer)
        buffer.parts.append(line)
        buffer.records += 1
        self.bytes += len(line)

    def cut(self) -> Cut | None:
        """Takes everything; None when nothing waits. Events come first, so that a stream is declared before its packets."""
        if not self.bytes:
            return None
        events = [self._events] if self._events.records else []
        buffers = [*events, *self._private, *self._streams.values()]
        self.clear()
        return Cut(buffers, self.next_event, self.next_stream)
