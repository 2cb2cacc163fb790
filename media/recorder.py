"""The recorder of a room: a subscriber like any other, except that it forgets nothing (media/record/journal.py).

Packets and events go to the journal's own thread, so that no disk ever holds up a voice. What waits for the disk (open, note,
seal, close) is awaited by the control message that asked for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from media.control.codec import BadMessage
from media.control.messages import Record, RecordStatus
from media.core.ledger import Range
from media.core.red import NO_PT
from media.forward.path import UpStream
from media.net.answer import Negotiated
from media.record.journal import Journal, JournalFailed, State
from media.record.segments import JournalDamaged
from media.record.volumes import spare_of

OPUS_CHANNELS = 2
# What the paths have kept goes to the disk so often: a little sooner than the journal's own pace, which then does not add to it.
GATHER_S = 0.6


class StreamTap:
    """One up stream's way into the journal, and its ledger; the number is the journal's."""

    __slots__ = ("_journal", "_ledger", "_number", "_paused_at", "_roll", "_seat", "_taps", "_up")

    def __init__(self, journal: Journal, number: int, seat: str, up: UpStream, taps: set[StreamTap]) -> None:
        """taps  whoever stands there is gathered; this tap comes and goes by itself."""
        self._journal = journal
        self._number = number
        self._seat = seat
        self._up = up
        self._roll = up.new_roll()
        self._ledger = self._roll.ledger
        self._paused_at = up.loss.highest if up.paused else -1
        self._taps = taps
        taps.add(self)

    def gather(self) -> None:
        """What the path has recorded by itself goes into the journal, before anything else does."""
        records, count = self._roll.take()
        if count:
            self._journal.records(self._number, records, count)

    def packet(self, packet: bytes, now: float) -> None:
        self.gather()
        if self._ledger.receive(packet[2] << 8 | packet[3], now):
            self._journal.packet(self._number, int(now * 1e6), packet)

    def late(self, packet: bytes, now: float) -> bool:
        """A packet that comes too late for the subscribers. True: the recording still wanted it."""
        self.gather()
        wanted = not self._up.paused and self._ledger.fill(packet[2] << 8 | packet[3])
        if wanted:
            self._journal.packet(self._number, int(now * 1e6), packet)
        return wanted

    def pause(self, paused: bool) -> None:
        """The stream is withheld from now on, or again recorded: what was sent in between is declared as withheld."""
        self.gather()
        if paused:
            self._paused_at = self._up.loss.highest
        elif self._paused_at >= 0:
            for first, count in self._ledger.skip(self._up.loss.highest - self._paused_at):
                self._journal.withheld(self._number, _now_us(), first, count)
            self._paused_at = -1

    def look_after(self, now: float) -> list[int]:
        """On a timer: declare what will not come any more; returns the numbers to ask for again."""
        self.gather()
        self._declare(self._ledger.declare(now))
        return self._ledger.due(now, self._up.loss.waits_for)

    @property
    def waiting(self) -> int:
        return self._ledger.waiting

    def end(self) -> None:
        """The stream is over: its ledger is closed."""
        self.pause(False)
        self._taps.discard(self)
        self._declare(self._ledger.end())
        ledger = self._ledger
        facts = {"stream": self._number, "received": ledger.received, "missing": ledger.missing}
        self._journal.event("stream_ended", self._seat, {**facts, "withheld": ledger.withheld})

    def _declare(self, ranges: list[Range]) -> None:
        for first, count in ranges:
            self._journal.missing(self._number, _now_us(), first, count)

    def report(self, ntp: int, rtp_ts: int, packets: int, octets: int, now: float) -> None:
        self.gather()
        self._journal.report(self._number, int(now * 1e6), ntp, rtp_ts, packets, octets)


class Recorder:
    """Made by `open_recorder`, in the running loop."""

    def __init__(self, journal: Journal, loop: asyncio.AbstractEventLoop) -> None:
        self._journal = journal
        self._loop = loop
        self._taps: set[StreamTap] = set()
        self._timer: asyncio.TimerHandle | None = None

    def tap(self, seat: str, up: UpStream, line: Negotiated) -> StreamTap:
        """Begin a stream in the journal."""
        channels = OPUS_CHANNELS if up.kind == "audio" else 1
        number = self._journal.stream(
            seat,
            line.source or "",
            up.kind,
            ssrc=up.ssrc,
            codec=up.codec,
            clock_rate=up.clock_rate,
            payload_type=up.pt,
            channels=channels,
            fmtp="" if up.red_pt == NO_PT else f"red={up.red_pt}",
            rid=up.rid or None,
            ledger=True,
        )
        if self._timer is None:
            self._timer = self._loop.call_later(GATHER_S, self._write_down)
        return StreamTap(self._journal, number, seat, up, self._taps)

    def _write_down(self) -> None:
        """On a timer, while there is a stream."""
        self._timer = None
        if self._journal.status.state is State.RECORDING and self._taps:
            self._gather()
            self._journal.write_soon()
            self._timer = self._loop.call_later(GATHER_S, self._write_down)

    def _gather(self) -> None:
        for tap in self._taps:
            tap.gather()

    def event(self, kind: str, seat: str | None, data: dict[str, Any]) -> None:
        """Append what happened; on disk within a second."""
        self._journal.event(kind, seat, data)

    @property
    def status(self) -> RecordStatus:
        status = self._journal.status
        return RecordStatus(
            state=status.state.value, head=status.head.hex, block=max(status.head.block, 0), cause=status.cause
        )

    async def seal(self) -> RecordStatus:
        """All that was given before is on disk. Raises BadMessage `record_failed`."""
        self._gather()
        try:
            await self._journal.seal()
        except JournalFailed as failure:
            raise BadMessage("record_failed", str(failure)) from failure
        return self.status

    async def close(self, reason: str) -> RecordStatus:
        """The closing event is on disk, or the status says `failed` and why. Never raises."""
        self._gather()
        self._taps.clear()
        if self._timer is not None:
            self._timer.cancel()
        try:
            await self._journal.close(reason)
        except JournalFailed:
            pass  # the status tells it, and so did the event record_state
        return self.status


async def open_recorder(
    session: str, room: str, record: Record, on_failure: Callable[[], None], epoch: int
) -> Recorder:
    """Start or continue the journal of a room; its first block is on disk when this returns.

    on_failure  called in the running loop when a later write fails.
    Raises      BadMessage `record_failed`.
    """
    loop = asyncio.get_running_loop()

    def open_journal() -> Journal:
        return Journal.open(
            Path(record.journal),
            session=session,
            room=room,
            key=record.key,
            facts=record.facts,
            epoch=epoch,
            second=spare_of(Path(record.journal)),
            on_failure=lambda _cause: _post(loop, on_failure),
        )

    try:
        return Recorder(await asyncio.to_thread(open_journal), loop)
    except (OSError, JournalDamaged, JournalFailed, ValueError) as failure:
        raise BadMessage("record_failed", f"journal: {failure}") from failure


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def _post(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
