"""Around the publish, over HTTP: the planner's layer, computing a version again, withdrawing, notices of holidays, teams and limits."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from server.access.identify import STAFF_COOKIE
from server.demo.seed import City
from server.duty.planning.running import PLANNERS
from server.errors import Conflict
from server.people.service import sign_in_as
from tests.integration.test_duty_planner import HARD
from tests.support import duty_web
from tests.support.duty_city import NOW
from tests.support.duty_web import Caller, cookies_of
from tests.support.eventually import eventually
from tests.support.hall import Visitor

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.test_utils import TestClient

    from server.db import Pool

    Client = TestClient[Any, Any]

app = duty_web.app
city = duty_web.city

NOTICE = """
year = 2026
version = 2
status = "official"

[source]
title = "关于调整12月放假安排的通知"
issuer = "国务院办公厅"
issued = 2026-11-20
url = ""

[[festival]]
zh = "冬至"
en = "Winter Solstice"
days = [2026-11-26]
makeup = [2026-11-28]
"""


@pytest.fixture
async def coordinator(client: Client, db: Pool, city: City) -> Caller:
    return Caller(client, await cookies_of(db, city, "sun.hui"))


def rotation(city: City, revision: int, **more: object) -> dict[str, object]:
    people = [[city.people["chen.shufen"]], [city.people["liu.bin"]]]
    return {
        "revision": revision,
        "service": "legal_advice",
        "weekdays": [1, 3, 5],
        "starts": "18:00",
        "ends": "20:00",
        "posts": [{"role": "lawyer", "needs": "lawyer"}],
        "members": people,
        "anchor": "2026-11-16",
        **more,
    }


async def publish(coordinator: Caller, site: str) -> dict[str, Any]:
    preview = await coordinator.get(f"/api/rosters/{site}/preview")
    answer = await coordinator.post(f"/api/rosters/{site}/publish", headers={"If-Match": f'"{preview["mark"]}"'})
    found: dict[str, Any] = answer
    return found


async def test_the_planner_fills_a_draft_evenly_and_says_so(coordinator: Caller, city: City) -> None:
    site = city.sites["yunling"]
    made = await coordinator.post(f"/api/rosters/{site}/rotations", rotation(city, 1, turn="fair"))

    found = await coordinator.post(f"/api/rosters/{site}/balance", {"revision": made["revision"]})

    assert (found["gaps"], found["changes"], found["bound"] <= found["cost"]) == (0, 0, True)
    preview = await coordinator.get(f"/api/rosters/{site}/preview")
    assert {seat["because"] for slot in preview["slots"] for seat in slot["seats"]} == {"chosen"}
    stale = await coordinator.refused("POST", f"/api/rosters/{site}/balance", {"revision": made["revision"]})
    assert stale == (409, "stale_draft")
    await coordinator.delete(f"/api/rosters/{site}/balance?revision={found['revision']}")
    preview = await coordinator.get(f"/api/rosters/{site}/preview")
    assert {seat["because"] for slot in preview["slots"] for seat in slot["seats"]} == {"least"}


async def test_a_planner_at_work_is_seen_alone_and_stopped_over_http(
    client: Client, app: web.Application, coordinator: Caller, city: City
) -> None:
    site = city.sites["yunling"]
    planner = f"/api/rosters/{site}/planner"
    made = await coordinator.post(f"/api/rosters/{site}/rotations", rotation(city, 1, turn="fair"))
    idle = await coordinator.get(planner)
    working = asyncio.create_task(app[PLANNERS].plan(site, HARD, NOW))

    async def why_not() -> str | None:
        seen = await coordinator.get(planner)
        return None if seen["works"] and seen["of"] == 2 else f"not yet at work: {seen}"

    await eventually(why_not, 60.0)
    second = await coordinator.refused("POST", f"/api/rosters/{site}/balance", {"revision": made["revision"]})
    stopped = await coordinator.delete(planner)
    with pytest.raises(Conflict, match="planner_stopped"):
        await working

    assert (idle["works"], stopped, second) == (False, None, (409, "planner_works"))
    assert await coordinator.refused("DELETE", planner) == (404, "not_found")
    assert (await Visitor(client, {}).get(planner)).status == 401


async def test_every_version_can_be_computed_again(coordinator: Caller, city: City) -> None:
    site = city.sites["yunling"]
    made = await coordinator.post(f"/api/rosters/{site}/rotations", rotation(city, 1, turn="fair"))
    await coordinator.post(f"/api/rosters/{site}/balance", {"revision": made["revision"], "seed": 7})
    await publish(coordinator, site)
    preview = await coordinator.get(f"/api/rosters/{site}/preview")
    slot = preview["slots"][2]
    other = next(p for p in ("chen.shufen", "liu.bin") if city.people[p] != slot["seats"][0]["person"])
    body = {"slot": slot["key"], "person": city.people[other], "reason": "急"}
    second = await coordinator.post(f"/api/rosters/{site}/substitutes", body)
    third = await coordinator.post(f"/api/rosters/{site}/withdraw", {"version": 2, "reason": "台风"})

    assert (second["version"], third["version"]) == (2, 3)
    for version in (1, 2, 3):
        again = await coordinator.get(f"/api/sites/yunling/releases/{version}/recomputed")
        assert again == {"version": version, "is_same": True, "differing": []}
    kept = await coordinator.get("/api/sites/yunling/releases/1/inputs")
    assert kept["proposal"]["seed"] == 7
    assert kept["proposal"]["planner"].startswith(("cp_sat", "greedy"))
    assert {year["year"] for year in kept["calendar"]} == {2026, 2027}
    changes = await coordinator.get("/api/sites/yunling/releases/2/changes?since=1")
    assert [(c["kind"], c["key"]) for c in changes] == [("reseated", slot["key"])]
    gone = await coordinator.get("/api/sites/yunling/releases/3/changes?since=2")
    assert {c["kind"] for c in gone} == {"cancelled"}
    stale = await coordinator.refused("POST", f"/api/rosters/{site}/withdraw", {"version": 2})
    assert stale == (409, "stale_version")


async def test_inputs_are_for_coordinators(client: Client, db: Pool, city: City, coordinator: Caller) -> None:
    async with db.acquire() as conn:
        notary = Caller(client, {STAFF_COOKIE: await sign_in_as(conn, city.people["li.wanqing"], NOW)})
    nobody = Caller(client, {})

    assert (await coordinator.get("/api/sites/rongchuan/releases/1/inputs"))["site"] == city.sites["rongchuan"]
    assert await notary.refused("GET", "/api/sites/rongchuan/releases/1/inputs") == (403, "not_allowed")
    assert await nobody.refused("GET", "/api/sites/rongchuan/releases/1/inputs") == (401, "not_signed_in")
    assert await nobody.get("/api/sites/rongchuan/releases/1/changes") != []


async def test_a_notice_says_what_it_moves_and_the_next_publish_moves_it(coordinator: Caller, city: City) -> None:
    site = city.sites["liuyin"]  # Tuesdays: untouched
    found = await coordinator.post("/api/days", {"text": NOTICE})

    assert (found["year"], found["version"], found["status"]) == (2026, 2, "official")
    moved = {one["slug"]: {(c["kind"], c["day"]) for c in one["changes"]} for one in found["moved"]}
    assert "liuyin" not in moved
    later = {
        ("reseated", f"2026-12-{day}") for day in ("03", "10", "17")
    }  # nobody's turn was used up: the next is theirs
    assert moved["shiqiao"] == {("cancelled", "2026-11-26"), *later}  # Thursdays
    assert ("added", "2026-11-28") in moved["rongchuan"]  # a Saturday that is worked
    known = await coordinator.refused("POST", "/api/days", {"text": NOTICE})
    assert known == (409, "notice_known")
    bad = await coordinator.refused("POST", "/api/days", {"text": NOTICE.replace("2026-11-28", "2026-11-27")})
    assert bad == (400, "bad_notice")
    published = await publish(coordinator, city.sites["shiqiao"])
    assert (published["version"], published["changes"]) == (2, 4)
    again = await coordinator.get("/api/sites/shiqiao/releases/2/recomputed")
    assert again["is_same"]
    first = await coordinator.get("/api/sites/shiqiao/releases/1/recomputed")
    assert first["is_same"]  # with the days as they were then
    assert (await publish(coordinator, site))["is_new"] is False


async def test_who_leaves_the_team_leaves_the_roster(coordinator: Caller, city: City) -> None:
    site = city.sites["yunling"]
    unknown = await coordinator.refused("POST", f"/api/rosters/{site}/rotations", rotation(city, 1, team="nobodies"))
    assert unknown == (400, "unknown_team")
    await coordinator.post(f"/api/rosters/{site}/rotations", rotation(city, 1, team="law_literate"))
    until = date(2026, 12, 1)
    members = f"/api/rosters/{site}/teams/law_literate"
    for user in ("chen.shufen", "liu.bin"):
        await coordinator.post(f"{members}/members", {"person": city.people[user], "day": "2026-02-01"})
    again = await coordinator.refused(
        "POST", f"{members}/members", {"person": city.people["liu.bin"], "day": "2026-03-01"}
    )
    assert again == (409, "member_already")
    await coordinator.post(f"{members}/exits", {"person": city.people["liu.bin"], "day": until.isoformat()})

    preview = await coordinator.get(f"/api/rosters/{site}/preview")

    held = {slot["day"]: slot["seats"][0]["person"] for slot in preview["slots"]}
    assert city.people["liu.bin"] in {who for day, who in held.items() if day < until.isoformat()}
    assert {who for day, who in held.items() if day >= until.isoformat()} == {city.people["chen.shufen"]}


async def test_a_licence_is_warned_of_before_it_ends_and_not_seated_after(coordinator: Caller, city: City) -> None:
    site, liu = city.sites["yunling"], city.people["liu.bin"]
    await coordinator.post(f"/api/rosters/{site}/rotations", rotation(city, 1))
    before = await coordinator.get(f"/api/rosters/{site}/preview")
    await coordinator.put(f"/api/rosters/{site}/people/{liu}/licences/lawyer", {"last": "2026-12-02"})

    preview = await coordinator.get(f"/api/rosters/{site}/preview")

    assert preview["mark"] != before["mark"]
    seated = {slot["day"]: slot for slot in preview["slots"] if slot["seats"][0]["person"] == liu}
    assert seated
    assert max(seated) <= "2026-12-02"
    assert all("licence_ends" in {f["code"] for f in slot["findings"]} for slot in seated.values())
    assert await coordinator.get(f"/api/rosters/{site}/licences") == [
        {"person": liu, "licence": "lawyer", "last": "2026-12-02"}
    ]
    outside = f"/api/rosters/{site}/people/{city.people['sun.hui']}/limits"
    assert await coordinator.refused("PUT", outside, {"rest_minutes": 60}) == (404, "unknown_person")


async def test_limits_of_a_person_bind_the_plan(coordinator: Caller, city: City) -> None:
    site, chen = city.sites["yunling"], city.people["chen.shufen"]
    await coordinator.post(f"/api/rosters/{site}/rotations", rotation(city, 1))
    await coordinator.put(
        f"/api/rosters/{site}/people/{chen}/limits", {"max_days_a_week": 1, "home": city.sites["rongchuan"]}
    )

    preview = await coordinator.get(f"/api/rosters/{site}/preview")

    weeks = [date.fromisoformat(s["day"]).isocalendar()[1] for s in preview["slots"] if s["seats"][0]["person"] == chen]
    assert len(weeks) == len(set(weeks))
    teams = await coordinator.get(f"/api/rosters/{site}/teams")
    assert len([team for team in teams if team["kind"] == "linked"]) == 6
