"""How a control connection gets to a worker: a unix socket on this machine, the bus between machines (media/CONTROL.md)."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Final, Protocol

from media.control.bus_server import PLACE
from media.control.channel import END, Broken, Counting
from media.control.frames import FrameReader, frame
from server.mediaplane.reach.bus import BusAway, address

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.mediaplane.reach.bus import Bus, Said
    from server.mediaplane.reach.finding import Finding

SETTLE_S: Final = 5.0  # what a worker is given to come back to a broker that was away, beside the usual

_numbers = itertools.count(1)


class Wire(Protocol):
    """One connection. After `abort`, and once `receive` has raised, it is over."""

    @property
    def is_closing(self) -> bool: ...

    def send(self, body: bytes) -> None:
        """After everything sent before. Raises FrameTooLarge."""

    async def receive(self) -> list[bytes]:
        """What has come, in order; perhaps nothing yet. Raises OSError when the worker is gone, FrameTooLarge."""

    def abort(self) -> None: ...


class Way(Protocol):
    """How to get to one worker."""

    async def connect(self) -> Wire:
        """Raises OSError."""

    @property
    def longer_grace_s(self) -> float:
        """What a broken connection needs here to be back, beside the time for a unix socket."""

    def excuse_s(self) -> float:
        """How long it may still be no fault of the worker that it does not answer."""


class UnixWay:
    """A worker of this machine."""

    longer_grace_s = 0.0

    def __init__(self, path: str) -> None:
        self._path = path

    async def connect(self) -> Wire:
        return _UnixWire(*await asyncio.open_unix_connection(self._path))

    def excuse_s(self) -> float:
        return 0.0


class _UnixWire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader()

    @property
    def is_closing(self) -> bool:
        return self._writer.is_closing()

    def send(self, body: bytes) -> None:
        self._writer.write(frame(body))

    async def receive(self) -> list[bytes]:
        data = await self._reader.read(65536)
        if not data:
            raise ConnectionResetError("the worker has closed it")
        return self._frames.receive(data)

    def abort(self) -> None:
        self._writer.transport.abort()


class BusWay:
    """A worker that announces itself on the bus, on whichever machine."""

    longer_grace_s = 0.5

    def __init__(self, name: str, bus: Bus, finding: Finding) -> None:
        self._name = name
        self._bus = bus
        self._finding = finding

    async def connect(self) -> Wire:
        found = self._finding.newest(self._name)
        if found is None or not self._bus.is_up:
            raise BusAway(self._name)
        return _BusWire(self._bus, address(found.address, PLACE), lambda: self._finding.gone(found))

    def excuse_s(self) -> float:
        """While the broker is away, and for a moment after, nobody can be heard; calls go on meanwhile."""
        return max(0.0, SETTLE_S - self._bus.up_for_s())


class _BusWire:
    def __init__(self, bus: Bus, to: str, on_nobody: Callable[[], None]) -> None:
        self._bus = bus
        self._on_nobody = on_nobody
        self._to = to
        self._place = f"wire-{next(_numbers)}"
        self._counting = Counting()
        self._came: asyncio.Queue[Said | None] = asyncio.Queue()
        self.is_closing = False
        bus.on(self._place, self._came.put_nowait)
        bus.on_change(self._changed)

    def send(self, body: bytes) -> None:
        try:
            frame(body)  # the same limit as on a socket
            self._bus.send(self._to, self._counting.pack(body), self._place)
        except BusAway:
            self._came.put_nowait(None)

    async def receive(self) -> list[bytes]:
        said = await self._came.get()
        if said is None:
            raise BusAway("the bus is away")
        if said.nobody:
            self._on_nobody()
            raise Broken("nobody is there")
        return [self._counting.unpack(said.body)]

    def abort(self) -> None:
        if self.is_closing:
            return
        self.is_closing = True
        self._bus.off(self._place)
        self._bus.forget(self._changed)
        try:
            self._bus.send(self._to, END, self._place)
        except BusAway:
            return

    def _changed(self, _is_up: bool) -> None:
        self._came.put_nowait(None)
