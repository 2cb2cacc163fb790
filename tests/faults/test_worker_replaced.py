"""A real media worker dies, the web process is restarted, the database goes away: people go on or come back by themselves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from server.sessions.recording import SESSION_KEY
from server.signaling.rooms import PLANE
from tests.support.database import passable_directory
from tests.support.database_line import DatabaseLine
from tests.support.eventually import eventually
from tests.support.journal_events import journal_events
from tests.support.media_worker import RunningWorker, start_worker
from tests.support.room_page import RoomPage, person
from tests.support.room_web import running_web, with_workers
from tests.support.running_session import RunningSession, invite, run_session
from tests.support.talker import Talker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import web

    from server.config import Settings
    from server.db import Pool


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[RunningWorker]:
    running = await start_worker(tmp_path)
    yield running
    if running.process.returncode is None:
        await running.stop()
    assert not running.faults(), "\n".join(running.log)


@pytest.fixture
def configured(settings: Settings, worker: RunningWorker) -> Settings:
    return with_workers(settings, {"w0": worker.control})


async def kinds(pool: Pool, session: RunningSession) -> list[str]:
    rows = await pool.fetch("select kind from session_event where session_id = $1 order by at, id", session.session_id)
    return [row["kind"] for row in rows]


async def test_a_worker_killed_in_the_middle_is_replaced_and_everybody_comes_back(
    configured: Settings, db: Pool, worker: RunningWorker, tmp_path: Path
) -> None:
    session = await run_session(db, "notarization")
    async with running_web(configured) as client:
        notary = await Talker.enter(client, "notary", session.tokens["a"])
        citizen = await Talker.enter(client, "citizen", session.tokens["b"])
        assert client.app is not None
        key = await _key(client.app, db, session)
        await notary.hears(citizen)
        await citizen.hears(notary)

        worker.process.kill()
        await worker.process.wait()
        successor = await start_worker(tmp_path)
        try:
            await notary.page.hears("recording", lambda message: message["state"] == "starting")
            await asyncio.gather(notary.page.hears("rejoin"), citizen.page.hears("rejoin"))
            await asyncio.gather(notary.make_again(), citizen.make_again())

            await notary.hears(citizen)
            await citizen.hears(notary)
            assert notary.page.heard[0]["connection"] == 1  # the same line, the same seat
            owners = await db.fetch("select epoch, until is null as current from room_owner order by epoch")
            assert [tuple(row) for row in owners] == [(1, False), (2, True)]
            await notary.page.say({"type": "end", "reason": "completed"})
            assert (await citizen.page.hears("closed"))["why"] == "ended"
        finally:
            await asyncio.gather(notary.close(), citizen.close())
            await successor.stop()
    assert not successor.faults(), "\n".join(successor.log)
    # one journal, its chain unbroken: begun by the worker that was killed, continued and closed by its successor
    told = [event["kind"] for event in _events(configured, session, key)]
    assert told.index("worker_replaced") < told.index("ended")
    assert told.count("joined") >= 4
    happened = await kinds(db, session)
    assert happened.index("worker_replaced") < happened.index("ended")


async def test_people_talk_on_while_the_web_process_is_restarted(
    configured: Settings, db: Pool, worker: RunningWorker
) -> None:
    session = await run_session(db, "notarization")
    async with running_web(configured) as client:
        notary = await Talker.enter(client, "notary", session.tokens["a"])
        citizen = await Talker.enter(client, "citizen", session.tokens["b"])
        await notary.hears(citizen)
        await notary.page.say({"type": "silence", "seat": citizen.seat, "source": "face", "silenced": True})
        await citizen.page.hears("person", person(citizen.seat, silenced=["face"]))
        slots = [message["slots"] for message in citizen.page.heard if message["type"] == "slots"][-1]
        resume = [citizen.page.heard[0]["resume"], notary.page.heard[0]["resume"]]

    await notary.hears(citizen)  # nobody is at the web process now
    await citizen.hears(notary)

    async with running_web(configured) as client:
        citizen.page = await RoomPage.joined(client, resume[0], resume=True)
        notary.page = await RoomPage.joined(client, resume[1], resume=True)

        welcome = citizen.page.heard[0]
        assert (welcome["media"], welcome["connection"]) == ("kept", 2)
        assert welcome["recording"]["state"] == "recording"
        assert (await citizen.page.hears("slots"))["slots"] == slots
        seen = {entry["seat"]: entry for entry in notary.page.heard[0]["people"]}
        assert seen[citizen.seat]["silenced"] == ["face"]
        await notary.hears(citizen)
        await citizen.hears(notary)
        await notary.page.hears("quality", lambda message: set(message["people"]) == {notary.seat, citizen.seat})

        await notary.page.say({"type": "remove", "seat": citizen.seat})
        assert (await citizen.page.hears("closed"))["why"] == "removed"
        heard = citizen.rtc.counts["bytes"]
        await notary.page.say({"type": "ping", "t": 1.0})
        await notary.page.hears("pong")
        await asyncio.gather(notary.close(), citizen.close())
        assert citizen.rtc.counts["bytes"] - heard < 20_000  # what was on its way


async def test_a_room_outlives_the_database(
    configured: Settings, db: Pool, database_url: str, worker: RunningWorker
) -> None:
    line = await DatabaseLine.to(database_url, passable_directory())
    session = await run_session(db)
    await invite(db, session, "c", "party", "陈建国")
    async with running_web(msgspec.structs.replace(configured, database_url=line.url)) as client:
        leader = await Talker.enter(client, "leader", session.tokens["a"])
        citizen = await Talker.enter(client, "citizen", session.tokens["b"])
        third = await RoomPage.open(client)
        await third.say({"type": "join", "token": session.tokens["c"], "media": False})
        await third.hears("waiting")

        await line.cut()

        await leader.hears(citizen)
        await citizen.page.say({"type": "mute", "source": "voice", "muted": True})
        await leader.page.hears("person", person(citizen.seat, muted=["voice"]))
        await leader.page.say({"type": "silence", "seat": citizen.seat, "source": "face", "silenced": True})
        await leader.page.hears("person", person(citizen.seat, silenced=["face"]))
        await leader.page.say({"type": "admit", "seat": session.seats["c"], "rid": 1})
        refused = await leader.page.hears("error")
        assert (refused["code"], refused["rid"]) == ("service_away", 1)
        fourth = await RoomPage.open(client)
        await fourth.say({"type": "join", "token": session.tokens["c"]})
        assert (await fourth.hears("error"))["code"] == "service_away"
        assert await fourth.is_closed() == 1013
        assert third.closed_with is None

        await line.mend()

        await _admitted(leader.page, session.seats["c"])
        await third.hears("welcome")
        await citizen.page.say({"type": "mute", "source": "voice", "muted": False})
        await eventually(lambda: _written(db, session))
        await asyncio.gather(leader.close(), citizen.close(), third.close(), fourth.close())
    states = [
        tuple(row) for row in await db.fetch("select state, connection from seat where id = $1", session.seats["c"])
    ]
    assert states == [("admitted", 1)]  # the refused join left no trace, the refused admission neither
    await line.cut()


async def _admitted(page: RoomPage, seat: str) -> None:
    """Press until it is done, as the person is asked to."""
    while True:
        await page.say({"type": "admit", "seat": seat})
        answer = asyncio.create_task(page.hears("person", person(seat, state="connected")))
        refusal = asyncio.create_task(page.hears("error"))
        done, late = await asyncio.wait((answer, refusal), return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()
        if answer in done:
            return


async def _written(pool: Pool, session: RunningSession) -> str | None:
    wanted = ["muted", "silenced", "admitted", "unmuted"]
    happened = [kind for kind in await kinds(pool, session) if kind in (*wanted, "opened")]
    return None if happened[-4:] == wanted else f"{happened}"


async def test_what_happens_in_a_recorded_room_stands_in_its_journal_too(
    configured: Settings, db: Pool, worker: RunningWorker
) -> None:
    session = await run_session(db, "notarization")
    await invite(db, session, "c", "witness", "陈建国")
    async with running_web(configured) as client:
        notary = await RoomPage.joined(client, session.tokens["a"], media=False)
        witness = await RoomPage.open(client)
        await witness.say({"type": "join", "token": session.tokens["c"], "media": False})
        await notary.hears("person", person(session.seats["c"], state="waiting"))
        await notary.say({"type": "admit", "seat": session.seats["c"]})
        await witness.hears("welcome")
        await witness.say({"type": "mute", "source": "voice", "muted": True})
        await notary.hears("person", person(session.seats["c"], muted=["voice"]))
        await notary.say({"type": "remove", "seat": session.seats["c"]})
        await witness.hears("closed")
        await notary.say({"type": "end", "reason": "completed"})
        await notary.hears("closed")
        assert client.app is not None
        plane, key = client.app[PLANE], await _key(client.app, db, session)
        await eventually(lambda: None if plane.owner_of(session.room_id) is None else "the room is still held")

    told = [(event["kind"], event.get("seat")) for event in _events(configured, session, key)]
    witness_seat = session.seats["c"]
    assert [kind for kind, seat in told if seat == witness_seat] == ["waiting", "admitted", "muted", "removed"]
    assert "ended" in [kind for kind, seat in told if seat is None]
    in_database = await db.fetch("select kind from session_event where seat_id = $1 order by at, id", witness_seat)
    assert [row["kind"] for row in in_database] == ["invited", "waiting", "admitted", "muted", "removed"]


async def _key(app: web.Application, pool: Pool, session: RunningSession) -> bytes:
    async with pool.acquire() as conn, conn.transaction():
        return await app[SESSION_KEY](conn, session.session_id)


def _events(settings: Settings, session: RunningSession, key: bytes) -> list[dict[str, Any]]:
    return journal_events(settings.data / "journals" / session.session_id / session.room_id, key)
