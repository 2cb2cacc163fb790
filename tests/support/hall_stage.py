"""A hall on a real PostgreSQL, driven step by step from synchronous code, with a clock that the test turns."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from server.access.core import Actor, Grant, Role
from server.db.pool import in_transaction, open_pool
from server.errors import Conflict
from server.lines import store as line_store
from server.sites import service as sites
from server.sites.store import NewSite
from server.tickets import rounds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from server.db import Connection, Pool

T = TypeVar("T")
SYSTEM = Actor("system", "test")
NOON = dt.datetime(2026, 11, 18, 4, 0, tzinfo=dt.UTC)  # 12:00 in the city, a Wednesday
_names = itertools.count(1)


@dataclass(slots=True)
class Hall:
    """Two sites with one line each for two services; the county's notarization line overflows into the city's."""

    areas: dict[str, str] = field(default_factory=dict)  # "city"/"county" + service -> line
    kiosks: list[Actor] = field(default_factory=list)
    clerks: list[Actor] = field(default_factory=list)
    site: str = ""
    slug: str = ""


class HallStage:
    """Runs one coroutine after the other; `now` only moves when the test moves it."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.pool: Pool = self.runner.run(open_pool(url))
        self.now = NOON
        self.hall = Hall()

    def close(self) -> None:
        self.pool.terminate()
        self.runner.close()

    def do(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """One request: a connection of its own, as a handler has it."""

        async def request() -> T:
            async with self.pool.acquire() as conn:
                return await work(conn)

        return self.runner.run(request())

    def ask(self, work: Callable[[Connection], Awaitable[T]]) -> T | str:
        """As `do`; a conflict is an answer: its code."""
        try:
            return self.do(work)
        except Conflict as refusal:
            return refusal.code

    def at_once(self, *works: Callable[[Connection], Awaitable[T]]) -> list[T | BaseException]:
        """Several requests at the same time."""

        async def request(work: Callable[[Connection], Awaitable[T]]) -> T:
            async with self.pool.acquire() as conn:
                return await work(conn)

        async def all_of_them() -> list[T | BaseException]:
            return await asyncio.gather(*(request(work) for work in works), return_exceptions=True)

        return self.runner.run(all_of_them())

    def round(self) -> None:
        """The steward looks round."""
        done = self.runner.run(in_transaction(self.pool, lambda conn: rounds.make_round(conn, self.now)))
        assert done

    def open_hall(self, kiosks: int, clerks: int) -> Hall:
        """A new hall for each example: other sites, other people, nobody waits."""
        self.now = NOON
        self.hall = self.do(lambda conn: _build(conn, kiosks, clerks, self.now))
        return self.hall

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return self.do(lambda conn: _rows(conn, sql, *values))


async def _rows(conn: Connection, sql: str, *values: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in await conn.fetch(sql, *values)]


async def _build(conn: Connection, kiosks: int, clerks: int, now: dt.datetime) -> Hall:
    number = next(_names)
    hall = Hall(slug=f"county-{number}")
    city = await sites.add_site(
        conn, SYSTEM, None, NewSite(f"city-{number}", "city", "市", "City"), ("notarization",), now
    )
    services = ("notarization", "mediation")
    hall.site = await sites.add_site(conn, SYSTEM, city, NewSite(hall.slug, "county", "县", "County"), services, now)
    rows = await conn.fetch(
        "select id::text, site_id::text, service from waiting_area where site_id = any ($1)", [city, hall.site]
    )
    for row in rows:
        hall.areas[f"{'city' if row['site_id'] == city else 'county'} {row['service']}"] = row["id"]
    await _settle(conn, hall)
    for index in range(kiosks):
        kiosk = await conn.fetchval(
            "insert into endpoint (site_id, kind, name_zh, name_en) values ($1, 'kiosk', $2, $2) returning id::text",
            hall.site,
            f"K{index}",
        )
        hall.kiosks.append(Actor("endpoint", kiosk, site_id=hall.site))
    for index in range(clerks):
        person = await conn.fetchval(
            "insert into person (user_name, name_zh, name_en) values ($1, '员', 'Clerk') returning id::text",
            f"clerk.{number}.{index}",
        )
        grants = frozenset({Grant(Role.NOTARY, city), Grant(Role.MEDIATOR, city)})
        hall.clerks.append(Actor("person", person, grants))
    return hall


async def _settle(conn: Connection, hall: Hall) -> None:
    own = line_store.LineSettings(False, hall.areas["city notarization"], 600, 120, 300, 300, "", "")
    await line_store.save(conn, hall.areas["county notarization"], own)
