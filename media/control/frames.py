"""Frames of the control protocol on a byte stream: 4 bytes big-endian length, then that many bytes (media/CONTROL.md)."""

from __future__ import annotations

from typing import Final

LENGTH_BYTES: Final = 4
# An SDP of a browser with forty m-lines is about 100 KiB; nothing we send is larger than a few of them.
MAX_FRAME: Final = 1 << 20


class FrameTooLarge(ValueError):
    """The other side announced a frame above 1 MiB; the connection must end."""


def frame(body: bytes) -> bytes:
    """One message body as it goes on the wire. Raises FrameTooLarge."""
    if len(body) > MAX_FRAME:
        raise FrameTooLarge(f"frame of {len(body)} bytes")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class FrameReader:
    """Cuts a byte stream into message bodies; holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def receive(self, data: bytes) -> list[bytes]:
        """Bodies completed by `data`, in order. Raises FrameTooLarge, after which the reader must be dropped."""
        self._pending += data
        bodies: list[bytes] = []
        while (body := self._take()) is not None:
            bodies.append(body)
        return bodies

    def _take(self) -> bytes | None:
        pending = self._pending
        if len(pending) < LENGTH_BYTES:
            return None
        length = int.from_bytes(pending[:LENGTH_BYTES], "big")
        if length > MAX_FRAME:
            raise FrameTooLarge(f"frame of {length} bytes")
        end = LENGTH_BYTES + length
        if len(pending) < end:
            return None
        body = bytes(pending[LENGTH_BYTES:end])
        del pending[:end]
        return body
