"""A lecture at a kiosk: told on the first screen, heard in the room with two taps, gone from the screen when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from playwright.async_api import Browser, Page, expect

from schedules.core.model import CHINA
from server.app import utc_now
from tests.browser.test_pages_kiosk import MEASURE
from tests.browser.test_roster import sign_in
from tests.support.browser import open_tab
from tests.support.looks import Looks, looked_at
from tests.support.page_visits import send_as
from tests.support.product import Product

COUNT_TAPS = "addEventListener('pointerdown', () => { window.taps = (window.taps ?? 0) + 1; }, true);"


def whole_day(now: datetime) -> str:
    """A day whose lecture from midnight to midnight may be opened now, and for an hour and more: a room opens two hours early."""
    return (now + timedelta(minutes=90)).astimezone(CHINA).date().isoformat()


async def announce(coordinator: Page, title: str, day: str) -> str:
    lecture = {"title": title, "on": day, "starts": "00:00", "ends": "23:59", "venue": "一楼会议室"}
    made = await send_as(coordinator, "POST", "/api/sites/liuyin/lectures", lecture)
    await send_as(coordinator, "POST", f"/api/events/{made['event']}/publish", {"revision": made["revision"]})
    return str(made["event"])


async def assert_for_everybody(page: Page, what: str) -> None:
    """Nothing for axe in any look, nothing smaller than a fingertip, nothing beyond the edge."""
    looks = Looks()
    await looks.check(page, what)
    looks.assert_clean()
    assert await page.evaluate(MEASURE) == {"small": [], "wide": 0}, what


async def test_a_village_listens_with_two_taps(product: Product, demo: dict[str, Any], chromium: Browser) -> None:
    coordinator, speaker = await open_tab(chromium), await open_tab(chromium)
    await sign_in(coordinator, demo, "sun.hui")
    await sign_in(speaker, demo, "chen.shufen")
    event = await announce(coordinator.page, "土地流转与合同", whole_day(utc_now()))
    page = await looked_at(chromium, "zh-CN", 1080, 1920)
    await page.add_init_script(COUNT_TAPS)

    # Announced, not open yet
    await page.goto(demo["kiosks"][0]["url"])
    await expect(page.get_by_test_id("choose-lecture")).to_contain_text("法治讲座：土地流转与合同")
    await assert_for_everybody(page, "a lecture on the menu")
    await page.get_by_test_id("choose-lecture").click()
    await expect(page.get_by_test_id("kiosk-lecture")).to_have_attribute("data-open", "false")
    await assert_for_everybody(page, "lectures to come")
    await page.get_by_test_id("back-to-menu").click()

    # The speaker opens the room: two taps, and the door
    await speaker.page.goto(f"{product.url}/events/{event}")
    await speaker.press("open-lecture")
    await speaker.page.wait_for_url("**/room/*")
    await page.reload()
    await page.locator("[data-testid=choose-lecture][data-open=true]").click()
    await assert_for_everybody(page, "a lecture that can be heard")
    await page.evaluate("window.taps = 1")
    await page.get_by_test_id("attend-lecture").click()
    await page.get_by_test_id("waiting-for-admission").wait_for()
    assert await page.evaluate("window.taps") == 2
    await speaker.press("admit-person", 60)
    await expect(page.get_by_test_id("connection-state")).to_have_attribute("data-state", "connected", timeout=60_000)

    # Over: thanks, and the first screen again
    await speaker.press("end-session")
    await speaker.press("confirm-end-session")
    await page.locator("[data-testid=room-closed][data-why=ended]").wait_for()
    await page.get_by_test_id("done").click()
    await page.get_by_test_id("choose-notarization").wait_for()
    assert speaker.errors == coordinator.errors == []
