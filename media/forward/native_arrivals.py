"""What came of a browser and when, noted and told by C (arrivals.h)."""

from __future__ import annotations

import ctypes
from ctypes import addressof
from struct import Struct
from typing import Final

from media.core.seqno import SEQ_MASK
from media.core.transport_cc import Arrivals
from media.forward.native_memory import ArrivalMemory, LaneMemory, Library

# Bodies of feedback about ARRIVALS packets, however far apart: 128 times what is not a status, and their deltas.
TOLD_BYTES: Final = 16 << 10
_SIZE: Final = Struct("=I")


class SharedArrivals(Arrivals):
    """core/transport_cc.py Arrivals, noted and told by C (arrivals.h)."""

    __slots__ = ("_library", "memory")

    def __init__(self, memory: LaneMemory, library: Library) -> None:
        super().__init__()  # nothing is noted there
        self.memory = memory
        self._library = library

    def note(self, seq: int, at: float) -> None:
        self._library.note(addressof(self.memory), seq, at)

    def fetch(self) -> None:
        """Take over from C what came since: it is told here while anything is told otherwise than it is."""
        memory = self.memory
        if memory.arrival_count and memory.arrivals:
            for each in (ArrivalMemory * memory.arrival_count).from_address(memory.arrivals):
                super().note(each.number & SEQ_MASK, each.at)
            memory.arrival_count = 0
        memory.told_to = memory.newest + 1

    def take(self) -> list[bytes]:
        if self.gentle:
            self.fetch()
            return super().take()
        room = ctypes.create_string_buffer(TOLD_BYTES)
        told = memoryview(room)[: self._library.arrivals(addressof(self.memory), room, TOLD_BYTES)]
        bodies: list[bytes] = []
        while told:
            (size,) = _SIZE.unpack_from(told)
            bodies.append(bytes(told[_SIZE.size : _SIZE.size + size]))
            told = told[_SIZE.size + size :]
        return bodies
