"""What the children are: PostgreSQL, media workers, the web process, each with its command line and its environment."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import msgspec

from server import config
from server.config import Settings, WorkerLink
from server.db.binaries import PostgresUnavailable
from server.db.embedded import EmbeddedPostgres
from server.supervise import core
from server.supervise.child import CannotStart, Plan
from server.supervise.home import Home
from server.supervise.listen import (
    PortTaken,
    announced,
    media_host,
    media_port,
    public_url,
    socket_address,
    tcp_port,
)
from server.supervise.process import Command

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET_VARIABLES = ("DATABASE_URL", "LAIZUO_MASTER_KEYS", "LAIZUO_PASSWORD")  # a media worker needs none
RECOVERY_S = (
    1800.0  # replaying the log after a power cut may take long; being ended in the middle would not make it faster
)


def postgres_plan(postgres: EmbeddedPostgres) -> Plan:
    async def prepare() -> Command:
        try:
            return await asyncio.to_thread(postgres.prepare)
        except PostgresUnavailable as error:
            raise CannotStart(str(error)) from error

    return Plan(
        name="postgres",
        stage=core.Stage.DATABASE,
        prepare=prepare,
        is_ready=postgres.is_ready,
        stop_signal=signal.SIGINT,
        impatient_signal=signal.SIGQUIT,
        policy=core.Policy(start_timeout_s=RECOVERY_S),
    )


def worker_plans(settings: Settings, home: Home) -> list[tuple[Plan, WorkerLink]]:
    """The media workers of this machine, and how the web process reaches each."""
    host = media_host(settings)
    ports: dict[int, int] = {}  # of each worker's last start
    plans = []
    for index in range(settings.workers):
        name = f"w{index}"
        control = f"unix:{home.socket(name)}"
        prepare = partial(_prepare_worker, settings, host, index, control, ports)
        plans.append((Plan(name, core.Stage.MEDIA, prepare), WorkerLink(name, control)))
    return plans


async def _prepare_worker(settings: Settings, host: str, index: int, control: str, ports: dict[int, int]) -> Command:
    """Choose its port at each start anew: another program may have come to use the last one."""
    others = {port for worker, port in ports.items() if worker != index}
    try:
        port = ports[index] = media_port(settings, host, index, others)
    except PortTaken as error:
        raise CannotStart(str(error)) from error
    name = f"{_machine()}-w{index}" if settings.bus else f"w{index}"
    argv = [sys.executable, "-m", "media", "--name", name, "--control", control]
    argv += ["--udp", socket_address(host, port)]
    tcp = tcp_port(settings, index, port)
    if tcp is not None:
        argv += ["--tcp", socket_address(host, tcp)]
    argv += ["--data", str(settings.data), "--log-level", settings.log_level, "--path", settings.media.path]
    argv += [word for address in announced(settings, host) for word in ("--announce", address)]
    environ = {variable: value for variable, value in _environment().items() if variable not in SECRET_VARIABLES}
    environ["LAIZUO_BUS"] = settings.bus
    return Command(tuple(argv), env=environ)


def web_plan(
    settings: Settings, listener: socket.socket, links: tuple[WorkerLink, ...], database: Callable[[], Awaitable[str]]
) -> Plan:
    """The web process. It imports its code while the database starts, and gets its settings once `database` knows the URL."""
    # The data directory on the command line is what a later parent knows a leftover by
    argv = (sys.executable, "-m", "server.serve", str(listener.fileno()), str(settings.data))
    port = int(listener.getsockname()[1])

    async def given() -> bytes:
        full = msgspec.structs.replace(
            settings,
            port=port,
            database_url=await database(),
            public_url=public_url(settings, port),
            worker_links=() if settings.bus else links or settings.worker_links,
        )
        return config.to_json(full)

    command = Command(argv, env=_environment(), given=b"", pass_fds=(listener.fileno(),))
    return Plan("web", core.Stage.WEB, partial(_as_is, command), given=given)


def _machine() -> str:
    """This machine's name as a word that workers of several machines are told apart by."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())[:40] or "machine"


async def _as_is(command: Command) -> Command:
    return command


def _environment() -> dict[str, str]:
    """Ours, with our sources first on the path, wherever we were started from."""
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = [str(ROOT), *(entry for entry in inherited if entry and entry != str(ROOT))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}
