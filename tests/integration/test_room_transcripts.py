"""The transcripts of tests/vectors/signaling through real WebSockets, a real PostgreSQL and the control protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import scripted_web
from tests.support.room_stage import RoomStage
from tests.support.scripted_worker import ScriptedWorker
from tests.support.transcripts import Transcript, all_transcripts

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from server.db import Pool

PLAYABLE = [transcript for transcript in all_transcripts() if not transcript.core_only]
worker, client = scripted_web.worker, scripted_web.client


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
