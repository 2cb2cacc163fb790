"""Two web processes on one bus and one database: who comes to either is in the same room; what one leads, the other takes when it is gone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from media.control.messages import Join, Leave, OpenRoom
from server.signaling.rooms import PLANE, ROOMS
from tests.integration.test_whip import FRAGMENT, SDP, sdp
from tests.support import on_bus
from tests.support.broker import Broker
from tests.support.bus_worker import BusWorker
from tests.support.database import passable_directory
from tests.support.database_line import DatabaseLine
from tests.support.eventually import eventually
from tests.support.on_bus import on
from tests.support.room_page import RoomPage, person
from tests.support.room_web import running_web
from tests.support.running_session import RunningSession, admit_beforehand, invite, run_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from server.config import Settings
    from server.db import Pool

Web = Any  # TestClient[Request, Application]


patient, broker = on_bus.patient, on_bus.broker


@pytest.fixture
async def worker(broker: Broker) -> AsyncIterator[BusWorker]:
    running = BusWorker(broker.url)
    await running.start()
    yield running
    await running.die()


def leads(web: Web, session: RunningSession) -> bool:
    return web.app[ROOMS].running(session.session_id) is not None


async def led_by(web: Web, session: RunningSession) -> None:
    """Wait until this process leads the session and its room is placed."""

    def missing() -> str | None:
        if not leads(web, session):
            return "it does not lead the session"
        return None if web.app[PLANE].owner_of(session.room_id) else "the room is not placed"

    await eventually(missing)


@contextlib.asynccontextmanager
async def two_webs(settings: Settings, session: RunningSession) -> AsyncIterator[tuple[Web, Web, Callable[[], Any]]]:
    """Whoever of two took the session, the other, and what stops the first of them."""
    async with contextlib.AsyncExitStack() as stack:
        stacks = [await stack.enter_async_context(contextlib.AsyncExitStack()) for _ in range(2)]
        webs = [await own.enter_async_context(running_web(settings)) for own in stacks]
        await eventually(lambda: None if any(leads(web, session) for web in webs) else "nobody leads the session")
        at = 0 if leads(webs[0], session) else 1
        await led_by(webs[at], session)
        assert not leads(webs[1 - at], session)
        yield webs[at], webs[1 - at], stacks[at].aclose


async def offer(page: RoomPage, peer: int) -> None:
    await page.say({"type": "offer", "peer": peer, "revision": 1, "sdp": "v=0"})
    await page.hears("answer", lambda message: message["peer"] == peer)


async def comes_back(web: Web, resume: str) -> tuple[RoomPage, dict[str, Any]]:
    """As a page does: again and again, until it is welcome."""
    pages: list[RoomPage] = []

    async def try_again() -> str | None:
        if pages and pages[-1].closed_with is None:
            welcome = [message for message in pages[-1].heard if message["type"] == "welcome"]
            return None if welcome else f"it has heard {pages[-1].heard}"
        pages.append(await RoomPage.open(web))
        await pages[-1].say({"type": "join", "resume": resume, "media": True})
        return "it has just said join"

    await eventually(try_again)
    return pages[-1], next(message for message in pages[-1].heard if message["type"] == "welcome")


async def test_people_of_one_session_at_different_web_processes_are_together(
    settings: Settings, db: Pool, broker: Broker, worker: BusWorker
) -> None:
    session = await run_session(db)
    await invite(db, session, "c", "party", "陈建国")
    async with two_webs(on(settings, broker), session) as (first, second, _):
        here = await RoomPage.joined(first, session.tokens["a"])
        there = await RoomPage.joined(second, session.tokens["b"])
        assert not leads(second, session)
        seat = session.seats["b"]
        await here.hears("person", lambda message: message["person"]["seat"] == seat)
        await offer(here, 1)
        await offer(there, 1)

        joins = {join.seat: join for join in worker.script.requests(Join)}
        assert joins.keys() == {session.seats["a"], seat}
        slots = [{"slot": 0, "audio_mid": "2", "video_mid": "3", "seat": session.seats["a"], "source": "face"}]
        where = {"room": session.room_id, "seat": seat, "connection": joins[seat].connection}
        worker.tell({"event": "slots", **where, "short": 0, "slots": slots})
        assert (await there.hears("slots"))["slots"] == slots
        await there.say({"type": "mute", "source": "voice", "muted": True})
        await here.hears("person", lambda message: message["person"]["muted"] == ["voice"])

        third = await RoomPage.open(second)
        await third.say({"type": "join", "token": session.tokens["c"], "media": True})
        assert (await third.hears("waiting"))["why"] == "admission"
        await here.say({"type": "admit", "seat": session.seats["c"]})
        await third.hears("welcome")
        await third.say({"type": "admit", "seat": seat})
        assert (await third.hears("error"))["code"] == "not_allowed"
        await here.say({"type": "remove", "seat": session.seats["c"]})
        assert (await third.hears("closed"))["why"] == "removed"
        await there.close()
        await here.hears("person", lambda message: message["person"]["state"] == "reconnecting")
        await here.say({"type": "end", "reason": "completed"})
        await here.hears("closed")
        await eventually(lambda: "the session is still led" if leads(first, session) else None)
    assert len(worker.script.requests(OpenRoom)) == 1


async def test_a_bad_token_is_told_alike_and_an_ended_session_is_over_everywhere(
    settings: Settings, db: Pool, broker: Broker, worker: BusWorker
) -> None:
    session = await run_session(db)
    async with two_webs(on(settings, broker), session) as (first, second, _):
        there = await RoomPage.joined(second, session.tokens["b"])
        resume = there.heard[0]["resume"]
        stranger = await RoomPage.open(second)
        await stranger.say({"type": "join", "token": "A" * 43, "media": True})
        assert (await stranger.hears("error"))["code"] == "bad_token"

        here = await RoomPage.joined(first, session.tokens["a"])
        await here.say({"type": "end", "reason": "completed"})
        assert (await there.hears("closed"))["why"] == "ended"
        late = await RoomPage.open(second)
        await late.say({"type": "join", "resume": resume, "media": True})
        assert (await late.hears("closed"))["why"] == "ended"


async def test_the_leader_stops_and_the_other_goes_on_with_the_same_peers(
    settings: Settings, db: Pool, broker: Broker, worker: BusWorker
) -> None:
    session = await run_session(db, "notarization")
    async with two_webs(on(settings, broker), session) as (first, second, stop):
        here = await RoomPage.joined(first, session.tokens["a"])
        there = await RoomPage.joined(second, session.tokens["b"])
        await offer(here, 1)
        await offer(there, 1)
        resumes = [page.heard[0]["resume"] for page in (here, there)]

        await stop()

        await led_by(second, session)
        await eventually(lambda: None if there.closed_with is not None else "the far line was not closed")
        assert not [message for message in there.heard if message["type"] == "closed"]
        for resume in resumes:
            _, welcome = await comes_back(second, resume)
            assert welcome["media"] == "kept"
        assert second.app[PLANE].owner_of(session.room_id).epoch == 2
    assert len(worker.script.requests(Join)) == 2


async def test_a_broker_killed_and_started_again_loses_nobody(
    settings: Settings, db: Pool, broker: Broker, worker: BusWorker
) -> None:
    session = await run_session(db, "notarization")
    async with two_webs(on(settings, broker), session) as (first, second, _):
        here = await RoomPage.joined(first, session.tokens["a"])
        there = await RoomPage.joined(second, session.tokens["b"])
        await offer(here, 1)
        await offer(there, 1)
        joined = {join.seat: join.connection for join in worker.script.requests(Join)}
        up = {"event": "peer_state", "room": session.room_id, "state": "connected", "cause": None}
        seat = session.seats["b"]
        worker.tell({**up, "seat": seat, "connection": joined[seat]})
        await here.hears("person", lambda message: message["person"]["state"] == "connected")

        broker.kill()
        await eventually(lambda: None if there.closed_with is not None else "the far line was not closed")
        broker.start()

        _, welcome = await comes_back(second, there.heard[0]["resume"])
        assert welcome["media"] == "kept"
        assert leads(first, session)
        assert not leads(second, session)
        assert here.closed_with is None
        assert not [message for message in here.heard if message["type"] == "rejoin"]
    assert len(worker.script.requests(OpenRoom)) == 1
    assert len(worker.script.requests(Join)) == 2


async def test_a_leader_without_the_database_is_relieved_and_commands_nobody_any_more(
    settings: Settings, db: Pool, broker: Broker, worker: BusWorker, database_url: str
) -> None:
    line = await DatabaseLine.to(database_url, passable_directory())
    behind = msgspec.structs.replace(on(settings, broker), database_url=line.url)
    async with running_web(behind) as first:
        session = await run_session(db)
        await led_by(first, session)
        async with running_web(on(settings, broker)) as second:
            page = await RoomPage.joined(first, session.tokens["a"])
            await offer(page, 1)
            seat, resume = session.seats["a"], page.heard[0]["resume"]

            await line.cut()
            await led_by(second, session)
            assert leads(first, session)  # as far as it knows
            await page.say({"type": "offer", "peer": 1, "revision": 2, "sdp": "v=0"})
            await page.hears("error")
            assert len(worker.script.requests(Join)) == 2  # asked, and refused for its epoch

            await line.mend()
            await eventually(lambda: None if page.closed_with is not None else "the old leader has not let go")
            assert not leads(first, session)
            back, welcome = await comes_back(first, resume)
            assert welcome["media"] == "kept"
            await back.say({"type": "offer", "peer": 1, "revision": 2, "sdp": "v=0"})
            await back.hears("answer")
            assert {join.seat for join in worker.script.requests(Join)} == {seat}
        await line.cut()


async def with_a_device(db: Pool) -> tuple[RunningSession, dict[str, str]]:
    """A session with a camera that is let in, and what the camera shows of itself."""
    session = await run_session(db)
    await invite(db, session, "c", "site_worker", "摄像机")
    await admit_beforehand(db, session, "c")
    return session, {"Authorization": f"Bearer {session.tokens['c']}"}


async def offers(web: Web, token: dict[str, str]) -> str:
    """A device sends its picture; returns where its resource is."""
    began = await web.post("/api/whip", data=sdp("sendonly"), headers={**token, "Content-Type": SDP})
    assert began.status == 201, await began.text()
    place: str = began.headers["Location"]
    return place


async def test_a_device_that_came_by_one_process_is_changed_and_ended_by_the_other(
    settings: Settings, db: Pool, broker: Broker, worker: BusWorker
) -> None:
    session, token = await with_a_device(db)
    async with two_webs(on(settings, broker), session) as (first, second, _):
        leader = await RoomPage.joined(first, session.tokens["a"], media=False)
        place, join = await offers(second, token), worker.script.requests(Join)[-1]
        where = {"room": session.room_id, "seat": join.seat, "connection": join.connection}
        worker.tell({"event": "peer_state", **where, "state": "connected", "cause": None})
        await leader.hears("person", person(join.seat, state="connected"))

        candidate = {"data": "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n"}
        changed = await first.patch(place, **candidate, headers={**token, "Content-Type": FRAGMENT})
        ended = await first.delete(place, headers=token)
        again = [(await web.delete(place, headers=token)).status for web in (first, second)]

        assert (changed.status, ended.status, again) == (204, 200, [404, 404])
        await leader.hears("person", person(join.seat, state="out"))
        await eventually(lambda: None if [left.seat for left in worker.script.requests(Leave)] == [join.seat] else "no")
        assert [asked.connection for asked in worker.script.requests(Join)] == [join.connection]
        await leader.close()


async def test_a_device_goes_on_when_another_process_leads_its_session(
    settings: Settings, db: Pool, broker: Broker, worker: BusWorker
) -> None:
    session, token = await with_a_device(db)
    async with two_webs(on(settings, broker), session) as (_, second, stop):
        place = await offers(second, token)

        await stop()
        await led_by(second, session)

        def not_here() -> str | None:
            person = second.app[ROOMS].running(session.session_id).session.people[session.seats["c"]]
            return None if person.word() == "connected" else f"the device is {person.word()}"

        await eventually(not_here)
        assert (await second.delete(place, headers=token)).status == 200
    assert len(worker.script.requests(Join)) == 1
