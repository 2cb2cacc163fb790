"""The hall over HTTP: what the pages of kiosk, desk, phone, screen and coordinator ask for."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from server.access.core import Actor
from server.access.identify import endpoint_cookie
from server.tickets import rounds
from server.waiting import core
from tests.support.duty_now import put_on_duty
from tests.support.eventually import eventually
from tests.support.hall import City, Visitor, kiosk, seeded, staff, utc_now

if TYPE_CHECKING:
    from server.db import Pool

Client = "TestClient[Any, Any]"
SECRET = "s" * 32


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


async def take(client: Any, city: City, slug: str, service: str = "notarization", **more: Any) -> dict[str, Any]:
    api, visitor = kiosk(client, city, slug)
    body = {"service": service, "request_key": f"press-{secrets.token_hex(4)}", **more}
    return await said(await visitor.send("POST", f"{api}/tickets", body), 201)


async def said(answer: Any, status: int = 200) -> Any:
    assert answer.status == status, await answer.text()
    return await answer.json()


async def line_of(notary: Visitor) -> list[str]:
    desk = await said(await notary.get("/api/desk"))
    return [row["number"] for row in desk["areas"][0]["waiting"] if row["state"] == "waiting"]


async def test_priority_hold_skip_and_put_back_move_the_line(client: Client, city: City, db: Pool) -> None:
    one, two, three = [await take(client, city, slug) for slug in ("liuyin", "shangping", "chashan")]
    old = await take(client, city, "rongyin", priority_group="elderly")
    notary = await staff(client, db, city, "li.wanqing")
    assert await line_of(notary) == ["G004", "G001", "G002", "G003"]

    await said(await notary.send("POST", f"/api/desk/tickets/{old['id']}/hold"))
    await said(await notary.send("POST", f"/api/desk/tickets/{one['id']}/skip"))
    assert await line_of(notary) == ["G002", "G003", "G001"]

    called = await said(await notary.send("POST", "/api/desk/call-next", {}))
    assert called["ticket"] == two["id"]
    await said(await notary.send("POST", f"/api/desk/tickets/{two['id']}/put-back", {"note": "缺户口本"}))
    await said(await notary.send("POST", f"/api/desk/tickets/{old['id']}/resume"))

    assert await line_of(notary) == ["G004", "G002", "G003", "G001"]
    card = await said(await notary.get(f"/api/desk/tickets/{two['id']}"))
    assert [(line["move"], line["note"]) for line in card["story"]] == [
        ("take", ""),
        ("call", ""),
        ("put_back", "缺户口本"),
    ]
    assert (await said(await notary.get("/api/desk")))["session"] is None
    again = await notary.send("POST", f"/api/desk/tickets/{three['id']}/call")
    assert again.status == 200


async def test_somebody_at_the_wrong_line_goes_on_with_place_and_story(client: Client, city: City, db: Pool) -> None:
    first = await take(client, city, "liuyin")
    await take(client, city, "shangping", "mediation")
    notary = await staff(client, db, city, "li.wanqing")
    targets = (await said(await notary.get("/api/desk/targets")))["targets"]
    mediation = next(one["area"] for one in targets if one["service"] == "mediation")

    moved = await said(
        await notary.send("POST", f"/api/desk/tickets/{first['id']}/transfer", {"area": mediation, "note": "邻里纠纷"}),
        201,
    )

    mediator = await staff(client, db, city, "wang.jianguo")
    assert await line_of(mediator) == [moved["number"], "T001"]
    card = await said(await mediator.get(f"/api/desk/tickets/{moved['ticket']}"))
    assert [line["note"] for line in card["story"] if line["note"]] == ["邻里纠纷"]
    api, citizen = kiosk(client, city, "liuyin")
    held = (await said(await citizen.get(f"{api}/ticket")))["ticket"]
    assert (held["number"], held["people_ahead"], held["service"]) == (moved["number"], 0, "mediation")


async def test_messages_go_both_ways(client: Client, city: City, db: Pool) -> None:
    ticket = await take(client, city, "liuyin")
    notary = await staff(client, db, city, "li.wanqing")
    api, citizen = kiosk(client, city, "liuyin")

    await said(await notary.send("POST", f"/api/desk/tickets/{ticket['id']}/messages", {"text": "请准备身份证"}))
    await said(await citizen.send("POST", f"{api}/answers", {"code": "one_minute"}))

    shown = (await said(await citizen.get(f"{api}/ticket")))["ticket"]["messages"]
    assert [(m["sender"], m["text"], m["code"]) for m in shown] == [
        ("staff", "请准备身份证", ""),
        ("citizen", "", "one_minute"),
    ]
    desk = await said(await notary.get("/api/desk"))
    assert desk["areas"][0]["waiting"][0]["answers"] == 1


async def test_a_ticket_from_a_phone_is_held_by_its_link_alone(client: Client, city: City, db: Pool) -> None:
    phone = Visitor(client)
    body = {"service": "notarization", "request_key": SECRET, "citizen_name": "王秀兰"}
    first = await said(await phone.send("POST", "/api/hall/liuyin/tickets", body), 201)
    again = await said(await phone.send("POST", "/api/hall/liuyin/tickets", body), 201)
    assert (first["token"], first["ticket"]["number"]) == (again["token"], again["ticket"]["number"])
    link = f"/api/ticket-links/{first['token']}"
    notary = await staff(client, db, city, "li.wanqing")
    called = await said(await notary.send("POST", "/api/desk/call-next", {}))

    events = (await phone.get(f"{link}/events")).content
    while (await events.readline()) != b"event: ticket\n":
        pass
    state = json.loads((await events.readline()).removeprefix(b"data: "))

    assert (called["number"], state["ticket"]["state"], len(state["ticket"]["room"]["token"])) == ("G001", "called", 43)
    assert (await phone.get(f"/api/ticket-links/{'x' * 43}")).status == 404
    async with db.acquire() as conn:
        kept = await conn.fetchval("select request_key from ticket where channel = 'web'")
    assert first["token"] not in kept


async def test_staff_take_a_ticket_for_somebody_and_urgent_needs_a_reason(client: Client, city: City, db: Pool) -> None:
    notary = await staff(client, db, city, "li.wanqing")
    body = {
        "site": city.sites["liuyin"], "service": "notarization", "request_key": SECRET, "citizen_name": "陈建国", "priority_group": "urgent",
    }  # fmt: skip
    refused = await notary.send("POST", "/api/desk/tickets", body)
    assert (refused.status, (await refused.json())["error"]["code"]) == (400, "reason_missing")
    await take(client, city, "shangping")

    taken = await said(await notary.send("POST", "/api/desk/tickets", body | {"priority_note": "11月25日到期"}), 201)

    assert await line_of(notary) == [taken["number"], "G001"]
    token = taken["link"].removeprefix("http://127.0.0.1/hall/ticket/")
    held = (await said(await Visitor(client).get(f"/api/ticket-links/{token}")))["ticket"]
    assert (held["number"], held["priority_group"], held["people_ahead"]) == (taken["number"], "urgent", 0)


async def test_tickets_from_the_time_offline_are_merged_once_in_order_with_their_gap(
    client: Client, city: City, db: Pool
) -> None:
    api, device = kiosk(client, city, "liuyin")
    kit = await said(await device.get(f"{api}/offline"))
    credential = device.cookies[endpoint_cookie(city.kiosks["liuyin"])]
    key = hashlib.sha256(b"laizuo offline roster " + credential.encode()).digest()
    assert hmac.digest(key, kit["roster"].encode(), "sha256").hex() == kit["signature"]
    block = next(one for one in kit["blocks"] if one["service"] == "notarization")
    await take(client, city, "shangping")
    wrong = 3600.0  # the device's clock runs an hour ahead
    now = utc_now().timestamp() + wrong
    body = {
        "block": block["block"], "lost_at": now - 300, "device_now": now,
        "tickets": [{"count": block["first"] + n, "taken_at": now - 200 + n} for n in range(3)],
    }  # fmt: skip
    async with db.acquire() as conn:  # the block was given out this morning
        await conn.execute("update number_block set issued_at = issued_at - interval '1 hour'")

    merged = await said(await device.send("POST", f"{api}/offline-tickets", body), 201)
    again = await said(await device.send("POST", f"{api}/offline-tickets", body), 201)

    assert [one["number"] for one in merged["tickets"]] == ["G5001", "G5002", "G5003"]
    assert ([one["ticket"] for one in again["tickets"]], {one["was_known"] for one in again["tickets"]}) == (
        [one["ticket"] for one in merged["tickets"]],
        {True},
    )
    assert merged["gap_s"] == 300
    notary = await staff(client, db, city, "li.wanqing")
    assert await line_of(notary) == ["G5001", "G5002", "G5003", "G001"]
    assert (await said(await device.get(api)))["called_here"] == ["G5001", "G5002", "G5003"]
    called = await said(await notary.send("POST", "/api/desk/call-next", {}))
    assert (called["number"], (await said(await device.get(f"{api}/ticket")))["ticket"]["state"]) == ("G5001", "called")
    async with db.acquire() as conn:
        detail = json.loads(await conn.fetchval("select detail from audit_entry where action = 'merge_offline'"))
    assert detail == {"gap_s": 300, "new": 3, "sent": 3}


async def test_a_closed_line_says_when_it_opens_and_takes_nobody(client: Client, city: City, db: Pool) -> None:
    administrator = await staff(client, db, city, "he.min")
    site = city.sites["rongchuan"]
    shown = await said(await administrator.get(f"/api/lines/of-site/{site}"))
    area = next(line["area"] for line in shown["lines"] if line["service"] == "notarization")
    today = utc_now().astimezone(core.CITY_TIME).date()
    closure = {"first_day": today.isoformat(), "last_day": today.isoformat(), "message_zh": "今日停电", "area": area}
    added = await said(await administrator.send("POST", f"/api/lines/of-site/{site}/closures", closure), 201)
    api, citizen = kiosk(client, city, "liuyin")

    state = await said(await citizen.get(api))
    refused = await citizen.send("POST", f"{api}/tickets", {"service": "notarization", "request_key": "press-0001"})

    opening = {entry["service"]: entry["opening"] for entry in state["services"]}
    assert (opening["notarization"]["reason"], opening["notarization"]["message"]) == ("closure", "今日停电")
    assert opening["mediation"]["open"] is True
    assert (refused.status, await refused.json()) == (409, {"error": {"code": "line_closed", "detail": "今日停电"}})
    await said(await administrator.send("DELETE", f"/api/lines/closures/{added['id']}"))
    await take(client, city, "liuyin")


async def round_of(db: Pool, now: dt.datetime, tell: rounds.TellPeople | None = None) -> None:
    """A round of the steward; the application makes its own every 5 s, and there is one at a time."""

    async def why() -> str | None:
        async with db.acquire() as conn, conn.transaction():
            return None if await rounds.make_round(conn, now, tell) else "the application is making a round"

    await eventually(why)


async def test_alerts_rise_to_those_on_duty_and_then_to_the_next(client: Client, city: City, db: Pool) -> None:
    ticket = await take(client, city, "liuyin", "mediation")
    now = utc_now()
    site, wang, zhang = city.sites["rongchuan"], city.people["wang.jianguo"], city.people["zhang.yan"]
    async with db.acquire() as conn:
        await conn.execute("delete from duty_current")
        await put_on_duty(
            conn, site, "mediation", "mediator", [wang], now - dt.timedelta(hours=1), now + dt.timedelta(hours=1)
        )
        await put_on_duty(
            conn, site, "mediation", "mediator", [zhang], now + dt.timedelta(hours=1), now + dt.timedelta(hours=2)
        )
    told: list[tuple[list[str], int]] = []

    async def tell(_conn: object, people: Any, level: int, _area: str, _ticket: str) -> None:
        told.append((list(people), level))

    async def after(seconds: int) -> None:
        await round_of(db, now + dt.timedelta(seconds=seconds), tell)

    await after(100)
    assert told == []
    await after(125)
    await after(130)
    await after(305)
    assert told == [([wang], 1), ([zhang], 2)]
    first, second = [await staff(client, db, city, user) for user in ("wang.jianguo", "zhang.yan")]
    alerts = [(await said(await one.get("/api/desk")))["alerts"] for one in (first, second)]
    assert [[(a["level"], a["ticket"]) for a in mine] for mine in alerts] == [[(1, ticket["id"])], [(2, ticket["id"])]]
    await said(await second.send("POST", f"/api/desk/alerts/{alerts[1][0]['id']}/take"))
    assert (await first.send("POST", f"/api/desk/alerts/{alerts[1][0]['id']}/take")).status == 404


async def test_a_revoked_device_hears_nothing_more(client: Client, city: City, db: Pool) -> None:
    api, device = kiosk(client, city, "liuyin")
    administrator = await staff(client, db, city, "he.min")
    endpoint = city.kiosks["liuyin"]
    await said(await administrator.send("POST", f"/api/admin/endpoints/{endpoint}/reload"))
    reports = [
        await said(await device.send("POST", f"/api/endpoints/{endpoint}/health", {"version": "6.0", "line": {"rtt_ms": 40}, "problems": ["camera"]}))
        for _ in range(2)
    ]  # fmt: skip
    assert reports == [{"reload": True}, {"reload": False}]
    shown = (await said(await administrator.get("/api/admin/health")))["endpoints"]
    mine = next(one for one in shown if one["id"] == endpoint)
    assert (mine["state"], mine["version"], mine["line"]["rtt_ms"], mine["problems"]) == ("here", "6.0", 40, ["camera"])
    events = (await device.get(f"{api}/events")).content
    await events.readline()

    await said(await administrator.send("POST", f"/api/admin/endpoints/{endpoint}/revoke"))

    while await events.readline():  # until the server ends it
        pass
    assert (await device.get(f"{api}/ticket")).status == 401


async def test_a_bad_rating_is_called_back_before_it_is_closed_and_shows_in_the_figures(
    client: Client, city: City, db: Pool
) -> None:
    ticket = await take(client, city, "liuyin")
    api, citizen = kiosk(client, city, "liuyin")
    notary = await staff(client, db, city, "li.wanqing")
    called = await said(await notary.send("POST", "/api/desk/call-next", {}))
    early = await citizen.send("POST", f"{api}/rating", {"ticket": ticket["id"], "level": 5})
    assert early.status == 404
    await said(await notary.send("POST", f"/api/sessions/{called['session']}/end", {"reason": "completed"}))

    await said(await citizen.send("POST", f"{api}/rating", {"ticket": ticket["id"], "level": 1}), 201)
    twice = await citizen.send("POST", f"{api}/rating", {"ticket": ticket["id"], "level": 5})
    assert (twice.status, (await twice.json())["error"]["code"]) == (409, "already_rated")

    coordinator = await staff(client, db, city, "sun.hui")
    case = (await said(await coordinator.get("/api/ratings/cases")))["cases"][0]
    due = dt.date.fromisoformat(case["due_on"])
    assert (case["level"], case["late"]) == (1, False)
    assert dt.timedelta(days=19) <= due - utc_now().astimezone(core.CITY_TIME).date() <= dt.timedelta(days=35)
    path = f"/api/ratings/{case['id']}"
    assert (await coordinator.send("POST", f"{path}/close", {"outcome": "已改"})).status == 409
    await said(await coordinator.send("POST", f"{path}/call-backs", {"reached": True, "note": "已致歉"}), 201)
    await said(await coordinator.send("POST", f"{path}/close", {"outcome": "已改"}))
    figures = await said(await coordinator.get("/api/sites/rongchuan/figures"))
    month = figures["month"]
    assert (month["served"], month["ratings"], month["satisfied"], month["bad"], month["put_right"]) == (
        1,
        1,
        0.0,
        1,
        1,
    )
    assert month["by_service"] == {"notarization": 1}


async def test_the_opinion_box_and_the_hall_screen(client: Client, city: City, db: Pool) -> None:
    await said(await Visitor(client).send("POST", "/api/hall/liuyin/opinions", {"text": "希望周末也开放"}), 201)
    coordinator = await staff(client, db, city, "sun.hui")
    box = (await said(await coordinator.get("/api/opinions")))["opinions"]
    await said(await coordinator.send("POST", f"/api/opinions/{box[0]['id']}/answer", {"outcome": "下月起周六开放"}))
    notice = {
        "site": city.sites["rongchuan"], "level": "warning", "text_zh": "谨防冒充公证处诈骗", "text_en": "Beware of fraud",
        "until": (utc_now() + dt.timedelta(days=7)).timestamp(),
    }  # fmt: skip
    await said(await coordinator.send("POST", "/api/notices", notice), 201)
    await take(client, city, "liuyin")
    await take(client, city, "shangping", "mediation")
    _, device = kiosk(client, city, "liuyin")

    screen = await said(await device.get(f"/api/screens/{city.kiosks['liuyin']}"))

    assert [(line["service"], line["people"], line["numbers"]) for line in screen["waiting"]] == [
        ("notarization", 1, ["G001"])
    ]
    assert [one["text"] for one in screen["notices"]] == ["谨防冒充公证处诈骗"]
    assert screen["figures"]["quarter"]["tickets"] == 1
    notary = await staff(client, db, city, "li.wanqing")
    await said(await notary.send("POST", "/api/desk/call-next", {}))
    called = (await said(await device.get(f"/api/screens/{city.kiosks['liuyin']}")))["called"]
    assert [(one["number"], one["where"], one["state"]) for one in called] == [("G001", "柳荫村视频室", "called")]


async def test_another_line_may_call_when_nobody_answers(client: Client, city: City, db: Pool) -> None:
    """A county line of its own, which overflows into the city's."""
    async with db.acquire() as conn:
        county = await conn.fetchval(
            "insert into waiting_area (site_id, service, letter, overflow_area_id, overflow_after_s) "
            "select $1, service, letter, id, 60 from waiting_area where service = 'notarization' returning id::text",
            city.sites["qingxi"],
        )
    ticket = await take(client, city, "liuyin")
    notary = await staff(client, db, city, "li.wanqing")
    async with db.acquire() as conn:
        assert await conn.fetchval("select area_id::text from ticket") == county
    await round_of(db, utc_now() + dt.timedelta(seconds=61))

    desk = await said(await notary.get("/api/desk"))
    city_line = next(area for area in desk["areas"] if area["id"] != county and area["service"] == "notarization")
    assert [(row["number"], row["moved_here"]) for row in city_line["waiting"]] == [("G001", True)]
    api, citizen = kiosk(client, city, "liuyin")
    held = (await said(await citizen.get(f"{api}/ticket")))["ticket"]
    assert (held["id"], held["moved_to"]) == (ticket["id"], "榕川市公共法律服务中心")


async def test_who_still_waits_at_midnight_is_let_go_unless_the_line_is_kept(
    client: Client, city: City, db: Pool
) -> None:
    await take(client, city, "liuyin")
    await take(client, city, "shangping", "mediation")
    async with db.acquire() as conn, conn.transaction():
        await conn.execute("update waiting_area set keeps_overnight = true where service = 'mediation'")
        await rounds.end_day(conn, utc_now() + dt.timedelta(days=1))
        rows = await conn.fetch("select number, state, close_reason from ticket order by number")

    assert [tuple(row) for row in rows] == [("G001", "abandoned", "day_over"), ("T001", "waiting", "")]


async def test_who_serves_another_line_handles_nobody_of_this_one(client: Client, city: City, db: Pool) -> None:
    ticket = await take(client, city, "liuyin")
    mediator = await staff(client, db, city, "wang.jianguo")

    assert (await mediator.send("POST", f"/api/desk/tickets/{ticket['id']}/hold")).status == 404
    assert (await mediator.get(f"/api/desk/tickets/{ticket['id']}")).status == 404


def test_the_steward_is_nobody_with_rights() -> None:
    assert Actor("system", "steward").roles() == frozenset()
