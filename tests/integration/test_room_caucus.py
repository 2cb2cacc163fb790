"""Private talks over real sockets and a real database: where the worker has whom, what is kept, what a successor of the process finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from media.control.messages import CloseRoom, Move, OpenRoom
from tests.support import scripted_web
from tests.support.eventually import eventually
from tests.support.room_page import RoomPage
from tests.support.room_web import running_web, with_workers
from tests.support.running_session import RunningSession, admit_beforehand, invite, run_session
from tests.support.scripted_worker import ScriptedWorker

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from server.config import Settings
    from server.db import Pool

OFFER = {"type": "offer", "peer": 1, "revision": 1, "sdp": "v=0", "sources": {"0": "voice"}}

worker = scripted_web.worker


@pytest.fixture
async def session(db: Pool) -> RunningSession:
    opened = await run_session(db)
    await invite(db, opened, "c", "party", "陈建国")
    await admit_beforehand(db, opened, "c")
    return opened


async def together(client: TestClient[Any, Any], session: RunningSession) -> dict[str, RoomPage]:
    """All three in the room, each with a peer."""
    pages = {}
    for name in ("a", "b", "c"):
        pages[name] = await RoomPage.joined(client, session.tokens[name])
        await pages[name].say(OFFER)
        await pages[name].hears("answer")
    return pages


async def rooms(db: Pool, session: RunningSession) -> dict[str, tuple[bool, bool]]:
    """kind -> (recorded, open)."""
    rows = await db.fetch("select kind, recorded, closed_at from room where session_id = $1", session.session_id)
    return {row["kind"]: (row["recorded"], row["closed_at"] is None) for row in rows}


async def test_the_worker_moves_whom_it_is_told_and_closes_the_room_when_all_are_back(
    settings: Settings, db: Pool, worker: ScriptedWorker, session: RunningSession
) -> None:
    async with running_web(with_workers(settings, {"w0": worker.path})) as client:
        pages = await together(client, session)
        await pages["a"].say({"type": "caucus", "seats": [session.seats["b"]]})
        for name in ("a", "b"):
            again = await pages[name].hears("welcome")
            assert (again["media"], again["recording"]["state"]) == ("kept", "none")
        opened = [request for request in worker.requests(OpenRoom) if request.room != session.room_id]
        assert [(one.session, one.record) for one in opened] == [(session.session_id, None)]
        private = opened[0].room
        assert {seat for room, seat in worker.seats if room == private} == {session.seats["a"], session.seats["b"]}
        assert {seat for room, seat in worker.seats if room == session.room_id} == {session.seats["c"]}
        assert await rooms(db, session) == {"joint": (False, True), "caucus": (False, True)}
        told = await pages["c"].hears(
            "person", lambda message: message["person"]["seat"] == session.seats["b"] and "room" in message["person"]
        )
        assert told["person"]["room"] == private

        await pages["a"].say({"type": "recall"})
        for name in ("a", "b"):
            assert (await pages[name].hears("welcome"))["media"] == "kept"

        def not_closed() -> str | None:
            return (
                None if [one.room for one in worker.requests(CloseRoom)] == [private] else f"asked: {worker.asked[-3:]}"
            )

        await eventually(not_closed)
        assert {room for room, _ in worker.seats} == {session.room_id}
        assert await rooms(db, session) == {"joint": (False, True), "caucus": (False, False)}
        assert len(worker.requests(Move)) == 4


async def test_a_restarted_process_finds_everybody_where_they_are(
    settings: Settings, db: Pool, worker: ScriptedWorker, session: RunningSession
) -> None:
    async with running_web(with_workers(settings, {"w0": worker.path})) as client:
        pages = await together(client, session)
        await pages["a"].say({"type": "caucus", "seats": [session.seats["b"]]})
        resume = {name: (await pages[name].hears("welcome"))["resume"] for name in ("a", "b")}
    async with running_web(with_workers(settings, {"w0": worker.path})) as client:
        back = await RoomPage.open(client)
        await back.say({"type": "join", "resume": resume["a"]})
        welcome = await back.hears("welcome")
        where = {one["seat"]: one.get("room", "") for one in welcome["people"]}
        assert where[session.seats["a"]] == where[session.seats["b"]] != ""
        assert (where[session.seats["c"]], welcome["recording"]["state"]) == ("", "none")

        await back.say({"type": "recall"})
        await back.hears("welcome")
        assert (await rooms(db, session))["caucus"] == (False, False)
