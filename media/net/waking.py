"""When the Python path reads the socket: at each datagram, or by a timer when they come thick (forward/coalesce.py).

The timer is the kernel's own (timerfd): the loop's do not know half a millisecond. Without it the socket wakes us always, as correct
and dearer.

Source: Linux timerfd_create(2).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from ctypes import c_char_p
from struct import Struct
from typing import Final

from media.forward.coalesce import WINDOW_S, Coalescing
from media.net.mmsg import libc_call

_INTERVAL: Final = Struct("=qqqq")  # struct itimerspec: how long between two, and until the first one
_COUNT_BYTES: Final = 8


class Waking:
    """Calls `read` from the loop, which gives how many datagrams there were."""

    __slots__ = (
        "_coalescing",
        "_datagrams",
        "_descriptor",
        "_look_at",
        "_loop",
        "_read",
        "_set",
        "_timer",
        "_wakes",
        "by_timer",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, descriptor: int, read: Callable[[], int]) -> None:
        """descriptor  of the socket."""
        create, self._set = libc_call("timerfd_create"), libc_call("timerfd_settime")
        self._timer = create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC) if create and self._set else -1
        self._loop, self._descriptor, self._read = loop, descriptor, read
        self.by_timer = False
        self._coalescing = Coalescing()
        self._look_at = 0.0
        self._wakes = self._datagrams = 0
        loop.add_reader(descriptor, self._wake)

    def close(self) -> None:
        """Nothing is read any more. The socket is its owner's."""
        self._loop.remove_reader(self._timer if self.by_timer else self._descriptor)
        if self._timer >= 0:
            os.close(self._timer)
            self._timer = -1

    def wake_every(self, seconds: float) -> None:
        """From now on by the timer, or by the socket (0)."""
        if self._set is None or self._timer < 0:
            return
        nanoseconds = int(seconds * 1e9)
        refused = self._set(self._timer, 0, c_char_p(_INTERVAL.pack(0, nanoseconds, 0, nanoseconds)), None)
        by_timer = nanoseconds > 0 and not refused
        if by_timer != self.by_timer:
            self.by_timer = by_timer
            self._loop.remove_reader(self._descriptor if by_timer else self._timer)
            self._loop.add_reader(*((self._timer, self._tick) if by_timer else (self._descriptor, self._wake)))

    def _tick(self) -> None:
        with contextlib.suppress(BlockingIOError):  # set anew since the loop saw it
            os.read(self._timer, _COUNT_BYTES)
        self._wake()

    def _wake(self) -> None:
        self._datagrams += self._read()
        self._wakes += 1
        now = time.monotonic()
        if now >= self._look_at:
            self._choose(now)

    def _choose(self, now: float) -> None:
        wanted_s = self._coalescing.note(self._datagrams, self._wakes, now)
        self._datagrams = self._wakes = 0
        self._look_at = now + WINDOW_S
        if wanted_s is not None:
            self.wake_every(wanted_s)
