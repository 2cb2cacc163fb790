"""A page of the application under test, opened in a browser by somebody who has signed in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.looks import AXE

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from tests.support.hall import Visitor

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
# Where to put pictures of what the test saw, for people who want to look.
PICTURES = os.environ.get("LAIZUO_TEST_PICTURES")


async def opened(browser: Browser, client: Any, who: Visitor, path: str, size: dict[str, int]) -> Page:
    """path  may name a place in the page: /sessions/1#t=7.5"""
    context = await browser.new_context(viewport=size, locale="zh-CN", bypass_csp=True, reduced_motion="reduce")  # type: ignore[arg-type]
    url = str(client.make_url("/"))
    await context.add_cookies([{"name": name, "value": value, "url": url} for name, value in who.cookies.items()])
    await context.add_init_script(path=AXE)
    page = await context.new_page()
    await page.goto(str(client.make_url(path.partition("#")[0])) + "".join(path.partition("#")[1:]))
    return page


async def seen(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a picture: of the whole page, or of what is on the screen."""
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=whole)
