"""What a coordinator enters about a site, on a phone and on a desk: closed days, services, a way, a volunteer, the year's series."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Browser

from schedules.core.explain import local_day
from server.app import utc_now
from tests.browser.test_roster import facts, sign_in
from tests.support.browser import Tab, open_tab
from tests.support.product import ProductFactory

SITE = "rongyin"


async def press_and_reload(tab: Tab, name: str) -> None:
    """A form that is taken shows its page anew."""
    async with tab.page.expect_navigation():
        await tab.press(name)


async def enter_offers(tab: Tab, url: str) -> None:
    page = tab.page
    await page.goto(f"{url}/roster?site={SITE}")
    await tab.press("open-offers")
    closed = (local_day(utc_now()) + timedelta(days=2)).isoformat()
    await tab.press("add-closure")
    await page.get_by_role("alert").first.wait_for()  # no day given: said, nothing sent
    await page.get_by_test_id("closure-first").fill(closed)
    await page.get_by_test_id("closure-last").fill(closed)
    await page.get_by_test_id("closure-reason").fill("停电检修")
    await press_and_reload(tab, "add-closure")
    await page.get_by_test_id("opens-6-1").fill("09:00")
    await page.get_by_test_id("closes-6-1").fill("11:30")
    await press_and_reload(tab, "save-hours")
    await tab.press("offer-forensic")
    await press_and_reload(tab, "save-services")
    await page.get_by_test_id("way-liuyin").fill("35")
    await press_and_reload(tab, "save-ways")

    assert "停电检修" in await (await tab.see("closure")).inner_text()
    assert await page.get_by_test_id("closes-6-1").input_value() == "11:30"
    assert (await (await tab.see("offer-count")).inner_text()).strip() == "3 + 2"
    assert await page.get_by_test_id("way-liuyin").input_value() == "35"
    await page.goto(f"{url}/sites/{SITE}")
    opening = await (await tab.see("site-opening")).inner_text()
    assert "09:00-11:30" in opening
    assert "停电检修" in opening


async def admit_and_let_go(tab: Tab, url: str) -> None:
    page = tab.page
    await page.goto(f"{url}/roster/teams?site={SITE}")
    await page.get_by_test_id("admit-team").select_option("volunteers")
    await press_and_reload(tab, "admit")
    pool = page.locator("[data-testid=team][data-team=volunteers]")
    await pool.get_by_test_id("end-membership").click()
    async with page.expect_navigation():
        await tab.press("confirm-exit")
    assert "退出" in await pool.get_by_test_id("member").inner_text()
    assert await pool.get_by_test_id("end-membership").count() == 0


async def plan_the_year(tab: Tab, url: str) -> None:
    await tab.page.goto(f"{url}/events-board?site={SITE}")
    await tab.press("add-series")
    await tab.page.get_by_test_id("series-title").fill("社区普法讲座")
    await tab.page.get_by_test_id("quota-liuyin").fill("12")
    assert (await tab.page.get_by_test_id("series-total").inner_text()) == "= 24"
    await press_and_reload(tab, "save-series")
    series = tab.page.get_by_test_id("series").filter(has_text="社区普法讲座")
    assert "0/24" in await series.inner_text()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1366, 768)], ids=["phone", "desktop"])
async def test_a_coordinator_enters_what_a_site_offers(
    start_product: ProductFactory, chromium: Browser, width: int, height: int
) -> None:
    product = start_product("--workers", "0").wait_ready()
    tab = await open_tab(chromium, width, height)
    await sign_in(tab, await facts(product.url), "sun.hui")

    await enter_offers(tab, product.url)
    await admit_and_let_go(tab, product.url)
    await plan_the_year(tab, product.url)

    assert tab.errors == []
