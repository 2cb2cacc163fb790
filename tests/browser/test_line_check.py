"""The device check tries the line too: a score, what was found, and what to do; the way by TCP is told."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser

from tests.browser.test_udp_blocked import NO_UDP
from tests.support.browser import Tab, open_tab, running_chromium
from tests.support.product import Product


async def try_line(tab: Tab, url: str) -> tuple[str, str]:
    """What the kiosk's mirror says of the line: figures and advice."""
    await tab.page.goto(url)
    await tab.press("choose-notarization")
    await tab.press("test-line")
    await tab.see("line-score", timeout_s=30)
    figures, advice = await tab.see("line-figures"), await tab.see("line-advice")
    return str(await figures.inner_text()), str(await advice.inner_text())


async def test_the_check_finds_the_way_the_score_and_the_advice(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    tab = await open_tab(chromium, 1080, 1920)
    figures, advice = await try_line(tab, demo["kiosks"][0]["url"])
    assert "UDP" in figures
    assert "kbit/s" in figures
    assert advice
    assert tab.errors == []

    async with running_chromium(*NO_UDP) as blocked:
        other = await open_tab(blocked, 390, 844)
        figures, _ = await try_line(other, demo["kiosks"][1]["url"])
        assert "TCP" in figures
