"""The coordinator's API and pages, and the public pages, over HTTP."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from server.demo.seed import City
from server.duty.messages import RotationBody
from tests.support import duty_web
from tests.support.duty_web import cookies_of
from tests.support.hall import Visitor

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from server.db import Pool

    Client = TestClient[Any, Any]

app = duty_web.app
city = duty_web.city


async def sign_in(client: Client, db: Pool, city: City, user: str) -> Visitor:
    return Visitor(client, await cookies_of(db, city, user))


@pytest.fixture
async def coordinator(client: Client, db: Pool, city: City) -> Visitor:
    return await sign_in(client, db, city, "sun.hui")


@pytest.fixture
def roster(city: City) -> str:
    """The API of a site that has no roster yet."""
    return f"/api/rosters/{city.sites['yunling']}"


def rotation(city: City, revision: int, **changes: Any) -> dict[str, Any]:
    """A Saturday rotation of the two mediators."""
    body = {
        "revision": revision,
        "service": "mediation",
        "weekdays": [6],
        "starts": "09:00",
        "ends": "11:30",
        "posts": [{"role": "mediator", "needs": "mediator"}],
        "members": [[city.people["wang.jianguo"]], [city.people["zhang.yan"]]],
        "anchor": "2026-11-21",
    }
    return body | changes


async def ok(answer: Any) -> Any:
    text = await answer.text()
    assert answer.status == 200, text
    return await answer.json()


async def test_a_coordinator_makes_previews_and_publishes_a_roster(
    coordinator: Visitor, city: City, roster: str
) -> None:
    made = await ok(await coordinator.send("POST", roster + "/rotations", rotation(city, 1)))
    preview = await ok(await coordinator.get(roster + "/preview?lang=en"))

    assert made["revision"] == 2
    assert [(s["day"], s["times"], [p["name"] for p in s["seats"]]) for s in preview["slots"]] == [
        ("2026-11-21", "09:00-11:30", ["Wang Jianguo"]),
        ("2026-11-28", "09:00-11:30", ["Zhang Yan"]),
        ("2026-12-05", "09:00-11:30", ["Wang Jianguo"]),
        ("2026-12-12", "09:00-11:30", ["Zhang Yan"]),
    ]
    assert preview["slots"][0]["seats"][0]["why"] == "Turn 1: Wang Jianguo is next (entry 1 of 2)"
    assert {change["kind"] for change in preview["changes"]} == {"added"}

    published = await ok(await coordinator.send("POST", roster + "/publish", **{"If-Match": f'"{preview["mark"]}"'}))
    again = await ok(await coordinator.send("POST", roster + "/publish", **{"If-Match": f'"{preview["mark"]}"'}))

    assert published == {"version": 1, "is_new": True, "changes": 4}
    assert again == {"version": 1, "is_new": False, "changes": 0}
    page = await (await coordinator.get("/sites/yunling?lang=en")).text()
    assert "Wang Jianguo" in page
    assert "webcal://127.0.0.1/feeds/yunling.en.ics" in page


async def test_publishing_what_was_not_previewed_is_refused(coordinator: Visitor, city: City, roster: str) -> None:
    made = await ok(await coordinator.send("POST", roster + "/rotations", rotation(city, 1)))
    preview = await ok(await coordinator.get(roster + "/preview"))
    await ok(await coordinator.send("PUT", f"{roster}/rotations/{made['id']}", rotation(city, 2, starts="10:00")))

    stale = await coordinator.send("POST", roster + "/publish", **{"If-Match": preview["mark"]})
    without = await coordinator.send("POST", roster + "/publish")

    assert (stale.status, (await stale.json())["error"]["code"]) == (409, "stale_draft")
    assert (without.status, (await without.json())["error"]["code"]) == (400, "if_match_missing")


async def test_two_people_editing_one_draft_lose_no_edit(coordinator: Visitor, city: City, roster: str) -> None:
    first = await coordinator.send("POST", roster + "/rotations", rotation(city, 1))
    second = await coordinator.send("POST", roster + "/rotations", rotation(city, 1, weekdays=[7]))

    assert (first.status, second.status) == (200, 409)


async def test_a_day_is_withdrawn_substituted_and_given_back(coordinator: Visitor, city: City, roster: str) -> None:
    made = await ok(await coordinator.send("POST", roster + "/rotations", rotation(city, 1)))
    slot = f"{made['id']}/2026-11-28"
    closed = {"revision": 2, "slot": slot, "kind": "close", "reason": "停电"}
    named = {
        "revision": 3,
        "slot": f"{made['id']}/2026-12-05",
        "kind": "substitute",
        "person": city.people["zhang.yan"],
    }
    decided = await ok(await coordinator.send("POST", roster + "/overrides", closed))
    await ok(await coordinator.send("POST", roster + "/overrides", named))

    slots = (await ok(await coordinator.get(roster + "/preview")))["slots"]
    assert [(s["state"], s["reason"], [p["because"] for p in s["seats"]]) for s in slots[1:3]] == [
        ("closed", "停电", []),
        ("on", "", ["override"]),
    ]

    await ok(await coordinator.send("DELETE", f"{roster}/overrides/{decided['id']}?revision=4"))
    slots = (await ok(await coordinator.get(roster + "/preview")))["slots"]
    assert [s["state"] for s in slots[1:3]] == ["on", "on"]


async def test_leave_is_entered_shown_and_removed(coordinator: Visitor, city: City, roster: str) -> None:
    await ok(await coordinator.send("POST", roster + "/rotations", rotation(city, 1)))
    away = {"person": city.people["wang.jianguo"], "first": "2026-11-21", "last": "2026-11-21"}
    entered = await ok(await coordinator.send("POST", roster + "/leave", away))
    twice = await coordinator.send("POST", roster + "/leave", away)

    slot = (await ok(await coordinator.get(roster + "/preview?lang=en")))["slots"][0]
    assert "Wang Jianguo is on leave; Zhang Yan stands in" in slot["seats"][0]["why"]
    assert (twice.status, (await twice.json())["error"]["code"]) == (409, "leave_overlaps")

    await ok(await coordinator.send("DELETE", f"{roster}/leave/{entered['id']}"))
    slot = (await ok(await coordinator.get(roster + "/preview")))["slots"][0]
    assert slot["seats"][0]["because"] == "turn"


async def test_nothing_to_publish_is_said(coordinator: Visitor, city: City, roster: str) -> None:
    made = await ok(await coordinator.send("POST", roster + "/rotations", rotation(city, 1)))
    await ok(await coordinator.send("DELETE", f"{roster}/rotations/{made['id']}?revision=2"))
    preview = await ok(await coordinator.get(roster + "/preview"))

    answer = await coordinator.send("POST", roster + "/publish", **{"If-Match": preview["mark"]})

    assert (answer.status, (await answer.json())["error"]["code"]) == (409, "nothing_to_publish")


WRONG_ROTATIONS: list[tuple[dict[str, Any], str | None]] = [
    ({"weekdays": []}, "weekdays"),
    ({"weekdays": [8]}, "weekdays[0]"),
    ({"starts": "24:00"}, "starts"),
    ({"service": "dancing"}, "service"),
    ({"members": []}, "members"),
    ({"members": [["a", "b"]]}, "members"),
    ({"members": [["00000000-0000-4000-8000-000000000000"]]}, "members"),
    ({"posts": []}, "posts"),
    ({"anchor": "yesterday"}, "anchor"),
    ({"title": "x" * 81}, "title"),
    ({"title": "a\u0000b"}, "title"),
    ({"serves_first": "2026-12-01", "serves_last": "2026-11-01"}, "serves_last"),
    ({"revision": "one"}, "revision"),
    ({"surprise": 1}, None),
]


async def test_a_wrong_rotation_names_its_field(coordinator: Visitor, city: City, roster: str) -> None:
    answers = [
        await coordinator.send("POST", roster + "/rotations", rotation(city, 1) | change)
        for change, _ in WRONG_ROTATIONS
    ]

    told = [(answer.status, (await answer.json())["error"].get("field")) for answer in answers]
    assert told == [(400, field) for _, field in WRONG_ROTATIONS]


NOBODY = "00000000-0000-4000-8000-000000000000"
BAD_REQUESTS: list[tuple[str, str, Any, int]] = [
    ("PUT", "/window", {"revision": 1, "first": "2026-12-01", "last": "2026-11-01"}, 400),
    ("PUT", "/window", {"revision": 1, "first": "2026-12-01", "last": "2099-11-01"}, 400),
    ("POST", "/overrides", {"revision": 1, "slot": "x", "kind": "close"}, 400),
    ("POST", "/overrides", {"revision": 1, "slot": f"{NOBODY}/2026-11-23", "kind": "substitute"}, 400),
    ("POST", "/leave", {"person": "nobody", "first": "2026-11-21", "last": "2026-11-22"}, 400),
    ("DELETE", "/leave/not-a-uuid", None, 404),
    ("DELETE", f"/leave/{NOBODY}", None, 404),
    ("DELETE", f"/rotations/{NOBODY}?revision=1", None, 404),
    ("DELETE", f"/overrides/{NOBODY}?revision=1", None, 404),
    ("DELETE", f"/overrides/{NOBODY}", None, 400),
]


async def test_bad_input_is_told_and_changes_nothing(coordinator: Visitor, roster: str) -> None:
    answers = [await coordinator.send(method, roster + path, body) for method, path, body, _ in BAD_REQUESTS]

    assert [answer.status for answer in answers] == [status for *_, status in BAD_REQUESTS]
    assert 'data-revision="1"' in await (await coordinator.get("/roster?site=yunling")).text()


async def test_only_coordinators_reach_the_board(client: Client, db: Pool, city: City, roster: str) -> None:
    for user in ("li.wanqing", "he.min"):
        visitor = await sign_in(client, db, city, user)
        assert (await visitor.get(roster + "/preview")).status == 403
        assert (await visitor.get("/roster")).status == 403
        assert (await visitor.send("POST", roster + "/rotations", rotation(city, 1))).status == 403
    assert (await Visitor(client).get(roster + "/preview")).status == 401


async def test_a_change_without_the_csrf_token_is_refused(coordinator: Visitor, city: City, roster: str) -> None:
    answer = await coordinator.send("POST", roster + "/rotations", rotation(city, 1), **{"X-CSRF-Token": "no"})

    assert answer.status == 403


PAGES = [
    "/sites",
    "/sites/rongchuan",
    "/sites/rongchuan?month=2026-12",
    "/sites/rongchuan?month=2099-02",
    "/sites/yunling",
    "/roster",
    "/roster?site=rongchuan&preview=1",
    "/roster?site=chashan",
    "/roster/rotation?site=rongchuan",
    "/my-duty",
]


async def test_every_page_is_drawn_in_both_languages(coordinator: Visitor) -> None:
    for language in ("zh-CN", "en"):
        for path in PAGES:
            answer = await coordinator.get(path + ("&" if "?" in path else "?") + f"lang={language}")
            assert answer.status == 200, path
            assert f'<html lang="{language}"' in await answer.text()


NOT_THERE = [
    ("/sites/nowhere", 404),
    ("/sites/%00", 404),
    ("/sites/rongchuan?month=soon", 400),
    ("/sites/rongchuan?month=0001-01", 400),
    ("/roster?site=nowhere", 404),
    ("/roster/rotation?site=rongchuan&id=x", 404),
    (f"/roster/rotation?site=rongchuan&id={NOBODY}", 404),
    ("/api/rosters/x/preview", 404),
]


async def test_a_page_that_is_not_there(coordinator: Visitor) -> None:
    assert [(path, (await coordinator.get(path)).status) for path, _ in NOT_THERE] == NOT_THERE


async def test_the_public_page_says_who_serves_now(client: Client, city: City) -> None:
    page = await (await client.get("/sites/rongchuan?lang=en")).text()
    serving = await (await client.get("/api/sites/rongchuan/on-duty?lang=en")).json()

    assert {(entry["service"], entry["role"]) for entry in serving} == {
        ("notarization", "notary"),
        ("notarization", "notary_assistant"),
        ("mediation", "mediator"),
        ("legal_aid", "lawyer"),
        ("legal_advice", "lawyer"),
    }
    for entry in serving:
        assert entry["name"] in page
    assert 'data-testid="on-duty-now"' in page


async def test_one_sees_ones_own_duties_only(client: Client, db: Pool, city: City) -> None:
    visitor = await sign_in(client, db, city, "wang.jianguo")

    page = await (await visitor.get("/my-duty?lang=en")).text()

    assert "Wang Jianguo" in page
    assert "Li Wanqing" not in page


async def test_every_demo_roster_is_whole(coordinator: Visitor, city: City) -> None:
    """The month that a first visitor sees: published, without a gap, without a difference to its draft."""
    with_rosters = ["rongchuan", "liuyin", "shangping", "chashan", "shiqiao", "rongyin", "rongchuan-park"]
    for slug in with_rosters:
        preview = await ok(await coordinator.get(f"/api/rosters/{city.sites[slug]}/preview"))
        assert (preview["public_version"], preview["is_unchanged"], preview["gaps"]) == (1, True, 0)
        assert len({slot["day"] for slot in preview["slots"]}) >= 4  # weeks to come


def test_a_rotation_of_the_api_becomes_a_rule() -> None:
    body = RotationBody(
        revision=1,
        service="mediation",
        weekdays=[1],
        starts="22:00",
        ends="06:00",
        posts=[],
        members=[["x"]],
        anchor=date(2026, 1, 5) + timedelta(days=1),
    )

    with pytest.raises(Exception, match="bad_input"):
        body.to_rotation("s", None)
