"""A PostgreSQL for the tests: one cluster a run, one template with the migrations in it, one clone a test."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
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

    def make_template(self) -> None:
        self._administer(f'CREATE DATABASE "{TEMPLATE}"')
        run_elsewhere(migrate(self._postgres.url(TEMPLATE)))

    @contextlib.contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """A database of one's own; yields its URL."""
        name = f"test_{next(self._numbers)}"
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield self._postgres.url(name)
        finally:
            self._administer(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _administer(self, sql: str) -> None:
        run_elsewhere(_execute(self._postgres.url(), sql))


@contextlib.contextmanager
def running_cluster() -> Iterator[TestCluster]:
    directory = passable_directory()
    try:
        with RunningPostgres(directory / "postgres", VOLATILE) as postgres:
            cluster = TestCluster(postgres)
            cluster.make_template()
            yield cluster
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
