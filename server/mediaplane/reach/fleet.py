"""The links to all workers: those of the settings, and those that announce themselves on the bus."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from server.mediaplane.link import Link
from server.mediaplane.reach.finding import Finding
from server.mediaplane.reach.ways import BusWay

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from typing import Any

    from media.control.bus_server import Announcement
    from server.config import WorkerLink
    from server.mediaplane.link import LinkOwner
    from server.mediaplane.reach.bus import Bus

    Spawn = Callable[[Coroutine[Any, Any, None], str], object]


class Fleet:
    """All workers of this web process. `met` says of each whether its rooms have been compared with the database."""

    def __init__(
        self, workers: Iterable[WorkerLink], bus: Bus | None, controller: str, owner: LinkOwner, spawn: Spawn
    ) -> None:
        self._bus = bus
        self._controller = controller
        self._owner = owner
        self._spawn = spawn
        self._is_started = False
        self.links = {
            worker.name: Link(worker.name, worker.control.removeprefix("unix:"), controller, owner)
            for worker in workers
        }
        self.met = {name: asyncio.Event() for name in self.links}
        self._finding = Finding(bus, self._found) if bus else None

    @property
    def is_shared(self) -> bool:
        """Whether other web processes command these workers too."""
        return self._finding is not None

    def start(self) -> None:
        """Connect to all workers, and stay connected."""
        self._is_started = True
        for link in self.links.values():
            self._spawn(link.keep(), f"link-{link.name}")

    def answers(self, worker: str, incarnation: str) -> Link | None:
        """The link to a worker that answers now and is the one that is meant."""
        link = self.links.get(worker)
        return link if link is not None and link.state is not None and link.state.incarnation == incarnation else None

    def away(self) -> list[str]:
        """Workers that do not answer now. Those of the bus come and go: they are missed only when there is none at all."""
        away = [name for name, link in self.links.items() if not link.is_up]
        if not self.is_shared:
            return away
        return [] if len(away) < len(self.links) else [*away, "everybody"]

    def udp_ports(self) -> list[int]:
        """The UDP ports on which the workers that answer receive."""
        states = [link.state for link in self.links.values() if link.state is not None]
        return [address.port for state in states for address in state.media.udp]

    def announced(self, name: str) -> Announcement | None:
        """What a worker of the bus has told of itself lately."""
        return self._finding.newest(name) if self._finding else None

    def _found(self, name: str) -> None:
        if name in self.links or self._bus is None or self._finding is None:
            return
        self.met[name] = asyncio.Event()
        link = self.links[name] = Link(name, BusWay(name, self._bus, self._finding), self._controller, self._owner)
        if self._is_started:
            self._spawn(link.keep(), f"link-{name}")
