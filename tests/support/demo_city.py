"""The demo's city for a test: seeded once in ten minutes in a database of its own, from there copied into each test's: a tenth of the time."""

from __future__ import annotations

import copy
import datetime as dt
import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from server.demo.seed import City, seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from server.db import Connection
    from tests.support.database import TestCluster

FRESH = dt.timedelta(minutes=10)  # what the seed makes hangs on the day and the hour
CITY_TIME = dt.timezone(dt.timedelta(hours=8))  # of the demo's city: at its midnight the rosters are others

_TABLES = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by relname"
_SEQUENCES = "select sequencename, last_value from pg_sequences where schemaname = 'public' and last_value is not null"
_CHANNEL = "laizuo"


@dataclass(frozen=True, slots=True)
class _Copy:
    """What one seed left: rows of each table in PostgreSQL's binary form, how far its sequences came, and what it told those who listen."""

    made: dt.datetime
    city: City
    rows: dict[str, bytes]
    sequences: dict[str, int]
    told: tuple[str, ...]

    def holds(self, now: dt.datetime) -> bool:
        same_day = self.made.astimezone(CITY_TIME).date() == now.astimezone(CITY_TIME).date()
        return same_day and self.made <= now < self.made + FRESH


class DemoCities:
    """The last copy for each `base_url` that stands in the calendars."""

    def __init__(self) -> None:
        self._cluster: TestCluster | None = None
        self._copies: dict[str, _Copy] = {}

    @contextmanager
    def made_in(self, cluster: TestCluster) -> Iterator[None]:
        """As long as this PostgreSQL runs."""
        self._cluster = cluster
        try:
            yield
        finally:
            self._cluster = None

    async def put_into(self, conn: Connection, now: dt.datetime, base_url: str = "") -> City:
        """The city in a database where nobody lives yet."""
        known = self._copies.get(base_url)
        if known is None or not known.holds(now):
            assert self._cluster is not None, "the fixture `cluster` is where cities are made"
            with self._cluster.database() as url:
                known = self._copies[base_url] = await _seed_and_copy(url, now, base_url)
        await _put(conn, known)
        return copy.deepcopy(known.city)


CITIES = DemoCities()  # of this run


async def _seed_and_copy(url: str, now: dt.datetime, base_url: str) -> _Copy:
    told: list[str] = []
    conn = await asyncpg.connect(url)
    try:
        await conn.add_listener(_CHANNEL, lambda _conn, _pid, _channel, payload: told.append(payload))
        names = [row["relname"] for row in await conn.fetch(_TABLES)]
        before = await _rows(conn, names)
        city = await seed(conn, now, base_url)
        assert city is not None
        after = await _rows(conn, names)
        sequences = {row["sequencename"]: row["last_value"] for row in await conn.fetch(_SEQUENCES)}
    finally:
        await conn.close()
    nothing = before["person"]  # an empty table in binary form
    changed = {name: rows for name, rows in after.items() if rows != before[name]}
    assert all(before[name] == nothing for name in changed), "the seed changed a table that migrations had filled"
    return _Copy(now, city, changed, sequences, tuple(told))


async def _rows(conn: Connection, names: Iterable[str]) -> dict[str, bytes]:
    found = {}
    for name in names:
        into = io.BytesIO()
        await conn.copy_from_table(name, output=into, format="binary")
        found[name] = into.getvalue()
    return found


async def _put(conn: Connection, known: _Copy) -> None:
    async with conn.transaction():
        assert not await conn.fetchval("select exists (select from person)"), "the database was not empty"
        # As a replica does: what triggers would do has been done, and references hold when all tables are there.
        await conn.execute("set local session_replication_role = replica")
        for name, rows in known.rows.items():
            await conn.copy_to_table(name, source=io.BytesIO(rows), format="binary")
        for name, last in known.sequences.items():
            await conn.execute("select setval($1::regclass, $2)", f"public.{name}", last)
        for payload in known.told:
            await conn.execute("select pg_notify($1, $2)", _CHANNEL, payload)
