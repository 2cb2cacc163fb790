"""The line's part of the device check: a room of one, for some seconds, at a worker, for anybody but not without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from media.control.messages import CloseRoom, Join, OpenRoom
from server.mediaplane import trial
from tests.support.database import passable_directory
from tests.support.eventually import eventually
from tests.support.hall import Visitor
from tests.support.room_web import running_web, with_workers
from tests.support.scripted_worker import ScriptedWorker
from tests.support.transcripts import ANSWER

if TYPE_CHECKING:
    from server.config import Settings
    from server.db import Pool

OFFER = {"sdp": "v=0", "sources": {"0": "voice", "1": "face"}}


async def test_a_trial_has_a_room_of_its_own_that_ends_by_itself(
    settings: Settings, db: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "TRIAL_S", 0.1)
    worker = ScriptedWorker(passable_directory() / "w0.sock")
    await worker.start()
    async with running_web(with_workers(settings, {"w0": worker.path})) as client:
        answered = await Visitor(client).send("POST", "/api/line-check", OFFER)

        assert answered.status == 200
        assert (await answered.json()) == {"sdp": ANSWER}
        (opened,), (joined,) = worker.requests(OpenRoom), worker.requests(Join)
        assert (opened.room, opened.capacity, opened.record) == (joined.room, 1, None)
        assert opened.room.startswith("trial-")
        await eventually(lambda: None if not worker.rooms else f"still open: {worker.rooms}")
        assert [closed.room for closed in worker.requests(CloseRoom)] == [opened.room]

        statuses = [(await Visitor(client).send("POST", "/api/line-check", OFFER)).status for _ in range(6)]
        assert statuses == [200, 200, 200, 200, 429, 429]
    await worker.die()


async def test_without_a_worker_it_says_that_it_comes_back(settings: Settings, db: Pool) -> None:
    async with running_web(settings) as client:
        answered = await Visitor(client).send("POST", "/api/line-check", OFFER)

        assert answered.status == 503
        assert (await answered.json())["error"]["code"] == "service_away"


@pytest.mark.parametrize("wrong", [{"sdp": ""}, {"sources": {"0": "document"}}, {"more": 1}])
async def test_what_is_no_offer_is_refused(settings: Settings, db: Pool, wrong: dict[str, object]) -> None:
    async with running_web(settings) as client:
        assert (await Visitor(client).send("POST", "/api/line-check", OFFER | wrong)).status == 400
