"""All sessions that live in this process: found by id, loaded when first wanted, gone when they end.

A starting process takes up every running session of the database, so that people who talk are not left without their server.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import secrets
from functools import partial
from typing import TYPE_CHECKING, Final

import asyncpg
from aiohttp import web

from server import errors
from server.config import ConfigError
from server.db.pool import DatabaseAway, connection
from server.health import METRICS, READINESS
from server.keys import CLOCK, POOL, SETTINGS
from server.live import NOTICES
from server.mediaplane.plane import MediaPlane
from server.mediaplane.reach.bus import Bus, BusAway, BusMissing
from server.recordings.consent import ReceiptKey
from server.recordings.store import consents
from server.sessions import store
from server.sessions.events import EventWriter
from server.sessions.recording import SESSION_KEY, JournalPlan
from server.signaling.arriving import AWAY
from server.signaling.homes.back import Back
from server.signaling.homes.front import Front
from server.signaling.homes.keeping import stay, take, tell
from server.signaling.homes.lease import Homes
from server.signaling.homes.seeing import Seeing, look
from server.signaling.loop import SessionLoop, Surroundings
from server.signaling.metrics import RoomFigures
from server.signaling.relay import Relay, ice_servers
from server.signaling.room.effects import LineId
from server.signaling.room.people import SeatFacts
from server.signaling.room.session import Recording, SessionFacts, open_session_state
from server.tasks import end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from typing import Any

    from server.config import Turn
    from server.live import Notice, Notices
    from server.sessions.seats import Entry, NoEntry
    from server.sessions.store import SessionRow
    from server.signaling.homes.front import FarSession
    from server.signaling.homes.seeing import SeenSession
    from server.signaling.line import RoomLine
    from server.signaling.relay import IceServers

log = logging.getLogger("laizuo.signaling")

TICK_S: Final = 1.0
FLUSH_S: Final = 2.0  # what a stopping process gives the database for the last events


class Rooms:
    """The register of running sessions."""

    def __init__(
        self,
        around: Callable[[Callable[[str], None]], Surroundings],
        relay: Callable[[], Relay | None] = lambda: None,
        shared: tuple[Homes, Front, Seeing] | None = None,
    ) -> None:
        """shared  who leads what, the way to them, and what they tell, where there are several web processes"""
        self._around = around(self._finished)
        self._relay = relay
        self._homes = shared[0] if shared else None
        self._front = shared[1] if shared else None
        self._seeing = shared[2] if shared else None
        self._loops: dict[str, SessionLoop] = {}
        self._loading: dict[str, asyncio.Task[SessionLoop | None]] = {}
        self._numbers = itertools.count(1)

    def next_line(self) -> LineId:
        """A number for a new socket."""
        return LineId(next(self._numbers))

    def running(self, session_id: str) -> SessionLoop | None:
        """The shell of a session if this process has it."""
        return self._loops.get(session_id)

    async def of(self, session_id: str) -> SessionLoop | None:
        """The shell of a session, loaded if need be; None when the session is over, or led elsewhere. Raises DatabaseAway."""
        task = self._loading.get(session_id)
        if task is None and (loop := self._loops.get(session_id)):
            return loop
        if task is None:
            task = self._loading[session_id] = asyncio.create_task(self._load(session_id), name=f"load-{session_id}")
            task.add_done_callback(lambda _: self._loading.pop(session_id, None))
        return await asyncio.shield(task)

    async def leader(self, session_id: str) -> str | None:
        """Which other web process leads a session; None when it is over. Raises BusAway: it is just on its way to us."""
        leader = await self._homes.take(session_id) if self._homes else None
        if self._homes and leader == self._homes.me:
            raise BusAway("the session is being taken up")
        return leader

    async def arrive_at(self, leader: str, line: RoomLine, entry: Entry, media: bool) -> FarSession | NoEntry:
        """Bring a line to a session that is led elsewhere. Raises BusAway, TimeoutError."""
        if self._front is None:
            raise BusAway(leader)
        return await self._front.arrive(leader, line, entry, media)

    def led(self) -> set[str]:
        """The sessions that this process leads."""
        return set(self._loops)

    async def give_up(self, session_ids: set[str]) -> None:
        """Others lead these now."""
        for session_id in session_ids:
            if loop := self._loops.pop(session_id, None):
                log.warning("session %s is led by another web process now", session_id)
                await loop.give_up()

    def seen(self, session_id: str) -> SeenSession | None:
        """How a session stands, wherever it is led; None: nobody tells."""
        if loop := self._loops.get(session_id):
            return look(loop.session)
        return self._seeing.get(session_id) if self._seeing else None

    def tell_seen(self) -> None:
        """Every two seconds."""
        if self._seeing:
            self._seeing.tell(loop.session for loop in self._loops.values())

    async def seat_facts(self, session_id: str, seat: str) -> SeatFacts | None:
        """A seat that came after its session was loaded. Raises DatabaseAway."""
        async with connection(self._around.pool) as conn:
            row = await store.load_session(conn, session_id)
        return next((facts for facts in _seats(row) if facts.seat == seat), None) if row else None

    def ice_servers(self, seat: str) -> IceServers:
        """What this seat's browser may use to get here besides our own addresses."""
        return ice_servers(self._relay(), seat, self._around.clock())

    def count(self) -> tuple[int, int]:
        """(sessions, lines) of this process."""
        loops = self._loops.values()
        return len(loops), sum(len(loop.session.lines) for loop in loops)

    async def take_up(self) -> None:
        """Every running session of the database, once the workers had a moment to say which of their rooms live."""
        async with connection(self._around.pool) as conn:
            ids = await store.running_sessions(conn)
        if ids:
            await self._around.plane.heard_all()
        for session_id in ids:
            await self.of(session_id)

    async def close_ended(self) -> None:
        """Sessions of ours that were ended by somebody else."""
        async with connection(self._around.pool) as conn:
            ended = await store.ended_among(conn, list(self._loops))
        for session_id, reason in ended.items():
            if loop := self._loops.get(session_id):
                loop.ended(reason)

    def tick(self) -> None:
        """Once a second."""
        for loop in list(self._loops.values()):
            loop.tick()

    def space_is_low(self, is_low: bool) -> None:
        """Whether the recordings have ten minutes of space left."""
        for loop in list(self._loops.values()):
            loop.space_is_low(is_low)

    async def close(self) -> None:
        """This process stops; the sessions go on."""
        for loop in list(self._loops.values()):
            await loop.close()

    async def _load(self, session_id: str) -> SessionLoop | None:
        if self._homes and await self._homes.take(session_id) != self._homes.me:
            return None
        async with connection(self._around.pool) as conn:
            row = await store.load_session(conn, session_id)
            receipts = await consents(conn, session_id)
        if row is None or row.state == "ended":
            return None
        session = open_session_state(_facts(row), _seats(row), row.state)
        session.receipts = dict(receipts)
        session.answers = {seat: "given" if one["given"] else "refused" for seat, one in receipts.items()}
        session.recordings.update({room: Recording("starting", since) for room, since in row.since.items()})
        loop = self._loops[session_id] = SessionLoop(session, self._around)
        loop.open_rooms()
        if self._homes and any(seat.connection for seat in row.seats):
            await loop.rooms_stand()  # people are in it: another process led it until now
        return loop

    def _finished(self, session_id: str) -> None:
        self._loops.pop(session_id, None)


ROOMS: web.AppKey[Rooms] = web.AppKey("rooms", Rooms)
PLANE: web.AppKey[MediaPlane] = web.AppKey("media_plane", MediaPlane)


async def run_rooms(app: web.Application) -> AsyncIterator[None]:
    """Media plane, events and sessions: from start to stop of the process."""
    plan = JournalPlan(app[SETTINGS].data, app.get(SESSION_KEY))
    me = f"web-{os.getpid()}-{secrets.token_hex(4)}"
    bus = _bus(app[SETTINGS].bus, me)
    plane = MediaPlane(app[SETTINGS].worker_links, app[POOL], app[CLOCK], plan, me, bus)
    events = EventWriter(app[POOL])
    receipts = ReceiptKey(app[SETTINGS].key_file.with_name("receipts.key"))
    around = partial(Surroundings, app[POOL], plane, events, app[CLOCK])
    homes = Homes(app[POOL], me, bus.up_for_s) if bus else None
    shared = (homes, Front(bus), Seeing(bus)) if bus and homes else None
    rooms = Rooms(lambda finished: around(finished, receipts), lambda: _relay(app[SETTINGS].turn), shared)
    app[PLANE], app[ROOMS] = plane, rooms
    app[READINESS]["media"] = _media_ready
    app[METRICS].registry.register(RoomFigures(rooms, plane, events))
    on_bus = [_watched(bus.keep(), "bus")] if bus else []
    back = Back(bus, rooms) if bus else None
    plane.start()
    works = [(events.run(), "events"), (_tick(rooms), "tick"), (_follow(rooms, app[NOTICES]), "ended")]
    if shared is None:
        await rooms.take_up()
    else:
        await shared[0].begin()
        works += [(stay(rooms, shared[0]), "homes"), (take(rooms, *shared[:2]), "homeless"), (tell(rooms), "seen")]
    tasks = [_watched(work, name) for work, name in works]
    yield
    await end(*tasks)
    if back is not None:
        await back.close()
    await rooms.close()
    await events.flush(FLUSH_S)
    if homes is not None:
        with contextlib.suppress(*AWAY):
            await homes.leave()
    await plane.close()
    await end(*on_bus)


def _bus(url: str, me: str) -> Bus | None:
    try:
        return Bus(url, me) if url else None
    except BusMissing as error:
        raise ConfigError(str(error)) from error


async def _media_ready(app: web.Application) -> str | None:
    away = app[PLANE].away()
    return f"media workers away: {', '.join(away)}" if away else None


def _watched(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell_end)
    return task


def _tell_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and isinstance(error := task.exception(), Exception):
        errors.log_unexpected(error)


async def _tick(rooms: Rooms) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        rooms.tick()


async def _follow(rooms: Rooms, notices: Notices) -> None:
    """A notice about a session may mean that it is over; a missed one is made up for by the next."""

    def wanted(notice: Notice) -> bool:
        return notice.get("kind") == "session"

    with notices.listen(wanted) as changed:
        while True:
            await changed.wait()
            changed.clear()
            try:
                await rooms.close_ended()
            except (DatabaseAway, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
                changed.set()
                await asyncio.sleep(TICK_S)


def _relay(turn: Turn | None) -> Relay | None:
    """Without its secret nobody is told of the relay: most people come in without it."""
    try:
        return Relay(turn.urls, turn.secret()) if turn else None
    except OSError as error:
        log.error("the relay's secret cannot be read (%s): nobody gets in by it", error.strerror)
        return None


def _facts(row: SessionRow) -> SessionFacts:
    return SessionFacts(
        row.id, row.procedure, row.site, row.in_charge, row.opened_at, row.rooms, private=set(row.private)
    )


def _seats(row: SessionRow) -> list[SeatFacts]:
    return [SeatFacts(seat.seat, seat.room, seat.role, seat.name, seat.site, seat.state, 0) for seat in row.seats]
