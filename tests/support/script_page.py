"""An empty page of a made-up host that serves our scripts from disk: what they do without a product."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Route

from tests.support.product import ROOT


async def script_page(browser: Browser) -> Page:
    """Everything below /static/ is there."""
    page = await browser.new_page()

    async def serve(route: Route) -> None:
        name = urlsplit(route.request.url).path.removeprefix("/static/")
        if name == "/":
            await route.fulfill(body="<!doctype html>", content_type="text/html")
        else:
            await route.fulfill(path=ROOT / "web/static" / name, content_type="text/javascript")

    await page.route("**/*", serve)
    await page.goto("http://page.test/")
    return page
