"""Legal limits of one's own cases: their arithmetic in words, their calendar, and a new notice of holidays that moves them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import caldav
import pytest

from schedules.core import ical
from schedules.core.model import CHINA
from server.access.identify import STAFF_COOKIE
from server.people.service import sign_in_as
from tests.integration import test_duty_planning
from tests.integration.test_caldav import eventually_days
from tests.integration.test_duty_planning import NOTICE
from tests.integration.test_feeds_http import path_of
from tests.support import duty_web
from tests.support.duty_city import NOW
from tests.support.duty_web import Caller

if TYPE_CHECKING:
    from server.db import Pool
    from server.demo.seed import City
    from tests.support.duty_web import Client

app = duty_web.app
city = duty_web.city
coordinator = test_duty_planning.coordinator

CASE = {"rule": "notary_certificate", "reference": "2026-0412", "starts": "2026-11-05"}


@pytest.fixture
async def notary(client: Client, db: Pool, city: City) -> Caller:
    async with db.acquire() as conn:
        return Caller(client, {STAFF_COOKIE: await sign_in_as(conn, city.people["li.wanqing"], NOW)})


async def shown(client: Client, link: str) -> list[tuple[str, str, int]]:
    """(day, summary, sequence) of each event of a feed."""
    feed = ical.parse(await (await client.get(link)).read())
    assert all(event.all_day for event in feed.events)
    return [(f"{e.start.astimezone(CHINA):%m-%d}", e.summary, e.sequence) for e in feed.events]


async def test_a_limit_tells_its_arithmetic_and_stands_in_the_calendar(client: Client, notary: Caller) -> None:
    [limit] = await notary.post("/api/limits", CASE)
    link = path_of((await notary.post("/api/feeds/limits"))["https"])

    assert (limit["due"], limit["left"], limit["status"]) == ("2026-11-26", 0, "official")
    assert limit["arithmetic"] == "11月5日次日起15个工作日（公证法第三十条）；到期日11月26日。"
    assert await shown(client, link) == [("11-26", "出具公证书期限 2026-0412", 0)]
    [event] = ical.parse(await (await client.get(link)).read()).events
    assert event.description == limit["arithmetic"]

    one = f"/api/limits/{limit['id']}"
    [still] = await notary.post(f"{one}/pause", {"first": "2026-11-10", "reason": "当事人补充材料"})
    gone = await shown(client, link)
    [again] = await notary.post(f"{one}/resume", {"last": "2026-11-13"})

    assert (still["due"], still["left"], gone) == (None, 13, [])  # no day is known, so none is told
    assert still["arithmetic"].endswith("11月10日起暂停：当事人补充材料；计时暂停中，还剩13天。")
    assert again["due"] == "2026-12-02"  # four working days of the pause later
    assert "11月10日至11月13日不计：当事人补充材料" in again["arithmetic"]
    assert await shown(client, link) == [("12-02", "出具公证书期限 2026-0412", 2)]

    [done] = await notary.post(f"{one}/end")
    assert (done["is_done"], await shown(client, link)) == (True, [])
    assert await notary.refused("POST", f"{one}/end") == (409, "limit_moved")
    await notary.delete("/api/feeds/limits")
    assert (await client.get(link)).status == 404


async def test_a_new_notice_moves_limits_and_calendars_of_days_at_once(
    client: Client,
    notary: Caller,
    coordinator: Caller,
) -> None:
    await eventually_days(client)
    await notary.post("/api/limits", CASE)
    await notary.post("/api/limits", {**CASE, "rule": "legal_aid_decision", "starts": "2026-11-19"})
    link = path_of((await notary.post("/api/feeds/limits"))["https"])
    before = await shown(client, link)

    await coordinator.post("/api/days", {"text": NOTICE})

    assert [day for day, _, _ in before] == ["11-26", "11-26"]
    after = await shown(client, link)
    assert sorted(after) == [("11-27", "出具公证书期限 2026-0412", 1), ("11-27", "法律援助审查决定期限 2026-0412", 1)]
    said = {limit["rule"]: limit["arithmetic"] for limit in await notary.get("/api/limits")}
    assert "11月26日冬至放假" in said["notary_certificate"]
    assert "11月26日是休息日，顺延" in said["legal_aid_decision"]
    holidays = [entry for entry in await shown(client, "/feeds/days.statutory-holidays.ics") if "暂定" not in entry[1]]
    assert holidays == [("11-26", "冬至放假", 1)]  # the newer notice of 2026 is the only one in force
    assert await shown(client, "/feeds/days.makeup-workdays.ics") == [("11-28", "冬至调休上班", 1)]


async def test_a_client_library_finds_ones_limits_beside_the_duties(client: Client, notary: Caller) -> None:
    await notary.post("/api/limits", CASE)
    secret = (await notary.post("/api/feeds/own"))["https"].rpartition("/")[2].removesuffix(".ics")
    url = str(client.make_url("/caldav/"))

    def look() -> list[str]:
        with caldav.DAVClient(url, username="li", password=secret) as opened:
            line: Any = opened
            mine = next(c for c in line.principal().calendars() if c.name == "我的办理期限")
            return [str(event.icalendar_component["summary"]) for event in mine.events()]

    assert await asyncio.to_thread(look) == ["出具公证书期限 2026-0412"]


async def test_both_own_links_live_and_end_apart(client: Client, notary: Caller) -> None:
    duty = path_of((await notary.post("/api/feeds/own"))["https"])
    limits = path_of((await notary.post("/api/feeds/limits"))["https"])
    second = path_of((await notary.post("/api/feeds/limits"))["https"])

    assert [(await client.get(link)).status for link in (duty, limits, second)] == [200, 404, 200]
    await notary.delete("/api/feeds/own")
    assert [(await client.get(link)).status for link in (duty, second)] == [404, 200]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rule": "anything"}, (400, "bad_input")),
        ({"reference": "张三的遗嘱"}, (400, "bad_input")),
        ({"starts": "2026-11-21"}, (400, "bad_input")),
    ],
)
async def test_what_is_no_limit_is_refused(notary: Caller, change: dict[str, Any], code: tuple[int, str]) -> None:
    assert await notary.refused("POST", "/api/limits", {**CASE, **change}) == code


async def test_limits_are_ones_own(client: Client, notary: Caller, coordinator: Caller) -> None:
    [limit] = await notary.post("/api/limits", CASE)

    assert await notary.refused("POST", "/api/limits", CASE) == (409, "limit_known")
    assert await coordinator.refused("POST", f"/api/limits/{limit['id']}/end") == (404, "not_found")
    assert await coordinator.get("/api/limits") == []
    assert await Caller(client, {}).refused("GET", "/api/limits") == (401, "not_signed_in")
