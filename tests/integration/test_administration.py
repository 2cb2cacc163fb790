"""What an administrator does, on the page and from a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from server.access.identify import endpoint_cookie
from tests.support.hall import City, Visitor, seeded, staff

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp.test_utils import TestClient

    from server.db import Pool

    Client = TestClient[Any, Any]


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


@pytest.fixture
async def admin(client: Client, db: Pool, city: City) -> Visitor:
    return await staff(client, db, city, "he.min")


async def test_the_administrator_sees_sites_endpoints_and_people(admin: Visitor) -> None:
    found = await (await admin.get("/api/admin")).json()

    assert [(site["slug"], site["depth"]) for site in found["sites"]][:3] == [
        ("rongchuan", 0),
        ("jiangbin", 1),
        ("rongchuan-park", 2),
    ]
    assert {endpoint["state"] for endpoint in found["endpoints"]} == {"enrolled"}
    assert len(found["people"]) == 9


async def test_an_endpoint_is_enrolled_once_and_shut_out_at_once(admin: Visitor, city: City, client: Client) -> None:
    body = {"site": city.sites["chashan"], "kind": "kiosk", "name_zh": "二号机", "name_en": "Second kiosk"}
    made = await (await admin.send("POST", "/api/admin/endpoints", body)).json()
    stranger = Visitor(client)

    first = await stranger.get(f"/kiosk/enrol?code={made['code'].lower()}")
    again = await stranger.get(f"/kiosk/enrol?code={made['code']}")
    name = endpoint_cookie(made["endpoint"])
    device = Visitor(client, {name: first.cookies[name].value})

    assert (first.status, first.headers["Location"]) == (303, f"/kiosk/{made['endpoint']}")
    assert again.status == 404
    assert (await device.get(f"/api/kiosk/{made['endpoint']}")).status == 200
    assert (await admin.send("POST", f"/api/admin/endpoints/{made['endpoint']}/revoke")).status == 200
    assert (await device.get(f"/api/kiosk/{made['endpoint']}")).status == 401


async def test_codes_cannot_be_tried_out(client: Client, city: City) -> None:
    statuses = [(await Visitor(client).get(f"/kiosk/enrol?code=AAAA-BBBB-{number:04d}")).status for number in range(6)]

    assert statuses == [404] * 5 + [429]


@pytest.mark.parametrize("user", ["li.wanqing", "sun.hui", "zhou.yu"])
async def test_nobody_else_administers(client: Client, db: Pool, city: City, user: str) -> None:
    person = await staff(client, db, city, user)

    assert (await person.get("/api/admin")).status == 403
    assert (await person.send("POST", f"/api/admin/endpoints/{city.kiosks['liuyin']}/revoke")).status == 403


async def test_an_administrator_of_a_town_reaches_no_other_town(client: Client, db: Pool, city: City) -> None:
    await db.execute(
        "insert into role_grant (person_id, role, site_id) values ($1::text::uuid, 'administrator', $2::text::uuid)",
        city.people["sun.hui"],
        city.sites["shiqiao"],
    )
    town = await staff(client, db, city, "sun.hui")

    found = await (await town.get("/api/admin")).json()

    assert [site["slug"] for site in found["sites"]] == ["shiqiao", "liuyin", "shangping"]
    assert (await town.send("POST", f"/api/admin/endpoints/{city.kiosks['chashan']}/revoke")).status == 403
    assert (await town.send("POST", f"/api/admin/endpoints/{city.kiosks['liuyin']}/revoke")).status == 200


async def test_taken_names_are_refused(admin: Visitor, city: City) -> None:
    site = {"parent": city.sites["qingxi"], "slug": "liuyin", "kind": "village", "name_zh": "甲", "name_en": "A"}
    person = {
        "user": "li.wanqing",
        "name_zh": "甲",
        "name_en": "A",
        "password": "long enough 1",
        "role": "lawyer",
        "site": city.sites["qingxi"],
    }

    answers = [
        await admin.send("POST", "/api/admin/sites", site),
        await admin.send("POST", "/api/admin/people", person),
    ]

    assert [(answer.status, (await answer.json())["error"]["code"]) for answer in answers] == [
        (409, "slug_taken"),
        (409, "user_name_taken"),
    ]


def test_from_a_shell_a_production_database_gets_its_first_people(database_url: str, tmp_path: Path) -> None:
    def admin(*words: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "DATABASE_URL": database_url,
            "LAIZUO_DATA": str(tmp_path),
            "LAIZUO_PASSWORD": "a long password",
        }
        return subprocess.run(
            [sys.executable, "-m", "server", "admin", *words],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )

    names = ("--name-zh", "新市", "--name-en", "New City")
    made = admin("add-site", "--slug", "xinshi", "--kind", "city", "--serves", "notarization", *names)
    enrolled = admin("add-endpoint", "--site", "xinshi", *names)
    first = admin("first-administrator", "--user", "first.admin", *names)
    unknown = admin("add-endpoint", "--site", "nowhere", *names)
    listed = admin("list")

    assert (made.returncode, enrolled.returncode, first.returncode) == (0, 0, 0), (
        made.stderr + enrolled.stderr + first.stderr
    )
    assert "/kiosk/enrol" in enrolled.stdout
    assert (unknown.returncode, unknown.stderr) == (1, "refused: there is no site 'nowhere'; `admin list` shows all\n")
    assert listed.stdout.startswith("xinshi  city  新市 / New City\n")
