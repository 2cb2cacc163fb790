"""A line that lets no UDP through: the person is in the room by himself, over TCP, without knowing of it."""

from __future__ import annotations

import time
from typing import Any

from playwright.async_api import Browser

from tests.support.act import Act, call_next, end_session, everybody_sees, take_ticket
from tests.support.browser import open_tab, running_chromium
from tests.support.product import Product

# Chromium has had two names for it.
NO_UDP = [
    f"--{name}=disable_non_proxied_udp" for name in ("webrtc-ip-handling-policy", "force-webrtc-ip-handling-policy")
]

# The protocols of the pair that carries the call: ours, theirs.
_PAIR = """async () => {
  const stats = await window.laizuo.room.pc.getStats();
  const transport = [...stats.values()].find((report) => report.type === "transport");
  const pair = stats.get(transport.selectedCandidatePairId);
  return [stats.get(pair.localCandidateId).protocol, stats.get(pair.remoteCandidateId).protocol];
}"""


async def test_who_has_no_udp_joins_over_tcp_by_himself(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    async with running_chromium(*NO_UDP) as blocked:
        act = Act(await open_tab(blocked, 1080, 1920), await open_tab(chromium, 1366, 768))
        notary = next(person for person in demo["people"] if person["role"] == "notary")
        await act.kiosk.page.goto(demo["kiosks"][0]["url"])
        await act.notary.page.goto(notary["sign_in_url"])
        await take_ticket(act.kiosk)
        began = time.monotonic()
        await call_next(act)
        await everybody_sees(act, others=1)
        took_s = time.monotonic() - began

        assert await act.kiosk.page.evaluate(_PAIR) == ["tcp", "tcp"]
        assert await act.notary.page.evaluate(_PAIR) == ["udp", "udp"]
        print(f"both saw each other {took_s:.1f} s after the call, load included")
        await end_session(act)
        assert {name: tab.errors for name, tab in act.tabs().items()} == {"kiosk": [], "notary": []}
