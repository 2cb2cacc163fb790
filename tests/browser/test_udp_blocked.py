"""A line that lets no UDP through: people are in the room by themselves, over TCP, without knowing of it."""

from __future__ import annotations

import time

import aiohttp
from playwright.async_api import Browser

from tests.support.act import call_next, end_session, everybody_sees, open_tabs, take_ticket
from tests.support.product import ProductFactory
from tests.support.tcp_only import free_port, product_told, tcp_only

# The protocols of the pair that carries the call: ours, theirs.
_PAIR = """async () => {
  const stats = await window.laizuo.room.pc.getStats();
  const transport = [...stats.values()].find((report) => report.type === "transport");
  const pair = stats.get(transport.selectedCandidatePairId);
  return [stats.get(pair.localCandidateId).protocol, stats.get(pair.remoteCandidateId).protocol];
}"""


async def test_who_has_no_udp_joins_over_tcp_by_himself(start_product: ProductFactory, chromium: Browser) -> None:
    port = free_port()
    product = product_told(start_product, port)
    async with aiohttp.ClientSession() as session, session.get(f"{product.url}/demo.json") as answer:
        demo = await answer.json()
    with tcp_only(port) as way:
        act = await open_tabs(chromium, demo)
        await take_ticket(act.kiosk)
        began = time.monotonic()
        await call_next(act)
        await everybody_sees(act, others=1)
        took_s = time.monotonic() - began

        for tab in act.tabs().values():
            assert await tab.page.evaluate(_PAIR) == ["tcp", "tcp"]
        assert way.carried > 50_000
        print(f"both saw each other {took_s:.1f} s after the call, load included")
        await end_session(act)
        assert {name: tab.errors for name, tab in act.tabs().items()} == {"kiosk": [], "notary": []}
