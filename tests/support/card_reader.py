"""A card reader's program as server/waiting/KIOSK.md describes it, with cards made up for the tests; a real server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(slots=True)
class CardReader:
    """A reader with a slot. card: what lies on it, or None; asked: the fields of each reading, in order."""

    origin: str
    card: dict[str, str] | None = None
    asked: list[list[str]] = field(default_factory=list)
    address: str = ""

    async def read(self, request: web.Request) -> web.Response:
        if request.headers.get("Origin") != self.origin:
            return web.Response(status=403)
        wish = await request.json()
        self.asked.append(wish["fields"])
        if self.card is None:
            return web.Response(status=204, headers=self._allowed())
        answer = {name: self.card[name] for name in wish["fields"]}
        return web.json_response(answer, headers=self._allowed())

    async def preflight(self, request: web.Request) -> web.Response:
        return web.Response(status=204, headers=self._allowed())

    def _allowed(self) -> dict[str, str]:
        return {
            "Access-Control-Allow-Origin": self.origin,
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Private-Network": "true",
        }


@asynccontextmanager
async def running_reader(origin: str) -> AsyncIterator[CardReader]:
    """A reader for the page at this origin, on a free port."""
    reader = CardReader(origin)
    app = web.Application()
    app.router.add_post("/v1/read", reader.read)
    app.router.add_options("/v1/read", reader.preflight)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield reader
    finally:
        await asyncio.shield(runner.cleanup())
