"""A portrait at the kiosk: of one's own ticket only, a picture and nothing else, for the line's staff, not longer than a day after the end."""

from __future__ import annotations

import base64
import datetime as dt
import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from server.tickets import portraits
from tests.support.hall import City, Visitor, kiosk, seeded, staff, utc_now

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from server.db import Pool

    Client = TestClient[Any, Any]


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


def portrait(ticket: str, raw: bytes | None = None) -> dict[str, str]:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "grey").save(out, "JPEG")
    return {"ticket": ticket, "agreed": "portrait-1", "picture": base64.b64encode(raw or out.getvalue()).decode()}


async def take(path: str, device: Visitor, key: str = "portrait-1") -> str:
    answer = await device.send("POST", f"{path}/tickets", {"service": "notarization", "request_key": key})
    ticket: str = (await answer.json())["id"]
    return ticket


async def test_staff_of_the_line_see_it_and_nobody_else(client: Client, db: Pool, city: City) -> None:
    path, device = kiosk(client, city, "liuyin")
    ticket = await take(path, device)
    assert (await device.send("PUT", f"{path}/portrait", portrait(ticket))).status == 200
    notary, coordinator = [await staff(client, db, city, user) for user in ("li.wanqing", "sun.hui")]

    seen = await notary.get(f"/api/desk/tickets/{ticket}/portrait")
    picture = Image.open(io.BytesIO(await seen.read()))

    assert (seen.status, seen.content_type, picture.size) == (200, "image/jpeg", (480, 360))
    assert (await (await notary.get(f"/api/desk/tickets/{ticket}")).json())["has_portrait"] is True
    assert (await coordinator.get(f"/api/desk/tickets/{ticket}/portrait")).status == 403
    assert (await Visitor(client).get(f"/api/desk/tickets/{ticket}/portrait")).status == 401
    assert await db.fetchval("select count(*) from audit_entry where action = 'see_portrait'") == 1


async def test_what_is_no_picture_no_yes_or_not_ones_own_is_refused(client: Client, db: Pool, city: City) -> None:
    (here, device), (there, other) = kiosk(client, city, "liuyin"), kiosk(client, city, "chashan")
    ticket = await take(here, device)

    answers = [
        await device.send("PUT", f"{here}/portrait", portrait(ticket, b"%PDF-1.7")),
        await device.send("PUT", f"{here}/portrait", portrait(ticket) | {"agreed": ""}),
        await other.send("PUT", f"{there}/portrait", portrait(ticket)),
        await other.send("DELETE", f"{there}/portrait", {"ticket": ticket}),
    ]

    assert [answer.status for answer in answers] == [400, 400, 404, 200]
    assert await db.fetchval("select count(*) from ticket_portrait") == 0


async def test_it_is_gone_by_a_press_and_a_day_after_the_end(client: Client, db: Pool, city: City) -> None:
    path, device = kiosk(client, city, "liuyin")
    first = await take(path, device)
    await device.send("PUT", f"{path}/portrait", portrait(first))
    await device.send("DELETE", f"{path}/portrait", {"ticket": first})
    assert await db.fetchval("select count(*) from ticket_portrait") == 0

    await device.send("PUT", f"{path}/portrait", portrait(first))
    await device.send("DELETE", f"{path}/ticket")
    left = []
    for hours in (23, 25):
        async with db.acquire() as conn:
            await portraits.forget(conn, utc_now() + dt.timedelta(hours=hours))
            left.append(await conn.fetchval("select count(*) from ticket_portrait"))

    assert left == [1, 0]
