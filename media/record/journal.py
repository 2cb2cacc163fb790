"""The journal of one room: append-only, chained, encrypted, fsynced (EVIDENCE.md).

The caller hands over packets and events; one thread cuts a block out of them three times in two seconds, encrypts, chains, writes and fsyncs it.
The first failed write or fsync ends the journal for good: the state is `failed`, the callback is called once, and every later
seal raises. Nothing is ever retried as if the disk were clean (fsync gate).
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from media.record import layout
from media.record.chain import Head, key_id
from media.record.pending import Pending
from media.record.segments import JournalDamaged, Tail, read_tail
from media.record.volumes import Volumes
from media.record.writer import Clocks, SegmentWriter

# So much media a crash may cost, and what the disk takes to write it; the promise is one second. A recorder asks a little sooner (write_soon).
BLOCK_SECONDS = 0.65
# An idle room still shows twice a minute that its recorder is alive.
HEARTBEAT_SECONDS = 30.0
# About five minutes of one 1.5 Mbit/s sender: a disk this far behind does not catch up.
MAX_PENDING_BYTES = 64 << 20
# A jump of the wall clock against the monotonic one that deserves an entry.
CLOCK_JUMP_US = 500_000


class State(Enum):
    RECORDING = "recording"  # everything given is, or will be within a second, on disk
    CLOSED = "closed"  # the last block says so; nothing more is accepted
    FAILED = "failed"  # a write or fsync failed; nothing since the last head is taken for recorded


class JournalFailed(RuntimeError):
    """The journal could not be written; the message is the cause."""


def system_clocks() -> tuple[int, int]:
    """(unix microseconds, monotonic microseconds)."""
    return time.time_ns() // 1000, time.monotonic_ns() // 1000


@dataclass(frozen=True, slots=True)
class Status:
    """What may be told about a journal at any moment."""

    state: State
    head: Head
    cause: str | None
    bytes_written: int
    packets: int


class Journal:
    """Made by Journal.open. packet, report, missing and event may be called from any thread and never wait for the disk."""

    def __init__(
        self,
        writer: SegmentWriter,
        volumes: Volumes,
        tail: Tail,
        clocks: Clocks,
        on_failure: Callable[[str], None] | None,
    ) -> None:
        self._writer = writer
        self._volumes = volumes
        self._clocks = clocks
        self._on_failure = on_failure
        self._lock = threading.Lock()  # the plain lock is a third of a microsecond cheaper to take, for each packet
        self._wake = threading.Condition(self._lock)
        self._pending = Pending(tail.next_event, tail.next_stream)
        self._waiting: list[Future[Head]] = []
        self._state = State.RECORDING
        self._cause: str | None = None
        self._closing = False
        self._hurry = False
        self._packets = 0
        self._last_offset_us: int | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        session: str,
        room: str,
        key: bytes,
        facts: dict[str, Any],
        epoch: int = 0,
        second: Path | None = None,
        clocks: Clocks = system_clocks,
        on_failure: Callable[[str], None] | None = None,
    ) -> Journal:
        """Create the journal, or continue the one in `directory`: the chain goes on, a torn tail stays and is declared.

        Blocks (reads the last segment, fsyncs the first block): call it in a thread.
        key      32 bytes; never written.
        facts    JSON object for the first event.
        epoch    the owner's: a writer with a lower one is fenced off (fence.py).
        second   a directory on another volume, which takes over when this one is full or fails (volumes.py).
        on_failure  called once with the cause, in the journal's thread or in that of whoever gave the packet too much.
        Raises   JournalBusy while another process writes it with a right to, JournalDamaged for another session, room or key, OSError.
        """
        directories = (directory,) if second is None else (directory, second)
        volumes = Volumes.lock(directories, epoch)
        try:
            tail = read_tail(*directories)
            _check_same(tail, session, room, key)
            writer = SegmentWriter(volumes, session=session, room=room, key=key, tail=tail, clocks=clocks)
            journal = cls(writer, volumes, tail, clocks, on_failure)
            journal._begin(tail, facts)
        except BaseException:
            volumes.close()
            raise
        return journal

    def _begin(self, tail: Tail, facts: dict[str, Any]) -> None:
        self._writer.open_segment(self._pending.next_event, self._pending.next_stream)
        if tail.header is not None:
            gap_us = self._clocks()[0] - tail.wall_us
            self.event("continued", None, {"facts": facts, "gap_us": gap_us, "torn": list(tail.torn)})
        else:
            self.event("opened", None, {"facts": facts, "torn": list(tail.torn)})
        self._write_block()
        self._thread.start()

    @property
    def status(self) -> Status:
        return Status(self._state, self._writer.head, self._cause, self._writer.bytes_written, self._packets)

    def stream(
        self,
        seat: str,
        source: str,
        kind: str,
        *,
        ssrc: int,
        codec: str,
        clock_rate: int,
        payload_type: int,
        channels: int = 1,
        fmtp: str = "",
        rid: str | None = None,
        at_us: int | None = None,
        ledger: bool = False,
    ) -> int:
        """Declare one stream epoch (a new SSRC, codec or source is a new one) and get its number.

        kind    `audio` or `video`.   codec   `opus`, `VP8`, `H264`.   rid   simulcast layer, None without.
        ledger  promises that every number is recorded or declared, and that `stream_ended` will follow.
        """
        with self._wake:
            number = self._pending.open_stream()
        facts: dict[str, Any] = {
            "stream": number, "source": source, "kind": kind, "ssrc": ssrc, "codec": codec, "clock_rate": clock_rate,
            "payload_type": payload_type, "channels": channels, "fmtp": fmtp, "rid": rid,
        }  # fmt: skip
        if ledger:
            facts["ledger"] = True
        self.event("stream", seat, facts, at_us)
        return number

    def packet(self, stream: int, arrival_us: int, rtp: bytes | bytearray | memoryview) -> None:
        """Append one decrypted RTP packet. arrival_us is monotonic. Copies the bytes; costs about a microsecond."""
        if self._state is not State.RECORDING:
            return
        self._packets += 1
        with self._lock:
            waiting = self._pending.add_record(stream, layout.RTP, arrival_us, rtp)
        if waiting > MAX_PENDING_BYTES:
            self._fail_slow()

    def records(self, stream: int, records: bytes, count: int) -> None:
        """Append `count` packets that are records already (layout.encode_record), one behind the other."""
        if self._state is not State.RECORDING:
            return
        self._packets += count
        with self._lock:
            waiting = self._pending.add_records(stream, records, count)
        if waiting > MAX_PENDING_BYTES:
            self._fail_slow()

    def report(
        self, stream: int, arrival_us: int, ntp: int, rtp_timestamp: int, packets: int = 0, octets: int = 0
    ) -> None:
        """Append one RTCP sender report. ntp is 32.32 fixed point. Source: RFC 3550 6.4.1."""
        body = layout.REPORT.pack(ntp, rtp_timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
        self._append(stream, layout.SENDER_REPORT, arrival_us, body)

    def missing(self, stream: int, arrival_us: int, first_seq: int, count: int) -> None:
        """Declare that `count` packets from `first_seq` never came and are no longer asked for."""
        self._append(stream, layout.MISSING_PACKETS, arrival_us, layout.MISSING.pack(first_seq & 0xFFFF, count))

    def withheld(self, stream: int, arrival_us: int, first_seq: int, count: int) -> None:
        """Declare that `count` packets from `first_seq` were sent and not recorded, because the stream was paused."""
        self._append(stream, layout.WITHHELD_PACKETS, arrival_us, layout.MISSING.pack(first_seq & 0xFFFF, count))

    def event(
        self, kind: str, seat: str | None, data: dict[str, Any], at_us: int | None = None, *, private: bool = False
    ) -> None:
        """Append one session event. A private one gets a chunk of its own, so that a pack can leave it out alone.

        at_us   monotonic microseconds; None is now.
        """
        wall_us, mono_us = self._clocks()
        at_us = mono_us if at_us is None else at_us
        with self._wake:
            if self._state is State.RECORDING:
                self._pending.add_event(kind, seat, data, at_us, wall_us - mono_us + at_us, private=private)

    def _append(self, stream: int, kind: int, arrival_us: int, body: bytes | bytearray | memoryview) -> None:
        with self._lock:
            waiting = self._pending.add_record(stream, kind, arrival_us, body)
        if waiting > MAX_PENDING_BYTES:
            self._fail_slow()

    def _fail_slow(self) -> None:
        """The thread hangs in the disk; whoever gives us packets must not wait for it to find out."""
        self._fail(f"the disk cannot follow: {MAX_PENDING_BYTES >> 20} MiB wait to be written")

    def write_soon(self) -> None:
        """The thread writes what was given until now; nobody waits for it."""
        with self._wake:
            self._hurry = True
            self._wake.notify()

    async def seal(self) -> Head:
        """Everything given before this call is on disk when it returns. Raises JournalFailed."""
        return await asyncio.wrap_future(self._ask())

    async def close(self, reason: str) -> Head:
        """Write the closing event, fsync, end. Idempotent. Raises JournalFailed when it did not reach the disk."""
        self.event("closed", None, {"reason": reason})
        head = await asyncio.wrap_future(self._ask(closing=True))
        await asyncio.to_thread(self._thread.join)
        return head

    def seal_blocking(self) -> Head:
        """As seal, for callers without an event loop."""
        return self._ask().result()

    def close_blocking(self, reason: str) -> Head:
        """As close, for callers without an event loop."""
        self.event("closed", None, {"reason": reason})
        head = self._ask(closing=True).result()
        self._thread.join()
        return head

    def _ask(self, *, closing: bool = False) -> Future[Head]:
        future: Future[Head] = Future()
        # From here nobody can cancel it: the thread may answer at any moment.
        future.set_running_or_notify_cancel()
        with self._wake:
            if self._state is State.RECORDING:
                self._waiting.append(future)
                self._closing |= closing
                self._wake.notify()
            else:
                self._answer([future])
        return future

    def _answer(self, waiting: list[Future[Head]]) -> None:
        for future in waiting:
            if self._state is State.FAILED:
                future.set_exception(JournalFailed(self._cause))
            else:
                future.set_result(self._writer.head)

    def _run(self) -> None:
        while self._state is State.RECORDING:
            with self._wake:
                if not self._waiting and not self._hurry:
                    self._wake.wait(BLOCK_SECONDS)
                self._hurry = False
                waiting, self._waiting = self._waiting, []
                closing = self._closing
            self._turn(waiting, closing)
        self._end()

    def _turn(self, waiting: list[Future[Head]], closing: bool) -> None:
        try:
            self._note_clock_jump()
            self._write_block()
        except Exception as error:
            # Whatever it was, the last block may not be whole on disk: the journal ends here, aloud.
            self._fail(f"{type(error).__name__}: {error}")
        with self._wake:
            if closing and self._state is State.RECORDING:
                self._state = State.CLOSED
        self._answer(waiting)

    def _end(self) -> None:
        with self._wake:
            self._answer(self._waiting)
            self._pending.clear()
        self._writer.close()
        self._volumes.close()

    def _fail(self, cause: str) -> None:
        """The first cause counts, and is told once."""
        with self._wake:
            first = self._state is State.RECORDING
            if first:
                self._state, self._cause = State.FAILED, cause
                self._pending.clear()
        if first and self._on_failure is not None:
            self._on_failure(cause)

    def _write_block(self) -> None:
        with self._wake:
            cut = self._pending.cut()
        if cut is not None or self._writer.idle_seconds() >= HEARTBEAT_SECONDS:
            self._writer.write(cut)
            self._note_moves()

    def _note_moves(self) -> None:
        """The journal goes on on another volume: it says so itself, behind the block that was written there first."""
        while self._writer.moves:
            self.event("volume_changed", None, self._writer.moves.pop(0))

    def _note_clock_jump(self) -> None:
        wall_us, mono_us = self._clocks()
        offset_us = wall_us - mono_us
        before, self._last_offset_us = self._last_offset_us, offset_us
        if before is not None and abs(offset_us - before) > CLOCK_JUMP_US:
            self.event("clock_jumped", None, {"by_us": offset_us - before})


def _check_same(tail: Tail, session: str, room: str, key: bytes) -> None:
    header = tail.header
    if header is None:
        return
    found, wanted = (header.session, header.room, header.key_id), (session, room, key_id(key))
    for name, here, asked in zip(("session", "room", "key"), found, wanted, strict=True):
        if here != asked:
            raise JournalDamaged(f"the journal here is of {name} {here}, not {asked}")


def new_session_key() -> bytes:
    return secrets.token_bytes(32)
