"""A web process with one scripted worker: fixtures, taken into a test module by `worker, client = scripted_web.worker, scripted_web.client`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.database import passable_directory
from tests.support.room_web import running_web, with_workers
from tests.support.scripted_worker import ScriptedWorker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.test_utils import TestClient

    from server.config import Settings


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
