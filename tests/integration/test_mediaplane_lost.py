"""A worker that has a room no more, or has one that nobody wants: the web process mends both, with the connection whole all the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from media.control.messages import CloseRoom, OpenRoom
from server.signaling.rooms import PLANE, ROOMS
from tests.integration import test_mediaplane
from tests.integration.test_mediaplane import owner, placed, rows, settings_of
from tests.support.eventually import eventually
from tests.support.room_page import RoomPage
from tests.support.room_web import running_web
from tests.support.running_session import RunningSession, run_session

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from server.config import Settings
    from server.db import Pool
    from tests.support.scripted_worker import ScriptedWorker

patient, workers = test_mediaplane.patient, test_mediaplane.workers


async def offer(page: RoomPage, peer: int) -> None:
    await page.say({"type": "offer", "peer": peer, "revision": 1, "sdp": "v=0"})
    await page.hears("answer", lambda message: message["peer"] == peer)


def gave_up(session: RunningSession, epoch: int) -> dict[str, object]:
    return {"event": "room_closed", "room": session.room_id, "epoch": epoch, "reason": "stood_still"}


async def asked_to_open(client: TestClient[Any, Any], session: RunningSession, worker: ScriptedWorker) -> None:
    assert client.app is not None
    await client.app[ROOMS].of(session.session_id)
    await eventually(lambda: None if worker.requests(OpenRoom) else "nobody has asked it to open a room")


async def closed_at(worker: ScriptedWorker, session: RunningSession, epoch: int) -> None:
    def missing() -> str | None:
        told = [(close.room, close.epoch) for close in worker.requests(CloseRoom)]
        return None if (session.room_id, epoch) in told else f"it was told to close {told}"

    await eventually(missing)
    assert not worker.rooms


async def test_a_worker_that_gave_its_room_up_is_believed_and_everybody_comes_back(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]
) -> None:
    """Web process and worker stood still together (a machine that was moved): the connection between them never broke."""
    await workers.pop("w1").die()
    session = await run_session(db, "notarization")
    async with running_web(settings_of(settings, workers)) as client:
        await placed(client, session)
        page = await RoomPage.joined(client, session.tokens["a"])
        await offer(page, 1)

        workers["w0"].rooms.clear()
        workers["w0"].tell(gave_up(session, 1))

        assert (await page.hears("rejoin"))["why"] == "worker_replaced"
        await offer(page, 2)
        assert owner(client, session) == ("w0", 2)
        workers["w0"].tell(gave_up(session, 1))  # told once more, of what is another's by now
        workers["w0"].tell({"event": "speaking", "room": session.room_id, "seats": [session.seats["a"]]})
        await page.hears("speaking", lambda message: message["seats"] == [session.seats["a"]])
        assert owner(client, session) == ("w0", 2)
        assert await rows(db, session) == [("w0", 1, False), ("w0", 2, True)]


async def test_a_room_that_its_owner_does_not_know_is_placed_anew(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]
) -> None:
    await workers.pop("w1").die()
    lost, other = await run_session(db), await run_session(db)
    async with running_web(settings_of(settings, workers)) as client:
        await placed(client, lost)
        await placed(client, other)
        page = await RoomPage.joined(client, lost.tokens["a"])
        await offer(page, 1)

        del workers["w0"].rooms[lost.room_id]
        await page.say({"type": "offer", "peer": 1, "revision": 2, "sdp": "v=0"})

        assert (await page.hears("error"))["code"] == "service_away"
        await page.hears("rejoin")
        await offer(page, 2)
        assert owner(client, lost) == ("w0", 2)
        assert owner(client, other) == ("w0", 1)


async def test_a_session_that_ends_while_its_room_is_being_opened_leaves_no_room(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]
) -> None:
    await workers.pop("w1").die()
    workers["w0"].mute_open = True
    session = await run_session(db, "notarization")
    async with running_web(settings_of(settings, workers)) as client:
        assert client.app is not None
        await asked_to_open(client, session, workers["w0"])

        await client.app[PLANE].drop(session.room_id, "completed")

        await closed_at(workers["w0"], session, 1)


async def test_a_room_that_came_to_be_elsewhere_stays_nowhere_else(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]
) -> None:
    """Its answer was lost with the connection: whether it has opened the room is not known."""
    workers["w0"].mute_open = True
    session = await run_session(db)
    async with running_web(settings_of(settings, workers)) as client:
        await asked_to_open(client, session, workers["w0"])

        workers["w0"].rooms.clear()  # it has not come to it when it says hello
        workers["w0"].mute_open, workers["w0"].refuse_open = False, "draining"
        workers["w0"].hang_up()

        worker, epoch = await placed(client, session, besides="w0")
        assert worker == "w1"
        await closed_at(workers["w0"], session, epoch - 1)
        assert workers["w1"].rooms.keys() == {session.room_id}


async def test_a_worker_that_is_away_when_its_room_is_over_is_told_later_what_it_may_open_yet(
    settings: Settings, db: Pool, workers: dict[str, ScriptedWorker]
) -> None:
    await workers.pop("w1").die()
    workers["w0"].mute_open = True
    session = await run_session(db)
    async with running_web(settings_of(settings, workers)) as client:
        assert client.app is not None
        await asked_to_open(client, session, workers["w0"])
        await workers["w0"].die()
        await eventually(lambda: None if client.app and client.app[PLANE].away() else "it is not missed yet")

        await client.app[PLANE].drop(session.room_id, "completed")
        workers["w0"].rooms.clear()  # it has not come to it when it says hello
        await workers["w0"].start(keep_rooms=True)

        await closed_at(workers["w0"], session, 1)
