"""The planner at work on the board: seen by whoever asked and by a colleague, stopped by either; a person's limits, a press away."""

from __future__ import annotations

import os
import signal
from datetime import date, timedelta

from playwright.async_api import Browser, Page

from tests.browser.test_roster import facts, sign_in
from tests.support.browser import Tab, open_tab
from tests.support.children import planners_of
from tests.support.eventually import eventually
from tests.support.page_visits import send_as
from tests.support.product import Product, ProductFactory

SITE = "rongchuan"
HOURS = [("07:00", "09:30"), ("10:00", "12:30"), ("13:00", "15:30"), ("16:00", "18:30")]


async def open_board(tab: Tab, url: str) -> Page:
    await tab.page.goto(f"{url}/roster/board?site={SITE}")
    await tab.see("board-shift")
    return tab.page


async def make_long_year(page: Page) -> int:
    """Four duties each day of a year, for everybody in turn and each with a week of three days: seconds of work for the planner. The revision."""
    site = await page.locator("#main").get_attribute("data-site")
    api = f"/api/rosters/{site}"
    board = await (await page.request.get(f"{page.url.split('/roster')[0]}{api}/board")).json()
    people = [one["id"] for one in board["people"]]
    for one in people:
        await send_as(page, "PUT", f"{api}/people/{one}/limits", {"max_days_a_week": 3, "rest_minutes": 660})
    board = await (await page.request.get(f"{page.url.split('/roster')[0]}{api}/board")).json()
    first = board["days"][0]["day"]
    days = {"first": first, "last": (date.fromisoformat(first) + timedelta(days=360)).isoformat()}
    made = await send_as(page, "PUT", f"{api}/window", {"revision": board["revision"], **days})
    for starts, ends in HOURS:
        rule = {"service": "legal_advice", "weekdays": [1, 2, 3, 4, 5, 6, 7], "starts": starts, "ends": ends}
        rule |= {"posts": [{"role": "lawyer"}], "members": [[one] for one in people], "anchor": first, "turn": "fair"}
        made = await send_as(page, "POST", f"{api}/rotations", {"revision": made["revision"], **rule})
    return int(made["revision"])


async def hold_planner(product: Product) -> None:
    """From now on it is at work until it is stopped, however long a colleague's page takes to come."""
    web, found = product.pid("web"), list[int]()

    def why_not() -> str | None:
        found[:] = planners_of(web)
        return None if found else "no planner is at work"

    await eventually(why_not)
    for pid in found:
        os.kill(pid, signal.SIGSTOP)


async def change_limits(tab: Tab, url: str) -> None:
    """From the board to the form of one person, and back to see them."""
    page = await open_board(tab, url)
    await page.get_by_role("link", name="刘斌").click()
    limits = page.locator("details[open] form[data-settings=limits]")
    await limits.get_by_role("spinbutton").first.fill("4")
    await limits.get_by_role("spinbutton").last.fill("11")
    await limits.get_by_test_id("home-site").select_option(label="云岭镇公共法律服务工作站")
    async with page.expect_navigation():
        await limits.get_by_test_id("save-limits").click()

    assert await limits.get_by_test_id("home-site").locator("option:checked").inner_text() == "云岭镇公共法律服务工作站"
    await open_board(tab, url)
    row = page.get_by_test_id("board-row").filter(has_text="刘斌")
    assert "每周最多 4 天" in await row.inner_text()
    assert "11 小时" in await row.inner_text()


async def test_limits_are_changed_and_a_long_plan_is_followed_by_all_and_stopped_by_a_colleague(
    start_product: ProductFactory, chromium: Browser
) -> None:
    product = start_product("--workers", "0").wait_ready()
    demo = await facts(product.url)
    asker, colleague = await open_tab(chromium, 1366, 768), await open_tab(chromium, 390, 844, "en")
    for tab in (asker, colleague):
        await sign_in(tab, demo, "sun.hui")
    await change_limits(asker, product.url)
    page = await open_board(asker, product.url)
    revision = await make_long_year(page)
    await open_board(asker, product.url)
    assert not await page.get_by_test_id("planner").is_visible()

    await asker.press("board-balance")
    await hold_planner(product)
    await asker.see("planner")
    await open_board(colleague, product.url)
    await colleague.see("planner")
    await colleague.press("planner-stop")

    for tab in (asker, colleague):
        await tab.page.get_by_test_id("planner").wait_for(state="hidden", timeout=60_000)
    await page.get_by_text("已停止自动排班").wait_for()
    assert int(await page.get_by_test_id("board-grid").get_attribute("data-revision") or 0) == revision
    assert asker.errors == colleague.errors == []
