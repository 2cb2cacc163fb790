"""`bench workers`: everybody comes at nine o'clock, and then one of two workers is killed with -9 while all are talking.

The media plane, its database and two workers are the product's; rooms are placed by load. The people have no browsers (storm.py), so
that the machine is left to what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from server.access.core import Actor
from server.bench import BenchError, say
from server.bench.core import Figure, Result, quantile
from server.bench.loadgen.peer import Certificate, PeerFailed
from server.bench.machine import machine_facts, package_versions
from server.bench.options import at_least
from server.bench.servers import RunningServer, media_worker
from server.bench.storm import Crowd, Person
from server.config import WorkerLink
from server.db.embedded import VOLATILE, RunningPostgres
from server.db.migrate import migrate
from server.db.pool import open_pool
from server.mediaplane.hold import CannotRecord, RoomSpec
from server.mediaplane.link import WorkerAway, WorkerRefused
from server.mediaplane.plane import MediaPlane
from server.sites.service import add_site
from server.sites.store import NewSite
from server.tasks import end

if TYPE_CHECKING:
    from server.db import Connection, Pool
    from server.mediaplane.facts import JournalPlace, Measured, RecordFacts, SlotFacts, StandingPeer

WORKERS = 2
TALK_S = 2.0  # before the kill
BACK_WITHIN_S = 30.0
FIRST_SSRC = 900_000


class NoRecording:
    """These rooms are never recorded; what recording costs, `bench record` says."""

    async def place(self, conn: Connection, spec: RoomSpec) -> JournalPlace:
        raise CannotRecord(spec.room)


@dataclass
class Watch:
    """Follows all rooms: when each was ready, and whether it was for the second time."""

    ready: dict[str, asyncio.Event] = field(default_factory=dict)
    moved_at: dict[str, float] = field(default_factory=dict)

    def room_ready(self, room: str, record: RecordFacts | None, is_replacement: bool) -> None:
        if is_replacement:
            self.moved_at[room] = time.monotonic()
        self.ready[room].set()

    def room_adopted(self, room: str, record: RecordFacts | None, peers: list[StandingPeer]) -> None: ...

    def room_lost(self, room: str) -> None:
        self.ready[room].clear()

    def room_failed(self, room: str) -> None: ...

    def recording_agreed(self, room: str, recorded: bool) -> None: ...

    def peer_changed(self, room: str, seat: str, number: int, state: str, cause: str | None) -> None: ...

    def slots_changed(self, room: str, seat: str, number: int, short: int, slots: tuple[SlotFacts, ...]) -> None: ...

    def layers_wanted(self, room: str, seat: str, number: int, source: str, send: tuple[str, ...]) -> None: ...

    def voices_heard(self, room: str, seats: tuple[str, ...]) -> None: ...

    def lines_measured(self, room: str, lines: Mapping[str, Measured]) -> None: ...

    def record_changed(self, room: str, record: RecordFacts) -> None: ...


@dataclass(slots=True)
class Found:
    """Seconds: each join, each room's way to another worker, each person's way back; and what went wrong."""

    joins: list[float] = field(default_factory=list)
    failed: int = 0
    moves: list[float] = field(default_factory=list)
    lost_rooms: int = 0
    returns: list[float] = field(default_factory=list)
    not_back: int = 0
    heard_per_s: float = 0.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--joins", type=at_least(2), default=200, help="people who come")
    parser.add_argument("--seconds", type=at_least(1), default=10, help="within so long, evenly")
    parser.add_argument("--members", type=at_least(2), default=4, help="people in a room")


def run(options: argparse.Namespace) -> Result:
    machine = machine_facts()
    folder = Path(tempfile.mkdtemp(prefix="laizuo-bench-"))
    folder.chmod(0o711)  # PostgreSQL does not run as root, so its own user must be able to pass
    try:
        with ExitStack() as stack:
            postgres = stack.enter_context(RunningPostgres(folder / "postgres", VOLATILE))
            servers = [stack.enter_context(media_worker(f"w{n}", folder / f"w{n}")) for n in range(WORKERS)]
            found = asyncio.run(_measure(postgres.url(), servers, options))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Result("workers", machine, package_versions("laizuo", "aiortc", "uvloop"), _figures(found, options))


def _figures(found: Found, options: argparse.Namespace) -> dict[str, Figure]:
    figures = {"joins": Figure(options.joins, "count"), "joins_failed": Figure(found.failed, "count")}
    for key, times in (("join_ms", found.joins), ("moved_ms", found.moves), ("back_ms", found.returns)):
        if not times:
            raise BenchError(f"{key}: nothing was measured ({found})")
        figures[key] = Figure(round(median(times) * 1000, 1), "ms")
        figures[f"{key}_p95"] = Figure(round(quantile(times, 0.95) * 1000, 1), "ms")
        figures[f"{key}_p99"] = Figure(round(quantile(times, 0.99) * 1000, 1), "ms")
        figures[f"{key}_max"] = Figure(round(max(times) * 1000, 1), "ms")
    return figures | {
        "rooms_moved": Figure(len(found.moves), "count"),
        "rooms_lost": Figure(found.lost_rooms, "count"),
        "people_back": Figure(len(found.returns), "count"),
        "people_lost": Figure(found.not_back, "count"),
        "heard_per_s": Figure(round(found.heard_per_s), "1/s"),
    }


async def _measure(url: str, servers: list[RunningServer], options: argparse.Namespace) -> Found:
    await migrate(url)
    pool = await open_pool(url)
    try:
        rooms = await _rooms(pool, -(-options.joins // options.members))
        async with _plane(pool, servers) as plane:
            return await _storm(plane, rooms, servers, options)
    finally:
        pool.terminate()


@asynccontextmanager
async def _plane(pool: Pool, servers: list[RunningServer]) -> AsyncIterator[MediaPlane]:
    links = [WorkerLink(f"w{n}", server.place.replace("worker:", "unix:")) for n, server in enumerate(servers)]
    plane = MediaPlane(links, pool, lambda: datetime.now(UTC), NoRecording(), "bench")
    plane.start()
    await plane.heard_all()
    try:
        yield plane
    finally:
        await plane.close()


async def _rooms(pool: Pool, count: int) -> list[RoomSpec]:
    """So many open sessions, each with its room."""
    now = datetime.now(UTC)
    async with pool.acquire() as conn:
        new = NewSite("bench", "city", "市", "City")
        site = await add_site(conn, Actor("system", "bench"), None, new, ("mediation",), now)
        rows = await conn.fetch(
            "with lead as (insert into person (user_name, name_zh, name_en) "
            "  select 'lead.' || n, '员', 'Lead' from generate_series(1, $1) n returning id), "
            "held as (insert into session (procedure, site_id, in_charge, opened_at) "
            "  select 'mediation', $2, id, $3 from lead returning id) "
            "insert into room (session_id, kind, recorded, opened_at) select id, 'joint', false, $3 from held "
            "returning id::text as room, session_id::text as session",
            count,
            site,
            now,
        )
    return [RoomSpec(row["room"], row["session"], "mediation", False) for row in rows]


async def _storm(
    plane: MediaPlane, rooms: list[RoomSpec], servers: list[RunningServer], options: argparse.Namespace
) -> Found:
    watch, crowd, found, certificate = Watch(), Crowd(), Found(), Certificate()
    for spec in rooms:
        watch.ready[spec.room] = asyncio.Event()
        plane.hold(spec, watch)
    for number in range(options.joins):
        room = rooms[number % len(rooms)].room
        crowd.people.append(Person(room, f"p{number}", FIRST_SSRC + number, options.members - 1))
    talking = asyncio.create_task(crowd.speak_on())
    host = servers[0].host

    async def come(person: Person, after_s: float) -> None:
        await asyncio.sleep(after_s)
        try:
            found.joins.append(await person.join(plane, host, certificate))
        except (PeerFailed, WorkerAway, WorkerRefused) as error:
            found.failed += 1
            say(f"{person.seat}: {error}")

    async def return_(person: Person, killed_at: float) -> None:
        try:
            async with asyncio.timeout(BACK_WITHIN_S):
                await watch.ready[person.room].wait()
                await person.join(plane, host, certificate)
        except (PeerFailed, WorkerAway, WorkerRefused, TimeoutError) as error:
            found.not_back += 1
            say(f"{person.seat} is not back: {error!r}")
        else:
            found.returns.append(time.monotonic() - killed_at)

    try:
        gap_s = options.seconds / options.joins
        await asyncio.gather(*(come(person, n * gap_s) for n, person in enumerate(crowd.people)))
        say(f"{len(found.joins)} of {options.joins} joined")
        crowd.heard = 0
        await asyncio.sleep(TALK_S)
        found.heard_per_s = crowd.heard / TALK_S
        hit = [spec.room for spec in rooms if (owner := plane.owner_of(spec.room)) and owner.worker == "w0"]
        killed_at = time.monotonic()
        os.kill(servers[0].pid, signal.SIGKILL)
        for room in hit:
            watch.ready[room].clear()
        gone = [person for person in crowd.people if person.room in hit and person.connected]
        await asyncio.gather(*(return_(person, killed_at) for person in gone))
        found.moves = [watch.moved_at[room] - killed_at for room in hit if room in watch.moved_at]
        found.lost_rooms = len(hit) - len(found.moves)
    finally:
        await end(talking)
        crowd.close()
    return found
