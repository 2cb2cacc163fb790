"""The line through the real application and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from server.access.core import Actor, Grant, Role
from server.errors import Conflict
from server.waiting import core, service, store
from tests.support.hall import City, Visitor, kiosk, seeded, staff, utc_now

if TYPE_CHECKING:
    from server.db import Pool

Client = "TestClient[Any, Any]"


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


async def take(api: str, visitor: Visitor, name: str = "notarization", key: str = "press-0001") -> dict[str, Any]:
    answer = await visitor.send("POST", f"{api}/tickets", {"service": name, "request_key": key})
    assert answer.status == 201, await answer.text()
    ticket: dict[str, Any] = await answer.json()
    return ticket


async def test_kiosk_offers_what_the_nearest_site_upwards_serves(client: Client, city: City) -> None:
    api, visitor = kiosk(client, city, "liuyin")

    state = await (await visitor.get(api)).json()

    assert [entry["service"] for entry in state["services"]] == sorted(core.SERVICES)
    assert state["site"] == {"slug": "liuyin", "name": "柳荫村公共法律服务工作室"}
    assert state["ticket"] is None


@pytest.mark.parametrize(("is_on_duty", "estimate"), [(False, None), (True, 750)])
async def test_tickets_are_numbered_in_order_and_know_who_is_ahead(
    client: Client, db: Pool, city: City, is_on_duty: bool, estimate: int | None
) -> None:
    """750 s: half of a notarization's usual 25 minutes, one notary on duty."""
    always = "during = tstzrange(now() - interval '1 day', now() + interval '1 day')"
    one_shift = "select ctid from duty_current where site_id = $1::text::uuid and service = 'notarization' and role = 'notary' limit 1"
    await db.execute(f"delete from duty_current where ctid not in ({one_shift})", city.sites["rongchuan"])
    await db.execute(f"update duty_current set {always}" if is_on_duty else "delete from duty_current")
    tickets = [await take(*kiosk(client, city, slug)) for slug in ("liuyin", "shangping", "chashan")]

    assert [(ticket["number"], ticket["people_ahead"]) for ticket in tickets] == [("G001", 0), ("G002", 1), ("G003", 2)]
    assert tickets[0]["estimated_wait_s"] == estimate  # without anybody no number is better than a made-up one


async def test_the_same_press_sent_twice_at_once_is_one_ticket(client: Client, city: City) -> None:
    api, visitor = kiosk(client, city, "liuyin")

    both = await asyncio.gather(take(api, visitor), take(api, visitor))

    assert both[0]["id"] == both[1]["id"]


async def test_a_second_ticket_for_the_same_device_is_refused(client: Client, city: City) -> None:
    api, visitor = kiosk(client, city, "liuyin")
    await take(api, visitor)

    answer = await visitor.send("POST", f"{api}/tickets", {"service": "mediation", "request_key": "press-0002"})

    assert (answer.status, await answer.json()) == (409, {"error": {"code": "ticket_held"}})


async def test_leaving_frees_the_device_and_moves_the_line(client: Client, city: City) -> None:
    first, second = kiosk(client, city, "liuyin"), kiosk(client, city, "shangping")
    await take(*first)
    await take(*second)

    assert (await first[1].send("DELETE", f"{first[0]}/ticket")).status == 200

    assert (await (await first[1].get(f"{first[0]}/ticket")).json()) == {"ticket": None}
    assert (await (await second[1].get(f"{second[0]}/ticket")).json())["ticket"]["people_ahead"] == 0


async def test_calling_opens_a_session_and_hands_both_their_way_in(client: Client, city: City, db: Pool) -> None:
    api, citizen = kiosk(client, city, "liuyin")
    ticket = await take(api, citizen)
    notary = await staff(client, db, city, "li.wanqing")

    called = await (await notary.send("POST", "/api/desk/call-next", {})).json()

    assert called["ticket"] == ticket["id"]
    assert called["room"]["url"] == f"/room/{called['session']}"
    desk = await (await notary.get("/api/desk")).json()
    assert desk["session"] == {
        "id": called["session"], "state": "open", "procedure": "notarization", "number": "G001", "url": called["room"]["url"],
    }  # fmt: skip
    assert [area["waiting"] for area in desk["areas"]] == [[]]


async def test_the_kiosk_hears_the_call_with_the_key_to_the_room(client: Client, city: City, db: Pool) -> None:
    api, citizen = kiosk(client, city, "liuyin")
    await take(api, citizen)
    notary = await staff(client, db, city, "li.wanqing")
    events = (await citizen.get(f"{api}/events")).content
    waiting = await next_event(events)

    await notary.send("POST", "/api/desk/call-next", {})
    called = await next_event(events)

    assert (waiting["ticket"]["state"], waiting["ticket"]["room"]) == ("waiting", None)
    assert called["ticket"]["state"] == "called"
    assert len(called["ticket"]["room"]["token"]) == 43


async def next_event(content: Any) -> Any:
    """Data of the next `ticket` event, pings and blanks passed over."""
    async with asyncio.timeout(30):
        while True:
            if (await content.readline()) == b"event: ticket\n":
                line = await content.readline()
                return json.loads(line.removeprefix(b"data: "))


async def test_somebody_with_a_running_session_calls_nobody_else(client: Client, city: City, db: Pool) -> None:
    await take(*kiosk(client, city, "liuyin"))
    await take(*kiosk(client, city, "shangping"))
    notary = await staff(client, db, city, "li.wanqing")
    await notary.send("POST", "/api/desk/call-next", {})

    answer = await notary.send("POST", "/api/desk/call-next", {})

    assert (answer.status, await answer.json()) == (409, {"error": {"code": "session_running"}})
    assert (await (await notary.get("/api/desk")).json())["areas"][0]["waiting"][0]["number"] == "G002"


async def test_an_assistant_sees_the_line_and_calls_nobody(client: Client, city: City, db: Pool) -> None:
    await take(*kiosk(client, city, "liuyin"))
    assistant = await staff(client, db, city, "zhou.yu")

    desk = await (await assistant.get("/api/desk")).json()
    answer = await assistant.send("POST", "/api/desk/call-next", {})

    assert [(area["may_call"], len(area["waiting"])) for area in desk["areas"]] == [(False, 1)]
    assert answer.status == 403


async def test_one_ticket_can_be_called_out_of_turn_once(client: Client, city: City, db: Pool) -> None:
    await take(*kiosk(client, city, "liuyin"))
    second = await take(*kiosk(client, city, "shangping"))
    li, zhao = await staff(client, db, city, "li.wanqing"), await staff(client, db, city, "zhao.kun")

    answers = await asyncio.gather(*(one.send("POST", f"/api/desk/tickets/{second['id']}/call") for one in (li, zhao)))

    assert sorted(answer.status for answer in answers) == [200, 409]


async def test_fifty_calling_at_once_take_two_thousand_tickets_each_once_in_order(db: Pool, city: City) -> None:
    async with db.acquire() as conn:
        area = await conn.fetchval("select id::text from waiting_area where service = 'notarization'")
        site = city.sites["liuyin"]
        await conn.executemany(
            "insert into ticket (area_id, day, number, site_id, priority, taken_at) values ($1, current_date, $2, $3, $4, now())",
            [(area, f"G{index:04d}", site, 5 if index % 10 == 0 else 0) for index in range(2000)],
        )
        callers = await conn.fetch(
            "insert into person (user_name, name_zh, name_en) select 'caller.' || n, '公证员', 'Caller' from generate_series(1, 50) n "
            "returning id::text"
        )
    urgent_first = sorted(
        (f"G{index:04d}" for index in range(2000)), key=lambda number: (not number.endswith("0"), number)
    )

    async def press(person_id: str) -> str | None:
        async with db.acquire() as conn, conn.transaction():
            ticket = await store.call_next(conn, [area], person_id, utc_now())
        return ticket.number if ticket else None

    waves = [await asyncio.gather(*(press(row["id"]) for row in callers)) for _ in range(41)]

    # Those who press at the same moment share the next fifty among them; nobody further back comes before them.
    assert [sorted(str(number) for number in wave) for wave in waves[:40]] == [
        sorted(urgent_first[start : start + 50]) for start in range(0, 2000, 50)
    ]
    assert set(waves[40]) == {None}


async def test_fifty_professionals_pressing_call_next_open_fifty_sessions(db: Pool, city: City) -> None:
    root = city.sites["rongchuan"]
    async with db.acquire() as conn:
        area = await conn.fetchval("select id::text from waiting_area where service = 'notarization'")
        await conn.executemany(
            "insert into ticket (area_id, day, number, site_id, taken_at) values ($1, current_date, $2, $3, now())",
            [(area, f"G{index:04d}", city.sites["liuyin"]) for index in range(2000)],
        )
        rows = await conn.fetch(
            "insert into person (user_name, name_zh, name_en) select 'notary.' || n, '公证员', 'Notary' from generate_series(1, 50) n "
            "returning id::text"
        )
    actors = [Actor("person", row["id"], frozenset({Grant(Role.NOTARY, root)})) for row in rows]

    async def press(actor: Actor) -> service.Called:
        async with db.acquire() as conn:
            return await service.call_next(conn, actor, None, utc_now())

    called = await asyncio.gather(*(press(actor) for actor in actors))

    assert {one.ticket.number for one in called} == {f"G{index:04d}" for index in range(50)}
    assert len({one.session.session_id for one in called}) == 50


async def test_two_presses_of_one_person_open_one_session(db: Pool, city: City, client: Client) -> None:
    for slug in ("liuyin", "shangping"):
        await take(*kiosk(client, city, slug))
    actor = Actor("person", city.people["li.wanqing"], frozenset({Grant(Role.NOTARY, city.sites["rongchuan"])}))

    async def press() -> str:
        async with db.acquire() as conn:
            try:
                return (await service.call_next(conn, actor, None, utc_now())).ticket.number
            except Conflict as refusal:
                return refusal.code

    # Who presses second may have the second ticket in hand already and still be the one that stays: either is one session.
    called, refused = sorted(await asyncio.gather(press(), press()))
    assert called in {"G001", "G002"}
    assert refused == "session_running"
    assert await db.fetchval("select count(*) from session") == 1
    assert await db.fetchval("select count(*) from ticket where state = 'waiting'") == 1


async def test_nobody_but_the_device_sees_its_ticket(client: Client, city: City) -> None:
    api, visitor = kiosk(client, city, "liuyin")
    await take(api, visitor)
    _, other = kiosk(client, city, "shangping")

    assert (await other.get(f"{api}/ticket")).status == 401
    assert (await Visitor(client).get(f"{api}/ticket")).status == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"service": "divorce", "request_key": "press-0001"}, "service"),
        ({"service": "notarization"}, None),
        ({"service": "notarization", "request_key": "x"}, "request_key"),
        ({"service": "notarization", "request_key": "press-0001", "citizen_name": "长" * 81}, "citizen_name"),
        ({"service": "notarization", "request_key": "press-0001", "priority": 9}, None),
        ([], None),
    ],
)
async def test_a_malformed_wish_is_refused_and_changes_nothing(
    client: Client, city: City, body: object, field: str | None
) -> None:
    api, visitor = kiosk(client, city, "liuyin")

    answer = await visitor.send("POST", f"{api}/tickets", body)

    error = (await answer.json())["error"]
    assert (answer.status, error["code"], error.get("field")) == (400, "bad_input", field)
    assert (await (await visitor.get(f"{api}/ticket")).json()) == {"ticket": None}
