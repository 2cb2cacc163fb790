"""The roster's whole way in a browser: rotation, preview, decision, publish, public page, subscription. And axe on each of its pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Browser, Page, expect

from schedules.core import ical
from tests.support.browser import Tab, open_tab
from tests.support.product import ProductFactory

AXE = Path(__file__).resolve().parent.parent / "vendor/axe-core-4.14.1/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SITE = "yunling"  # the demo's town without a roster


async def facts(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/demo.json") as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def read_feed(url: str) -> ical.Feed:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        return ical.parse(await answer.read())


async def sign_in(tab: Tab, demo: dict[str, Any], user: str) -> None:
    [person] = [person for person in demo["people"] if person["user"] == user]
    await tab.page.goto(person["sign_in_url"])


async def choose(page: Page, name: str, label: str) -> None:
    """Pick the option whose words begin with this."""
    option = page.get_by_test_id(name).first.locator("option").filter(has_text=re.compile(rf"^\s*{label}"))
    await page.get_by_test_id(name).first.select_option(label=await option.inner_text())


async def test_a_coordinator_publishes_a_month_and_a_citizen_subscribes(
    start_product: ProductFactory, chromium: Browser
) -> None:
    product = start_product("--workers", "0").wait_ready()
    demo = await facts(product.url)
    coordinator = await open_tab(chromium, 1366, 768)
    page = coordinator.page
    await sign_in(coordinator, demo, "sun.hui")

    # A rotation of two mediators, every day
    await page.goto(f"{product.url}/roster?site={SITE}")
    await coordinator.press("add-rotation")
    await page.get_by_test_id("rotation-service").select_option("mediation")
    for number in (6, 7):
        await coordinator.press(f"rotation-weekday-{number}")
    await coordinator.press("save-rotation")
    await page.get_by_role("alert").wait_for()  # nobody chosen yet: said beside the field, nothing sent
    await choose(page, "rotation-member-0-0", "王建国")
    await choose(page, "rotation-member-1-0", "张䶮")
    await page.get_by_test_id("rotation-starts").fill("18:00")
    await page.get_by_test_id("rotation-ends").fill("20:00")
    await coordinator.press("save-rotation")
    await coordinator.see("rotation")

    # Preview, with the reason of each assignment, and one decision on it
    await coordinator.press("preview-roster")
    slots = page.get_by_test_id("preview-slot")
    await expect(slots.nth(26)).to_be_visible()
    shifts = await slots.count()
    assert shifts in (27, 28)  # four weeks, and today's is over at eight in the evening
    await slots.nth(1).locator("summary").click()
    assert "轮到" in await slots.nth(1).get_by_test_id("why").inner_text()
    await slots.nth(3).get_by_test_id("change-shift").click()
    await choose(page, "substitute-person", "陈淑芬")
    await coordinator.press("substitute-shift")
    await coordinator.see("override")

    # Publish what was seen; the same again is not offered
    await coordinator.press("publish-roster")
    await coordinator.see("published")
    await coordinator.press("preview-roster")
    await coordinator.see("no-changes")
    assert await page.get_by_test_id("publish-roster").get_attribute("aria-disabled") == "true"

    # A citizen, on a phone, who never signed in
    citizen = await open_tab(chromium, 390, 844)
    await citizen.page.goto(f"{product.url}/sites/{SITE}")
    await citizen.see("duty-month")
    link = await citizen.page.get_by_test_id("feed-link").first.input_value()
    assert await citizen.page.get_by_test_id("subscribe-webcal").first.get_attribute("href") == link.replace(
        "http://", "webcal://"
    )
    await citizen.press("show-feed-qr")
    picture = await citizen.see("feed-qr")
    assert await picture.locator("img").evaluate("image => image.naturalWidth") > 100
    await citizen.press("copy-feed-link")
    feed = await read_feed(link)
    assert shifts - 1 <= len(feed.events) <= shifts  # today's shift may have ended by now
    assert coordinator.errors == citizen.errors == []


async def test_a_notary_has_a_private_calendar(start_product: ProductFactory, chromium: Browser) -> None:
    product = start_product("--workers", "0").wait_ready()
    demo = await facts(product.url)
    notary = await open_tab(chromium, 390, 844)
    await sign_in(notary, demo, "li.wanqing")

    await notary.page.goto(f"{product.url}/my-duty")
    await notary.see("own-duties")
    await notary.press("rotate-feed")
    await notary.see("feed-link")
    link = await notary.page.get_by_test_id("feed-link").input_value()
    feed = await read_feed(link)
    await notary.page.reload()
    await notary.press("revoke-feed")
    await notary.page.get_by_test_id("revoke-feed").wait_for(state="detached")

    assert feed.events
    assert {event.busy for event in feed.events} == {True}
    async with aiohttp.ClientSession() as session, session.get(link) as answer:
        assert answer.status == 404
    assert notary.errors == []


async def test_axe_finds_nothing_on_roster_pages(start_product: ProductFactory, chromium: Browser) -> None:
    product = start_product("--workers", "0").wait_ready()
    demo = await facts(product.url)
    found: dict[str, list[str]] = {}
    for language, theme, width in (("zh-CN", "light", 1366), ("en", "dark", 390), ("en", "contrast", 1366)):
        # axe is put into the page by the test's own hand, past the page's content security policy
        context = await chromium.new_context(locale=language, bypass_csp=True, viewport={"width": width, "height": 844})
        await context.add_init_script(f"localStorage.setItem('laizuo.theme', '{theme}')")
        await context.add_init_script(path=AXE)
        tab = Tab(context, await context.new_page())
        await sign_in(tab, demo, "sun.hui")
        for path in (
            "/sites/rongchuan",
            "/roster?preview=1",
            "/roster/rotation?site=rongchuan",
            "/roster/offers",
            "/roster/teams",
            "/my-duty",
            "/sites",
        ):
            await tab.page.goto(product.url + path)
            if lines := await complaints(tab.page):
                found[f"{path} {language} {theme}"] = lines
        assert tab.errors == []

    assert not found, "\n".join(f"{what}\n  " + "\n  ".join(sorted(set(lines))[:6]) for what, lines in found.items())


async def complaints(page: Page) -> list[str]:
    found = await page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", RULES
    )
    return [
        f"{v['id']}: {node['failureSummary']} :: {node['html'][:200]}"
        for v in found["violations"]
        for node in v["nodes"]
    ]
