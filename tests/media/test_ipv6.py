"""IPv6: one port for both families, over UDP and TCP, on both packet paths; and a device that has no other network, from its HTTP on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aioice.ice
import pytest
from aiohttp import ClientSession, web

from server.app import build_app
from server.sessions.recording import SESSION_KEY
from server.supervise.listen import listen
from tests.media.conftest import QUICK
from tests.media.test_room_media import until_hears
from tests.support.eventually import eventually
from tests.support.media_worker import RunningWorker, running_worker
from tests.support.native import path_options
from tests.support.room_page import RoomPage, person
from tests.support.room_web import with_workers
from tests.support.rtc_client import RtcClient, join
from tests.support.rtc_device import Device
from tests.support.running_session import admit_beforehand, invite, run_session, session_key
from tests.support.tcp_client import TcpClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from server.config import Settings
    from server.db import Pool


class RtcClient6(RtcClient):
    host = "::1"


class TcpClient6(TcpClient):
    host = "::1"


@pytest.fixture(params=["python", "native"])
async def worker(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[RunningWorker]:
    told = ("--announce", "127.0.0.1", "--announce", "::1")
    both = ("--udp", "[::]:0", "--tcp", "[::]:0", *told)
    async with running_worker(tmp_path, *QUICK, *both, *path_options(request.param)) as running:
        yield running


async def test_people_of_both_families_are_in_one_room(worker: RunningWorker) -> None:
    controller = await worker.controller()
    await controller.ask("open_room", room="r1", session="s1", epoch=1, capacity=6, record=None)
    clients = [RtcClient6("six"), RtcClient("four"), TcpClient6("stream")]

    for client in clients:
        await client.connect((await join(controller, client))["answer"])
        await controller.wait_for("peer_state", seat=client.name, state="connected")
        client.start_media()

    for hearing in clients:
        for heard in clients:
            if heard is not hearing:
                await until_hears(hearing, heard.name, 30)
    await asyncio.gather(*(client.close() for client in clients))
    assert (await controller.ask("stats", room=None))["dropped"].get("fault", 0) == 0
    await controller.close()


async def test_a_device_that_has_ipv6_only_is_seen_by_another(
    settings: Settings, db: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["::1"])
    session = await run_session(db)
    for name in ("c", "d"):
        await invite(db, session, name, "site_worker", name)
        await admit_beforehand(db, session, name)
    async with (
        running_worker(tmp_path, "--udp", "[::1]:0") as worker,
        served(with_workers(settings, {"w0": worker.control})) as client,
    ):
        leader = await RoomPage.joined(client, session.tokens["a"], media=False)
        encoder, screen = Device(client, session.tokens["c"], "whip"), Device(client, session.tokens["d"], "whep")
        try:
            assert [await encoder.begin(), await screen.begin()] == [201, 201]

            await eventually(screen.sees_green, 60.0)
            await leader.hears("person", person(session.seats["c"], state="connected"))
        finally:
            await asyncio.gather(encoder.close(), screen.close())
        await leader.close()


class served:
    """The web process at [::1], and a client that knows it by that."""

    def __init__(self, settings: Settings) -> None:
        app = build_app(settings)
        app.setdefault(SESSION_KEY, session_key)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Any:
        await self._runner.setup()
        listener = listen("::1", 0)
        await web.SockSite(self._runner, listener).start()
        self._client = ClientSession(f"http://[::1]:{listener.getsockname()[1]}")
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        await self._runner.cleanup()
