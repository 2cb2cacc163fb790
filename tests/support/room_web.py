"""A web process for room tests, inside the test's loop: can be stopped and started again on the same database and workers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp.test_utils import TestClient, TestServer

from server.app import build_app
from server.config import Settings, WorkerLink
from server.sessions.recording import SESSION_KEY
from tests.support.running_session import session_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def with_workers(settings: Settings, workers: dict[str, Path]) -> Settings:
    """The settings of a web process that has these workers: name -> control socket."""
    links = tuple(WorkerLink(name, f"unix:{path}") for name, path in workers.items())
    return msgspec.structs.replace(settings, worker_links=links)


@contextlib.asynccontextmanager
async def running_web(settings: Settings) -> AsyncIterator[TestClient[Any, Any]]:
    """Started until the block ends; its end is what SIGTERM does."""
    app = build_app(settings)
    app.setdefault(SESSION_KEY, session_key)
    client = TestClient(TestServer(app))
    await client.start_server()
    try:
        yield client
    finally:
        await client.server.close()  # first the server, as when it is told to stop: its pages are still there
        await client.close()
