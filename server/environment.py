"""The environment of the product: a directory with the pinned packages, made on first use.

Standard library only, because nothing else is there yet. Bare Debian has python3 and pip but neither `ensurepip` nor the right to
install beside the system's packages; an environment without pip, filled from outside by `pip --python`, needs neither.

States of an environment, and what `ensure` does:

1. stamp equals the lock file's hash        nothing, the common case (one small file is read)
2. no stamp, or another hash                install into it
3. an install was cut while it wrote files  empty it and start over: a package may be there by half
4. its interpreter does not run, or became  the same
   another version (a system upgrade)

Two first starts at once: the second waits for the first one's lock, then finds case 1. The installer holds that lock too, so that a
start after a killed start waits for the orphaned installer instead of emptying what it writes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from server import install_progress

ROOT = Path(__file__).resolve().parent.parent
LOCK_NAME = ".laizuo-lock"
CUT_NAME = ".laizuo-installing"
GROUPS = ("run", "dev")  # each contains those before it (tests/test_packaging.py)


class EnvironmentFailed(Exception):
    """The environment could not be made; the text says what to do."""


def home() -> Path:
    """Where the environment stands: $LAIZUO_VENV, else `.venv` beside the sources."""
    return Path(os.environ.get("LAIZUO_VENV") or ROOT / ".venv").absolute()


def lock_file(group: str) -> Path:
    return ROOT / f"requirements.{group}.lock"


def is_needed() -> bool:
    """False where the product was installed as a package: then its packages came with it."""
    return lock_file("run").exists()


def ensure(group: str) -> None:
    """Make sure that the packages of `group` ("run" or "dev") are installed.

    Raises  EnvironmentFailed with a sentence for the person at the terminal.
    """
    place = home()
    if _is_current(place, group):
        return
    try:
        place.mkdir(parents=True, exist_ok=True)
        with _alone(place) as lock:
            if not _is_current(place, group):
                _build(place, group, lock)
    except OSError as error:
        raise EnvironmentFailed(
            f"{place} cannot be written ({error}). Name another place with LAIZUO_VENV=/some/directory"
        ) from error


def enter(arguments: list[str]) -> None:
    """Go on inside the environment with the same arguments; returns at once when already inside."""
    place = home()
    if Path(sys.prefix).resolve() == place.resolve():
        return
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), inherited] if inherited else [str(ROOT)])
    python = str(place / "bin/python")
    os.execv(python, [python, "-m", "server", *arguments])


def _is_current(place: Path, group: str) -> bool:
    try:
        stamp = _stamp(place, group).read_text()
    except OSError:
        return False
    return stamp == _digest(group) and _fits(place)


def _fits(place: Path) -> bool:
    """False when the interpreter is gone, or is another version than the one that the packages were installed for."""
    python = place / "bin/python"
    version = re.search(r"python(\d+\.\d+)$", os.path.realpath(python))
    return python.exists() and (version is None or (place / "lib" / f"python{version[1]}").is_dir())


def _stamp(place: Path, group: str) -> Path:
    return place / f".laizuo-{group}"


def _digest(group: str) -> str:
    return hashlib.sha256(lock_file(group).read_bytes()).hexdigest()


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[int]:
    """Hold the environment's lock; yields its file descriptor."""
    with (place / LOCK_NAME).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            install_progress.say("Another start is installing the packages; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _build(place: Path, group: str, lock: int) -> None:
    python = place / "bin/python"
    is_cut = (place / CUT_NAME).exists()
    if is_cut or not (_fits(place) and _runs(python)):
        if (place / "pyvenv.cfg").exists():
            install_progress.say(
                "The last installation was cut off; starting it over."
                if is_cut
                else "Python has changed; starting over."
            )
            _empty(place)
        venv.EnvBuilder(with_pip=False, symlinks=True).create(place)
    _install(place, group, lock)
    for contained in GROUPS[: GROUPS.index(group) + 1]:
        _stamp(place, contained).write_text(_digest(contained))


def _runs(python: Path) -> bool:
    try:
        return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _empty(place: Path) -> None:
    for entry in place.iterdir():
        if entry.name == LOCK_NAME:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _install(place: Path, group: str, lock: int) -> None:
    pins = lock_file(group)
    install_progress.say(f"Installing the pinned packages into {place} (once; takes less than a minute).")
    cut = place / CUT_NAME
    process = subprocess.Popen(
        [*_installer(place / "bin/python"), "--require-hashes", "-r", str(pins)],
        pass_fds=(lock,),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    tail = install_progress.follow(process.stdout, pins, on_writing=cut.touch)
    if process.wait() != 0:
        raise EnvironmentFailed(
            f"Installing the packages failed:\n{tail}\nNothing was started. Run the same command again."
        )
    cut.unlink(missing_ok=True)


def _base_python() -> str:
    """The system's interpreter, also when we were started inside an environment (which has no pip)."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def _installer(python: Path) -> list[str]:
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", str(python)]
    pip = [_base_python(), "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode != 0:
        raise EnvironmentFailed("pip is missing. As root: apt-get install -y python3-pip   (or put uv on the PATH)")
    # --no-compile: only what is imported gets compiled, at its first import, which halves the writing phase
    quiet = ["--disable-pip-version-check", "--no-input", "--no-compile", "--progress-bar", "off"]
    return [*pip, "--python", str(python), "install", *quiet]
