"""Who gets into a room, who does not, and that the rude disturb nobody."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from media.control.messages import Join
from server.signaling import ws
from tests.support import scripted_web
from tests.support.eventually import eventually
from tests.support.hall import utc_now
from tests.support.room_page import SUBPROTOCOL, RoomPage, person
from tests.support.running_session import RunningSession, invite, run_session
from tests.support.scripted_worker import ScriptedWorker

if TYPE_CHECKING:
    from server.db import Pool

Client = "TestClient[Any, Any]"
worker, client = scripted_web.worker, scripted_web.client


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds join at once here: on a busy machine that takes longer than a page would wait."""
    monkeypatch.setattr(ws, "JOIN_PATIENCE_S", 60.0)


@pytest.fixture
async def session(db: Pool) -> RunningSession:
    return await run_session(db)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "https://127.0.0.1.evil.example",
        "http://127.0.0.1:1",
        "ftp://127.0.0.1",
        "http://sub.127.0.0.1",
    ],
)
async def test_another_sites_page_is_refused_before_the_upgrade(client: Client, origin: str) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect("/ws/room", protocols=(SUBPROTOCOL,), headers={"Origin": origin})

    assert caught.value.status == 403


async def test_our_own_page_is_let_in(client: Client, session: RunningSession) -> None:
    page = await RoomPage.open(client, Origin=f"http://{client.host}:{client.port}")

    await page.say({"type": "join", "token": session.tokens["a"], "media": False})

    assert (await page.hears("welcome"))["you"]["seat"] == session.seats["a"]


async def test_only_our_subprotocol_is_spoken(client: Client) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect("/ws/room", protocols=("something.else",))

    assert caught.value.status == 400


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 128, "é" * 43, "' or 1=1 --"])
async def test_a_made_up_token_opens_nothing(client: Client, session: RunningSession, token: str) -> None:
    page = await RoomPage.open(client)

    await page.say({"type": "join", "token": token or "-"})

    assert (await page.hears("error"))["code"] == "bad_token"
    assert await page.is_closed() == 1008


async def test_an_expired_link_is_told_so_and_does_not_count_as_a_visit(
    client: Client, db: Pool, session: RunningSession
) -> None:
    await invite(db, session, "c", "party", "陈建国")
    past = utc_now() - timedelta(seconds=1)
    await db.execute("update seat set expires_at = $2 where id = $1", session.seats["c"], past)
    page = await RoomPage.open(client)

    await page.say({"type": "join", "token": session.tokens["c"]})

    assert (await page.hears("closed"))["why"] == "expired"
    assert await db.fetchval("select connection from seat where id = $1", session.seats["c"]) == 0


async def test_a_resume_token_does_not_open_where_a_seat_token_belongs(client: Client, session: RunningSession) -> None:
    first = await RoomPage.joined(client, session.tokens["a"])
    resume = first.heard[0]["resume"]
    page = await RoomPage.open(client)

    await page.say({"type": "join", "token": resume})

    assert (await page.hears("error"))["code"] == "bad_token"
    assert first.closed_with is None


async def test_the_resume_token_before_the_newest_still_opens_the_seat(client: Client, session: RunningSession) -> None:
    first = await RoomPage.joined(client, session.tokens["b"])
    old = first.heard[0]["resume"]
    second = await RoomPage.joined(client, old, resume=True)  # its `welcome` got lost on the way
    await second.close()

    third = await RoomPage.joined(client, old, resume=True)

    assert third.heard[0]["connection"] == 3


async def test_twenty_pages_with_one_link_leave_exactly_one(client: Client, db: Pool, session: RunningSession) -> None:
    pages = await asyncio.gather(*(RoomPage.open(client) for _ in range(20)))

    await asyncio.gather(*(page.say({"type": "join", "token": session.tokens["b"], "media": False}) for page in pages))
    watcher = await RoomPage.joined(client, session.tokens["a"])

    def unsettled() -> str | None:
        closed = sum(page.closed_with is not None for page in pages)
        return None if closed == 19 else f"{closed} of 20 pages are closed"

    await eventually(unsettled)
    losers = [page for page in pages if page.closed_with is not None]
    codes = await asyncio.gather(*(page.is_closed() for page in losers))
    assert all(page.heard[-1] == REPLACED for page in losers)
    (winner,) = [page for page in pages if page not in losers]
    assert set(codes) == {1000}
    connection = await db.fetchval("select connection from seat where id = $1", session.seats["b"])
    assert winner.heard[0]["connection"] == connection == 20
    await winner.say({"type": "mute", "source": "voice", "muted": True})
    await watcher.hears("person", person(session.seats["b"], muted=["voice"]))


REPLACED = {"type": "closed", "why": "replaced"}


async def test_nobody_is_let_in_by_the_leaders_arrival(client: Client, db: Pool, session: RunningSession) -> None:
    """Lesson C-2: waiting before the host came must not mean being in when he comes."""
    await invite(db, session, "c", "party", "陈建国")
    early = await RoomPage.open(client)
    await early.say({"type": "join", "token": session.tokens["c"]})
    await early.hears("waiting")

    leader = await RoomPage.joined(client, session.tokens["a"])

    seen = {entry["seat"]: entry["state"] for entry in leader.heard[0]["people"]}
    assert seen[session.seats["c"]] == "waiting"
    await early.say({"type": "offer", "peer": 1, "revision": 1, "sdp": "v=0", "sources": {}})
    assert (await early.hears("error"))["code"] == "not_joined"
    assert await db.fetchval("select state from seat where id = $1", session.seats["c"]) == "waiting"


async def test_a_silent_listener_is_shown_to_all(client: Client, db: Pool, session: RunningSession) -> None:
    await invite(db, session, "c", "interpreter", "陈建国")
    leader = await RoomPage.joined(client, session.tokens["a"])
    citizen = await RoomPage.joined(client, session.tokens["b"])
    listener = await RoomPage.open(client)
    await listener.say({"type": "join", "token": session.tokens["c"], "media": False})
    await listener.hears("waiting")

    await leader.say({"type": "admit", "seat": session.seats["c"]})

    await citizen.hears("person", person(session.seats["c"], state="connected"))
    assert not [message for message in citizen.heard if message.get("person", {}).get("state") == "waiting"]


# ---------------------------------------------------------------- the rude


BAD = [
    json.dumps({"type": kind, **fields})
    for kind, fields in {
        "join": {"token": 7},
        "offer": {"peer": "x", "revision": 1, "sdp": "v=0"},
        "mute": {"source": "nose", "muted": True},
        "leave": {"rid": {}},
        "admit": {"seat": None},
        "refuse": {"seat": []},
        "remove": {},
        "silence": {"seat": "b", "source": "voice", "silenced": "perhaps"},
        "end": {"reason": "boredom"},
        "name": {"seat": "b", "name": ""},
        "report": {"fps": "many"},
        "ping": {"t": "now"},
    }.items()
]


async def test_malformed_messages_of_every_type_are_refused_and_ten_end_the_line(
    client: Client, session: RunningSession
) -> None:
    other = await RoomPage.joined(client, session.tokens["b"])
    for half in (BAD[:6], BAD[6:]):
        page = await RoomPage.joined(client, session.tokens["a"])
        for text in half:
            await page.say(text)
            assert (await page.hears("error"))["code"] == "bad_message", text
    for _ in range(4):
        await page.say("not json")

    assert await page.is_closed() == 1008
    await other.say({"type": "ping", "t": 1.0})
    await other.hears("pong")


async def test_binary_and_oversize_end_only_the_line_they_came_on(client: Client, session: RunningSession) -> None:
    other = await RoomPage.joined(client, session.tokens["b"])
    binary = await RoomPage.open(client)
    await binary.socket.send_bytes(b"\x00\x01")
    assert (await binary.hears("error"))["code"] == "bad_message"
    large = await RoomPage.joined(client, session.tokens["a"])

    await large.say("x" * 65_537)

    assert await large.is_closed() == 1009
    await other.hears("person", person(session.seats["a"], state="reconnecting"))


async def test_the_largest_allowed_message_is_taken(client: Client, session: RunningSession) -> None:
    page = await RoomPage.joined(client, session.tokens["a"])
    head = json.dumps({"type": "offer", "peer": 1, "revision": 1, "sources": {}, "sdp": "refuse bad_offer"})
    await page.say(head[:-1] + " " * (65_536 - len(head)) + "}")

    assert (await page.hears("error"))["code"] == "bad_offer"


async def test_a_flood_ends_the_flooder_and_nobody_else(
    client: Client, session: RunningSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ws, "MESSAGE_EVERY_S", 3600.0)  # however long three hundred take
    other = await RoomPage.joined(client, session.tokens["b"])
    page = await RoomPage.joined(client, session.tokens["a"])

    for _ in range(300):
        await page.say({"type": "ping", "t": 0.0})

    await page.hears("error", lambda message: message["code"] == "too_many")
    assert await page.is_closed() == 1008
    await other.say({"type": "ping", "t": 1.0})
    await other.hears("pong")


async def test_offers_without_end_are_not_passed_on_to_the_worker(
    client: Client, worker: ScriptedWorker, session: RunningSession
) -> None:
    page = await RoomPage.joined(client, session.tokens["a"])

    for number in range(20):
        await page.say({"type": "offer", "peer": number, "revision": 1, "sdp": "v=0", "rid": number})

    await page.hears("error", lambda message: (message["code"], message["rid"]) == ("too_many", 19))
    assert len(worker.requests(Join)) <= 15
    await page.say({"type": "ping", "t": 1.0})
    await page.hears("pong")


async def test_a_page_may_open_its_socket_before_it_is_called(
    client: Client, session: RunningSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ws, "FIRST_WORD_S", 0.05)
    monkeypatch.setattr(ws, "PING_EVERY_S", 0.05)
    monkeypatch.setattr(ws, "SPARES", 1)
    spare = await client.ws_connect("/ws/room", protocols=(SUBPROTOCOL,), autoping=False)

    await RoomPage.joined(client, session.tokens["b"])  # who has joined counts no more
    for _ in range(4):  # rounds in which the service looked whether the socket may stand
        ping = await spare.receive(10)
        assert ping.type is WSMsgType.PING
        await spare.pong(ping.data)
    await spare.send_json({"type": "join", "token": session.tokens["a"], "media": True})

    while (message := await spare.receive(10)).type is WSMsgType.PING:
        await spare.pong(message.data)
    assert message.json()["type"] == "welcome"


async def test_more_silent_sockets_than_pages_need_are_closed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ws, "FIRST_WORD_S", 0.05)
    monkeypatch.setattr(ws, "SPARES", 0)

    silent = await RoomPage.open(client)

    assert await silent.is_closed() == 1008


async def test_an_address_that_joins_without_end_is_slowed_down(client: Client, session: RunningSession) -> None:
    assert client.app is not None
    client.app[ws.JOIN_RATE].every_s = 3600.0  # however long two hundred take

    async def try_once() -> str:
        page = await RoomPage.open(client)
        await page.say({"type": "join", "token": "A" * 43})
        code: str = (await page.hears("error", timeout_s=30))["code"]
        await page.close()
        return code

    codes = await asyncio.gather(*(try_once() for _ in range(200)))

    assert set(codes) == {"bad_token", "too_many"}
    assert codes.count("bad_token") >= 100
