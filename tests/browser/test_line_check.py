"""The device check tries the line too: a score, what was found, what to do; and the desk sees who has no line to speak over."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from tests.support.act import open_tabs
from tests.support.browser import Tab, open_tab
from tests.support.eventually import eventually
from tests.support.product import ROOT, Product, ProductFactory
from tests.support.script_page import script_page
from tests.support.slow_line import slow_line
from tests.support.tcp_only import free_port, product_told, tcp_only

WORDS = json.loads((ROOT / "web/locales/zh-CN/line.json").read_text("utf-8"))
GOOD: dict[str, Any] = {"way": "udp", "rtt_ms": 20, "loss": 0.0, "kbit_s": 1500}
NOTHING: dict[str, Any] = {"way": None, "rtt_ms": None, "loss": None, "kbit_s": None}
JUDGE = """async (lines) => {
  const { judge } = await import("/static/js/call/line_check.js");
  return lines.map(judge);
}"""
# The connection that was tried last, for a test to see how far it is.
KEEP_TRIED = """(() => {
  const set = RTCPeerConnection.prototype.setLocalDescription;
  RTCPeerConnection.prototype.setLocalDescription = function (...given) {
    window.tried = this;
    return set.apply(this, given);
  };
})();"""


# Each threshold from both sides: what still costs nothing, what costs, and what costs more.
VERDICTS: list[tuple[dict[str, Any], int, str]] = [
    (GOOD, 100, "good"),
    (NOTHING | {"way": "udp"}, 100, "good"),  # what a browser does not tell is not held against the line
    (NOTHING, 0, "none"),
    (GOOD | {"loss": 0.02}, 100, "good"),
    (GOOD | {"loss": 0.021}, 80, "lossy"),
    (GOOD | {"loss": 0.1}, 80, "lossy"),
    (GOOD | {"loss": 0.101}, 50, "lossy"),
    (GOOD | {"rtt_ms": 200}, 100, "good"),
    (GOOD | {"rtt_ms": 201}, 90, "slow"),
    (GOOD | {"rtt_ms": 400}, 90, "slow"),
    (GOOD | {"rtt_ms": 401}, 70, "slow"),
    (GOOD | {"kbit_s": 250}, 100, "good"),
    (GOOD | {"kbit_s": 249}, 85, "narrow"),
    (GOOD | {"kbit_s": 100}, 85, "narrow"),
    (GOOD | {"kbit_s": 99}, 60, "narrow"),
    (GOOD | {"way": "tcp"}, 90, "tcp"),
    (GOOD | {"way": "tcp", "rtt_ms": 250}, 80, "slow"),  # of two that cost the same, what can be done something about
    (GOOD | {"way": "tcp", "kbit_s": 200}, 75, "narrow"),
    (GOOD | {"rtt_ms": 500, "loss": 0.05}, 50, "slow"),
    (GOOD | {"way": "tcp", "rtt_ms": 900, "loss": 0.5, "kbit_s": 20}, 5, "lossy"),  # 0 is no connection only
]


async def test_a_line_is_judged_by_what_it_costs_the_call(chromium: Browser) -> None:
    page = await script_page(chromium)

    verdicts = await page.evaluate(JUDGE, [line for line, _, _ in VERDICTS])

    assert verdicts == [{"line": line, "score": score, "advice": advice} for line, score, advice in VERDICTS]


async def test_the_check_finds_the_way_the_score_and_the_advice(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    tab = await open_tab(chromium, 1080, 1920)
    await tab.page.goto(demo["kiosks"][0]["url"])

    score, figures, advice = await try_line(tab)

    assert "100" in score
    assert WORDS["way_udp"] in figures
    assert "kbit/s" in figures
    assert advice == WORDS["advice_good"]
    assert tab.errors == []


async def test_who_has_no_udp_is_told_of_the_detour(start_product: ProductFactory, chromium: Browser) -> None:
    port = free_port()
    product = product_told(start_product, port)
    async with aiohttp.ClientSession() as session, session.get(f"{product.url}/demo.json") as answer:
        demo = await answer.json()
    with tcp_only(port):
        tab = await open_tab(chromium, 1080, 1920)
        await tab.page.goto(demo["kiosks"][0]["url"])

        _, figures, advice = await try_line(tab)

        assert WORDS["way_tcp"] in figures
        assert advice != WORDS["advice_good"]
        assert tab.errors == []


@pytest.mark.parametrize("connected_first", [False, True], ids=["from-the-start", "while-tried"])
async def test_a_dead_line_is_no_line_and_the_desk_is_told(
    product: Product, demo: dict[str, Any], chromium: Browser, *, connected_first: bool
) -> None:
    act = await open_tabs(chromium, demo, marked=False)
    await act.kiosk.context.add_init_script(script=KEEP_TRIED)
    async with slow_line(act.kiosk.context) as line:
        await act.kiosk.page.reload()
        line.dead = not connected_first
        await begin_trial(act.kiosk)
        if connected_first:
            await eventually(partial(tries, act.kiosk))
            line.dead = True
        score, _, advice = await found(act.kiosk)
        await act.kiosk.press("take-ticket")
        await act.kiosk.see("ticket-number")

        assert score == WORDS["score"].replace("{score}", "0")
        assert advice == WORDS["advice_none"]
        lacks = act.notary.page.get_by_test_id("waiting-lacks").locator("[data-state]")
        await expect(lacks).to_have_count(1)
        await expect(lacks).to_have_attribute("data-state", "network")
    assert {name: tab.errors for name, tab in act.tabs().items()} == {"kiosk": [], "notary": []}


async def try_line(kiosk: Tab) -> tuple[str, str, str]:
    """Score, figures and advice, as the page words them."""
    await begin_trial(kiosk)
    return await found(kiosk)


async def begin_trial(kiosk: Tab) -> None:
    await kiosk.press("choose-notarization")
    await kiosk.see("self-video")  # the trial sends it
    await kiosk.press("test-line")


async def tries(kiosk: Tab) -> str | None:
    """Why the trial is not under way yet."""
    state = await kiosk.page.evaluate("() => window.tried?.connectionState")
    return None if state == "connected" else f"the connection that is tried is {state}"


async def found(kiosk: Tab) -> tuple[str, str, str]:
    await kiosk.see("line-score")
    score, figures, advice = [
        (await kiosk.page.get_by_test_id(f"line-{what}").text_content() or "").strip()
        for what in ("score", "figures", "advice")
    ]
    return score, figures, advice
