"""A worker, a controller with an open room, and headless people in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.media_worker import Controller, RunningWorker, running_worker
from tests.support.native import path_options
from tests.support.rtc_client import RtcClient, join

# Short enough for a test, long enough for two shared cores: people live in the test's own loop, which may stand still for seconds.
QUICK = ("--reconnecting-s", "0.8", "--gone-s", "6", "--silent-s", "0.6", "--quality-s", "0.3", "--report-s", "0.2")

Enter = Callable[..., Awaitable[RtcClient]]


@pytest.fixture(params=["python", "native"])
async def worker(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[RunningWorker]:
    """One on each packet path: what a worker promises, it promises on both."""
    async with running_worker(tmp_path, *QUICK, *path_options(request.param)) as running:
        yield running


@pytest.fixture
async def controller(worker: RunningWorker) -> AsyncIterator[Controller]:
    connected = await worker.controller()
    await connected.ask("open_room", room="r1", session="s1", epoch=1, capacity=6, record=None)
    yield connected
    await connected.close()


@pytest.fixture
async def enter(controller: Controller) -> AsyncIterator[Enter]:
    """enter(name, ...) joins room r1, connects, and starts to send; all leave at the end of the test."""
    clients: list[RtcClient] = []

    async def come(
        name: str, *, slots: int = 2, room: str = "r1", connection: int = 1, media: bool = True, mid_only: bool = False
    ) -> RtcClient:
        client = RtcClient(name, slots=slots, mid_only=mid_only)
        clients.append(client)
        ok = await join(controller, client, room=room, connection=connection)
        await client.connect(ok["answer"])
        await controller.wait_for("peer_state", seat=name, connection=connection, state="connected")
        if media:
            client.start_media()
        return client

    yield come
    await asyncio.gather(*(client.close() for client in clients))
