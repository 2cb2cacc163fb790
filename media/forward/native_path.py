"""The packet path whose common case runs in C (fastpath.c); everything else is python_path.py, on the same numbers.

One call reads the socket, forwards, and leaves in the tray what Python must see: STUN and DTLS, RTCP, packets that are not the common
case (first of a stream, late, repaired, while somebody waits for a key frame, first of a segment), gaps, and what the recorder gets.
The call gives up the GIL; nothing else touches this memory, because everything that does runs in the worker's loop too.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from ctypes import addressof
from typing import Any, Final

from media.forward.coalesce import WINDOW_S, Coalescing
from media.forward.event_loop import Due, descriptor_of, due_of
from media.forward.native_memory import (
    CHOOSE_PACE,
    DATAGRAM,
    EMPTY_TRAY,
    GAP,
    GAP_NUMBERS,
    LOOK_AFTER,
    READ_ON,
    REASONS,
    RECORD,
    RTCP,
    RTP,
    TAPPED,
    TRAY_BYTES,
    Library,
    PathMemory,
)
from media.forward.native_objects import NativeDown, NativeLane, NativeUp, window
from media.forward.path import DownStream, Gate, Kind, Lane, LaneOwner, UpStream, Watcher
from media.forward.python_path import PythonPath
from media.net.ice_lite import Address
from media.net.sockaddr import address_of, sockaddr

log = logging.getLogger(__name__)

LEAST_GATE: Final = 64  # places


class NativePath(PythonPath):
    """See media/forward/path.py for what each method promises."""

    name = "native"

    packets_in = window("packets_in")
    packets_out = window("packets_out")

    def __init__(
        self, library: Library, port: Gate, dropped: Counter[str], watcher: Watcher, *, gso: bool = False
    ) -> None:
        """port  its socket is read and sent on; what is no SRTP is judged there.
        gso  whether the kernel cuts datagrams (UDP_SEGMENT).
        """
        self._library = library
        self._port = port
        self._work = ctypes.create_string_buffer(library.work_bytes)
        self._tray = ctypes.create_string_buffer(TRAY_BYTES)
        self._gate: Any = None
        self.memory = PathMemory(
            work=addressof(self._work),
            tray=addressof(self._tray),
            tray_size=TRAY_BYTES,
            fd=port.socket.fileno(),
            timer=-1,
            loop_fd=-1,
            gso=gso,
            gate_seed=secrets.randbits(64),
            window=WINDOW_S,
        )
        self._at = addressof(self.memory)
        self._receive = library.receive
        library.open(self._at)
        super().__init__(port.socket, dropped, watcher)
        # Of each stream there is one account of numbers, so Python asks C too.
        self._seal, self._unseal = library.seal, library.unseal
        self._seal_rtcp, self._unseal_rtcp = library.seal_rtcp, library.unseal_rtcp
        self._lanes: dict[int, NativeLane] = {}
        self._ups: dict[int, NativeUp] = {}
        self._streamed: list[NativeLane] = []  # reached by another way than the socket
        self._told_gently: list[Lane] = []
        self._counted = [0] * len(REASONS)
        self._number = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer = -1
        self._due: Due | None = None
        self._coalescing = Coalescing()
        self._takers: dict[int, Callable[[int, bytes, float], None]] = {
            RTCP: self._take_rtcp,
            RTP: self._take_rtp,
            GAP: self._take_gap,
            TAPPED: self._take_tapped,
        }

    # --- the loop ---------------------------------------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop, port: Gate) -> None:
        self._loop = loop
        self._library.stamp(self.memory.fd)  # without it a packet came when it was read
        self._timer = self._library.timer()
        if self._timer < 0:
            raise OSError("no timer descriptor is left")
        self.memory.loop_fd = descriptor_of(loop)
        self._due = due_of(loop)
        if self._due is not None:
            self.memory.due, self.memory.loop = self._due.ask, self._due.loop
        loop.add_reader(self.memory.fd, self.read)

    def close(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.remove_reader(self.memory.fd)
            loop.remove_reader(self._timer)
            socket.close(self._timer)
            self.memory.timer = self._timer = -1

    def read(self) -> None:
        """Take and forward what the socket has."""
        wished = self._receive(self._at)
        if wished:
            self._fulfil(wished)

    def _fulfil(self, wished: int) -> None:
        if wished & EMPTY_TRAY:
            self._empty_tray()
        if wished & LOOK_AFTER:
            self._look_after()
        if wished & CHOOSE_PACE:
            self._choose_pace(time.monotonic())
        if wished & READ_ON and self._loop is not None:
            self._loop.call_soon(self._read_on)  # others first, but not a tick later: this may be a flood

    def _choose_pace(self, now: float) -> None:
        memory = self.memory
        wanted_s = self._coalescing.note(memory.read, memory.woken, now)
        memory.read = memory.woken = 0
        memory.looked_at = now
        if wanted_s is not None:
            self._wake(wanted_s)

    def _read_on(self) -> None:
        if self._loop is not None:
            self.read()

    def _wake(self, every_s: float) -> None:
        """From now on wake by the socket (0), or each so many seconds whatever has come."""
        loop, memory = self._loop, self.memory
        if loop is None:
            return
        memory.every = every_s
        self._library.set_timer(self._timer, int(every_s * 1e9))
        if every_s and memory.timer < 0:
            memory.timer = self._timer
            loop.remove_reader(memory.fd)
            loop.add_reader(self._timer, self.read)
        elif not every_s and memory.timer >= 0:
            memory.timer = -1
            loop.remove_reader(self._timer)
            loop.add_reader(memory.fd, self.read)

    def take(self, datagram: bytes, source: Address, now: float) -> None:
        """One datagram as if the socket had brought it at `now` (self-test and tests)."""
        address = sockaddr(source)
        self._library.take(self._at, datagram, len(datagram), address, len(address), now)
        self._empty_tray()
        self._look_after()

    # --- what C leaves to us ----------------------------------------------------------------------------------------

    def _empty_tray(self) -> None:
        tray = memoryview(self._tray)
        at, end = 0, self.memory.tray_used
        while at < end:
            kind, ident, size, address_size, now, address = RECORD.unpack_from(tray, at)
            at += RECORD.size
            data = bytes(tray[at : at + size])
            at += size + 7 & ~7
            try:
                if kind == DATAGRAM:
                    self._take_datagram(data, address_of(address[:address_size]), now)
                else:
                    self._takers[kind](ident, data, now)
            except Exception:
                self._port.note_fault(size)
        self.memory.tray_used = 0

    def _take_datagram(self, datagram: bytes, source: Address, now: float) -> None:
        reason = self._port.judge(datagram, source, now)
        if reason is not None:
            self.dropped[reason] += 1

    def _take_rtcp(self, ident: int, compound: bytes, now: float) -> None:
        lane = self._lanes.get(ident)
        if lane is not None:
            lane.owner.on_feedback(compound, now)

    def _take_rtp(self, ident: int, packet: bytes, now: float) -> None:
        lane = self._lanes.get(ident)
        if lane is not None:
            self._take_plain(lane, packet, now)

    def _take_gap(self, ident: int, numbers: bytes, now: float) -> None:
        up = self._ups.get(ident)
        if up is not None:
            first, end = GAP_NUMBERS.unpack(numbers)
            up.loss.note_gap(first, end, now)
            self._on_gap(up)

    def _take_tapped(self, ident: int, packet: bytes, now: float) -> None:
        up = self._ups.get(ident)
        if up is not None and up.tap is not None:
            up.tap.packet(packet, now)

    def _look_after(self) -> None:
        memory = self.memory
        if memory.stalled_any:
            memory.stalled_any = False
            # Who waits for a key frame by now, too: or C would pass him over after it.
            for down in [down for up in self._ups.values() for down in (*up.downs, *up.waiting)]:
                self._cut_if_stalled(down)
        if memory.dropped_any:
            memory.dropped_any = False
            for number, (reason, count) in enumerate(zip(REASONS, memory.dropped, strict=True)):
                if count != self._counted[number]:
                    self.dropped[reason] += count - self._counted[number]
                    self._counted[number] = count

    def _cut_if_stalled(self, down: DownStream) -> None:
        if isinstance(down, NativeDown) and down.memory.stalled:
            self._congested(down)
            down.memory.stalled = False

    def tell_gently(self, lane: Lane, *, forgives: bool, at_once: bool) -> None:
        super().tell_gently(lane, forgives=forgives, at_once=at_once)
        others = [each for each in self._told_gently if each is not lane]
        self._told_gently = [*others, lane] if lane.arrivals.gentle else others

    def tell_arrivals(self, step: int = 0, steps: int = 1) -> None:
        for lane in self._told_gently:
            lane.arrivals.fetch()  # or C would tell it
        for lane in self._told_gently[step::steps]:
            self._tell_arrivals_of(lane)
        if self._library.tell(self._at, step, steps):
            self._look_after()
        for lane in self._streamed[step::steps]:
            self._tell_arrivals_of(lane)

    # --- lanes and streams ------------------------------------------------------------------------------------------

    def use_addresses(self, lanes: Mapping[Address, Lane]) -> None:
        there = [lane for lane in lanes.values() if isinstance(lane, NativeLane)]
        places = max(LEAST_GATE, 1 << (2 * len(there)).bit_length())
        gate = (ctypes.c_void_p * places)()
        self.memory.gate, self.memory.gate_mask = addressof(gate), places - 1
        self._gate = gate  # the one before may go now
        table = (ctypes.c_void_p * max(1, len(there)))(*(addressof(lane.memory) for lane in there))
        self._library.gate(self._at, table, len(there))
        self._streamed = [lane for lane in there if lane.by_python]
        self._told_gently = [lane for lane in there if lane.arrivals.gentle]

    def new_lane(self, owner: LaneOwner, rtcp_ssrc: int, now: float) -> Lane:
        self._number += 1
        return NativeLane(self._library, self._number, owner, rtcp_ssrc, now)

    def new_up(
        self, handle: int, lane: Lane, kind: Kind, codec: str, clock_rate: int, ssrc: int, *, nack: bool
    ) -> UpStream:
        return NativeUp(self._library, handle, lane, kind, codec, clock_rate, ssrc, nack=nack)

    def new_down(self, lane: Lane, kind: Kind, clock_rate: int, ssrc: int, first_seq: int, first_ts: int) -> DownStream:
        assert isinstance(lane, NativeLane)
        return NativeDown(lane, kind, clock_rate, ssrc, first_seq, first_ts)

    def open_lane(self, lane: Lane, sessions: Any) -> None:
        super().open_lane(lane, sessions)
        assert isinstance(lane, NativeLane)
        lane.secure(sessions)
        self._lanes[lane.memory.id] = lane

    def close_lane(self, lane: Lane) -> None:
        super().close_lane(lane)
        assert isinstance(lane, NativeLane)
        lane.secured = None
        self._lanes.pop(lane.memory.id, None)

    def add_up(self, up: UpStream) -> None:
        super().add_up(up)
        assert isinstance(up, NativeUp)
        self._ups[up.handle] = up
        self._fill(up.lane)

    def remove_up(self, up: UpStream) -> None:
        super().remove_up(up)
        self._ups.pop(up.handle, None)
        self._fill(up.lane)

    def _fill(self, lane: Lane) -> None:
        assert isinstance(lane, NativeLane)
        lane.fill()
