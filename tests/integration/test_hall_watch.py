"""The right column of the desk over HTTP: help pressed at a kiosk, the running rooms of one's sites, each thing taken by name; and the doors of the hall's pages."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from server.access.core import ANYONE, Role
from server.access.identify import endpoint_cookie
from server.access.tokens import new_token, token_hash
from server.endpoints import service as endpoint_service
from server.endpoints import store as endpoints
from server.people import store as people
from tests.support.hall import Visitor, kiosk, seeded, staff, utc_now

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from server.db import Pool
    from server.demo.seed import City


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


async def said(answer: Any, status: int = 200) -> Any:
    assert answer.status == status, await answer.text()
    return await answer.json()


async def worker_of(client: Any, db: Pool, city: City, slug: str) -> Visitor:
    """Somebody who helps in one village room and nowhere else."""
    user = f"worker.{slug}"
    async with db.acquire() as conn:
        city.people[user] = await people.insert_person(conn, user, "小周", "Xiao Zhou", None)
        await people.insert_grant(conn, city.people[user], Role.SITE_WORKER, city.sites[slug])
    return await staff(client, db, city, user)


async def called_session(client: Any, db: Pool, city: City) -> tuple[Visitor, Visitor, dict[str, Any]]:
    """(notary, kiosk, call) of a notarization from Liuyin."""
    api, device = kiosk(client, city, "liuyin")
    await said(
        await device.send("POST", f"{api}/tickets", {"service": "notarization", "request_key": secrets.token_hex(8)}),
        201,
    )
    notary = await staff(client, db, city, "li.wanqing")
    return notary, device, await said(await notary.send("POST", "/api/desk/call-next", {}))


async def test_help_is_one_call_however_often_it_is_pressed_and_one_person_goes(
    client: TestClient[Any, Any], city: City, db: Pool
) -> None:
    api, device = kiosk(client, city, "liuyin")
    for _ in range(3):
        assert (await said(await device.send("POST", f"{api}/help", {"kind": "help"})))["state"] == "asked"
    near, far = await worker_of(client, db, city, "liuyin"), await worker_of(client, db, city, "shangping")

    seen = (await said(await near.get("/api/desk/watch")))["help"]
    assert (len(seen), seen[0]["kind"]) == (1, "help")
    assert (await said(await far.get("/api/desk/watch")))["help"] == []
    assert (await far.send("POST", f"/api/desk/help/{seen[0]['id']}/take")).status == 404
    await said(await near.send("POST", f"/api/desk/help/{seen[0]['id']}/take"))
    assert (await near.send("POST", f"/api/desk/help/{seen[0]['id']}/take")).status == 404

    state = await said(await device.get(f"{api}/help"))
    assert (state["state"], state["by"]) == ("taken", "小周")


async def test_a_running_room_is_seen_by_both_its_sites_and_by_nobody_else(
    client: TestClient[Any, Any], city: City, db: Pool
) -> None:
    notary, _, called = await called_session(client, db, city)
    near, far = await worker_of(client, db, city, "liuyin"), await worker_of(client, db, city, "shangping")

    own = await said(await notary.get("/api/desk/watch"))
    assert (own["status"], [room["id"] for room in own["rooms"] if room["is_mine"]]) == ("in_room", [called["session"]])
    seen = (await said(await near.get("/api/desk/watch")))["rooms"]
    assert [(room["id"], room["is_mine"], room["number"]) for room in seen] == [(called["session"], False, "G001")]
    assert {person["role"] for person in seen[0]["people"]} == {"in_charge", "applicant"}
    assert (await said(await far.get("/api/desk/watch")))["rooms"] == []
    assert (
        await far.send("POST", "/api/desk/watch/take", {"session": called["session"], "kind": "suspended"})
    ).status == 404


async def test_an_alert_is_taken_by_name_and_leaving_the_kiosk_raises_one(
    client: TestClient[Any, Any], city: City, db: Pool
) -> None:
    notary, device, called = await called_session(client, db, city)
    api, _ = kiosk(client, city, "liuyin")
    await said(await device.send("POST", f"{api}/gone"))

    room = (await said(await notary.get("/api/desk/watch")))["rooms"][0]
    assert [(alert["kind"], alert["taken_by"]) for alert in room["alerts"]] == [("citizen_gone", "")]
    near = await worker_of(client, db, city, "liuyin")
    await said(await near.send("POST", "/api/desk/watch/take", {"session": called["session"], "kind": "citizen_gone"}))

    room = (await said(await notary.get("/api/desk/watch")))["rooms"][0]
    assert [(alert["kind"], alert["taken_by"]) for alert in room["alerts"]] == [("citizen_gone", "小周")]
    assert (await said(await device.get(f"{api}/ticket")))["ticket"] is None  # the next person finds nothing


async def test_colleagues_see_who_is_away(client: TestClient[Any, Any], city: City, db: Pool) -> None:
    notary, other = await staff(client, db, city, "li.wanqing"), await staff(client, db, city, "zhao.kun")
    await said(await notary.send("PUT", "/api/desk/status", {"status": "away"}))

    seen = {one["name"]: one["status"] for one in (await said(await other.get("/api/desk/watch")))["colleagues"]}
    assert (seen["李婉清"], (await said(await notary.get("/api/desk/watch")))["status"]) == ("away", "away")
    await said(await notary.send("PUT", "/api/desk/status", {"status": "available"}))
    seen = {one["name"]: one["status"] for one in (await said(await other.get("/api/desk/watch")))["colleagues"]}
    assert seen["李婉清"] == "available"


async def test_pages_of_links_open_for_their_holder_and_for_nobody_else(
    client: TestClient[Any, Any], city: City
) -> None:
    phone = Visitor(client)
    taken = await said(
        await phone.send(
            "POST", "/api/hall/liuyin/tickets", {"service": "mediation", "request_key": secrets.token_hex(16)}
        ),
        201,
    )
    pages = ["/hall/liuyin", "/hall/liuyin/booking", "/hall/liuyin/opinions"]
    pages += [f"/hall/{what}/{taken['token']}" for what in ("ticket", "rating")]

    assert [(await phone.get(path)).status for path in pages] == [200] * len(pages)
    wrong = [f"/hall/{what}/{new_token()}" for what in ("ticket", "rating", "appointment")] + [
        "/hall/ticket/x",
        "/hall/no-such",
    ]
    assert [(await phone.get(path)).status for path in wrong] == [404] * len(wrong)


async def test_a_hall_screen_is_enrolled_like_a_kiosk_and_has_a_page_of_its_own(
    client: TestClient[Any, Any], city: City, db: Pool
) -> None:
    code, token = new_token(), new_token()
    async with db.acquire() as conn:
        names = ("大厅屏幕", "Hall screen")
        device = await endpoints.insert(conn, city.sites["liuyin"], "hall_screen", names, token_hash(code), utc_now())
        await conn.execute(
            "update endpoint set token_hash = $2, enrolled_at = now() where id = $1", UUID(device), token_hash(token)
        )
    screen = Visitor(client, {endpoint_cookie(device): token})

    turned = await screen.get(f"/kiosk/{device}")
    assert (turned.status, turned.headers["Location"]) == (303, f"/screen/{device}")
    assert (await screen.get(f"/screen/{device}")).status == 200
    assert (await Visitor(client).get(f"/screen/{device}")).status == 401


async def test_the_worker_of_the_room_sits_in_only_where_it_is_theirs_and_only_by_the_door(
    client: TestClient[Any, Any], city: City, db: Pool
) -> None:
    near, far = await worker_of(client, db, city, "liuyin"), await worker_of(client, db, city, "shangping")
    notary, _, called = await called_session(client, db, city)

    here = await said(await near.get("/api/desk/here"))
    assert [(one["number"], one["state"], one["session"]) for one in here["tickets"]] == [
        ("G001", "called", called["session"])
    ]
    assert await said(await far.get("/api/desk/here")) == {"is_beside": True, "tickets": []}
    assert await said(await notary.get("/api/desk/here")) == {"is_beside": False, "tickets": []}
    assert (await far.send("POST", f"/api/sessions/{called['session']}/sit-in")).status == 404
    assert (await notary.send("POST", f"/api/sessions/{called['session']}/sit-in")).status == 404

    first = await said(await near.send("POST", f"/api/sessions/{called['session']}/sit-in"))
    again = await said(
        await near.send("POST", f"/api/sessions/{called['session']}/sit-in")
    )  # another press, the same seat
    assert first["url"].startswith("/join/")
    assert again["url"] != first["url"]
    async with db.acquire() as conn:
        seats = await conn.fetch(
            "select role, state, admitted_at from seat where session_id = $1 and role = 'site_worker'",
            UUID(called["session"]),
        )
    assert [tuple(seat) for seat in seats] == [("site_worker", "invited", None)]


async def test_staff_take_a_number_for_somebody_who_phones(client: TestClient[Any, Any], city: City, db: Pool) -> None:
    near = await worker_of(client, db, city, "liuyin")
    sites = (await said(await near.get("/api/desk/targets")))["sites"]
    assert [one["site"] for one in sites] == [city.sites["liuyin"]]

    wish = {
        "site": sites[0]["site"],
        "service": "mediation",
        "request_key": secrets.token_hex(16),
        "channel": "phone",
        "citizen_name": "赵大爷",
    }
    taken = await said(await near.send("POST", "/api/desk/tickets", wish), 201)

    here = await said(await near.get("/api/desk/here"))
    assert [(one["number"], one["citizen_name"]) for one in here["tickets"]] == [(taken["number"], "赵大爷")]
    page = await Visitor(client).get("/hall/ticket/" + taken["link"].rsplit("/", 1)[1])
    assert page.status == 200


async def test_what_the_check_found_missing_stands_beside_whoever_waits(
    client: TestClient[Any, Any], city: City, db: Pool
) -> None:
    api, kiosk_ = kiosk(client, city, "liuyin")
    body = {"service": "notarization", "request_key": "press-1234"}
    taken = await (await kiosk_.send("POST", f"{api}/tickets", body)).json()
    phone = Visitor(client)
    from_home = {"service": "notarization", "request_key": "s" * 32}
    web = await (await phone.send("POST", "/api/hall/liuyin/tickets", from_home)).json()
    notary = await staff(client, db, city, "li.wanqing")

    async def lacks() -> dict[str, list[str]]:
        desk = await (await notary.get("/api/desk")).json()
        return {one["ticket"]: one["lacks"] for area in desk["areas"] for one in area["waiting"]}

    before = await lacks()
    told = await kiosk_.send("PUT", f"{api}/ticket/check", {"lacks": ["microphone", "camera", "camera"]})
    by_link = await phone.send("PUT", f"/api/ticket-links/{web['token']}/check", {"lacks": ["network"]})
    after = await lacks()
    mended = await kiosk_.send("PUT", f"{api}/ticket/check", {"lacks": []})

    assert (told.status, by_link.status, mended.status) == (200, 200, 200)
    assert before == {taken["id"]: [], web["ticket"]["id"]: []}
    assert after == {taken["id"]: ["camera", "microphone"], web["ticket"]["id"]: ["network"]}
    assert (await lacks())[taken["id"]] == []
    other, _ = kiosk(client, city, "rongyin")
    assert (await kiosk_.send("PUT", f"{other}/ticket/check", {"lacks": ["camera"]})).status in (401, 403, 404)
    assert (await phone.send("PUT", f"/api/ticket-links/{web['token']}/check", {"lacks": ["kettle"]})).status == 400


async def test_a_screen_that_reports_no_more_is_told_to_all_who_look_after_it(
    client: TestClient[Any, Any], city: City, db: Pool
) -> None:
    now = utc_now()
    ages = {"liuyin": 300, "shangping": 20, "rongyin": 8 * 24 * 3600}  # dark, here, taken away
    async with db.acquire() as conn:
        wall, _ = await endpoint_service.add_endpoint(
            conn, ANYONE, city.sites["liuyin"], "hall_screen", ("大厅屏", "Hall screen"), now
        )
        for endpoint, age in [*((city.kiosks[slug], age) for slug, age in ages.items()), (wall, 600)]:
            at = now - timedelta(seconds=age)
            await conn.execute(
                "update endpoint set enrolled_at = $2, reported_at = $2 where id = $1", UUID(endpoint), at
            )

    async def silent(visitor: Visitor) -> list[tuple[str, str]]:
        watch = await said(await visitor.get("/api/desk/watch"))
        return [(one["id"], one["kind"]) for one in watch["silent"]]

    dark = [(city.kiosks["liuyin"], "kiosk"), (wall, "hall_screen")]
    assert await silent(await staff(client, db, city, "li.wanqing")) == dark
    assert await silent(await worker_of(client, db, city, "liuyin")) == dark
    assert await silent(await worker_of(client, db, city, "shangping")) == []
    board = await (await (await staff(client, db, city, "sun.hui")).get("/roster")).text()
    assert "有 2 台设备没有响应" in board
    assert "大厅屏" in board
    # Revoked, it is nobody's worry any more
    async with db.acquire() as conn:
        await endpoints.revoke(conn, wall, now)
    assert await silent(await worker_of(client, db, city, "qingxi")) == [dark[0]]


async def test_a_worker_lets_the_kiosk_of_the_own_room_begin_anew(
    client: TestClient[Any, Any], city: City, db: Pool
) -> None:
    worker, notary = await worker_of(client, db, city, "liuyin"), await staff(client, db, city, "li.wanqing")
    mine, other = city.kiosks["liuyin"], city.kiosks["shangping"]
    _, device = kiosk(client, city, "liuyin")
    report = {"version": "1", "problems": ["camera"]}
    first = await said(await device.send("POST", f"/api/endpoints/{mine}/health", report))

    seen = (await said(await worker.get("/api/my-room/devices")))["endpoints"]
    asked = await worker.send("POST", f"/api/my-room/devices/{mine}/begin-anew")
    refused = [
        (await who.send("POST", f"/api/my-room/devices/{what}/begin-anew")).status
        for who, what in ((worker, other), (notary, mine))
    ]
    next_report = await said(await device.send("POST", f"/api/endpoints/{mine}/health", report))

    assert [(one["id"], one["state"], one["problems"]) for one in seen] == [(mine, "here", ["camera"])]
    assert (first["reload"], asked.status, next_report["reload"], refused) == (False, 200, True, [403, 403])
    assert (await said(await notary.get("/api/my-room/devices")))["endpoints"] == []
