"""What coordinators enter about a site over HTTP: hours and closures, services, ways, purchases, teams; what pages and previews say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.test_duty_http import app, city, coordinator, ok, roster, rotation, sign_in  # noqa: F401

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from server.db.pool import Pool
    from server.demo.seed import City
    from tests.support.hall import Visitor

    Client = TestClient[Any, Any]

SATURDAY = "2026-11-28"
SERIES = "榕川市百场精品法治讲座"


async def page_of(visitor: Visitor, path: str) -> str:
    answer = await visitor.send("GET", path)
    assert answer.status == 200
    return str(await answer.text())


async def findings(visitor: Visitor, roster: str) -> dict[str, set[str]]:  # noqa: F811
    """Day -> codes, without those of every gap."""
    seen = await ok(await visitor.send("GET", roster + "/preview"))
    return {slot["day"]: {one["code"] for one in slot["findings"]} - {"provisional"} for slot in seen["slots"]}


async def test_hours_closures_services_and_purchases_warn_the_roster_and_tell_the_public(
    coordinator: Visitor,  # noqa: F811
    city: City,  # noqa: F811
    roster: str,  # noqa: F811
) -> None:
    await coordinator.send("GET", "/roster?site=yunling")
    await ok(await coordinator.send("POST", roster + "/rotations", rotation(city, 1)))
    assert all(not codes for codes in (await findings(coordinator, roster)).values())
    hall = f"/api/lines/of-site/{city.sites['yunling']}"

    open_hours = {"hours": [{"weekday": 6, "opens": "09:00:00", "closes": "12:00:00"}]}
    await ok(await coordinator.send("PUT", hall + "/hours", open_hours))
    closure = {"first_day": SATURDAY, "last_day": SATURDAY, "message_zh": "停电检修"}
    added = await coordinator.send("POST", hall + "/closures", closure)
    assert added.status == 201
    assert (await findings(coordinator, roster))[SATURDAY] == {"site_closed"}
    public = await page_of(coordinator, "/sites/yunling")
    assert "09:00-12:00" in public
    assert "停电检修" in public

    await coordinator.send("PUT", roster + "/services", {"services": ["legal_advice", "forensic"]})
    purchase = {
        "service": "mediation",
        "provider": "榕江调解中心",
        "first": "2026-11-01",
        "last": "2026-12-31",
        "shifts": 1,
    }
    bought = await ok(await coordinator.send("POST", roster + "/purchases", purchase))
    warned = await findings(coordinator, roster)
    assert warned["2026-11-21"] == {"not_offered"}
    assert warned[SATURDAY] == {"not_offered", "quota_used_up", "site_closed"}
    offers = await page_of(coordinator, "/roster/offers?site=yunling")
    assert "1 + 1" in offers
    assert "已用 0/1 场" in offers
    assert "司法鉴定" in await page_of(coordinator, "/sites/yunling")

    assert (await coordinator.send("DELETE", f"{roster}/purchases/{bought['id']}")).status == 200
    assert (await coordinator.send("DELETE", f"{roster}/purchases/{bought['id']}")).status == 404


async def test_ways_are_the_same_in_both_directions(
    coordinator: Visitor,  # noqa: F811
    city: City,  # noqa: F811
    roster: str,  # noqa: F811
    db: Pool,
) -> None:
    await coordinator.send("PUT", roster + "/ways", {"minutes": {"liuyin": 35, "rongyin": 50}})
    await coordinator.send("PUT", f"/api/rosters/{city.sites['liuyin']}/ways", {"minutes": {"yunling": 40}})
    await coordinator.send("PUT", roster + "/ways", {"minutes": {"rongyin": None}})

    async with db.acquire() as conn:
        kept = await conn.fetch("select minutes from site_travel")
    assert [row["minutes"] for row in kept] == [40]
    itself = await coordinator.send("PUT", roster + "/ways", {"minutes": {"yunling": 5}})
    assert itself.status == 400


async def test_a_volunteer_is_admitted_and_leaves_on_the_page(
    coordinator: Visitor,  # noqa: F811
    city: City,  # noqa: F811
    roster: str,  # noqa: F811
) -> None:
    body = {"person": city.people["chen.shufen"], "day": "2026-11-20"}
    assert (await coordinator.send("POST", roster + "/teams/volunteer_lawyers/members", body)).status == 200
    assert "2026-11-20 加入" in await page_of(coordinator, "/roster/teams?site=yunling")

    assert (
        await coordinator.send("POST", roster + "/teams/volunteer_lawyers/exits", body | {"day": "2026-12-01"})
    ).status == 200
    assert "2026-12-01 退出" in await page_of(coordinator, "/roster/teams?site=yunling")


async def test_a_series_of_eight_parks_shows_its_ninety_six(coordinator: Visitor, city: City) -> None:  # noqa: F811
    quotas = dict.fromkeys(sorted(city.sites)[:8], 12)
    body = {"year": 2026, "title": SERIES, "quotas": quotas}
    assert (await coordinator.send("POST", "/api/sites/rongchuan/lecture-series", body)).status == 200

    board = await page_of(coordinator, "/events-board?site=rongchuan")
    assert SERIES in board
    assert "0/96" in board


@pytest.mark.parametrize("path", ["/roster/offers?site=rongchuan", "/roster/teams?site=rongchuan"])
async def test_pages_of_coordinators_are_theirs_alone(client: Client, db: Pool, city: City, path: str) -> None:  # noqa: F811
    notary = await sign_in(client, db, city, "li.wanqing")

    assert (await notary.send("GET", path)).status == 403
    assert (await client.get(path, allow_redirects=False)).status in (303, 401)


async def test_the_public_page_leads_to_widget_screen_and_news(client: Client, city: City) -> None:  # noqa: F811
    public = await (await client.get("/sites/rongchuan")).text()

    for path in ("/sites/rongchuan/feed.atom?lang=zh-CN", "/screen/rongchuan?lang=zh-CN"):
        assert public.count(f'href="{path}"') >= 1
        assert (await client.get(path)).status == 200
    assert "/widget/rongchuan&#34;" in public or '/widget/rongchuan"' in public
    assert (await client.get("/widget/rongchuan")).status == 200


async def test_one_s_own_phone_is_kept_shown_and_forgotten(client: Client, db: Pool, city: City) -> None:  # noqa: F811
    notary = await sign_in(client, db, city, "li.wanqing")

    assert (await notary.send("PUT", "/api/my-phone", {"phone": "138 0000-0000"})).status == 200
    assert 'value="13800000000"' in await page_of(notary, "/my-duty")
    assert (await (await notary.send("PUT", "/api/my-phone", {"phone": "12"})).json())["error"]["code"] == "bad_phone"
    assert (await notary.send("PUT", "/api/my-phone", {"phone": ""})).status == 200
    assert "13800000000" not in await page_of(notary, "/my-duty")
