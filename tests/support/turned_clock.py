"""A page's clock, turned forward: what it does every so often is done without waiting so long. `page.clock.install()` comes before its first page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page

from tests.support.eventually import eventually

TURN_MS = 4_000


async def turned(page: Page, done: Callable[[], Awaitable[bool]]) -> None:
    """Turn the page's clock forward, a few seconds at a time, until it is so: what the service does meanwhile takes its own time."""

    async def why() -> str | None:
        try:
            await page.clock.run_for(TURN_MS)
            return None if await done() else f"not yet: {await page.inner_text('body')}"
        except PlaywrightError as error:  # it is loading itself anew
            return f"not yet: {error}"

    await eventually(why)
