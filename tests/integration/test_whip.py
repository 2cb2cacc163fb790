"""Encoders and hall screens over HTTP, without media: who is let in, who is refused with what, and what the room sees of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from media.control.messages import Join, Joined, Leave
from server.signaling.whip.http import PATIENCE
from server.signaling.whip.visit import Patience
from tests.support.database import passable_directory
from tests.support.eventually import eventually
from tests.support.room_page import RoomPage, person
from tests.support.room_web import running_web, with_workers
from tests.support.running_session import RunningSession, admit_beforehand, invite, run_session
from tests.support.scripted_worker import Refuse, ScriptedWorker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse
    from aiohttp.test_utils import TestClient

    from server.config import Settings
    from server.db import Pool

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
PWD = "p" * 24


def sdp(direction: str, ufrag: str = "AAAA", name: str = "-") -> str:
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", f"s={name}", "t=0 0", "a=group:BUNDLE 0 1"]
    for mid, kind in enumerate(("audio", "video")):
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF 96", f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{PWD}"]
        lines += [f"a=mid:{mid}", f"a={direction}"]
    return "\r\n".join(lines) + "\r\n"


@dataclass(slots=True)
class AnsweringWorker(ScriptedWorker):
    """Answers offers with credentials of its own, as a real one; an offer named `s=refuse CODE` is refused."""

    answers: list[str] = field(default_factory=list)

    def _join(self, request: Join) -> Joined:
        name = request.offer.split("\r\n")[2].removeprefix("s=")
        if name.startswith("refuse "):
            raise Refuse(name.removeprefix("refuse "))
        plain = ScriptedWorker._join(self, request)
        self.answers.append(sdp("recvonly", f"ours{len(self.answers)}"))
        return msgspec.structs.replace(plain, answer=self.answers[-1])


@pytest.fixture
async def worker() -> AsyncIterator[AnsweringWorker]:
    running = AnsweringWorker(passable_directory() / "w0.sock")
    await running.start()
    yield running
    await running.die()


@pytest.fixture
async def client(settings: Settings, worker: AnsweringWorker) -> AsyncIterator[TestClient[Any, Any]]:
    async with running_web(with_workers(settings, {"w0": worker.path})) as running:
        yield running


@pytest.fixture
async def session(db: Pool) -> RunningSession:
    """`c` is an encoder that has been let in, `d` one that has not."""
    session = await run_session(db)
    await invite(db, session, "c", "site_worker", "摄像机")
    await admit_beforehand(db, session, "c")
    await invite(db, session, "d", "witness", "大屏")
    return session


def patience(client: TestClient[Any, Any]) -> Patience:
    assert client.app is not None
    held: Patience = client.app[PATIENCE]
    return held


def headers(session: RunningSession, name: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {session.tokens[name]}", "Content-Type": SDP, **more}


async def begin(client: TestClient[Any, Any], session: RunningSession, name: str, kind: str = "whip") -> ClientResponse:
    direction = "sendonly" if kind == "whip" else "recvonly"
    return await client.post(f"/api/{kind}", data=sdp(direction), headers=headers(session, name))


async def test_an_encoder_that_was_let_in_gets_its_answer(
    client: TestClient[Any, Any], session: RunningSession, worker: AnsweringWorker
) -> None:
    leader = await RoomPage.joined(client, session.tokens["a"], media=False)

    answer = await client.post(
        "/api/whip?picture=document", data=sdp("sendonly"), headers=headers(session, "c", Accept=SDP)
    )

    assert answer.status == 201
    assert answer.content_type == SDP
    assert await answer.text() == worker.answers[0]
    assert answer.headers["ETag"] == '"ours0"'
    assert answer.headers["Location"].startswith("/api/whip/")
    asked = worker.requests(Join)[-1]
    assert (asked.seat, asked.sources) == (session.seats["c"], {"0": "voice", "1": "document"})
    assert asked.label == {"role": "site_worker", "name": "摄像机"}
    await leader.hears("person", person(session.seats["c"], state="connecting"))
    await leader.close()


async def test_who_has_not_been_let_in_is_seen_at_the_door_and_comes_in_when_admitted(
    client: TestClient[Any, Any], session: RunningSession, worker: AnsweringWorker
) -> None:
    leader = await RoomPage.joined(client, session.tokens["a"], media=False)
    request = asyncio.create_task(begin(client, session, "d", "whep"))

    await leader.hears("person", person(session.seats["d"], state="waiting"))
    assert [asked.seat for asked in worker.requests(Join)] == []
    await leader.say({"type": "admit", "seat": session.seats["d"]})

    answer = await request
    assert answer.status == 201
    assert worker.requests(Join)[-1].sources == {}
    await leader.close()


async def test_the_request_ends_before_the_device_gives_up_and_the_place_at_the_door_is_kept(
    client: TestClient[Any, Any], session: RunningSession
) -> None:
    patience(client).held_s = 0.1
    leader = await RoomPage.joined(client, session.tokens["a"], media=False)

    answer = await begin(client, session, "d", "whep")

    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert (await answer.json())["error"]["code"] == "at_the_door"
    await leader.hears("person", person(session.seats["d"], state="waiting"))
    await leader.say({"type": "admit", "seat": session.seats["d"]})
    await leader.hears("person", person(session.seats["d"], state="connecting"))  # still there
    patience(client).held_s = 6.0
    assert (await begin(client, session, "d", "whep")).status == 201
    await leader.close()


async def test_who_does_not_come_again_is_no_longer_at_the_door(
    client: TestClient[Any, Any], session: RunningSession
) -> None:
    patience(client).held_s = patience(client).door_s = 0.05
    leader = await RoomPage.joined(client, session.tokens["a"], media=False)

    assert (await begin(client, session, "d")).status == 503

    await leader.hears("person", person(session.seats["d"], state="left"))
    await leader.close()


async def test_only_who_holds_the_token_ends_the_peer_and_the_resource(
    client: TestClient[Any, Any], session: RunningSession, worker: AnsweringWorker
) -> None:
    place = (await begin(client, session, "c")).headers["Location"]

    others = await client.delete(place, headers=headers(session, "b"))
    nobodys = await client.delete(place)
    elsewhere = await client.delete(place.replace("whip", "whep"), headers=headers(session, "c"))
    first = await client.delete(place, headers=headers(session, "c"))
    again = await client.delete(place, headers=headers(session, "c"))

    assert [answer.status for answer in (others, nobodys, elsewhere, first, again)] == [401, 401, 404, 200, 404]
    seat = session.seats["c"]
    await eventually(lambda: None if [left.seat for left in worker.requests(Leave)] == [seat] else "no leave")
    second = (await begin(client, session, "c")).headers["Location"]  # the seat is kept
    page = await RoomPage.joined(client, session.tokens["c"])  # and has one line
    assert (await client.delete(second, headers=headers(session, "c"))).status == 404
    assert page.closed_with is None
    await page.close()


async def test_an_ice_restart_gets_new_credentials_and_candidates_change_nothing(
    client: TestClient[Any, Any], session: RunningSession, worker: AnsweringWorker
) -> None:
    began = await begin(client, session, "c")
    place, said = began.headers["Location"], headers(session, "c", **{"Content-Type": FRAGMENT})
    keys = f"a=ice-ufrag:BBBB\r\na=ice-pwd:{'q' * 24}\r\n"

    candidate = "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n"
    trickled = await client.patch(place, data=candidate, headers={**said, "If-Match": '"ours0"'})
    without = await client.patch(place, data=keys, headers=said)
    stale = await client.patch(place, data=keys, headers={**said, "If-Match": '"other"'})
    typed = await client.patch(place, data=keys, headers=headers(session, "c"))
    assert [answer.status for answer in (trickled, without, stale, typed)] == [204, 428, 412, 415]
    assert len(worker.requests(Join)) == 1

    answer = await client.patch(place, data=keys, headers={**said, "If-Match": '"*"'})

    assert (answer.status, answer.content_type, answer.headers["ETag"]) == (200, FRAGMENT, '"ours1"')
    assert "a=ice-ufrag:ours1\r\n" in await answer.text()
    first, second = worker.requests(Join)
    assert second.connection == first.connection  # the same peer, negotiated again
    assert second.offer == first.offer.replace("AAAA", "BBBB").replace(PWD, "q" * 24)


async def test_the_removed_lose_it_and_do_not_come_back(
    client: TestClient[Any, Any], session: RunningSession, worker: AnsweringWorker
) -> None:
    leader = await RoomPage.joined(client, session.tokens["a"], media=False)
    place = (await begin(client, session, "c")).headers["Location"]

    await leader.say({"type": "remove", "seat": session.seats["c"]})
    await leader.hears("person", person(session.seats["c"], state="removed"))

    await eventually(lambda: None if [left.reason for left in worker.requests(Leave)] == ["removed"] else "no leave")
    assert (await client.delete(place, headers=headers(session, "c"))).status == 404
    again = await begin(client, session, "c")
    assert (again.status, (await again.json())["error"]["code"]) == (403, "not_allowed")
    await leader.close()


async def test_a_path_that_is_dead_ends_the_resource(
    client: TestClient[Any, Any], session: RunningSession, worker: AnsweringWorker
) -> None:
    place = (await begin(client, session, "c")).headers["Location"]
    number = worker.requests(Join)[-1].connection
    gone = {"event": "peer_state", "room": session.room_id, "seat": session.seats["c"], "connection": number}

    worker.tell({**gone, "state": "gone", "cause": "consent"})

    async def still_there() -> str | None:
        answer = await client.patch(place, headers=headers(session, "c"))
        return None if answer.status == 404 else f"PATCH says {answer.status}"

    await eventually(still_there)


async def test_the_end_of_the_session_is_the_end_of_its_devices(
    client: TestClient[Any, Any], session: RunningSession
) -> None:
    leader = await RoomPage.joined(client, session.tokens["a"], media=False)
    place = (await begin(client, session, "c")).headers["Location"]

    await leader.say({"type": "end", "reason": "completed"})
    await leader.hears("closed")

    assert (await client.delete(place, headers=headers(session, "c"))).status == 404
    again = await begin(client, session, "c")
    assert (again.status, (await again.json())["error"]["code"]) == (404, "session_ended")
    await leader.close()


REFUSED = [
    ({"Authorization": ""}, sdp("sendonly"), "", 401, "bad_token"),
    ({"Authorization": "Bearer " + "A" * 43}, sdp("sendonly"), "", 401, "bad_token"),
    ({"Authorization": "Basic eA=="}, sdp("sendonly"), "", 401, "bad_token"),
    ({"Accept": "text/html"}, sdp("sendonly"), "", 406, "sdp_expected"),
    ({"Content-Type": "application/json"}, sdp("sendonly"), "", 415, "sdp_expected"),
    ({}, sdp("sendonly") + "a=x\r\n" * 20_000, "", 413, "too_large"),
    ({}, "hello", "", 422, "bad_offer"),
    ({}, sdp("recvonly"), "", 422, "bad_offer"),
    ({}, sdp("sendonly"), "?picture=cat", 422, "bad_offer"),
    ({}, sdp("sendonly", name="refuse bad_offer"), "", 422, "bad_offer"),
    ({}, sdp("sendonly", name="refuse room_full"), "", 409, "room_full"),
    ({}, b"\xff\xfe", "", 422, "bad_offer"),
]


async def test_each_refusal_says_what_is_wrong(client: TestClient[Any, Any], session: RunningSession) -> None:
    for more, body, query, status, code in REFUSED:
        answer = await client.post(f"/api/whip{query}", data=body, headers=headers(session, "c") | more)

        assert (answer.status, (await answer.json())["error"]["code"]) == (status, code), (more, body, query)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)


async def test_a_worker_that_is_away_is_asked_again_and_then_the_device(
    client: TestClient[Any, Any], session: RunningSession, worker: AnsweringWorker
) -> None:
    patience(client).held_s = 0.1

    answer = await client.post("/api/whip", data=sdp("sendonly", name="refuse draining"), headers=headers(session, "c"))

    assert (answer.status, (await answer.json())["error"]["code"]) == (503, "service_away")


async def test_options_say_what_is_taken_and_other_methods_are_refused(client: TestClient[Any, Any]) -> None:
    for kind in ("whip", "whep"):
        for path, taken, media_type in (("", "Accept-Post", SDP), ("/x", "Accept-Patch", FRAGMENT)):
            answer = await client.options(f"/api/{kind}{path}")

            assert (answer.status, answer.headers[taken]) == (200, media_type)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert (await client.get(f"/api/{kind}{path}")).status == 405
