"""A worker that has a room no more: the web process places it anew, with the connection whole all the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration import test_mediaplane
from tests.integration.test_mediaplane import owner, placed, rows, settings_of
from tests.support.room_page import RoomPage
from tests.support.room_web import running_web
from tests.support.running_session import RunningSession, run_session

if TYPE_CHECKING:
    from server.config import Settings
    from server.db import Pool
    from tests.support.scripted_worker import ScriptedWorker

patient, workers = test_mediaplane.patient, test_mediaplane.workers


async def offer(page: RoomPage, peer: int) -> None:
    await page.say({"type": "offer", "peer": peer, "revision": 1, "sdp": "v=0"})
    await page.hears("answer", lambda message: message["peer"] == peer)


def gave_up(session: RunningSession, epoch: int) -> dict[str, object]:
    return {"event": "room_closed", "room": session.room_id, "epoch": epoch, "reason": "stood_still"}


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
