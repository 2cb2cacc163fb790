"""The transcripts of tests/vectors/signaling through real WebSockets, a real PostgreSQL and the control protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from server.app import build_app
from server.config import Settings, WorkerLink
from server.sessions.recording import SESSION_KEY
from tests.support.database import passable_directory
from tests.support.hall import City, seeded
from tests.support.room_stage import RoomStage
from tests.support.running_session import session_key
from tests.support.scripted_worker import ScriptedWorker
from tests.support.transcripts import Transcript, all_transcripts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

    from server.db import Pool

PLAYABLE = [transcript for transcript in all_transcripts() if not transcript.core_only]


@pytest.fixture
async def worker() -> AsyncIterator[ScriptedWorker]:
    running = ScriptedWorker(passable_directory() / "w0.sock")
    await running.start()
    yield running
    await running.die()


@pytest.fixture
async def client(settings: Settings, worker: ScriptedWorker, aiohttp_client: AiohttpClient) -> TestClient[Any, Any]:
    app = build_app(msgspec.structs.replace(settings, worker_links=(WorkerLink("w0", f"unix:{worker.path}"),)))
    app.setdefault(SESSION_KEY, session_key)
    return await aiohttp_client(app)


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


@pytest.mark.parametrize("transcript", PLAYABLE, ids=lambda transcript: transcript.name)
async def test_transcript(
    client: TestClient[Any, Any], db: Pool, city: City, worker: ScriptedWorker, transcript: Transcript
) -> None:
    stage = RoomStage(client, db, city, worker, transcript)
    await stage.open()

    try:
        await stage.play()
    finally:
        await stage.close()
