"""A UDP line on loopback that carries so much a second towards one browser, with a queue that drops at its end."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from playwright.async_api import BrowserContext

Address = tuple[str, int]
HEADERS = 28  # IPv4 and UDP
MAX_DATAGRAM = 2048
_CANDIDATE = re.compile(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", re.IGNORECASE)
# Every answer of the server goes through `onSlowLine` before the browser has it.
_REROUTE = """(() => {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = async function ({ type, sdp }) {
    return set.call(this, { type, sdp: await window.onSlowLine(sdp) });
  };
})();"""


class SlowLine(asyncio.DatagramProtocol):
    """Stands between a browser and a worker. `down_bps` may be changed at any time; 0 is a wide line.

    Each address of the browser has an address of its own at the worker, and they share the line.
    """

    def __init__(self, queue_s: float) -> None:
        self.down_bps = 0
        self.carried = 0  # bytes to the browser
        self.dropped = 0
        self.dead = False  # carries nothing, whatever network the browser tries
        self._queue_s = queue_s
        self._free_at = 0.0
        self._ways: dict[Address, socket.socket] = {}
        self._left: set[Address] = set()
        self._worker: Address | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def move(self) -> None:
        """From now on the browser is at another address, as behind a router that has started again, or with another network."""
        for way in self._ways.values():
            self._loop.remove_reader(way)
            way.close()
        self._ways.clear()

    def cut(self) -> None:
        """The network that the browser is in carries nothing any more; what it opens from now on is in another one."""
        self._left |= self._ways.keys()
        self.move()

    def close(self) -> None:
        self.move()
        if self._transport is not None:
            self._transport.close()

    def reroute(self, answer: str) -> str:
        """The server's SDP with this line as the only way to the worker's first address."""
        assert self._transport is not None
        found = _CANDIDATE.search(answer)
        assert found, answer
        self._worker = (found[1], int(found[2]))
        port = self._transport.get_extra_info("sockname")[1]
        here = found[0].replace(f" {found[1]} {found[2]} ", f" 127.0.0.1 {port} ")
        lines = answer.replace(found[0], here).split("\r\n")
        return "\r\n".join(line for line in lines if not line.startswith("a=candidate:") or line.startswith(here))

    def datagram_received(self, data: bytes, source: Address) -> None:
        if self.dead or self._worker is None or source in self._left:
            return
        if source not in self._ways:
            self._ways[source] = way = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            way.setblocking(False)
            way.connect(self._worker)
            self._loop.add_reader(way, partial(self._read, way, source))
        with suppress(OSError):
            self._ways[source].send(data)

    def _read(self, way: socket.socket, browser: Address) -> None:
        with suppress(OSError):
            while data := way.recv(MAX_DATAGRAM):
                self._send_down(data, browser)

    def _send_down(self, data: bytes, browser: Address) -> None:
        now = self._loop.time()
        begins = max(now, self._free_at)
        if self.dead:
            return
        if not self.down_bps:
            self._send(data, browser)
        elif begins - now > self._queue_s:
            self.dropped += 1
        else:
            self._free_at = begins + (len(data) + HEADERS) * 8 / self.down_bps
            self._loop.call_at(self._free_at, self._send, data, browser)

    def _send(self, data: bytes, to: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self.carried += len(data)
            self._transport.sendto(data, to)


@asynccontextmanager
async def slow_line(context: BrowserContext, queue_s: float = 0.5) -> AsyncIterator[SlowLine]:
    """Puts the pages that this browser opens from now on behind a line, wide at first."""
    loop = asyncio.get_running_loop()
    _, line = await loop.create_datagram_endpoint(lambda: SlowLine(queue_s), local_addr=("127.0.0.1", 0))
    await context.expose_function("onSlowLine", line.reroute)
    await context.add_init_script(script=_REROUTE)
    try:
        yield line
    finally:
        line.close()
