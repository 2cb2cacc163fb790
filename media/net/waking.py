"""When Python reads the socket: at each packet, or by a timer when they come thick (forward/coalesce.py says when, and why)."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from typing import Final

from media.forward.coalesce import WINDOW_S, Coalescing

NO_TIMER: Final = -1
_CLOCK_MONOTONIC: Final = 1  # linux/time.h


class Waking:
    """See the module. From when it is made until `close`; without a timer the socket wakes us always."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, socket: int, read: Callable[[], int], most: int, timer: int
    ) -> None:
        """socket  its descriptor.
        read    takes what it has, at most `most` packets, and returns how many there were.
        timer   of `new_timer`; closed with this.
        """
        self._loop = loop
        self._socket = self._woken_by = socket
        self._read = read
        self._most = most
        self._timer = timer
        self._coalescing = Coalescing()
        self._packets = self._wakes = 0
        self._looked_at = time.monotonic()
        loop.add_reader(socket, self._take)

    @property
    def by_timer(self) -> bool:
        return self._timer != NO_TIMER and self._woken_by == self._timer

    def close(self) -> None:
        self._loop.remove_reader(self._woken_by)
        if self._timer != NO_TIMER:
            os.close(self._timer)
            self._timer = NO_TIMER

    def _on_tick(self) -> None:
        try:
            os.read(self._timer, 8)  # or it would wake us again at once
        except BlockingIOError:
            return  # it was set anew since
        self._take()

    def _read_on(self) -> None:
        if self.by_timer:
            self._take()

    def _take(self) -> None:
        packets = self._read()
        self._packets += packets
        self._wakes += 1
        if packets >= self._most and self.by_timer:
            self._loop.call_soon(self._read_on)  # others first, but not a tick later: this may be a flood
        now = time.monotonic()
        if now - self._looked_at >= WINDOW_S:
            self._choose_pace(now)

    def _choose_pace(self, now: float) -> None:
        every_s = self._coalescing.note(self._packets, self._wakes, now)
        self._packets = self._wakes = 0
        self._looked_at = now
        if every_s is None or self._timer == NO_TIMER:
            return
        _set(self._timer, every_s)
        self._loop.remove_reader(self._woken_by)
        self._woken_by = self._timer if every_s else self._socket
        self._loop.add_reader(self._woken_by, self._on_tick if every_s else self._take)


def new_timer() -> int:
    """A descriptor that `_set` makes readable every so often; NO_TIMER where there is no such thing (it is Linux's)."""
    try:
        return int(ctypes.CDLL(None).timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))
    except (AttributeError, OSError):
        return NO_TIMER


def _set(timer: int, every_s: float) -> None:
    """0 stops it. Source: timerfd_settime(2), struct itimerspec: twice seconds and nanoseconds."""
    nanoseconds = int(every_s * 1e9)
    ctypes.CDLL(None).timerfd_settime(timer, 0, (ctypes.c_long * 4)(0, nanoseconds, 0, nanoseconds), None)
