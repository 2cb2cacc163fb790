"""The worker's side of control over the bus: says that it is there, and answers each controller in order (media/CONTROL.md)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from media.control.bus import Bus, BusAway, Said
from media.control.channel import END, Broken, Counting
from media.control.codec import Unparsable, write
from media.control.messages import AnyEvent, MediaAddresses
from media.control.server import Handler, answer

log = logging.getLogger(__name__)

PLACE: Final = "control"
WORKER: Final = "worker"  # the news of workers
WHO: Final = "who"  # the news of somebody who wants to know which workers there are
TELL_EVERY_S: Final = 1.0
SILENT_S: Final = 10.0  # a controller pings every second; who says nothing for so long is gone


class Announcement(msgspec.Struct, frozen=True):
    """What a worker tells all, every second and when asked. `address`: its name on the bus; `seats` and `rooms`: what it carries."""

    worker: str
    incarnation: str
    address: str
    draining: bool
    seats: int
    rooms: int
    media: MediaAddresses


class _Controller:
    """One connection: what was asked waits here until what was asked before is done."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.counting = Counting()
        self.asked: asyncio.Queue[bytes] = asyncio.Queue()
        self.heard_at = time.monotonic()
        self.is_greeted = False


class BusServer:
    """Serves over a bus of its own. `handle` performs a request and raises BadMessage to refuse it."""

    def __init__(self, bus: Bus, handle: Handler, describe: Callable[[], Announcement]) -> None:
        self._bus = bus
        self._handle = handle
        self._describe = describe
        self._controllers: dict[str, _Controller] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        bus.on(PLACE, self._take)
        bus.on_news(WHO, lambda _: self._announce())
        bus.on_change(self._changed)

    async def start(self) -> None:
        """A broker that is not there is waited for: what the worker carries does not depend on it."""
        self._spawn(self._bus.keep(), "bus")
        self._spawn(self._tell_all(), "bus-announce")

    async def close(self) -> None:
        """End all connections and leave the bus."""
        for where in list(self._controllers):
            self._end(where)
        left = set(self._tasks)
        while left:  # the client may lose a cancellation
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.5)

    def tell(self, event: AnyEvent) -> None:
        """One event to every controller that has said hello."""
        body = write(event)
        for controller in list(self._controllers.values()):
            if controller.is_greeted:
                self._send(controller, body)

    # ------------------------------------------------------------ inside

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _changed(self, is_up: bool) -> None:
        """Events may have been lost: everybody says hello again."""
        if is_up:
            self._announce()
        for where in list(self._controllers):
            self._end(where)

    def _announce(self) -> None:
        with contextlib.suppress(BusAway):
            self._bus.tell(WORKER, msgspec.json.encode(self._describe()))

    async def _tell_all(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            self._announce()
            now = time.monotonic()
            for controller in list(self._controllers.values()):
                if now - controller.heard_at > SILENT_S:
                    self._end(controller.where)

    def _take(self, said: Said) -> None:
        controller = self._controllers.get(said.answer)
        if not said.answer or (controller is None and said.body == END):
            return
        if controller is None:
            controller = self._controllers[said.answer] = _Controller(said.answer)
            self._spawn(self._serve(controller), "bus-controller")
        try:
            controller.asked.put_nowait(controller.counting.unpack(said.body))
        except Broken:
            self._end(said.answer)
            return
        controller.heard_at = time.monotonic()

    async def _serve(self, controller: _Controller) -> None:
        try:
            while (body := await controller.asked.get()) and self._is_on(controller):
                reply, is_hello = await answer(body, controller.is_greeted, self._handle)
                controller.is_greeted |= is_hello
                self._send(controller, reply)
        except Unparsable as error:
            log.warning("control connection ended: %s", error)
            self._end(controller.where)

    def _send(self, controller: _Controller, body: bytes) -> None:
        if not self._is_on(controller):
            return  # ended while its request was performed
        with contextlib.suppress(BusAway):  # then it is ended with all others
            self._bus.send(controller.where, controller.counting.pack(body))

    def _is_on(self, controller: _Controller) -> bool:
        return self._controllers.get(controller.where) is controller

    def _end(self, where: str) -> None:
        """What is being performed is finished; what waits behind it is not begun."""
        controller = self._controllers.pop(where, None)
        if controller is None:
            return
        controller.asked.put_nowait(END)
        with contextlib.suppress(BusAway):
            self._bus.send(where, END)
