"""A control connection over the bus: two ends that count what they say, so that a lost message ends it and is never overlooked.

Each message is four bytes of its number, big-endian, beginning with 1 in each direction, then one body of media/CONTROL.md. An empty
message is the end.
"""

from __future__ import annotations

from typing import Final

COUNT_BYTES: Final = 4
END: Final = b""


class Broken(ConnectionError):
    """A message was lost, came twice, or is none."""


class Counting:
    """One end: numbers what goes out, checks what comes in."""

    def __init__(self) -> None:
        self._said = 0
        self._heard = 0

    def pack(self, body: bytes) -> bytes:
        """The next message that goes out."""
        self._said += 1
        return self._said.to_bytes(COUNT_BYTES, "big") + body

    def unpack(self, message: bytes) -> bytes:
        """The body of the next message that came in. Raises Broken, after which the connection is over."""
        if len(message) < COUNT_BYTES:
            raise Broken("the other side has ended it")
        self._heard += 1
        number = int.from_bytes(message[:COUNT_BYTES], "big")
        if number != self._heard:
            raise Broken(f"message {number} came in place of {self._heard}")
        return message[COUNT_BYTES:]
