"""One worker's control connection (media/CONTROL.md): hello, requests with a deadline, events, connecting again for as long as we run.

Requests are sent in the order in which they are asked for, so two requests about one room arrive in that order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from media.control import codec
from media.control.frames import FrameTooLarge
from media.control.messages import PROTOCOL, AnyEvent, Hello, Message, Ping, Reply, Request, WorkerState
from server.mediaplane.reach.ways import UnixWay
from server.tasks import end

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.mediaplane.reach.ways import Way, Wire

log = logging.getLogger("laizuo.mediaplane")

# Opening a recorded room fsyncs a directory and a file; a worker that needs longer than this is as good as gone.
DEADLINE_S: Final = 5.0
PING_EVERY_S: Final = 1.0
PING_DEADLINE_S: Final = 3.0  # a loop that stands for so long forwards no picture either
RETRY_S: Final = (0.02, 0.05, 0.1, 0.2, 0.4)  # a restarted worker listens again within a second; the last one repeats


class WorkerAway(Exception):
    """The worker did not answer: it is gone, or did not in time. Whether it did what was asked is not known."""


class WorkerRefused(Exception):
    """The worker said no; nothing changed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class LinkOwner(Protocol):
    """Who follows the links. Called from the link's own task, never at the same time; must not block."""

    def worker_up(self, link: Link, state: WorkerState) -> None:
        """The worker said hello: this is all it holds."""

    def worker_down(self, link: Link) -> None:
        """The connection is gone; the worker perhaps too."""

    def worker_says(self, link: Link, event: AnyEvent) -> None:
        """An event."""


class Link:
    """The connection to one worker.

    name   the worker's name in the settings
    way    its unix socket, or another way to it
    """

    def __init__(self, name: str, way: str | Way, controller: str, owner: LinkOwner) -> None:
        self.name = name
        self.state: WorkerState | None = None  # None while there is no connection
        self.way = UnixWay(way) if isinstance(way, str) else way
        self._controller = controller
        self._owner = owner
        self._wire: Wire | None = None
        self._waiting: dict[int, tuple[Request, asyncio.Future[Message]]] = {}
        self._number = 0

    @property
    def is_up(self) -> bool:
        return self.state is not None

    async def keep(self) -> None:
        """Connect, follow, connect again; until cancelled."""
        attempt = 0
        while True:
            with contextlib.suppress(
                OSError, FrameTooLarge, msgspec.DecodeError, WorkerAway, WorkerRefused, asyncio.IncompleteReadError
            ):
                wire = await self.way.connect()
                attempt = 0
                await self._follow(wire)
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1

    async def request(self, make: Callable[[int], Request], deadline_s: float = DEADLINE_S) -> Message:
        """Ask and wait for the `ok`. `make` gets the request's number. Raises WorkerRefused, WorkerAway."""
        return await self.settled(self.send(make), deadline_s)

    def send(self, make: Callable[[int], Request]) -> asyncio.Future[Message]:
        """Put a request on the wire now; the future holds its `ok`. Raises WorkerAway when there is no connection."""
        if self._wire is None or self._wire.is_closing:
            raise WorkerAway(self.name)
        self._number += 1
        request = make(self._number)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = (request, future)
        future.add_done_callback(lambda _, number=self._number: self._waiting.pop(number, None))  # type: ignore[misc]
        self._wire.send(codec.write(request))
        return future

    async def settled(self, future: asyncio.Future[Message], deadline_s: float = DEADLINE_S) -> Message:
        """The outcome of a sent request. Raises WorkerRefused, WorkerAway."""
        try:
            async with asyncio.timeout(deadline_s):
                return await future
        except TimeoutError as error:
            raise WorkerAway(f"{self.name} did not answer in {deadline_s:g} s") from error

    async def look(self) -> WorkerState:
        """All that the worker holds now. Raises WorkerRefused, WorkerAway."""
        state = await self.request(lambda number: Hello(id=number, protocol=PROTOCOL, controller=self._controller))
        assert isinstance(state, WorkerState)
        return state

    # ------------------------------------------------------------ inside

    async def _follow(self, wire: Wire) -> None:
        self._wire = wire
        reading = asyncio.create_task(self._read(wire), name=f"link-{self.name}")
        watching = asyncio.create_task(self._greet_and_watch(), name=f"link-{self.name}-watch")
        try:
            done, _ = await asyncio.wait((reading, watching), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self._close(reading, watching)

    async def _close(self, *tasks: asyncio.Task[None]) -> None:
        await end(*tasks)
        if self._wire is not None:
            self._wire.abort()
        was_up, self._wire, self.state = self.is_up, None, None
        for _, future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(WorkerAway(self.name))
                future.exception()  # a waiter may have given up: then nobody else fetches it
        if was_up:
            task = asyncio.current_task()
            is_stopping = task is not None and task.cancelling() > 0
            log.log(
                logging.INFO if is_stopping else logging.WARNING, "worker %s: the control connection is gone", self.name
            )
            self._owner.worker_down(self)

    async def _greet_and_watch(self) -> None:
        """Say hello, then make sure that it still answers: a stopped process keeps its socket open."""
        await self.look()
        while True:
            await asyncio.sleep(PING_EVERY_S)
            await self.request(lambda number: Ping(id=number), PING_DEADLINE_S)

    async def _read(self, wire: Wire) -> None:
        while True:
            for body in await wire.receive():
                self._take(body)
                await asyncio.sleep(0)  # who waits for a reply goes on before the event behind it is told

    def _take(self, body: bytes) -> None:
        if codec.is_event(body):
            if self.is_up:  # before hello's answer is taken, that answer holds all of it
                self._owner.worker_says(self, codec.read_event(body))
            return
        reply = codec.read_reply(body)
        request, future = self._waiting.get(reply.id or 0, (None, None))
        if request is None or future is None or future.done():
            return  # answered after its deadline
        _settle(request, future, reply)
        if isinstance(request, Hello) and not self.is_up and future.exception() is None:
            self._greeted(future.result())

    def _greeted(self, state: Message) -> None:
        """Taken here and not by who waits for it: the next frame may be an event already."""
        assert isinstance(state, WorkerState)
        self.state = state
        log.info("worker %s: incarnation %s, %d rooms", self.name, state.incarnation, len(state.rooms))
        self._owner.worker_up(self, state)


def _settle(request: Request, future: asyncio.Future[Message], reply: Reply) -> None:
    if isinstance(reply.error, msgspec.UnsetType):
        future.set_result(codec.read_ok(request, reply))
    else:
        future.set_exception(WorkerRefused(reply.error.code, reply.error.message))
        future.exception()
