"""A place as its administrator sets it up: position, photograph, counters and rooms; what is wrong is refused, others' places are not reached."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.support.hall import City, Visitor, kiosk, seeded, staff

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from server.db import Pool

    Client = TestClient[Any, Any]

PLACE = {"name_zh": "柳荫村", "name_en": "Liuyin", "address_zh": "柳荫路1号", "latitude": 31.45, "longitude": 121.1}
ROOM = {"kind": "room", "name_zh": "调解室", "name_en": "Mediation room", "services": ["mediation"]}


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


@pytest.fixture
async def admin(client: Client, db: Pool, city: City) -> Visitor:
    return await staff(client, db, city, "he.min")


def picture(side: int = 2000) -> bytes:
    """A photograph that tells where it was taken."""
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (31.0, 27.0, 0.0)}
    exif[0x010F] = "A camera"
    out = io.BytesIO()
    Image.new("RGB", (side, side // 2), "green").save(out, "JPEG", exif=exif)
    return out.getvalue()


async def test_where_it_stands(admin: Visitor, city: City) -> None:
    path = f"/api/admin/sites/{city.sites['liuyin']}"

    assert (await admin.send("PUT", path, PLACE)).status == 200
    half = await admin.send("PUT", path, PLACE | {"longitude": None})
    beyond = await admin.send("PUT", path, PLACE | {"latitude": 91.0})

    found = await (await admin.get(path)).json()
    assert {key: found[key] for key in PLACE} == PLACE
    assert (half.status, (await half.json())["error"]) == (400, {"code": "bad_position", "field": "longitude"})
    assert (beyond.status, (await beyond.json())["error"]["field"]) == (400, "latitude")


async def test_its_photograph_is_public_small_and_says_nothing_else(admin: Visitor, city: City, client: Client) -> None:
    path = f"/api/admin/sites/{city.sites['liuyin']}"
    sent = await client.put(f"{path}/photo", data=picture(), headers=admin._headers() | admin._csrf())
    wrong = await client.put(f"{path}/photo", data=b"%PDF-1.7", headers=admin._headers() | admin._csrf())

    found = await (await admin.get(path)).json()
    shown = await Visitor(client).get(found["photo"])
    seen = Image.open(io.BytesIO(await shown.read()))

    assert (sent.status, wrong.status) == (200, 400)
    assert (await wrong.json())["error"]["code"] == "bad_picture"
    assert (shown.status, shown.content_type, seen.size, dict(seen.getexif())) == (200, "image/jpeg", (1600, 800), {})
    assert (await Visitor(client).get("/sites/chashan/photo.jpg")).status == 404
    assert f'src="{found["photo"]}"' in await (await Visitor(client).get("/sites/liuyin")).text()


async def test_counters_and_rooms(admin: Visitor, city: City) -> None:
    path = f"/api/admin/sites/{city.sites['liuyin']}"
    before = (await (await admin.get(path)).json())["spaces"]
    made = await (await admin.send("POST", f"{path}/spaces", ROOM)).json()
    twice = await admin.send("POST", f"{path}/spaces", ROOM)
    during = (await (await admin.get(path)).json())["spaces"]
    closed = await admin.send("DELETE", f"/api/admin/spaces/{made['id']}")
    again = await (await admin.send("POST", f"{path}/spaces", ROOM | {"services": []})).json()

    assert (twice.status, (await twice.json())["error"]["code"]) == (409, "space_taken")
    assert [one for one in during if one not in before] == [ROOM | {"id": made["id"]}]
    assert (closed.status, again["id"]) == (200, made["id"])
    assert (await admin.send("DELETE", f"/api/admin/spaces/{city.sites['liuyin']}")).status == 404


@pytest.mark.parametrize("user", ["sun.hui", "li.wanqing"])
async def test_nobody_else_changes_it(client: Client, db: Pool, city: City, user: str) -> None:
    person = await staff(client, db, city, user)
    path = f"/api/admin/sites/{city.sites['liuyin']}"

    answers = [
        await person.get(path),
        await person.get(f"/admin/sites/{city.sites['liuyin']}"),
        await person.send("PUT", path, PLACE),
        await person.send("PUT", f"{path}/photo"),
        await person.send("POST", f"{path}/spaces", ROOM),
    ]

    assert [answer.status for answer in answers] == [403] * 5


async def test_an_administrator_of_a_town_changes_no_other_place(client: Client, db: Pool, city: City) -> None:
    await db.execute(
        "insert into role_grant (person_id, role, site_id) values ($1::text::uuid, 'administrator', $2::text::uuid)",
        city.people["sun.hui"],
        city.sites["shiqiao"],
    )
    town = await staff(client, db, city, "sun.hui")

    own = await town.send("PUT", f"/api/admin/sites/{city.sites['liuyin']}", PLACE)
    other = await town.send("PUT", f"/api/admin/sites/{city.sites['chashan']}", PLACE)

    assert (own.status, other.status) == (200, 403)


async def test_a_device_says_how_it_is_and_is_asked_for_a_new_page_once(
    admin: Visitor, city: City, client: Client
) -> None:
    endpoint = city.kiosks["liuyin"]
    _, device = kiosk(client, city, "liuyin")
    report = {"version": "abc123", "line": {"rtt_ms": 40}, "problems": ["camera"]}
    await device.send("POST", f"/api/endpoints/{endpoint}/health", report)
    await admin.send("POST", f"/api/admin/endpoints/{endpoint}/reload")
    found = await (await admin.get("/api/admin/health")).json()
    answers = [await device.send("POST", f"/api/endpoints/{endpoint}/health", report) for _ in range(2)]

    [shown] = [one for one in found["endpoints"] if one["id"] == endpoint]
    facts = (shown["state"], shown["version"], shown["line"]["rtt_ms"], shown["problems"], shown["reload_wanted"])
    assert facts == ("here", "abc123", 40.0, ["camera"], True)
    assert [(await answer.json())["reload"] for answer in answers] == [True, False]
