"""Staff and kiosks at different web processes: the number, the call, the room and what staff see of it are the same from either."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from typing import TYPE_CHECKING, Any

import msgspec

from tests.support.broker import running_broker
from tests.support.bus_worker import BusWorker
from tests.support.eventually import PATIENCE_S, eventually
from tests.support.hall import kiosk, seeded, staff
from tests.support.room_page import RoomPage
from tests.support.room_web import running_web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import ClientResponse

    from server.config import Settings
    from server.db import Pool


async def said(answer: Any, status: int = 200) -> Any:
    assert answer.status == status, await answer.text()
    return await answer.json()


@contextlib.asynccontextmanager
async def here(url: str) -> AsyncIterator[BusWorker]:
    worker = BusWorker(url)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.die()


async def tells(stream: ClientResponse, pattern: str) -> str:
    """Read an event stream until something like this comes; what it caught."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := re.search(pattern, (await stream.content.readline()).decode())) is None:
            pass
    return found[found.lastindex or 0]


async def test_desk_kiosk_and_room_work_from_any_web_process(settings: Settings, db: Pool, tmp_path: Path) -> None:
    city = await seeded(db)
    with running_broker(tmp_path) as broker:
        shared = msgspec.structs.replace(settings, bus=broker.url)
        async with here(broker.url) as worker, running_web(shared) as first, running_web(shared) as second:
            api, device = kiosk(first, city, "liuyin")
            notary = await staff(second, db, city, "li.wanqing")
            desk = await notary.get("/api/desk/events")
            await tells(desk, "event: ")
            wish = {"service": "notarization", "request_key": secrets.token_hex(8)}
            ticket = await said(await device.send("POST", f"{api}/tickets", wish), 201)
            await tells(desk, ticket["number"])
            desk.close()

            hall = await device.get(f"{api}/events")
            called = await said(await notary.send("POST", "/api/desk/call-next", {}))
            citizen = await RoomPage.joined(first, await tells(hall, r'"room": ?\{"token": ?"([\w-]+)"'))
            hall.close()
            leader = await RoomPage.joined(second, called["room"]["token"])
            for page in (citizen, leader):
                await page.say({"type": "offer", "peer": 1, "revision": 1, "sdp": "v=0"})
                await page.hears("answer")

            for web in (first, second):
                somebody = await staff(web, db, city, "li.wanqing")

                async def missing(somebody: Any = somebody) -> str | None:
                    (room,) = (await said(await somebody.get("/api/desk/watch")))["rooms"]
                    states = {person["role"]: person["state"] for person in room["people"]}
                    right = states == {"in_charge": "connecting", "applicant": "connecting"}
                    return None if right and room["recording"] == "recording" else f"it is shown as {room}"

                await eventually(missing)
            await leader.say({"type": "end", "reason": "completed"})
            assert (await citizen.hears("closed"))["why"] == "ended"
            (room,) = {request.session for request in worker.script.asked if hasattr(request, "session")}
            assert room == called["session"]
