"""The load of `bench feeds` against an application in this process: reads at a rate while a coordinator publishes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from server import bench
from server.app import build_app
from server.bench.feedload.order import Order, Seen, carry_out
from server.bench.feedload.publisher import Published, publish_until
from server.bench.feeds import steady_figures
from server.bench.product import RunningProduct

if TYPE_CHECKING:
    from pytest_aiohttp.plugin import AiohttpClient

    from server.config import Settings


async def test_no_body_is_wrong_and_no_answer_stale_while_rosters_are_published(
    settings: Settings, aiohttp_client: AiohttpClient
) -> None:
    client: Any = await aiohttp_client(build_app(msgspec.structs.replace(settings, demo=True)))
    url = str(client.make_url("")).rstrip("/")
    facts = await (await client.get("/demo.json")).json()
    for person in facts["people"]:
        person["sign_in_url"] = url + "/" + person["sign_in_url"].split("/", 3)[3]
    stop = asyncio.Event()
    publishing = asyncio.create_task(publish_until(RunningProduct(url, facts), "rongchuan", stop))

    async def read() -> Seen:
        try:
            return await carry_out(Order(f"{url}/feeds/rongchuan.ics", 2.0, 8, rate=100))
        finally:
            stop.set()

    seen, published = await asyncio.gather(read(), publishing)

    assert seen.count == 200
    assert set(seen.statuses) == {"200", "304"}
    assert (seen.wrong, published.stale(seen.answers)) == (0, 0)
    assert len(published.versions) > 1
    page = Path(bench.__file__).with_name("FIGURES.md").read_text("utf-8")
    assert [key for key in steady_figures(seen, published, 1.0) if f"`{key}`" not in page] == []


def test_an_answer_is_stale_only_if_the_newer_version_was_confirmed_before_it_was_asked_for() -> None:
    published = Published([("a", 1.0), ("b", 2.0), ("c", 3.0)])

    assert published.stale([("a", 1.9), ("a", 2.0), ("b", 2.5), ("b", 1.9), ("c", 9.0)]) == 0
    assert published.stale([("a", 2.1), ("b", 3.1), ("never", 1.5)]) == 3
