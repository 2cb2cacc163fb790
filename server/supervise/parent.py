"""`serve`: the parent process, from the first check to the last child's end."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence

from server import command_line, config
from server.config import ConfigError, Settings
from server.db.embedded import EmbeddedPostgres
from server.supervise import children, core
from server.supervise.child import Child, Plan
from server.supervise.console import Console
from server.supervise.home import Home, HomeTaken
from server.supervise.listen import PortTaken, listen
from server.supervise.relay import say


def main(argv: Sequence[str]) -> int:
    """Run until told to stop. 0: stopped cleanly; 1: could not start or go on, the reason was said."""
    try:
        settings = config.load(command_line.serve_parser().parse_args(argv))
        home = Home(settings.data)
    except (ConfigError, HomeTaken) as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"the data directory cannot be used: {error}")
    try:
        _warn_of_cameras(settings)
        home.end_leftovers()
        with listen(settings.host, settings.port) as listener:
            return asyncio.run(Parent(settings, home, listener).run())
    except (PortTaken, ConfigError) as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"cannot listen on {settings.host} port {settings.port}: {error.strerror}")
    finally:
        home.close()


def _refuse(sentence: str) -> int:
    print(f"laizuo: {sentence}", file=sys.stderr)
    return 1


def _warn_of_cameras(settings: Settings) -> None:
    """Browsers give camera and microphone only to https pages and to loopback."""
    if not (settings.is_loopback or settings.tls or settings.public_url.startswith("https:")):
        print(
            "laizuo: without TLS, browsers on other machines will not give their cameras. "
            "For a trial: LAIZUO_TLS=self-signed; for service: certificate files, or a proxy and LAIZUO_PUBLIC_URL",
            file=sys.stderr,
        )


class Parent:
    """All children of one product, in one event loop."""

    def __init__(self, settings: Settings, home: Home, listener: socket.socket) -> None:
        self._settings = settings
        self._home = home
        self._listener = listener
        self._console = Console()
        self._asked = 0  # how often we were told to stop
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._failure: str | None = None
        self._database: Child | None = None
        self._database_url = settings.database_url
        self._children = self._make_children()

    async def run(self) -> int:
        """Start, watch, stop. Returns the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_stop_signal)
        async with asyncio.TaskGroup() as tasks:
            for child in self._children:
                tasks.create_task(child.keep())
            announcing = tasks.create_task(self._announce())
            await self._stop.wait()
            announcing.cancel()
            await self._stop_all()
        self._console.close()
        if self._failure:
            return _refuse(self._failure)
        return 0

    def _make_children(self) -> list[Child]:
        plans: list[Plan] = []
        if not self._settings.database_url:
            postgres = EmbeddedPostgres(self._settings.data / "postgres")
            self._database_url = postgres.url()
            plans.append(children.postgres_plan(postgres))
        workers = children.worker_plans(self._settings, self._home)
        links = tuple(link for _, link in workers)
        plans += [plan for plan, _ in workers]
        plans.append(children.web_plan(self._settings, self._listener, links, self._database_is_ready))
        made = [Child(plan, self._home, self._console, self._give_up) for plan in plans]
        self._database = next((child for child in made if child.plan.stage is core.Stage.DATABASE), None)
        return made

    async def _database_is_ready(self) -> str:
        if self._database:
            await self._database.ready.wait()
        return self._database_url

    async def _announce(self) -> None:
        """The one line on standard output, when everything has become ready."""
        for child in self._children:
            await child.ready.wait()
        port = int(self._listener.getsockname()[1])
        print(f"ready {config.local_url(self._settings, port)}/", flush=True)

    def _on_stop_signal(self) -> None:
        self._asked += 1
        if self._asked == 1:
            say(self._console, "laizuo", "stopping (once more: at once)")
            self._stop.set()
        else:
            self._hurry.set()

    def _give_up(self, reason: str) -> None:
        self._failure = reason
        self._stop.set()

    async def _stop_all(self) -> None:
        self._listener.close()  # from here on new connections are refused instead of waiting for nobody
        for stage in core.Stage:
            stopping = [self._stop_child(child) for child in self._children if child.plan.stage is stage]
            await asyncio.gather(*stopping)

    async def _stop_child(self, child: Child) -> None:
        await child.stop(lambda: core.kill_after(self._asked, child.plan.stage, child.plan.policy), self._hurry)
