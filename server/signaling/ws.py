"""The WebSocket of the room protocol: Origin, limits, pings, the first `join`; everything after that is the session's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from server.access.address import client_address
from server.access.identify import check_origin
from server.access.rates import Rate
from server.db.pool import in_transaction
from server.errors import BadInput, log_unexpected
from server.keys import CLOCK, POOL
from server.sessions import seats
from server.signaling.arriving import AWAY, JOIN_PATIENCE_S, arrive
from server.signaling.line import Line
from server.signaling.messages import (
    MESSAGE_LIMIT,
    AnyClientMessage,
    BadMessage,
    Closed,
    Error,
    ErrorCode,
    Join,
    Offer,
    StandBy,
    parse,
)
from server.signaling.rooms import ROOMS
from server.signaling.standing import STANDING, Place, Standing, place_of
from server.tasks import end

if TYPE_CHECKING:
    from server.db import Connection
    from server.signaling.arriving import LineSession

log = logging.getLogger("laizuo.signaling")

SUBPROTOCOL: Final = "laizuo.room.1"
PING_EVERY_S: Final = 10.0
SILENT_S: Final = 25.0  # two pings lost and half of the third's way
FIRST_WORD_S: Final = 10.0  # for the `join`; a socket that says nothing costs memory
# A page that is about to be called opens its socket before: on a far line that spares two round trips. So many of an address may stand.
SPARE_S: Final = 300.0
SPARES: Final = 16
MESSAGES_BURST: Final = 100
MESSAGE_EVERY_S: Final = 0.02  # 50 a second on average: an offer with its reports is far below
OFFERS_BURST: Final = (
    10  # each costs the worker a certificate check and a set of keys; a page makes one when people come
)
OFFER_EVERY_S: Final = 1.0
BAD_MESSAGES: Final = 10
# Per address, and a village may share one: tokens have 256 bits, so this spares the database, it does not guard the door.
JOIN_BURST: Final = 100
JOIN_EVERY_S: Final = 0.05
FAREWELL_S: Final = 1.0

JOIN_RATE: web.AppKey[Rate] = web.AppKey("join_rate", Rate)
SOCKETS: web.AppKey[set[Any]] = web.AppKey("room_sockets", set)
SILENT: web.AppKey[dict[Any, str]] = web.AppKey(
    "room_silent", dict
)  # visits that never said who they are, and their address


class TooMuch(Exception):
    """The page does not keep to the protocol's limits; the line ends."""


async def room_socket(request: web.Request) -> web.StreamResponse:
    """GET /ws/room. Raises NotAllowed('other_origin') and BadInput before anything is upgraded."""
    check_origin(request)
    if SUBPROTOCOL not in [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]:
        raise BadInput("bad_input", field="Sec-WebSocket-Protocol", detail=f"only {SUBPROTOCOL} is spoken here")
    socket = web.WebSocketResponse(
        protocols=(SUBPROTOCOL,),
        max_msg_size=MESSAGE_LIMIT + 1,  # aiohttp refuses from this size on
        autoping=False,
        compress=False,
    )
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    try:
        await Visit(request, socket).run()
    finally:
        request.app[SOCKETS].discard(socket)
    return socket


class Visit:
    """One socket from its first message to its end."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._request = request
        self._app = request.app
        self._address = client_address(request)
        self._socket = socket
        self._line = Line(request.app[ROOMS].next_line(), socket, lambda: _abort(request))
        self._rate = Rate(MESSAGES_BURST, MESSAGE_EVERY_S)
        self._offers = Rate(OFFERS_BURST, OFFER_EVERY_S)
        self._bad = 0
        self._heard_at = self._now()
        self._loop: LineSession | None = None
        self._turn = asyncio.Lock()  # one message after the other, and a call between them
        self._stands: tuple[Place, StandBy] | None = None
        self._said_before: Offer | None = None  # the offer of who stands by
        self._called: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Read until the end, whichever side it comes from."""
        self._app[SILENT][self] = self._address
        tasks = [
            asyncio.create_task(self._line.run(), name="line-writer"),
            asyncio.create_task(self._watch(), name="line-watch"),
        ]
        try:
            await self._read()
        except TooMuch:
            self._line.hang(WSCloseCode.POLICY_VIOLATION)
        finally:
            self._app[SILENT].pop(self, None)
            if self._stands is not None:
                self._app[STANDING].leave(self._stands[0], self._on_called)
            if self._called is not None:
                await end(self._called)
            if self._loop is not None:
                self._loop.drop_line(self._line)
            await self._end(*tasks)

    async def _end(self, writer: asyncio.Task[None], watch: asyncio.Task[None]) -> None:
        self._line.hang()
        watch.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                await asyncio.gather(writer, watch, return_exceptions=True)

    # ------------------------------------------------------------ reading

    async def _read(self) -> None:
        async for message in self._socket:
            self._heard_at = self._now()
            if message.type is WSMsgType.PING:
                await self._pong(message.data)
            elif message.type is WSMsgType.TEXT:
                self._limit()
                await self._take(message.data)
            elif message.type is WSMsgType.BINARY:
                self._limit()
                self._refuse_bad(BadMessage("text expected"))
            elif message.type is WSMsgType.ERROR:
                return  # over-size or a broken frame: aiohttp has said so with its close code
            await asyncio.sleep(0)  # who sends many at once waits behind its own answers and everybody else's turn

    async def _pong(self, data: bytes) -> None:
        self._limit()
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self._socket.pong(data)

    def _limit(self) -> None:
        if self._rate.take("", self._now()):
            self._line.say(Error(code="too_many"))
            raise TooMuch

    async def _take(self, text: str) -> None:
        try:
            message = parse(text)
        except BadMessage as error:
            self._refuse_bad(error)
            return
        async with self._turn:
            await self._hear(message)

    async def _hear(self, message: AnyClientMessage) -> None:
        if isinstance(message, StandBy):
            await self._stand_by(message)
        elif self._stands is not None and self._loop is None and isinstance(message, Offer):
            self._said_before = message if not self._is_one_offer_too_many(message) else self._said_before
        elif self._called is not None and self._loop is not None and isinstance(message, Join):
            pass  # the page has heard that it is called; it has its seat
        elif self._loop is not None and not self._is_one_offer_too_many(message):
            self._loop.receive(self._line, message)
        elif self._loop is not None:
            self._line.say(Error(code="too_many", rid=message.rid))
        elif isinstance(message, Join):
            self._app[SILENT].pop(self, None)
            await self._join(message)
        else:
            self._line.say(Error(code="not_joined", rid=message.rid))
            self._count_bad()

    def _is_one_offer_too_many(self, message: AnyClientMessage) -> bool:
        return isinstance(message, Offer) and self._offers.take("", self._now()) > 0

    def _refuse_bad(self, error: BadMessage) -> None:
        self._line.say(Error(code="bad_message", field=error.field))
        self._count_bad()

    def _count_bad(self) -> None:
        self._bad += 1
        if self._bad >= BAD_MESSAGES:
            raise TooMuch

    # ------------------------------------------------------------ standing by

    async def _stand_by(self, message: StandBy) -> None:
        try:
            place = await place_of(self._request, message) if self._loop is None and self._stands is None else None
        except AWAY:
            self._say_and_hang("service_away", message, WSCloseCode.TRY_AGAIN_LATER)
            return
        if place is None:
            self._line.say(Error(code="not_allowed", rid=message.rid))
            self._count_bad()
            return
        self._stands = (place, message)
        self._app[STANDING].stand(place, self._on_called)

    def _on_called(self, token: str) -> None:
        self._called = asyncio.create_task(self._come_in(token), name="called")

    async def _come_in(self, token: str) -> None:
        """As if the page had said `join`, if it is still whose it was."""
        async with self._turn:
            assert self._stands is not None
            place, message = self._stands
            try:
                is_the_same = self._loop is None and await place_of(self._request, message) == place
            except AWAY:
                is_the_same = False
            if is_the_same:
                self._app[SILENT].pop(self, None)
                await self._join(Join(token=token))

    # ------------------------------------------------------------ joining

    async def _join(self, message: Join) -> None:
        if self._app[JOIN_RATE].take(self._address, self._now()):
            self._say_and_hang("too_many", message, WSCloseCode.POLICY_VIOLATION)
            return
        try:
            entry = await in_transaction(self._app[POOL], lambda conn: self._enter(conn, message), JOIN_PATIENCE_S)
            if isinstance(entry, seats.NoEntry):
                self._turn_away(entry, message)
                return
            await self._arrive(entry, message)
        except AWAY:
            self._say_and_hang("service_away", message, WSCloseCode.TRY_AGAIN_LATER)
        except Exception as error:
            log_unexpected(error)
            self._say_and_hang("unexpected", message, WSCloseCode.INTERNAL_ERROR)

    async def _enter(self, conn: Connection, message: Join) -> seats.Entry | seats.NoEntry:
        now = self._app[CLOCK]()
        if message.resume is not None:
            return await seats.enter(conn, message.resume, "resume", now)
        return await seats.enter(conn, message.token or "", "seat", now)

    async def _arrive(self, entry: seats.Entry, message: Join) -> None:
        came = await arrive(self._app[ROOMS], self._line, entry, message.media)
        if isinstance(came, seats.NoEntry):
            self._turn_away(came, message)
        else:
            self._loop = came
            if self._said_before is not None:
                came.receive(self._line, self._said_before)

    def _turn_away(self, no: seats.NoEntry, message: Join) -> None:
        """A token that opens nothing: the page is told whether it makes sense to come back."""
        if no.why == "bad_token" or (no.why == "expired" and message.resume is not None):
            self._say_and_hang("bad_token", message, WSCloseCode.POLICY_VIOLATION)
            return
        self._line.say(Closed(why=no.why))
        self._line.hang()

    def _say_and_hang(self, code: ErrorCode, message: AnyClientMessage, close: WSCloseCode) -> None:
        self._line.say(Error(code=code, rid=message.rid))
        self._line.hang(close)

    # ------------------------------------------------------------ watching

    async def _watch(self) -> None:
        """Ping, and end a socket that is silent or never says who it is."""
        came_at = self._now()
        await asyncio.sleep(FIRST_WORD_S)
        while not self._socket.closed:
            if self._loop is None and not self._may_stand(came_at):
                self._line.hang(WSCloseCode.POLICY_VIOLATION)
            if self._now() - self._heard_at > SILENT_S:
                self._line.cut()
                return
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self._socket.ping()
            await asyncio.sleep(PING_EVERY_S)

    def _may_stand(self, came_at: float) -> bool:
        """Whether a page may go on without a word."""
        silent = self._app[SILENT]
        few = sum(address == self._address for address in silent.values()) <= SPARES
        return self in silent and few and self._now() - came_at < SPARE_S

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _close_sockets(app: web.Application) -> None:
    """The process stops: pages come back to its successor by themselves. Who does not answer is cut."""
    sockets = app[SOCKETS]
    farewells = [asyncio.create_task(socket.close(code=WSCloseCode.GOING_AWAY)) for socket in list(sockets)]
    if farewells:
        _, late = await asyncio.wait(farewells, timeout=FAREWELL_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*farewells, return_exceptions=True)


def add_socket(app: web.Application) -> None:
    """Register the route."""
    app[JOIN_RATE] = Rate(JOIN_BURST, JOIN_EVERY_S)
    sockets: set[Any] = set()
    app[SOCKETS] = sockets
    app[SILENT] = {}
    app[STANDING] = Standing()
    app.router.add_get("/ws/room", room_socket)
    app.on_shutdown.append(_close_sockets)
