"""The pool and its transactions against a real PostgreSQL, including one that goes away."""

from __future__ import annotations

import asyncio
import shutil

import asyncpg
import pytest

from server.db import Connection, Pool
from server.db.embedded import VOLATILE, RunningPostgres
from server.db.pool import CommitUnknown, DatabaseAway, connection, in_transaction, open_pool
from tests.support.database import passable_directory
from tests.support.eventually import eventually

NOTES = "CREATE TABLE notes (what text UNIQUE)"


async def terminate(pool: Pool, backend: int) -> None:
    """End a connection from the server's side, as an administrator or a crash would."""
    await pool.execute("SELECT pg_terminate_backend($1, 5000)", backend)


async def notes(pool: Pool) -> list[str]:
    return [row["what"] for row in await pool.fetch("SELECT what FROM notes ORDER BY what")]


async def test_template_is_migrated(db: Pool) -> None:
    assert await db.fetchval("SELECT count(*) FROM schema_migrations") > 0


async def test_work_is_committed_and_its_result_returned(db: Pool) -> None:
    await db.execute(NOTES)

    assert await in_transaction(db, lambda c: c.fetchval("INSERT INTO notes VALUES ('one') RETURNING what")) == "one"
    assert await notes(db) == ["one"]


async def test_an_error_of_the_work_is_raised_once_and_leaves_nothing(db: Pool) -> None:
    await db.execute(NOTES)
    runs = []

    async def work(conn: Connection) -> None:
        runs.append(1)
        await conn.execute("INSERT INTO notes VALUES ('one')")
        await conn.execute("INSERT INTO notes VALUES ('one')")

    with pytest.raises(asyncpg.UniqueViolationError):
        await in_transaction(db, work)

    assert (runs, await notes(db)) == ([1], [])


async def test_an_error_that_is_not_the_databases_is_not_taken_for_a_lost_connection(db: Pool) -> None:
    runs = []

    async def work(_conn: Connection) -> None:
        runs.append(1)
        raise ConnectionResetError("a media worker went away")

    with pytest.raises(ConnectionResetError):
        await in_transaction(db, work)

    assert runs == [1]


async def test_lost_before_commit_is_run_again_and_happens_once(db: Pool) -> None:
    await db.execute(NOTES)
    runs = []

    async def work(conn: Connection) -> None:
        runs.append(1)
        await conn.execute("INSERT INTO notes VALUES ('one')")
        if len(runs) == 1:
            await terminate(db, await conn.fetchval("SELECT pg_backend_pid()"))
        await conn.execute("INSERT INTO notes VALUES ('two')")

    await in_transaction(db, work)

    assert (len(runs), await notes(db)) == (2, ["one", "two"])


async def test_a_serialization_failure_is_run_again(db: Pool) -> None:
    runs = []

    async def work(conn: Connection) -> int:
        runs.append(1)
        if len(runs) == 1:
            await conn.execute("DO $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '40001'; END $$")
        return len(runs)

    assert await in_transaction(db, work) == 2


async def test_lost_during_commit_is_not_run_again(db: Pool) -> None:
    """A deferred trigger makes COMMIT take its time, so that it can be hit."""
    await db.execute(NOTES)
    await db.execute(
        "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END'"
    )
    await db.execute(
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slowly()"
    )
    backends: list[int] = []

    async def work(conn: Connection) -> None:
        backends.append(await conn.fetchval("SELECT pg_backend_pid()"))
        await conn.execute("INSERT INTO notes VALUES ('one')")

    async def is_committing() -> str | None:
        found = await db.fetchval(
            "SELECT query FROM pg_stat_activity WHERE pid = ANY($1) AND wait_event = 'PgSleep'", backends
        )
        return None if found else "COMMIT has not begun"

    running = asyncio.create_task(in_transaction(db, work))
    await eventually(is_committing)
    await terminate(db, backends[0])

    with pytest.raises(CommitUnknown):
        await running
    assert len(backends) == 1


async def test_waiting_for_a_free_connection_has_an_end(database_url: str) -> None:
    pool = await open_pool(database_url, max_connections=1)
    async with connection(pool):
        with pytest.raises(DatabaseAway):
            await in_transaction(pool, lambda c: c.fetchval("SELECT 1"), patience_s=0.1)

    assert await in_transaction(pool, lambda c: c.fetchval("SELECT 1")) == 1
    await pool.close()


async def test_a_reader_whose_connection_is_cut_is_told_that_the_database_is_away(db: Pool) -> None:
    async def read() -> None:
        async with connection(db) as conn:
            await terminate(db, await conn.fetchval("SELECT pg_backend_pid()"))
            await conn.fetchval("SELECT 1")

    with pytest.raises(DatabaseAway):
        await read()


async def test_a_readers_own_mistake_is_not_hidden(db: Pool) -> None:
    """asyncpg tells a wrong argument by a kind of InterfaceError, as it tells some lost connections."""

    async def read() -> None:
        async with connection(db) as conn:
            await conn.fetchval("SELECT $1::int", "not a number")

    with pytest.raises(asyncpg.DataError):
        await read()


async def test_cancelled_work_gives_its_connection_back(database_url: str) -> None:
    pool = await open_pool(database_url, max_connections=1)
    begun = asyncio.Event()

    async def work(conn: Connection) -> None:
        begun.set()
        await conn.execute("SELECT pg_sleep(60)")

    running = asyncio.create_task(in_transaction(pool, work))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert await in_transaction(pool, lambda c: c.fetchval("SELECT 1")) == 1
    await pool.close()


async def test_a_killed_and_restarted_postgres_is_waited_for() -> None:
    directory = passable_directory()
    running = RunningPostgres(directory / "postgres", VOLATILE)
    postgres = running.__enter__()
    pool = await open_pool(postgres.url())
    await pool.execute(NOTES)
    running.process.kill()
    running.process.wait()

    async def away() -> str | None:
        """Its processes end a moment after it."""
        try:
            await in_transaction(pool, lambda c: c.fetchval("SELECT 1"), patience_s=0.2)
        except DatabaseAway:
            return None
        return "a process of the killed PostgreSQL still answers"

    await eventually(away)

    waiting = asyncio.create_task(
        in_transaction(pool, lambda c: c.execute("INSERT INTO notes VALUES ('after')"), patience_s=60)
    )
    with running:
        await waiting
        assert await notes(pool) == ["after"]
        await pool.close()
    shutil.rmtree(directory)
