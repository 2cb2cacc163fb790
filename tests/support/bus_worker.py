"""A media worker without media on a bus: does what the test tells it, as ScriptedWorker does on a unix socket."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import msgspec

from media.control.bus import Bus
from media.control.bus_server import Announcement, BusServer
from media.control.codec import BadMessage, read_event
from media.control.messages import MediaAddresses, Message, Ping, Request, UdpAddress
from tests.support.scripted_worker import Refuse, ScriptedWorker


class BusWorker:
    """`start`, then look at `script`; `die` and `start` again make a new incarnation."""

    def __init__(self, url: str, name: str = "w0") -> None:
        self.script = ScriptedWorker(Path("/nowhere"), name)
        self._url = url
        self._server: BusServer | None = None

    @property
    def name(self) -> str:
        return self.script.name

    async def start(self, *, keep_rooms: bool = False) -> None:
        script = self.script
        if not keep_rooms:
            script.incarnation = secrets.token_hex(4)
            script.rooms.clear()
            script.seats.clear()
        bus = Bus(self._url, f"{script.name}-{script.incarnation}-{secrets.token_hex(2)}")
        self._server = BusServer(bus, self._perform, lambda: self._told(bus))
        await self._server.start()

    async def die(self) -> None:
        """Off the bus, without a word to anybody."""
        if self._server is not None:
            await self._server.close()
        self._server = None

    def tell(self, event: dict[str, Any]) -> None:
        assert self._server is not None
        self._server.tell(read_event(msgspec.json.encode({"event": event["event"], "at": time.time(), **event})))

    async def _perform(self, request: Request) -> Message:
        if not isinstance(request, Ping):
            self.script.asked.append(request)
        opened = self.script.rooms.get(getattr(request, "room", None) or "")
        if opened is not None and getattr(request, "epoch", opened.epoch) < opened.epoch:
            raise BadMessage("stale_epoch", f"room {opened.room} is owned at epoch {opened.epoch}")
        try:
            return self.script._do(request)
        except Refuse as no:
            raise BadMessage(no.code, "as the test wants") from no

    def _told(self, bus: Bus) -> Announcement:
        script = self.script
        media = MediaAddresses(udp=[UdpAddress(host="127.0.0.1", port=40000)], fingerprint="sha-256 AB")
        return Announcement(script.name, script.incarnation, bus.me, False, len(script.seats), len(script.rooms), media)
