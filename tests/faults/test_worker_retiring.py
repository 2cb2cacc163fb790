"""A worker is replaced while people talk: they notice nothing, nobody new comes to it, and after the last one its successor takes rooms."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any, cast

import aiohttp

from tests.support.eventually import eventually
from tests.support.running_session import RunningSession, run_session
from tests.support.talker import Talker

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from server.db import Pool
    from tests.support.product import Product, ProductFactory


async def two_talk(
    web: TestClient[Any, Any], session: RunningSession, stack: contextlib.AsyncExitStack
) -> tuple[Talker, Talker]:
    leader = await Talker.enter(web, "leader", session.tokens["a"])
    stack.push_async_callback(leader.close)
    citizen = await Talker.enter(web, "citizen", session.tokens["b"])
    stack.push_async_callback(citizen.close)
    await hear_each_other(leader, citizen)
    return leader, citizen


async def hear_each_other(leader: Talker, citizen: Talker) -> None:
    await asyncio.gather(leader.hears(citizen), citizen.hears(leader))


async def owners(db: Pool, *sessions: RunningSession) -> list[list[str]]:
    """Of each session's room, one after the other."""
    query = "select worker from room_owner where room_id = $1 and until is null"
    return [[row["worker"] for row in await db.fetch(query, session.room_id)] for session in sessions]


def told(product: Product, times: int, text: str) -> str | None:
    return None if product.log().count(text) == times else f"{text!r} is not {times} times in\n{product.log()}"


async def test_a_worker_is_replaced_while_people_talk(
    db: Pool, database_url: str, start_product: ProductFactory
) -> None:
    product = start_product("--workers", "2", environ={"DATABASE_URL": database_url})
    await asyncio.to_thread(product.wait_ready)
    first, second, third, last = [await run_session(db) for _ in range(4)]
    async with contextlib.AsyncExitStack() as stack:
        web = cast("TestClient[Any, Any]", await stack.enter_async_context(aiohttp.ClientSession(product.url)))
        leader, citizen = await two_talk(web, first, stack)
        assert await owners(db, first) == [["w0"]]

        old = product.kill("w0", signal.SIGUSR1)
        await eventually(lambda: told(product, 1, "retiring: 1 rooms to go"))
        await two_talk(web, second, stack)
        await two_talk(web, third, stack)  # of two with as much to do the first by name would have it

        await hear_each_other(leader, citizen)
        assert not [message for message in leader.page.heard if message["type"] == "rejoin"]
        assert await owners(db, first, second, third) == [["w0"], ["w1"], ["w1"]]
        assert product.pid("w0") == old

        await leader.page.say({"type": "end", "reason": "completed"})
        assert (await citizen.page.hears("closed"))["why"] == "ended"
        await eventually(lambda: told(product, 1, "w0 ended with code 0"))
        await eventually(lambda: told(product, 2, "worker w0: incarnation"))
        await two_talk(web, last, stack)
        assert await owners(db, last) == [["w0"]]
        assert product.pid("w0") != old
