"""Child processes: how one is started so that it never outlives us, and how its end is noticed."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # prctl(2)
F_SETPIPE_SZ = 1031  # fcntl(2); Python has the name since 3.10 on Linux only
OUTPUT_PIPE_BYTES = 1024 * 1024  # a paused parent must not block its children's logging at once

_libc = ctypes.CDLL(None, use_errno=True)  # loaded before any fork


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of this system."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Command:
    """What to start, and as whom.

    env           the whole environment; None: ours
    death_signal  what the child gets from the kernel when we die, however we die
    log_file      where its output goes; None: to us, line by line
    given         bytes for its standard input; None: /dev/null
    pass_fds      file descriptors it inherits under the same numbers
    umask         of the child: what it makes is closed to others by default
    """

    argv: tuple[str, ...]
    cwd: Path | None = None
    env: Mapping[str, str] | None = None
    account: Account | None = None
    death_signal: signal.Signals = signal.SIGTERM
    log_file: Path | None = None
    given: bytes | None = None
    pass_fds: tuple[int, ...] = field(default=())
    umask: int = 0o077


def start(command: Command) -> subprocess.Popen[bytes]:
    """Start it in a session of its own (Ctrl-C reaches only us). Call from the main thread.

    The parent-death signal is sent when the *thread* that forked ends, not only the process.
    """
    account = command.account
    log: IO[bytes] | None = command.log_file.open("ab") if command.log_file else None
    try:
        process = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=command.env,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            umask=command.umask,
            start_new_session=True,
            stdin=subprocess.DEVNULL if command.given is None else subprocess.PIPE,
            stdout=log or subprocess.PIPE,
            stderr=log or subprocess.PIPE,
            pass_fds=command.pass_fds,
            preexec_fn=_end_with_parent(command.death_signal),  # noqa: PLW1509  # one system call, loaded before the fork
        )
    finally:
        if log:
            log.close()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            fcntl.fcntl(pipe, F_SETPIPE_SZ, OUTPUT_PIPE_BYTES)
    return process


def _end_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def after_fork() -> None:  # runs after the change of account, which would clear the setting
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return after_fork


async def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for the process without a thread; its return code, negative for a signal."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    watch = os.pidfd_open(process.pid)
    loop.add_reader(watch, done.set)
    try:
        while (code := process.poll()) is None:
            await done.wait()
        return code
    finally:
        loop.remove_reader(watch)
        os.close(watch)


def describe_end(code: int) -> str:
    """A return code in words."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
