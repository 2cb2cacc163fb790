"""Rooms and their workers: placed, lost, found again; one owner at a time, and the epoch only rises."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from media.control.messages import CloseRoom, OpenRoom, SetRecord
from server.mediaplane import placing, plane, store
from server.signaling.rooms import PLANE, ROOMS
from tests.support.database import passable_directory
from tests.support.eventually import eventually
from tests.support.hall import utc_now
from tests.support.room_page import RoomPage, person
from tests.support.room_web import running_web, with_workers
from tests.support.running_session import KEY, RunningSession, run_session
from tests.support.scripted_worker import ScriptedWorker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.test_utils import TestClient

    from server.config import Settings
    from server.db import Pool


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A starting web process hears all workers out, however busy the machine is."""
    monkeypatch.setattr(placing, "START_S", 30.0)


@pytest.fixture
async def workers() -> AsyncIterator[dict[str, ScriptedWorker]]:
    directory = passable_directory()
    both = {name: ScriptedWorker(directory / f"{name}.sock", name) for name in ("w0", "w1")}
    for worker in both.values():
        await worker.start()
    yield both
    for worker in both.values():
        with contextlib.suppress(FileNotFoundError):
            await worker.die()


def settings_of(settings: Settings, workers: dict[str, ScriptedWorker]) -> Settings:
    return with_workers(settings, {name: worker.path for name, worker in workers.items()})


def owner(client: TestClient[Any, Any], session: RunningSession) -> tuple[str, int] | None:
    assert client.app is not None
    found = client.app[PLANE].owner_of(session.room_id)
    return (found.worker, found.epoch) if found else None


async def placed(client: TestClient[Any, Any], session: RunningSession, besides: str = "") -> tuple[str, int]:
    """Wait until the room has an owner (other than `besides`)."""
    assert client.app is not None
    await client.app[ROOMS].of(session.session_id)

    def missing() -> str | None:
        now = owner(client, session)
        return None if now and now[0] != besides else f"the owner is {now}"

    await eventually(missing)
    now = owner(client, session)
    assert now is not None
    return now


async def rows(pool: Pool, session: RunningSession) -> list[tuple[str, int, bool]]:
    query = "select worker, epoch, until is null as current from room_owner where room_id = $1 order by epoch"
    return [tuple(row) for row in await pool.fetch(query, session.room_id)]


async def test_rooms_spread_over_the_workers(settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]) -> None:
    sessions = [await run_session(db) for _ in range(4)]

    async with running_web(settings_of(settings, workers)) as client:
        owners = [(await placed(client, session))[0] for session in sessions]

    assert sorted(owners) == ["w0", "w0", "w1", "w1"]


async def test_a_recorded_room_is_opened_with_journal_and_key_and_the_key_is_in_no_log(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker], caplog: pytest.LogCaptureFixture
) -> None:
    session = await run_session(db, "notarization")
    caplog.set_level("DEBUG")

    async with running_web(settings_of(settings, workers)) as client:
        name, _ = await placed(client, session)

    (opened,) = workers[name].requests(OpenRoom)
    assert opened.record.journal == str(settings.data / "journals" / session.session_id / session.room_id)
    assert len(opened.record.key) == 32
    assert opened.record.facts == {"procedure": "notarization"}
    assert repr(opened.record.key) not in caplog.text
    assert KEY.hex() not in caplog.text


async def test_a_mediation_is_not_recorded(settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]) -> None:
    session = await run_session(db)

    async with running_web(settings_of(settings, workers)) as client:
        name, _ = await placed(client, session)

    (opened,) = workers[name].requests(OpenRoom)
    assert opened.record is None


async def test_a_dead_workers_room_goes_to_another_with_the_next_epoch_and_everybody_is_told(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]
) -> None:
    session = await run_session(db, "notarization")
    async with running_web(settings_of(settings, workers)) as client:
        first, _ = await placed(client, session)
        page = await RoomPage.joined(client, session.tokens["a"])
        await page.say({"type": "offer", "peer": 1, "revision": 1, "sdp": "v=0"})
        await page.hears("answer")

        await workers[first].die()

        second, epoch = await placed(client, session, besides=first)
        assert (await page.hears("recording", lambda message: message["state"] == "starting"))["cause"] is None
        await page.hears("recording", lambda message: message["state"] == "recording")
        assert (await page.hears("rejoin"))["why"] == "worker_replaced"
        await page.say({"type": "offer", "peer": 2, "revision": 1, "sdp": "v=0"})
        await page.hears("answer")
        assert epoch == 2
        assert await rows(db, session) == [(first, 1, False), (second, 2, True)]

        # the one that was thought dead comes back with what it had, and is told that it owns nothing
        await workers[first].start(keep_rooms=True)
        await eventually(lambda: None if not workers[first].rooms else "the old worker still has the room")
        assert owner(client, session) == (second, 2)
        assert workers[second].rooms.keys() == {session.room_id}


async def test_a_restarted_worker_gets_its_room_again(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]
) -> None:
    await workers.pop("w1").die()
    session = await run_session(db)
    async with running_web(settings_of(settings, workers)) as client:
        await placed(client, session)
        page = await RoomPage.joined(client, session.tokens["a"])

        await workers["w0"].die()
        await eventually(lambda: None if owner(client, session) is None else "still owned")
        await page.say({"type": "ping", "t": 1.0})  # the room itself goes on
        await page.hears("pong")
        await workers["w0"].start()

        assert await placed(client, session) == ("w0", 2)
        await page.hears("rejoin")


async def test_a_broken_connection_to_a_living_worker_changes_nothing(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plane, "GRACE_S", 30.0)  # it is back by then, also where everything takes longer
    await workers.pop("w1").die()
    session = await run_session(db)
    async with running_web(settings_of(settings, workers)) as client:
        await placed(client, session)
        page = await RoomPage.joined(client, session.tokens["a"])
        await page.say({"type": "offer", "peer": 1, "revision": 1, "sdp": "v=0"})
        await page.hears("answer")

        for writer in list(workers["w0"]._writers):
            writer.transport.abort()

        await page.hears("person", person(session.seats["a"], state="connected"))  # as the worker's hello says
        await page.say({"type": "offer", "peer": 1, "revision": 2, "sdp": "v=0"})
        await page.hears("answer")
        assert not [message for message in page.heard if message["type"] == "rejoin"]
        assert await rows(db, session) == [("w0", 1, True)]


async def test_a_worker_that_stands_still_is_given_up(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]
) -> None:
    session = await run_session(db)
    async with running_web(settings_of(settings, workers)) as client:
        first, _ = await placed(client, session)

        workers[first].silent = True

        assert (await placed(client, session, besides=first))[1] == 2


async def test_a_new_web_process_takes_up_what_lives_and_closes_what_is_over(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]
) -> None:
    talking, over, lost = [await run_session(db) for _ in range(3)]
    configured = settings_of(settings, workers)
    async with running_web(configured) as client:
        owners = [await placed(client, session) for session in (talking, over, lost)]
        page = await RoomPage.joined(client, talking.tokens["b"])
        await page.say({"type": "offer", "peer": 1, "revision": 1, "sdp": "v=0"})
        await page.hears("answer")
        resume = page.heard[0]["resume"]
    assert await page.is_closed() == 1001
    await db.execute(
        "update session set state = 'ended', ended_at = now(), end_reason = 'technical' where id = $1", over.session_id
    )
    workers[owners[2][0]].rooms.pop(lost.room_id)
    for worker in workers.values():
        worker.asked.clear()

    async with running_web(configured) as client:
        assert owner(client, talking) == owners[0]  # at once: nobody waits for it
        assert (await placed(client, lost))[1] == 2
        page = await RoomPage.joined(client, resume, resume=True)

        assert page.heard[0]["media"] == "kept"
        assert page.heard[0]["connection"] == 2
        closed = [request.room for worker in workers.values() for request in worker.requests(CloseRoom)]
        assert closed == [over.room_id]
        opened = [request.room for worker in workers.values() for request in worker.requests(OpenRoom)]
        assert opened == [lost.room_id]


@pytest.mark.parametrize("recorded", [True, False])
async def test_a_decision_to_record_that_the_worker_never_heard_is_told_by_the_next_web_process(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker], recorded: bool
) -> None:
    """Killed between the commit of the last consent, or of its withdrawal, and the request to the worker."""
    session = await run_session(db, "mediation" if recorded else "notarization")
    async with running_web(settings_of(settings, workers)) as client:
        name, _ = await placed(client, session)
    await db.execute("update room set recorded = $2 where id = $1", session.room_id, recorded)

    async with running_web(settings_of(settings, workers)) as client:
        await placed(client, session)

        def untold() -> str | None:
            asked = [(request.record is not None, request.reason) for request in workers[name].requests(SetRecord)]
            return None if asked == [(recorded, "restored" if recorded else "consent_missing")] else f"asked: {asked}"

        await eventually(untold)


async def test_a_record_that_cannot_be_opened_is_loud_and_the_room_stays_shut_until_it_can(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]
) -> None:
    session = await run_session(db, "notarization")
    for worker in workers.values():
        worker.refuse_open = "record_failed"
    async with running_web(settings_of(settings, workers)) as client:
        page = await RoomPage.open(client)
        await page.say({"type": "join", "token": session.tokens["a"]})

        await eventually(
            lambda: None if any(_says_failed(message) for message in page.heard) else f"heard {page.heard}"
        )
        for worker in workers.values():
            worker.refuse_open = None
        await page.hears("recording", lambda message: message["state"] == "recording")
        await page.say({"type": "offer", "peer": 1, "revision": 1, "sdp": "v=0"})
        await page.hears("answer")

    kinds = [
        row["kind"] for row in await db.fetch("select kind from session_event where kind like 'recording%' order by id")
    ]
    assert kinds == ["recording_failed", "recording_recording"]


def _says_failed(message: dict[str, Any]) -> bool:
    """In the welcome, or when it happens."""
    recording = message.get("recording", message)
    return (recording.get("state"), recording.get("cause")) == ("failed", "recording_cannot_start")


async def test_a_draining_worker_gets_no_new_room(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]
) -> None:
    workers["w0"].refuse_open = "draining"
    session = await run_session(db)

    async with running_web(settings_of(settings, workers)) as client:
        assert (await placed(client, session))[0] == "w1"


async def test_two_owners_at_once_and_a_falling_epoch_are_impossible(db: Pool) -> None:
    session = await run_session(db)
    async with db.acquire() as conn, conn.transaction():
        assert await store.take_room(conn, session.room_id, "w0", "i0", utc_now()) == 1
    async with db.acquire() as conn, conn.transaction():
        assert await store.take_room(conn, session.room_id, "w1", "i1", utc_now()) == 2

    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute("update room_owner set until = null where room_id = $1", session.room_id)
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(
            "insert into room_owner (room_id, epoch, worker, incarnation, since) values ($1, 2, 'w2', 'i', now())",
            session.room_id,
        )
    await db.execute("update room set closed_at = now() where id = $1", session.room_id)
    async with db.acquire() as conn, conn.transaction():
        assert await store.take_room(conn, session.room_id, "w0", "i0", utc_now()) is None
