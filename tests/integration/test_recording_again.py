"""A journal that cannot be written is told to everybody, and begins again by itself when it can: one chain, the gap declared."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from media.record.reader import Damage, examine, load_segments
from server.sessions.recording import SESSION_KEY
from tests.support.eventually import eventually
from tests.support.journal_events import journal_events
from tests.support.media_worker import RunningWorker, running_worker
from tests.support.room_page import RoomPage
from tests.support.room_web import running_web, with_workers
from tests.support.running_session import run_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from server.config import Settings
    from server.db import Pool


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[RunningWorker]:
    async with running_worker(tmp_path) as running:
        yield running


def limit_files(worker: RunningWorker, size: int) -> None:
    """No file of the worker's grows beyond this: as a full disk, and without being root."""
    hard = resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (hard if size < 0 else size, hard))


async def test_a_recording_that_failed_goes_on_when_the_disk_does(
    settings: Settings, db: Pool, worker: RunningWorker
) -> None:
    session = await run_session(db, "notarization")
    async with running_web(with_workers(settings, {"w0": worker.control})) as client:
        page = await RoomPage.joined(client, session.tokens["a"], media=False)
        await page.recording_is("recording")
        page.pass_over()

        limit_files(worker, 1)
        await page.say({"type": "mute", "source": "voice", "muted": True})
        failed = await page.hears("recording", lambda message: message["state"] == "failed")
        assert failed["cause"] == "recording_write_failed"

        page.pass_over()
        limit_files(worker, -1)
        again = await page.hears("recording", lambda message: message["state"] == "recording", 20)
        assert again["since"] == failed["since"]
        await page.say({"type": "end", "reason": "completed"})
        await page.hears("closed")
        assert client.app is not None
        async with db.acquire() as conn, conn.transaction():
            key = await client.app[SESSION_KEY](conn, session.session_id)
        directory = settings.data / "journals" / session.session_id / session.room_id

        def closed() -> str | None:
            told = [event["kind"] for event in journal_events(directory, key)]
            return None if told[-1] == "closed" else f"the journal ends with {told[-1]}"

        await eventually(closed)

    told = [event["kind"] for event in journal_events(directory, key)]
    assert told.index("opened") < told.index("continued") < told.index("closed")
    assert not [seen for seen in examine(load_segments([directory])) if isinstance(seen, Damage)]
    happened = await db.fetch(
        "select kind from session_event where session_id = $1 order by at, id", session.session_id
    )
    kinds = [row["kind"] for row in happened]
    assert kinds.index("recording_failed") < len(kinds) - 1 - kinds[::-1].index("recording_recording")
