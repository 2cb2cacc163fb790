"""Who stands by with an offer said is in the room by the call itself; nobody else is, and whose cookie is none stands nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from media.control.messages import Join
from tests.support import scripted_web
from tests.support.hall import City, Visitor, kiosk, seeded, staff
from tests.support.room_page import RoomPage
from tests.support.scripted_worker import ScriptedWorker

if TYPE_CHECKING:
    from server.db import Pool

Client = "TestClient[Any, Any]"
OFFER = {"type": "offer", "rid": "offer", "peer": 1, "revision": 1, "sdp": "v=0", "sources": {}}
worker, client = scripted_web.worker, scripted_web.client


@pytest.fixture
async def city(client: Client, db: Pool) -> City:
    return await seeded(db)


async def stand_by(visitor: Visitor, **who: str) -> RoomPage:
    """A page of this visitor that stands by."""
    client = visitor.client
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    page = await RoomPage.open(client, Origin=f"http://{client.host}:{client.port}", Cookie=cookies)
    await page.say({"type": "stand_by", "rid": "stand_by", **who})
    await page.say(OFFER)
    await page.say({"type": "ping", "t": 1.0})
    await page.hears("error", lambda message: message["code"] == "not_joined")  # what stood before it is done
    return page


async def take(client: Client, city: City) -> tuple[str, Visitor]:
    """A kiosk with a ticket: its id, and it."""
    api, device = kiosk(client, city, "liuyin")
    await said(device, "POST", f"{api}/tickets", {"service": "notarization", "request_key": "press-0001"})
    return api.rpartition("/")[2], device


async def said(visitor: Visitor, method: str, path: str, body: object = None) -> Any:
    reply = await visitor.send(method, path, body)
    assert reply.status < 300, await reply.text()
    return await reply.json()


async def test_both_who_stand_by_are_in_the_room_by_the_call(
    client: Client, city: City, db: Pool, worker: ScriptedWorker
) -> None:
    endpoint, device = await take(client, city)
    notary = await staff(client, db, city, "li.wanqing")
    citizen_page = await stand_by(device, kiosk=endpoint)
    notary_page = await stand_by(notary, page="one")

    called = await said(notary, "POST", "/api/desk/call-next", {"page": "one"})

    assert (await notary_page.hears("welcome"))["you"]["role"] == "in_charge"
    assert (await citizen_page.hears("welcome"))["you"]["role"] == "applicant"
    for page in (notary_page, citizen_page):
        answer = await page.hears("answer")
        assert (answer["peer"], answer["revision"]) == (1, 1)
    assert len(worker.requests(Join)) == 2

    # What the page says when it hears of its call changes nothing.
    await notary_page.say({"type": "join", "token": called["room"]["token"]})
    await notary_page.say({"type": "ping", "t": 2.0})
    await notary_page.hears("pong")
    assert [message["type"] for message in notary_page.heard].count("welcome") == 1
    assert not [message for message in notary_page.heard if message.get("rid") == "join"]


async def test_another_page_of_the_same_person_stays_outside(client: Client, city: City, db: Pool) -> None:
    await take(client, city)
    notary = await staff(client, db, city, "li.wanqing")
    other = await stand_by(notary, page="another")

    called = await said(notary, "POST", "/api/desk/call-next", {"page": "one"})

    await other.say({"type": "ping", "t": 1.0})
    await other.hears("error", lambda message: message["code"] == "not_joined")
    await other.say({"type": "join", "token": called["room"]["token"]})
    await other.hears("welcome")
    await other.hears("answer")  # to the offer that it said while it stood


async def test_a_device_that_was_shut_out_meanwhile_is_not_let_in(client: Client, city: City, db: Pool) -> None:
    endpoint, device = await take(client, city)
    notary = await staff(client, db, city, "li.wanqing")
    page = await stand_by(device, kiosk=endpoint)
    await db.execute("update endpoint set revoked_at = now() where id = $1::text::uuid", endpoint)

    await said(notary, "POST", "/api/desk/call-next", {})

    await page.say({"type": "ping", "t": 1.0})
    await page.hears("error", lambda message: message["code"] == "not_joined")
    assert not [message for message in page.heard if message["type"] == "welcome"]


async def test_only_a_page_of_ours_with_its_cookie_stands_by(client: Client, city: City) -> None:
    endpoint, device = kiosk(client, city, "liuyin")
    name = endpoint.rpartition("/")[2]
    cookie = "; ".join(f"{name}={value}" for name, value in device.cookies.items())
    origin = f"http://{client.host}:{client.port}"
    other, _ = kiosk(client, city, "shangping")

    for headers, who in (
        ({"Cookie": cookie}, {"kiosk": name}),
        ({"Origin": origin}, {"kiosk": name}),
        ({"Origin": origin, "Cookie": cookie}, {"kiosk": other.rpartition("/")[2]}),
        ({"Origin": origin, "Cookie": cookie}, {"page": "one"}),
    ):
        page = await RoomPage.open(client, **headers)
        await page.say({"type": "stand_by", "rid": "stand_by", **who})
        assert (await page.hears("error"))["code"] == "not_allowed"
        await page.close()
