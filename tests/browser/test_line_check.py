"""The device check tries the line too: a score, what was found, and what to do."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser

from tests.support.browser import open_tab
from tests.support.product import Product


async def test_the_check_finds_the_way_the_score_and_the_advice(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    tab = await open_tab(chromium, 1080, 1920)
    await tab.page.goto(demo["kiosks"][0]["url"])
    await tab.press("choose-notarization")
    await tab.press("test-line")

    score = await tab.see("line-score", timeout_s=30)
    figures = await (await tab.see("line-figures")).inner_text()
    advice = await (await tab.see("line-advice")).inner_text()

    assert "100" in await score.inner_text()
    assert "UDP" in figures
    assert "kbit/s" in figures
    assert advice
    assert tab.errors == []
