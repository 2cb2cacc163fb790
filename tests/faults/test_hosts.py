"""Two web processes and two media workers on hosts of their own, over one broker: people talk while one of the machines' programs is killed."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import pytest

from tests.support.broker import running_broker
from tests.support.eventually import eventually
from tests.support.hosts import Host, some_hosts
from tests.support.product import ROOT
from tests.support.room_page import RoomPage
from tests.support.rtc_client import RtcClient
from tests.support.running_session import RunningSession, run_session
from tests.support.talker import Talker

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp.test_utils import TestClient

    from server.db import Pool
    from tests.support.product import Product, ProductFactory


def start_web(host: Host, broker: str, database_url: str, start_product: ProductFactory) -> Product:
    environ = {"LAIZUO_BUS": broker, "DATABASE_URL": database_url}
    address = ("--host", host.address, "--workers", "0")
    return host.inside(lambda: start_product(*address, environ=environ))


def start_media(host: Host, name: str, broker: str, data: Path) -> subprocess.Popen[bytes]:
    words = ["--name", name, "--bus", broker, "--udp", f"{host.address}:0", "--data", str(data), "--path", "python"]
    with (data / f"{name}.log").open("wb") as told:
        return subprocess.Popen([sys.executable, "-m", "media", *words], cwd=ROOT, stdout=told, stderr=told)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(30)


async def leader(db: Pool, session: RunningSession) -> str:
    """The name of the web process that leads the session; waits until it has one."""
    query = "select web from session_home where session_id = $1"

    async def missing() -> str | None:
        return None if await db.fetchval(query, session.session_id) else "nobody leads the session"

    await eventually(missing)
    return str(await db.fetchval(query, session.session_id))


async def comes_back(web: TestClient[Any, Any], talker: Talker) -> dict[str, Any]:
    """As a page does: again and again, until it is welcome; its peer connection stays what it is."""
    resume = next(message for message in reversed(talker.page.heard) if message["type"] == "welcome")["resume"]
    tried: list[RoomPage] = []

    async def try_again() -> str | None:
        if tried and tried[-1].closed_with is None:
            welcome = [message for message in tried[-1].heard if message["type"] == "welcome"]
            return None if welcome else f"it has heard {tried[-1].heard}"
        await asyncio.sleep(0.2)  # a page waits longer
        tried.append(await RoomPage.open(web))
        await tried[-1].say({"type": "join", "resume": resume, "media": True})
        return "it has just said join"

    await eventually(try_again)
    await talker.page.close()
    talker.page = tried[-1]
    return await talker.page.hears("welcome")


async def owners(db: Pool, session: RunningSession) -> list[tuple[str, int]]:
    """Who has had the room, in order; waits until somebody has."""
    query = "select worker, epoch from room_owner where room_id = $1 order by epoch"

    async def missing() -> str | None:
        return None if await db.fetch(query, session.room_id) else "nobody has the room"

    await eventually(missing)
    return [tuple(row) for row in await db.fetch(query, session.room_id)]


async def test_people_talk_while_the_broker_the_leading_web_process_and_the_worker_are_killed(
    db: Pool, database_url: str, start_product: ProductFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with some_hosts(4) as (ours, hosts), running_broker(tmp_path, ours) as broker:
        monkeypatch.setattr(RtcClient, "host", ours)
        products = [start_web(host, broker.url, database_url, start_product) for host in hosts[:2]]
        urls = [(await asyncio.to_thread(product.wait_ready)).url for product in products]
        async with contextlib.AsyncExitStack() as stack:
            at_host = {"w0": hosts[2], "w1": hosts[3]}
            workers = {
                name: host.inside(functools.partial(start_media, host, name, broker.url, tmp_path))
                for name, host in at_host.items()
            }
            for process in workers.values():
                stack.callback(end, process)
            webs = [
                cast("TestClient[Any, Any]", await stack.enter_async_context(aiohttp.ClientSession(url)))
                for url in urls
            ]
            session = await run_session(db)
            first = await leader(db, session)
            at = next(number for number, product in enumerate(products) if f"web-{product.pid('web')}-" in first)
            [(owner, _)] = await owners(db, session)
            monkeypatch.setattr(RtcClient, "worker", at_host[owner].address)
            notary = await Talker.enter(webs[at], "notary", session.tokens["a"])
            citizen = await Talker.enter(webs[1 - at], "citizen", session.tokens["b"])
            stack.push_async_callback(notary.close)
            stack.push_async_callback(citizen.close)
            await notary.hears(citizen)
            await citizen.hears(notary)

            broker.kill()
            await eventually(lambda: None if citizen.page.closed_with is not None else "the far line is still there")
            await notary.hears(citizen)  # what they say to each other needs no broker
            await citizen.hears(notary)
            broker.start()
            assert (await comes_back(webs[1 - at], citizen))["media"] == "kept"
            assert await leader(db, session) == first

            os.kill(products[at].process.pid, signal.SIGSTOP)  # its parent would start it again
            stack.callback(os.kill, products[at].process.pid, signal.SIGCONT)
            products[at].kill("web")
            for talker in (citizen, notary):
                assert (await comes_back(webs[1 - at], talker))["media"] == "kept"
            await notary.hears(citizen)
            await citizen.hears(notary)
            assert await leader(db, session) != first
            assert await owners(db, session) == [(owner, 1), (owner, 2)]

            workers[owner].kill()
            other = next(name for name in workers if name != owner)
            await asyncio.gather(notary.page.hears("rejoin"), citizen.page.hears("rejoin"))
            monkeypatch.setattr(RtcClient, "worker", at_host[other].address)
            await asyncio.gather(notary.make_again(), citizen.make_again())
            await asyncio.gather(notary.hears(citizen), citizen.hears(notary))
            assert await owners(db, session) == [(owner, 1), (owner, 2), (other, 3)]
            await notary.page.say({"type": "end", "reason": "completed"})
            assert (await citizen.page.hears("closed"))["why"] == "ended"
