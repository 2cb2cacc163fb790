"""`bench queue`: how many tickets a second the line's own *call next* hands out, beside a plain SKIP LOCKED query.

Both run on one PostgreSQL with the same number of callers over as many waiting rows, one shortly after the other in each round. The floor
knows no priority, no place, no appointment, no kiosk: a table with an id and a state. `call_next` is the statement alone; `whole_call` is
what a press on the button costs: it opens a session with two seats, the story, the audit entry and the notices in one transaction.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from server.access.core import Actor, Grant, Role
from server.bench import say
from server.bench.core import Figure, Result, paired_ratio, quantile
from server.bench.machine import machine_facts, package_versions
from server.bench.options import at_least
from server.db.embedded import VOLATILE, RunningPostgres
from server.db.migrate import migrate
from server.db.pool import open_pool
from server.sessions import service as sessions
from server.sites.service import add_site
from server.sites.store import NewSite
from server.waiting import service, store

if TYPE_CHECKING:
    from server.db import Pool

CALLERS = 8
BENCHER = Actor("system", "bench")
_PLAIN = """
update bench_floor set state = 'called' where id = (
    select id from bench_floor where state = 'waiting' order by id limit 1 for update skip locked
) returning id
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """One line and its callers."""

    pool: Pool
    area: str
    site: str
    clerks: list[Actor]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=7, help="pairs of measurements")
    parser.add_argument("--tickets", type=at_least(100), default=2000, help="tickets waiting in each measurement")


def run(options: argparse.Namespace) -> Result:
    machine = machine_facts()
    folder = Path(tempfile.mkdtemp(prefix="laizuo-bench-"))
    folder.chmod(0o711)  # PostgreSQL does not run as root, so its own user must be able to pass
    try:
        with RunningPostgres(folder / "postgres", VOLATILE) as postgres:
            ours, floor, whole_ms = asyncio.run(_measure(postgres.url(), options.rounds, options.tickets))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    figures = {
        "call_next": Figure(round(median(ours.values())), "1/s"),
        "skip_locked": Figure(round(median(floor.values())), "1/s"),
        "whole_call_ms": Figure(round(median(whole_ms), 2), "ms"),
        "whole_call_ms_p99": Figure(round(quantile(whole_ms, 0.99), 2), "ms"),
        "callers": Figure(CALLERS, "count"),
        "tickets": Figure(options.tickets, "count"),
    }
    ratio = paired_ratio(ours, floor)
    assert ratio is not None
    return Result("queue", machine, package_versions("laizuo", "asyncpg"), figures, {"call_next/skip_locked": ratio})


async def _measure(url: str, rounds: int, tickets: int) -> tuple[dict[int, float], dict[int, float], list[float]]:
    await migrate(url)
    pool = await open_pool(url)
    try:
        ground = await _furnish(pool)
        ours: dict[int, float] = {}
        floor: dict[int, float] = {}
        for number in range(rounds):
            ours[number] = await _call_all(ground, tickets)
            floor[number] = await _skip_locked(ground, tickets)
            say(f"round {number + 1}: call next {ours[number]:.0f}/s, plain SKIP LOCKED {floor[number]:.0f}/s")
        return ours, floor, await _whole_calls(ground)
    finally:
        pool.terminate()


async def _furnish(pool: Pool) -> Ground:
    async with pool.acquire() as conn:
        site = await add_site(
            conn, BENCHER, None, NewSite("bench", "city", "市", "City"), ("notarization",), datetime.now(UTC)
        )
        area = await conn.fetchval("select id::text from waiting_area")
        rows = await conn.fetch(
            "insert into person (user_name, name_zh, name_en) select 'clerk.' || n, '员', 'Clerk' from generate_series(1, $1) n "
            "returning id::text",
            CALLERS,
        )
        await conn.execute("create table bench_floor (id bigint generated always as identity primary key, state text)")
        await conn.execute("create index bench_floor_waiting on bench_floor (id) where state = 'waiting'")
    clerks = [Actor("person", row["id"], frozenset({Grant(Role.NOTARY, site)})) for row in rows]
    return Ground(pool, area, site, clerks)


async def _fill(ground: Ground, tickets: int) -> None:
    async with ground.pool.acquire() as conn:
        await conn.execute(
            "delete from ticket"
        )  # no truncate: what hangs below a ticket includes journals that refuse it
        await conn.execute("vacuum ticket")
        await conn.execute(
            "insert into ticket (area_id, day, number, site_id, priority, taken_at, place) "
            "select $1, current_date, 'G' || n, $2, case when n % 10 = 0 then 3 else 0 end, now(), n from generate_series(1, $3) n",
            ground.area,
            ground.site,
            tickets,
        )
        await conn.execute("vacuum analyze ticket")


async def _call_all(ground: Ground, tickets: int) -> float:
    await _fill(ground, tickets)
    clerks = [str(clerk.id) for clerk in ground.clerks]

    async def one(caller: int) -> bool:
        async with ground.pool.acquire() as conn:
            return await store.call_next(conn, [ground.area], clerks[caller], datetime.now(UTC)) is not None

    return await _rate(one, tickets)


async def _skip_locked(ground: Ground, tickets: int) -> float:
    async with ground.pool.acquire() as conn:
        await conn.execute("truncate bench_floor")
        await conn.execute("insert into bench_floor (state) select 'waiting' from generate_series(1, $1)", tickets)
        await conn.execute("vacuum analyze bench_floor")

    async def one(_caller: int) -> bool:
        async with ground.pool.acquire() as conn:
            return await conn.fetchval(_PLAIN) is not None

    return await _rate(one, tickets)


async def _rate(one: Callable[[int], Awaitable[bool]], tickets: int) -> float:
    """Calls a second until nothing waits any more."""

    async def caller(number: int) -> int:
        calls = 0
        while await one(number):
            calls += 1
        return calls

    started = time.perf_counter()
    calls = sum(await asyncio.gather(*(caller(number) for number in range(CALLERS))))
    assert calls == tickets, (calls, tickets)
    return calls / (time.perf_counter() - started)


async def _whole_calls(ground: Ground) -> list[float]:
    """Milliseconds of whole presses, one clerk after the other; each session is ended before the next."""
    await _fill(ground, 200)
    found = []
    for number in range(200):
        clerk = ground.clerks[number % CALLERS]
        async with ground.pool.acquire() as conn:
            started = time.perf_counter()
            called = await service.call_next(conn, clerk, None, datetime.now(UTC))
            found.append((time.perf_counter() - started) * 1000)
            async with conn.transaction():
                await sessions.write_end(conn, called.session.session_id, clerk, "completed", datetime.now(UTC))
    return found
