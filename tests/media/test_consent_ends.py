"""Who is sent away or goes gets no packet any more, and what he still sends reaches nobody: the whole way, from the press to the packets (RFC 7675)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.media.test_room_media import until_hears
from tests.support.eventually import eventually
from tests.support.media_worker import RunningWorker, running_worker
from tests.support.native import path_options
from tests.support.room_page import RoomPage, person
from tests.support.room_web import running_web, with_workers
from tests.support.rtc_client import RtcClient
from tests.support.running_session import RunningSession, admit_beforehand, invite, run_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp.test_utils import TestClient

    from server.config import Settings
    from server.db import Pool

SECOND = 100  # steps of RtcClient's media, which has one each 10 ms or, on a busy machine, more


@pytest.fixture(params=["python", "native"])
async def worker(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[RunningWorker]:
    async with running_worker(tmp_path, *path_options(request.param)) as running:
        yield running


async def talk(client: TestClient[Any, Any], session: RunningSession, name: str) -> tuple[RoomPage, RtcClient]:
    """Somebody's page and the browser under it: in the room, connected, sending."""
    page, rtc = await RoomPage.joined(client, session.tokens[name]), RtcClient(name)
    await page.say({"type": "offer", "peer": 1, "revision": 1, "sdp": rtc.offer(), "sources": rtc.sources})
    await rtc.connect((await page.hears("answer"))["sdp"])
    rtc.start_media()
    return page, rtc


async def none_for_a_second(gone: RtcClient, others: list[RtcClient]) -> None:
    """Nothing for who is gone, nothing of him for the others, while he goes on sending and they go on talking."""
    for client in (gone, *others):
        client.read_all()
    got, heard = gone.counts["datagrams"], [len(other.heard_from(gone.name)) for other in others]

    for client, until in [(client, client.said + SECOND) for client in (gone, *others)]:
        await eventually(partial(_has_talked, client, until))
    gone.read_all()

    assert gone.counts["datagrams"] == got, f"{gone.name} was sent something"
    assert [len(other.heard_from(gone.name)) for other in others] == heard, f"{gone.name} is still heard"


def _has_talked(client: RtcClient, until: int) -> str | None:
    return None if client.said >= until else f"{client.name} has said {client.said} of {until}"


async def test_the_removed_and_the_leaving_get_nothing_and_are_heard_by_nobody(
    settings: Settings, db: Pool, worker: RunningWorker
) -> None:
    session = await run_session(db)
    await invite(db, session, "c", "site_worker", "c")
    await admit_beforehand(db, session, "c")
    async with running_web(with_workers(settings, {"w0": worker.control})) as web:
        (leader, a), (citizen, b), (third, c) = [await talk(web, session, name) for name in ("a", "b", "c")]
        try:
            for listener, speaker in ((a, "c"), (b, "c"), (c, "a"), (c, "b")):
                await until_hears(listener, speaker)

            await leader.say({"type": "remove", "seat": session.seats["c"]})
            await leader.hears("person", person(session.seats["c"], state="removed"))
            await none_for_a_second(c, [a, b])

            await citizen.say({"type": "leave"})
            await eventually(lambda: None if b.closed_by_peer else "the worker has not said goodbye")
            await none_for_a_second(b, [a])
        finally:
            await asyncio.gather(a.close(), b.close(), c.close())
            for page in (leader, citizen, third):
                await page.close()
