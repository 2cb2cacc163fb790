"""Media workers over a real broker: found, commanded, lost, and kept while the broker is away."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from media.control.messages import OpenRoom
from server.mediaplane.reach import ways
from server.signaling.rooms import PLANE, ROOMS
from tests.support import on_bus
from tests.support.broker import Broker
from tests.support.bus_worker import BusWorker
from tests.support.eventually import eventually, wait_until
from tests.support.on_bus import on
from tests.support.room_page import RoomPage
from tests.support.room_web import running_web
from tests.support.running_session import RunningSession, run_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.test_utils import TestClient

    from server.config import Settings
    from server.db import Pool
    from tests.support.product import ProductFactory


patient, broker = on_bus.patient, on_bus.broker


@pytest.fixture
async def workers(broker: Broker) -> AsyncIterator[dict[str, BusWorker]]:
    both = {name: BusWorker(broker.url, name) for name in ("w0", "w1")}
    for worker in both.values():
        await worker.start()
    yield both
    for worker in both.values():
        await worker.die()


def owner(client: TestClient[Any, Any], session: RunningSession) -> tuple[str, int] | None:
    assert client.app is not None
    found = client.app[PLANE].owner_of(session.room_id)
    return (found.worker, found.epoch) if found else None


async def placed(client: TestClient[Any, Any], session: RunningSession, besides: str = "") -> tuple[str, int]:
    """Wait until the room has an owner (other than `besides`)."""
    assert client.app is not None
    await client.app[ROOMS].of(session.session_id)

    def missing() -> str | None:
        now = owner(client, session)
        return None if now and now[0] != besides else f"the owner is {now}"

    await eventually(missing)
    now = owner(client, session)
    assert now is not None
    return now


async def offer(page: RoomPage, peer: int) -> None:
    await page.say({"type": "offer", "peer": peer, "revision": 1, "sdp": "v=0"})
    await page.hears("answer", lambda message: message["peer"] == peer)


async def test_a_worker_killed_gives_its_room_to_another_and_comes_back_owning_nothing(
    settings: Settings,
    db: Pool,
    broker: Broker,
    workers: dict[str, BusWorker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ways, "SETTLE_S", 0.5)  # the broker has just come, as far as the web process knows
    session = await run_session(db, "notarization")
    async with running_web(on(settings, broker)) as client:
        first, epoch = await placed(client, session)
        assert epoch == 1
        page = await RoomPage.joined(client, session.tokens["a"])
        await offer(page, 1)

        await workers[first].die()

        second, epoch = await placed(client, session, besides=first)
        assert epoch == 2
        await page.hears("rejoin")
        await offer(page, 2)
        await workers[first].start(keep_rooms=True)
        await eventually(lambda: None if not workers[first].script.rooms else "the old worker still has the room")
        assert owner(client, session) == (second, 2)


async def test_a_room_stays_where_it_is_while_the_broker_is_killed_and_started_again(
    settings: Settings, db: Pool, broker: Broker, workers: dict[str, BusWorker]
) -> None:
    session = await run_session(db, "notarization")
    async with running_web(on(settings, broker)) as client:
        before = await placed(client, session)
        page = await RoomPage.joined(client, session.tokens["a"])
        await offer(page, 1)
        plane_ = client.app[PLANE] if client.app else None
        assert plane_ is not None

        broker.kill()
        await eventually(lambda: None if len(plane_.away()) > 1 else "the broker is not missed yet")
        await page.say({"type": "ping", "t": 1.0})
        await page.hears("pong")
        broker.start()
        await eventually(lambda: ", ".join(plane_.away()) or None)

        await page.say({"type": "offer", "peer": 1, "revision": 2, "sdp": "v=0"})
        await page.hears("answer", lambda message: message["revision"] == 2)
        assert owner(client, session) == before
        assert not [message for message in page.heard if message["type"] == "rejoin"]
        opened = [request for worker in workers.values() for request in worker.script.requests(OpenRoom)]
        assert len(opened) == 1


async def test_a_web_process_started_again_finds_the_people_where_they_are(
    settings: Settings, db: Pool, broker: Broker, workers: dict[str, BusWorker]
) -> None:
    session = await run_session(db, "notarization")
    async with running_web(on(settings, broker)) as client:
        name, _ = await placed(client, session)
        page = await RoomPage.joined(client, session.tokens["a"])
        await offer(page, 1)
        resume = page.heard[0]["resume"]

    async with running_web(on(settings, broker)) as client:
        assert await placed(client, session) == (name, 2)
        page = await RoomPage.open(client)

        async def kept() -> str | None:
            """Until the worker has said who is there a page would be told to begin anew."""
            assert client.app is not None
            loop = client.app[ROOMS].running(session.session_id)
            there = loop is not None and loop.session.people[session.seats["a"]].peer is not None
            return None if there else "the room has not been taken over"

        await eventually(kept)
        await page.say({"type": "join", "resume": resume, "media": True})
        assert (await page.hears("welcome"))["media"] == "kept"
    assert len(workers[name].script.requests(OpenRoom)) == 2


def test_the_product_puts_its_own_workers_on_the_bus(
    database_url: str, start_product: ProductFactory, broker: Broker
) -> None:
    environ = {"DATABASE_URL": database_url, "LAIZUO_BUS": broker.url}

    product = start_product("--workers", "1", environ=environ).wait_ready()

    name = re.compile(r"worker [A-Za-z0-9_-]+-w0: incarnation")
    wait_until(lambda: None if name.search(product.log()) else product.log())
    with urllib.request.urlopen(f"{product.url}/readyz", timeout=30) as answer:
        assert json.load(answer)["ready"]
    arguments = Path(f"/proc/{product.pid('w0')}/cmdline").read_bytes()
    assert b"nats://" not in arguments  # it may hold a password
