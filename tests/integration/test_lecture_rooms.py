"""A lecture's room: who opens it, who listens, that everybody is seen, and that it is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from schedules.core.model import Interval, SiteId
from schedules.core.public_events import EventKind
from server.access.core import Actor, Grant, Role
from server.db.pool import in_transaction
from server.events import service
from server.keys import CLOCK
from server.sessions import seats
from server.sessions.seats import Entry
from tests.support.events_city import BASE, lecture
from tests.support.hall import Visitor, kiosk, seeded, staff

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.test_utils import TestClient

    from server.db import Connection, Pool
    from server.demo.seed import City

    Client = TestClient[Any, Any]


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


async def announced(db: Pool, app: web.Application, city: City, starts_in: timedelta) -> str:
    """A public lecture at the software park; its id."""
    now = app[CLOCK]()
    coordinator = Actor("person", city.people["sun.hui"], frozenset({Grant(Role.COORDINATOR, city.sites["rongchuan"])}))

    async def work(conn: Connection) -> str:
        begins = now + starts_in
        content = lecture(SiteId(city.sites["rongchuan-park"]), seats=None, venue="报告厅")
        content = replace(content, during=Interval(begins, begins + timedelta(hours=1)))
        where = (conn, coordinator, "rongchuan-park", EventKind.LECTURE, lambda _: content, None)
        event = await service.add_event(*where, now)
        made = await service.change_event(conn, coordinator, event.id, 1, service.to_publish(now), BASE, now)
        return made.id

    return await in_transaction(db, work)


async def test_a_speaker_opens_rooms_ask_and_are_seen_and_counted(
    client: Client, app: web.Application, db: Pool, city: City
) -> None:
    event = await announced(db, app, city, timedelta(minutes=30))
    speaker = await staff(client, db, city, "chen.shufen")
    api, room = kiosk(client, city, "liuyin")
    listen = f"{api}/lectures/{event}"
    page = api.removeprefix("/api") + "/lectures"
    assert (await (await room.send("POST", listen)).json())["error"]["code"] == "lecture_not_open"
    assert "attend-lecture" not in await (await room.get(page)).text()

    opened = await (await speaker.send("POST", f"/api/events/{event}/room")).json()
    assert opened == await (await speaker.send("POST", f"/api/events/{event}/room")).json()
    session = opened["url"].removeprefix("/room/")
    assert "attend-lecture" in await (await room.get(page)).text()

    link = (await (await room.send("POST", listen)).json())["url"].removeprefix("/join/")
    again = (await (await room.send("POST", listen)).json())["url"].removeprefix("/join/")
    async with db.acquire() as conn:
        rows = await conn.fetch(
            "select id::text, role, state, display_name from seat where session_id = $1::text::uuid", session
        )
        entry = await seats.enter(conn, again, "seat", app[CLOCK]())
        assert [(r["role"], r["state"], r["display_name"]) for r in rows if r["role"] != "in_charge"] == [
            ("site_worker", "invited", "柳荫村视频室")
        ]  # asked twice, one seat: it waits at the door
        assert isinstance(entry, Entry)
        assert link != again
        [in_charge] = [r["id"] for r in rows if r["role"] == "in_charge"]
        [asked] = [r["id"] for r in rows if r["role"] != "in_charge"]
        await seats.admit(conn, session, asked, in_charge, app[CLOCK]())

    coordinator = await staff(client, db, city, "sun.hui")
    counted = await (await coordinator.get(f"/events/{event}/people")).text()
    assert "柳荫村视频室" in counted
    assert "1 个视频室" in await (await speaker.get(f"/events/{event}")).text()
    ended = await speaker.send("POST", f"/api/sessions/{session}/end", {"reason": "completed"})
    assert ended.status == 200
    assert (await (await room.send("POST", listen)).json())["error"]["code"] == "lecture_not_open"


async def test_who_may_not(client: Client, app: web.Application, db: Pool, city: City) -> None:
    """No coordinator, no assistant, no other device, no other day, nobody while the speaker is in another session."""
    soon, far = [await announced(db, app, city, timedelta(hours=h)) for h in (1, 3)]
    api, room = kiosk(client, city, "liuyin")
    other, _ = kiosk(client, city, "rongyin")
    speaker = await staff(client, db, city, "chen.shufen")

    for user in ("sun.hui", "zhou.yu"):
        assert (await (await staff(client, db, city, user)).send("POST", f"/api/events/{soon}/room")).status == 403
    assert (await (await speaker.send("POST", f"/api/events/{far}/room")).json())["error"]["code"] == "lecture_not_now"
    assert (await room.send("POST", f"{other}/lectures/{soon}")).status in (401, 403, 404)
    assert (await speaker.send("POST", f"/api/events/{soon}/room")).status == 200
    colleague = await staff(client, db, city, "liu.bin")
    assert (await (await colleague.send("POST", f"/api/events/{soon}/room")).json())["error"][
        "code"
    ] == "session_running"
    assert (await Visitor(client).get(api.removeprefix("/api") + "/lectures")).status in (303, 401, 403)


async def test_the_kiosk_tells_of_its_own_lectures_and_of_those_it_can_hear_now(
    client: Client, app: web.Application, db: Pool, city: City
) -> None:
    event = await announced(db, app, city, timedelta(minutes=30))  # at the software park, far from the village
    api, room = kiosk(client, city, "liuyin")
    speaker = await staff(client, db, city, "chen.shufen")

    async def told() -> list[tuple[str, bool]]:
        state = await (await room.get(api)).json()
        return [(one["id"], one["is_open"]) for one in state["lectures"] if one["id"] == event]

    before = await told()
    opened = await (await speaker.send("POST", f"/api/events/{event}/room")).json()
    during = await told()
    session = opened["url"].removeprefix("/room/")
    await speaker.send("POST", f"/api/sessions/{session}/end", {"reason": "completed"})

    assert (before, during, await told()) == ([], [(event, True)], [])
