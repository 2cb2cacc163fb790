"""A PostgreSQL for the tests: one cluster a run, one template with the migrations in it, one clone a test.

Clones are made and dropped beside the tests: while one runs, the next one's database is being copied.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from server.db.embedded import VOLATILE, EmbeddedPostgres, RunningPostgres
from server.db.migrate import migrate

T = TypeVar("T")
TEMPLATE = "laizuo_template"


def passable_directory() -> Path:
    """A new temporary directory that PostgreSQL's account can pass (pytest's own are closed to it when run by root)."""
    directory = Path(tempfile.mkdtemp(prefix="laizuo-test-"))
    directory.chmod(0o711)
    return directory


class TestCluster:
    """Hands out databases."""

    __test__ = False

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._numbers = itertools.count(1)
        self._beside = ThreadPoolExecutor(1, "databases")
        self._next: Future[str] | None = None
        self._dropped: list[Future[None]] = []

    def make_template(self) -> None:
        self._administer(f'CREATE DATABASE "{TEMPLATE}"')
        run_elsewhere(migrate(self._postgres.url(TEMPLATE)))

    @contextlib.contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """A database of one's own; yields its URL."""
        name = self._clone() if template == TEMPLATE else self._beside.submit(self._create, template).result()
        try:
            yield self._postgres.url(name)
        finally:
            self._dropped.append(self._beside.submit(self._administer, f'DROP DATABASE "{name}" WITH (FORCE)'))
            self._raise_from_earlier()

    def close(self) -> None:
        """Wait for what is still done beside; what went wrong there is raised."""
        self._beside.shutdown()
        for dropped in self._dropped:
            dropped.result()

    def _clone(self) -> str:
        """The one made beforehand; and the next one is begun."""
        ready = self._next or self._beside.submit(self._create, TEMPLATE)
        name = ready.result()
        self._next = self._beside.submit(self._create, TEMPLATE)
        return name

    def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return name

    def _raise_from_earlier(self) -> None:
        for dropped in [future for future in self._dropped if future.done()]:
            self._dropped.remove(dropped)
            dropped.result()

    def _administer(self, sql: str) -> None:
        run_elsewhere(_execute(self._postgres.url(), sql))


@contextlib.contextmanager
def running_cluster() -> Iterator[TestCluster]:
    directory = passable_directory()
    try:
        with RunningPostgres(directory / "postgres", VOLATILE) as postgres:
            cluster = TestCluster(postgres)
            cluster.make_template()
            try:
                yield cluster
            finally:
                cluster.close()
    finally:
        shutil.rmtree(directory)


def run_elsewhere(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in an event loop of its own, off the test's loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
