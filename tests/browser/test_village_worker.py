"""The worker of a village room on a phone: help asked at the kiosk, who has a number, how the devices are; and what a device lacks, at the desk."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, expect

from tests.browser.test_pages_kiosk import REFUSING, kiosk_page, take
from tests.browser.test_roster import sign_in
from tests.support.browser import open_tab
from tests.support.looks import Looks, looked_at
from tests.support.page_visits import send_as
from tests.support.product import Product

PASSWORD = "坐下来慢慢说吧 2026"


async def add_worker(browser: Browser, demo: dict[str, Any], user: str) -> None:
    """By the administrator, at the site of the first kiosk."""
    administrator = await open_tab(browser)
    [url] = [person["sign_in_url"] for person in demo["people"] if person["role"] == "administrator"]
    await administrator.page.goto(url)
    sites = (await (await administrator.page.request.get(f"{demo_url(url)}/api/admin")).json())["sites"]
    [village] = [site["id"] for site in sites if site["slug"] == "liuyin"]
    person = {"user": user, "name_zh": "小周", "name_en": "Xiao Zhou", "password": PASSWORD, "role": "site_worker"}
    await send_as(administrator.page, "POST", "/api/admin/people", person | {"site": village})
    await administrator.context.close()


def demo_url(address: str) -> str:
    return "/".join(address.split("/")[:3])


async def test_a_worker_sees_the_room_and_goes_where_help_is_asked(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    await add_worker(chromium, demo, "xiao.zhou")
    kiosk = await kiosk_page(chromium, demo, 0, REFUSING % "NotFoundError")
    number = await take(kiosk)

    # At the notary's desk: no picture and no sound from there, and what helps
    notary = await open_tab(chromium, 1366, 768)
    await sign_in(notary, demo, "li.wanqing")
    lacks = notary.page.get_by_test_id("waiting-lacks")
    await expect(lacks).to_contain_text("没有画面", timeout=30_000)
    await expect(lacks).to_contain_text("没有声音")
    await expect(lacks).to_contain_text("请村里的工作人员看看话筒")

    # On the worker's phone: the first page after signing in
    page = await looked_at(chromium, "zh-CN", 390, 844)
    await page.goto(f"{product.url}/sign-in")
    await page.get_by_test_id("user-name").fill("xiao.zhou")
    await page.get_by_test_id("password").fill(PASSWORD)
    await page.get_by_test_id("sign-in").click()
    await page.wait_for_url("**/my-room")
    await expect(page.get_by_test_id("ticket-here")).to_contain_text(number)
    device = page.get_by_test_id("room-device")
    await expect(device).to_have_attribute("data-state", "here")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await kiosk.get_by_test_id("ask-help").click()
    await page.get_by_test_id("help-call").wait_for()
    looks = Looks()
    await looks.check(page, "a worker's room")
    looks.assert_clean()

    await page.get_by_test_id("take-help").click()
    await expect(kiosk.get_by_test_id("help-state")).to_have_attribute("data-state", "taken", timeout=30_000)
    await device.get_by_test_id("begin-anew").click()
    await expect(device.get_by_test_id("begin-anew")).to_have_attribute("aria-disabled", "true")
    assert notary.errors == []
