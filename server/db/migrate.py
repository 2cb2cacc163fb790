"""Numbered SQL files, applied once, in order, by whoever comes first.

    migrations/NNNN_what.sql          a `pre` migration: runs before the new code, the old code must still work after it
    migrations/NNNN_post_what.sql     a `post` migration: runs when no old code is left

Each file runs in one transaction together with its line in `schema_migrations`. An applied file never changes: its checksum is kept and
compared. Two web processes at once are settled by an advisory lock. Numbers this code does not know (a newer version has been here) are left alone.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import asyncpg

FOLDER = Path(__file__).parent / "migrations"
LOCK_NUMBER = 0x4C41495A  # "LAIZ"; any constant of ours
CONNECT_TIMEOUT_S = 10.0
KINDS = ("pre", "post")

_NAME = re.compile(r"(?P<number>\d{4})_(?:(?P<kind>pre|post)_)?(?P<what>[a-z0-9_]+)\.sql")
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""

log = logging.getLogger("laizuo.migrate")


class MigrationError(Exception):
    """The schema cannot be brought up to date; starting again does not help."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    kind: str
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load(folder: Path = FOLDER) -> list[Migration]:
    """The migrations of a folder in their order.

    Raises  MigrationError naming a file with a wrong name or a number that is there twice.
    """
    migrations: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: a migration is named NNNN_what.sql or NNNN_post_what.sql")
        number = int(match["number"])
        if number in migrations:
            raise MigrationError(f"{path.name}: number {number} is taken by {migrations[number].name}")
        migrations[number] = Migration(number, match["kind"] or "pre", path.name, path.read_text(encoding="utf-8"))
    return list(migrations.values())


async def migrate(url: str, folder: Path = FOLDER, kinds: Collection[str] = KINDS) -> list[str]:
    """Apply what is missing; returns the names of what was applied.

    Raises  MigrationError; OSError and asyncpg errors when the database is away.
    """
    migrations = load(folder)
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_NUMBER)
        await connection.execute(_LEDGER)
        applied = dict(await connection.fetch("SELECT number, checksum FROM schema_migrations"))
        _check_unchanged(migrations, applied)
        missing = [m for m in migrations if m.number not in applied and m.kind in kinds]
        for migration in missing:
            await _apply(connection, migration)
        return [migration.name for migration in missing]
    finally:
        await connection.close()  # which also lets go of the lock


def _check_unchanged(migrations: list[Migration], applied: dict[int, str]) -> None:
    for migration in migrations:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise MigrationError(
                f"{migration.name} was changed after it had been applied; put it back and write a new migration"
            )


async def _apply(connection: asyncpg.Connection[asyncpg.Record], migration: Migration) -> None:
    log.info("applying %s", migration.name)
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
    except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
        raise  # the database went away: another start may help
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{migration.name} failed: {error}") from error
