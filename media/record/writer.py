"""Writes blocks into segment files. Every method may raise OSError, after which nothing here may be used again.

With a second volume the first OSError is no end: the block is written anew there, in the next segment, which declares what the failed one left.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from media.record import layout
from media.record.chain import (
    SALT_BYTES,
    ChunkKeys,
    after_block,
    after_segment,
    chunk_commitment,
    encrypt_chunk,
    key_id,
    sha256,
)
from media.record.fence import check_not_taken
from media.record.lanes import sm3_of_all
from media.record.pending import Buffer, Cut
from media.record.segments import Tail, segment_path, sync_directory, tear_of, write_all
from media.record.volumes import Volumes

Clocks = Callable[[], tuple[int, int]]
# A file small enough to copy and to check while a session runs; a 3-party hour makes about thirty.
SEGMENT_BYTES = 64 << 20


class SegmentWriter:
    """Owns the open segment file and the head of the chain."""

    def __init__(self, volumes: Volumes, *, session: str, room: str, key: bytes, tail: Tail, clocks: Clocks) -> None:
        self._volumes = volumes
        self._session = session
        self._room = room
        self._key = key
        self._clocks = clocks
        self._number = tail.segment
        self._torn: tuple[dict[str, Any], ...] = tail.torn
        self._descriptor = -1
        self._size = 0
        self._last_mono_us = 0
        self._counters = (tail.next_event, tail.next_stream)
        self._boot = boot_id()
        self.head = tail.head
        self.bytes_written = 0
        self.moves: list[dict[str, Any]] = []

    def open_segment(self, next_event: int, next_stream: int) -> None:
        """Begin the next segment file, where there is a volume for it."""
        self._counters = (next_event, next_stream)
        try:
            self._open_segment()
        except FileExistsError:
            raise  # another owner's
        except OSError as error:
            self._move(error)

    def _open_segment(self) -> None:
        """Begin the next segment file on the current volume and make its name durable."""
        self._number += 1
        self._size = 0
        salt = secrets.token_bytes(SALT_BYTES)
        self._keys = ChunkKeys(self._key, salt)
        line = layout.canonical(self._header(salt, *self._counters))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        directory = self._volumes.current
        self._descriptor = os.open(segment_path(directory, self._number), flags, 0o600)
        size = self._put([layout.encode_segment(line)])
        sync_directory(directory)
        self._size = size
        self.head = after_segment(self.head, line)
        self._torn = ()

    def _header(self, salt: bytes, next_event: int, next_stream: int) -> dict[str, Any]:
        wall_us, mono_us = self._clocks()
        return {
            "laizuo": "journal", "format": layout.FORMAT, "session": self._session, "room": self._room, "segment": self._number,
            "salt": salt.hex(), "key_id": key_id(self._key), "block": self.head.block, "prev": self.head.sha256.hex(),
            "prev_sm3": self.head.sm3.hex(), "next_event": next_event, "next_stream": next_stream, "torn": list(self._torn),
            "clock": {"wall_us": wall_us, "mono_us": mono_us, "boot": self._boot},
        }  # fmt: skip

    def write(self, cut: Cut | None) -> None:
        """Append one block and fsync it; the head moves only afterwards. None writes an empty block (alive)."""
        counters = self._counters
        try:
            if self._volumes.is_short():
                self._move(None)
            self._append(cut)
        except FileExistsError:
            raise  # another owner's
        except OSError as error:
            self._counters = counters
            self._move(error)
            self._append(cut)

    def _append(self, cut: Cut | None) -> None:
        if self._size > SEGMENT_BYTES:
            self.close()
            self._open_segment()
        number = self.head.block + 1
        buffers = cut.buffers if cut else []
        self._counters = (cut.next_event, cut.next_stream) if cut else self._counters
        keys = [self._keys.key(number, index) for index in range(len(buffers))]
        bodies = [encrypt_chunk(key, _joined(buffer)) for key, buffer in zip(keys, buffers, strict=True)]
        facts = zip(buffers, keys, bodies, sm3_of_all(bodies), strict=True)
        leaves = [_descriptor(index, *fact) for index, fact in enumerate(facts)]
        line = layout.canonical(self._block_line(number))
        head = after_block(self.head, number, line, leaves)
        self._size += self._put([layout.encode_block(line, leaves, head), *bodies])
        self.head = head

    def _move(self, error: OSError | None) -> None:
        """Go on in the next segment on another volume; `error` is why (it is raised when there is none), None: this one is nearly full."""
        since_us, cause = self._clocks()[1], error.strerror or str(error) if error else "nearly full"
        here = [] if error is not None else [self._volumes.current]
        for directory in [*self._volumes.others(), *here]:
            if error is not None:
                self._volumes.fail(error)
                self._torn += tear_of(segment_path(self._volumes.current, self._number), self._number, self._size)
            self.close()
            try:
                with self._volumes.going_to(directory):
                    self._open_segment()
            except FileExistsError:
                raise  # another owner's
            except OSError as another:
                error = another
            else:
                stood_us = self._clocks()[1] - since_us
                facts = {"volume": self._volumes.number, "segment": self._number, "cause": cause, "stood_us": stood_us}
                self.moves.append(facts)
                return
        if error is not None:
            raise error

    def _block_line(self, number: int) -> dict[str, Any]:
        wall_us, mono_us = self._clocks()
        self._last_mono_us = mono_us
        return {
            "block": number, "wall_us": wall_us, "mono_us": mono_us, "prev": self.head.sha256.hex(), "prev_sm3": self.head.sm3.hex(),
            "next_event": self._counters[0], "next_stream": self._counters[1],
        }  # fmt: skip

    def _put(self, parts: list[bytes]) -> int:
        size = write_all(self._descriptor, parts)
        os.fsync(self._descriptor)
        check_not_taken(self._descriptor)
        self._volumes.check_not_taken()
        self.bytes_written += size
        return size

    def idle_seconds(self) -> float:
        return (self._clocks()[1] - self._last_mono_us) / 1e6

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _joined(buffer: Buffer) -> bytes:
    return buffer.parts[0] if len(buffer.parts) == 1 else b"".join(buffer.parts)


def _descriptor(index: int, buffer: Buffer, key: bytes, body: bytes, sm3: bytes) -> bytes:
    """The line that describes one chunk; `body` is its ciphertext."""
    facts: dict[str, Any] = {
        "chunk": index, "records": buffer.records, "len": len(body), "sha256": sha256(body).hex(), "sm3": sm3.hex(),
        "commit": chunk_commitment(key),
    }  # fmt: skip
    if buffer.stream is not None:
        facts["stream"] = buffer.stream
    elif buffer.private:
        facts["private"] = True
    return layout.canonical(facts)


def boot_id() -> str:
    """Tells whether two segments share one monotonic clock. A digest, because the id itself names the machine."""
    try:
        raw = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        raw = uuid.getnode().to_bytes(8, "big")
    return sha256(b"laizuo/1 boot" + raw).hex()[:16]
