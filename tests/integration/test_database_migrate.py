"""Migrations: once, in order, whole or not at all, and never changed afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from server.db import migrate as migrations
from server.db.migrate import MigrationError, load, migrate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_people.sql").write_text("CREATE TABLE people (name text)")
    (tmp_path / "0002_sites.sql").write_text("CREATE TABLE sites (name text); ALTER TABLE people ADD site text")
    return tmp_path


async def ask(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_missing_ones_are_applied_in_order_and_once(empty_database_url: str, folder: Path) -> None:
    first = await migrate(empty_database_url, folder)
    second = await migrate(empty_database_url, folder)
    (folder / "0003_third.sql").write_text("CREATE TABLE third ()")
    third = await migrate(empty_database_url, folder)

    assert (first, second, third) == (["0001_people.sql", "0002_sites.sql"], [], ["0003_third.sql"])


async def test_four_web_processes_at_once(empty_database_url: str, folder: Path) -> None:
    applied = await asyncio.gather(*(migrate(empty_database_url, folder) for _ in range(4)))

    assert sorted(name for names in applied for name in names) == ["0001_people.sql", "0002_sites.sql"]


async def test_one_that_fails_leaves_nothing_of_itself(empty_database_url: str, folder: Path) -> None:
    (folder / "0003_wrong.sql").write_text("CREATE TABLE half (); SELECT 1/0")

    with pytest.raises(MigrationError, match=r"0003_wrong\.sql failed: division by zero"):
        await migrate(empty_database_url, folder)

    assert await ask(empty_database_url, "SELECT to_regclass('half')") is None
    assert await ask(empty_database_url, "SELECT max(number) FROM schema_migrations") == 2


async def test_an_applied_one_may_not_change(empty_database_url: str, folder: Path) -> None:
    await migrate(empty_database_url, folder)
    (folder / "0001_people.sql").write_text("CREATE TABLE people (name text, age int)")

    with pytest.raises(MigrationError, match=r"0001_people\.sql was changed after it had been applied"):
        await migrate(empty_database_url, folder)


async def test_what_a_newer_version_applied_is_left_alone(empty_database_url: str, folder: Path) -> None:
    (folder / "0009_newer.sql").write_text("CREATE TABLE newer ()")
    await migrate(empty_database_url, folder)
    (folder / "0009_newer.sql").unlink()

    assert await migrate(empty_database_url, folder) == []


async def test_post_migrations_can_wait_until_no_old_code_runs(empty_database_url: str, folder: Path) -> None:
    (folder / "0003_post_drop_site.sql").write_text("ALTER TABLE people DROP site")

    before = await migrate(empty_database_url, folder, kinds=("pre",))
    after = await migrate(empty_database_url, folder, kinds=("post",))

    assert (len(before), after) == (2, ["0003_post_drop_site.sql"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("3_short.sql", "named NNNN_what.sql"),
        ("0003_Large.sql", "named NNNN_what.sql"),
        ("0002_again.sql", "number 2 is taken by 0002_again"),
    ],
)
def test_a_wrong_name_is_told(folder: Path, name: str, message: str) -> None:
    (folder / name).write_text("")

    with pytest.raises(MigrationError, match=message):
        load(folder)


def test_ours_are_well_named() -> None:
    assert [migration.number for migration in load(migrations.FOLDER)] == sorted(
        {m.number for m in load(migrations.FOLDER)}
    )
