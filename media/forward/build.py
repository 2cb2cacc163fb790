"""A C file becomes a library: compiled once where a C compiler is, kept, and found again.

    <folder>/fastpath-<source>-<compiler>.so     source: hash of the code, the flags, Python, pylibsrtp, machine and libc

The file that is compiled is the last of its sources, and names the library; without any it is fastpath.c.

Folders, in this order: the environment's own (an image brings it, no compiler needed; a virtual environment that we may write gets
it), then the worker's data directory. The file appears whole or not at all; of two workers that start together one compiles and the
other waits for it. Only a folder and a file that belong to us or to root, and that nobody else can write, are trusted.

Each new source leaves a library behind. Whoever compiles takes away what nobody has begun with for a week, but for the last few of
each name. A file's time is that of its last use: set when it is found, under the lock that the deleter holds, so that what was found
can be loaded.

    python -m media.forward.build [DIR]          compile into the environment (for images), or into DIR
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import platform
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from media.forward.native_memory import NativeUnusable

log = logging.getLogger(__name__)

HERE: Final = Path(__file__).parent
SOURCES: Final = (HERE / "fastpath.h", HERE / "sealing.h", HERE / "arrivals.h", HERE / "fastpath.c")
# SM3 of several chunks at once (media/record/lanes.py).
LANES: Final = (HERE.parent / "record" / "sm3_steps.h", HERE.parent / "record" / "sm3_lanes.c")
COMPILERS: Final = ("cc", "gcc", "clang")
# -ffp-contract=off: jitter comes out as in Python, to the last bit, which the self-test compares.
FLAGS: Final = (
    *("-std=gnu11", "-O2", "-g1", "-fPIC", "-shared", "-pthread", "-fvisibility=default", "-ffp-contract=off"),
    *("-Wall", "-Wextra", "-Werror", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now"),
)
INSTALL: Final = "no C compiler (cc, gcc or clang); on Debian: apt install gcc libc6-dev"
COMPILE_WITHIN_S: Final = 30.0
WAIT_FOR_OTHER_S: Final = 10.0
POLL_S: Final = 0.05
DAY_S: Final = 86_400.0
UNUSED_FOR_S: Final = 7 * DAY_S
KEPT: Final = 3  # of each name, however old: for a step back to the source of before


@dataclass(frozen=True, slots=True)
class Compiler:
    """`name` is what it says of itself."""

    command: str
    name: str


def find_compiler() -> Compiler | None:
    for command in COMPILERS:
        path = shutil.which(command)
        if path is None:
            continue
        asked = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=COMPILE_WITHIN_S
        )
        if asked.returncode == 0 and asked.stdout:
            return Compiler(path, asked.stdout.splitlines()[0])
    return None


def own_folder() -> Path:
    """In the environment that Python runs in."""
    return Path(sys.prefix) / "lib" / "laizuo"


def _home_of_new(folder: Path) -> Path:
    """The environment, so that one compilation serves every data directory; never a system's own Python."""
    own = own_folder()
    ours = sys.prefix != sys.base_prefix and own.parent.is_dir() and os.access(own.parent, os.W_OK)
    return own if ours else folder


def ready_library(folder: Path, sources: Sequence[Path] = ()) -> Path:
    """The compiled library, made if it is nowhere yet; blocks for about a second then.

    folder   where to, if the environment cannot be written.

    Raises  NativeUnusable with the reason.
    """
    if not sys.platform.startswith("linux") or sys.maxsize < 1 << 32:
        raise NativeUnusable("the C path needs a 64-bit Linux")
    for place in (own_folder(), folder):
        for found in sorted(place.glob(f"{_stem(sources)}-*.so")):
            if _is_trusted(place) and _is_ours_to_load(found):
                return found
    compiler = find_compiler()
    if compiler is None:
        raise NativeUnusable(INSTALL)
    home = _home_of_new(folder)
    try:
        return compile_into(home, compiler, sources=sources)
    except OSError as error:
        raise NativeUnusable(f"{home} cannot be used: {error}") from error


def compile_into(
    folder: Path, compiler: Compiler, more_flags: Sequence[str] = (), sources: Sequence[Path] = ()
) -> Path:
    """Compile, unless it is there. Raises NativeUnusable, OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    if not _is_trusted(folder):
        raise NativeUnusable(f"{folder} can be written by others")
    flags = (*FLAGS, *more_flags)
    maker = _short_hash(compiler.name, *more_flags)
    library = folder / f"{_stem(sources)}-{maker}.so"
    with _alone(folder):
        if library.exists() and _is_trusted(library):
            os.utime(library)
        else:
            _compile(compiler, flags, (sources or SOURCES)[-1], library)
            _forget_unused(library, time.time())
    return library


def _is_ours_to_load(library: Path) -> bool:
    """Whether it is to be trusted and stays there until it is loaded. It is marked as used, once a day: fresh ones nobody takes away."""
    try:
        if not _is_trusted(library):
            return False
        if time.time() - library.stat().st_mtime > DAY_S:
            with _alone(library.parent):
                os.utime(library)
    except FileNotFoundError:  # another took it away a moment ago
        return False
    except (OSError, NativeUnusable) as error:  # a folder in which nobody of our rights deletes either
        log.debug("%s is used and cannot be marked so: %s", library.name, error)
    return True


def _forget_unused(made: Path, now: float) -> None:
    """Take away what nobody has begun with for long; who has loaded it keeps it. The caller holds the folder's lock."""
    ages = {path: now - path.stat().st_mtime for path in made.parent.glob(f"{made.name.partition('-')[0]}-*.so")}
    for path in sorted(ages, key=lambda path: ages[path])[KEPT:]:
        if ages[path] > UNUSED_FOR_S:
            path.unlink(missing_ok=True)


def _compile(compiler: Compiler, flags: Sequence[str], source: Path, library: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".build-", dir=library.parent) as folder:
        half = Path(folder) / library.name
        command = [compiler.command, *flags, "-o", str(half), str(source)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMPILE_WITHIN_S)
        except subprocess.TimeoutExpired as error:
            raise NativeUnusable(f"{compiler.name} did not end within {COMPILE_WITHIN_S} s") from error
        if done.returncode:
            raise NativeUnusable(f"{compiler.name} refused {source.name}: {done.stderr.strip()[:500]}")
        half.chmod(0o755)
        half.rename(library)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One compiles, the others wait. Raises NativeUnusable when that takes too long."""
    with (folder / ".lock").open("a") as lock:
        end = time.monotonic() + WAIT_FOR_OTHER_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise NativeUnusable("another worker is still compiling") from None
                time.sleep(POLL_S)
        yield


def _stem(sources: Sequence[Path]) -> str:
    """What a library of these sources is called, but for its compiler."""
    sources = sources or SOURCES
    facts = (sys.version, version("pylibsrtp"), platform.machine(), *platform.libc_ver(), sysconfig.get_platform())
    texts = [source.read_text(encoding="utf-8") for source in sources]
    return f"{sources[-1].stem}-{_short_hash(*texts, *FLAGS, *facts)}"


def _short_hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _is_trusted(path: Path) -> bool:
    facts = path.stat()
    return facts.st_uid in (0, os.geteuid()) and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def main() -> int:
    """For images. Returns 0 when the libraries are there."""
    compiler = find_compiler()
    if compiler is None:
        print(INSTALL, file=sys.stderr)
        return 1
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else own_folder()
    for sources in (SOURCES, LANES):
        print(compile_into(folder, compiler, sources=sources))
    return 0


if __name__ == "__main__":
    sys.exit(main())
