"""Makes the pictures of README.md by a browser run of the real product: `python -m tests.support.pictures`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.act import call_next, invite_third, open_tabs, take_ticket
from tests.support.browser import open_tab, running_chromium
from tests.support.product import ROOT, ProductFactory

TARGET = ROOT / "web/pictures"


async def _picture(page: Any, name: str) -> None:
    await page.wait_for_timeout(1500)  # notices fade, pictures arrive
    await page.screenshot(path=TARGET / f"{name}.png", scale="css")


async def make(url: str) -> None:
    """Walk through one session and take its pictures."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/demo.json") as answer:
        demo = await answer.json()
    async with running_chromium() as browser:
        act = await open_tabs(browser, demo, marked=False)
        await act.kiosk.page.set_viewport_size({"width": 540, "height": 960})
        await _picture(act.kiosk.page, "kiosk-menu")
        await take_ticket(act.kiosk)
        await _picture(act.kiosk.page, "kiosk-ticket")
        await call_next(act)
        await invite_third(act, browser, marked=False)
        await act.notary.page.wait_for_timeout(4000)
        await _picture(act.notary.page, "room")
        public = await open_tab(browser, 1024, 768)
        await public.page.goto(demo["pages"]["site rongchuan"])
        await _picture(public.page, "site")


def main() -> None:
    """Start a product, take the pictures, end it."""
    Path(TARGET).mkdir(exist_ok=True)
    factory = ProductFactory()
    try:
        asyncio.run(make(factory("--workers", "1").wait_ready().url))
    finally:
        factory.close()


if __name__ == "__main__":
    main()
