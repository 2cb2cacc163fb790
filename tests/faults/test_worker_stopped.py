"""A worker is stopped (SIGSTOP) while people talk, another takes its room, and it goes on: at no time do two own the room."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import pytest

from media.timing import Timing
from server.mediaplane import link
from server.sessions.recording import SESSION_KEY
from tests.support.eventually import eventually
from tests.support.journal_events import journal_events
from tests.support.media_worker import Controller, Refused, RunningWorker, running_worker
from tests.support.room_web import running_web, with_workers
from tests.support.running_session import RunningSession, run_session
from tests.support.talker import Talker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp.test_utils import TestClient

    from server.config import Settings
    from server.db import Pool
    from tests.support.product import ProductFactory

STOOD_S = 2.0  # the shorter clock of the worker that will be stopped: 3 s in the product
PATIENCE_S = 1.0  # and of the web process with it, from then until the room is at the other


@pytest.fixture
async def workers(tmp_path: Path, settings: Settings) -> AsyncIterator[dict[str, RunningWorker]]:
    """Two, which write their journals to one disk."""
    for name in ("w0", "w1"):
        (tmp_path / name).mkdir()
    shared = ("--data", str(settings.data))
    async with (
        running_worker(tmp_path / "w0", *shared, "--stood-s", str(STOOD_S)) as first,
        running_worker(tmp_path / "w1", *shared, "--name", "w1") as second,
    ):
        yield {"w0": first, "w1": second}


async def test_a_stopped_worker_never_owns_its_room_again(
    settings: Settings, db: Pool, workers: dict[str, RunningWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await run_session(db, "notarization")
    configured = with_workers(settings, {name: worker.control for name, worker in workers.items()})
    async with running_web(configured) as client:
        assert client.app is not None
        async with db.acquire() as conn:
            key = await client.app[SESSION_KEY](conn, session.session_id)
        notary = await Talker.enter(client, "notary", session.tokens["a"])
        citizen = await Talker.enter(client, "citizen", session.tokens["b"])
        assert await owners(db) == [("w0", 1, True)]  # of two without work the first by name
        owner = workers["w0"]
        controller = await owner.controller()
        try:
            await notary.hears(citizen)

            with monkeypatch.context() as patch:
                patch.setattr(link, "PING_DEADLINE_S", PATIENCE_S)
                owner.process.send_signal(signal.SIGSTOP)
                stopped_at = time.monotonic()
                await asyncio.gather(notary.page.hears("rejoin"), citizen.page.hears("rejoin"))
            await asyncio.gather(notary.make_again(), citizen.make_again())
            await notary.hears(citizen)  # recorded, at the other worker, while the first one still stands
            await eventually(lambda: None if time.monotonic() > stopped_at + STOOD_S + 0.5 else "it has just stopped")
            owner.process.send_signal(signal.SIGCONT)

            told = await controller.wait_for("room_closed", room=session.room_id)
            assert (told["reason"], told["epoch"]) == ("stood_still", 1)
            assert (await controller.ask("hello", protocol=1, controller="test"))["rooms"] == []
            await refuses_everything(controller, session, settings)
            heard = len(notary.rtc.heard_from("citizen"))
            await eventually(
                lambda: None if len(notary.rtc.heard_from("citizen")) > heard + 30 else "the new owner forwards nothing"
            )
            assert await owners(db) == [("w0", 1, False), ("w1", 2, True)]
            await notary.page.say({"type": "end", "reason": "completed"})
            assert (await citizen.page.hears("closed"))["why"] == "ended"
        finally:
            owner.process.send_signal(signal.SIGCONT)
            await controller.close()
            await asyncio.gather(notary.close(), citizen.close())
    events = journal_events(settings.data / "journals" / session.session_id / session.room_id, key)
    reasons = [event["data"]["reason"] for event in events if event["kind"] == "closed"]
    assert reasons == ["completed"]  # the stopped one's last words are in no journal
    assert [event["kind"] for event in events].count("continued") == 1


async def test_people_come_back_after_web_process_and_worker_stood_still_together(
    db: Pool, database_url: str, start_product: ProductFactory
) -> None:
    """As on a machine that is moved or sleeps: the connection between the two never breaks."""
    product = start_product("--workers", "1", environ={"DATABASE_URL": database_url})
    await asyncio.to_thread(product.wait_ready)
    session = await run_session(db, "notarization")
    async with contextlib.AsyncExitStack() as stack:
        web = cast("TestClient[Any, Any]", await stack.enter_async_context(aiohttp.ClientSession(product.url)))
        notary = await Talker.enter(web, "notary", session.tokens["a"])
        stack.push_async_callback(notary.close)
        citizen = await Talker.enter(web, "citizen", session.tokens["b"])
        stack.push_async_callback(citizen.close)
        await notary.hears(citizen)

        stopped = [product.kill(name, signal.SIGSTOP) for name in ("web", "w0")]  # so no ping is left unanswered
        stopped_at = time.monotonic()
        await eventually(lambda: None if time.monotonic() > stopped_at + Timing().stood_s + 0.5 else "just stopped")
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)

        await asyncio.gather(notary.page.hears("rejoin"), citizen.page.hears("rejoin"))
        await asyncio.gather(notary.make_again(), citizen.make_again())
        await asyncio.gather(notary.hears(citizen), citizen.hears(notary))
        await citizen.page.recording_is("recording")
        first, *_, last = await owners(db)  # the link may break and be made again all the same
        assert first == ("w0", 1, False)
        assert last[2]
        assert last[1] > 1


async def owners(pool: Pool) -> list[tuple[str, int, bool]]:
    rows = await pool.fetch("select worker, epoch, until is null from room_owner order by epoch")
    return [tuple(row) for row in rows]


async def refuses_everything(controller: Controller, session: RunningSession, settings: Settings) -> None:
    """What an owner of before could still ask of it, and of the journal."""
    journal = str(settings.data / "journals" / session.session_id / session.room_id)
    record = {"journal": journal, "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "facts": {}}
    with pytest.raises(Refused, match="unknown_room"):
        await controller.ask("seal", room=session.room_id, epoch=1)
    with pytest.raises(Refused, match="record_failed"):
        await controller.ask(
            "open_room", room=session.room_id, session=session.session_id, epoch=1, capacity=6, record=record
        )
