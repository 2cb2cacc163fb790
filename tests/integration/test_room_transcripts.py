"""The transcripts of tests/vectors/signaling through real WebSockets, a real PostgreSQL and the control protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.database import passable_directory
from tests.support.room_stage import RoomStage
from tests.support.room_web import running_web, with_workers
from tests.support.scripted_worker import ScriptedWorker
from tests.support.transcripts import Transcript, all_transcripts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.test_utils import TestClient

    from server.config import Settings
    from server.db import Pool

PLAYABLE = [transcript for transcript in all_transcripts() if not transcript.core_only]


@pytest.fixture
async def worker() -> AsyncIterator[ScriptedWorker]:
    running = ScriptedWorker(passable_directory() / "w0.sock")
    await running.start()
    yield running
    await running.die()


@pytest.fixture
async def client(settings: Settings, worker: ScriptedWorker) -> AsyncIterator[TestClient[Any, Any]]:
    async with running_web(with_workers(settings, {"w0": worker.path})) as running:
        yield running


@pytest.mark.parametrize("transcript", PLAYABLE, ids=lambda transcript: transcript.name)
async def test_transcript(
    client: TestClient[Any, Any], db: Pool, worker: ScriptedWorker, transcript: Transcript
) -> None:
    stage = RoomStage(client, db, worker, transcript)
    await stage.open()

    try:
        await stage.play()
    finally:
        await stage.close()
