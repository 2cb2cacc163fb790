"""The kiosk as a device that somebody looks after from afar: it says how it is, loads its page anew when asked, stops when it is shut out."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, Error, Page, expect

from tests.support.browser import open_tab
from tests.support.eventually import eventually
from tests.support.looks import Looks, looked_at
from tests.support.product import Product

KEPT = """async () => {
  const db = await new Promise((done) => { const asked = indexedDB.open("laizuo-kiosk"); asked.onsuccess = () => done(asked.result); });
  const asked = db.transaction("kept").objectStore("kept").get("all");
  const kept = await new Promise((done) => { asked.onsuccess = () => done(asked.result); });
  db.close();
  return kept;
}"""


async def test_a_device_is_looked_after_from_afar(product: Product, demo: dict[str, Any], chromium: Browser) -> None:
    kiosk = await looked_at(chromium, "zh-CN", 1080, 1920)
    await kiosk.context.clock.install()
    await kiosk.goto(demo["kiosks"][0]["url"])
    await kiosk.get_by_test_id("choose-notarization").wait_for()
    administrator = await open_tab(chromium, 1440, 900)
    admin = administrator.page
    await admin.goto(next(person["sign_in_url"] for person in demo["people"] if person["role"] == "administrator"))
    device = admin.get_by_test_id("endpoint").filter(has=admin.locator("[data-testid=health][data-state=here]"))
    await expect(device).to_contain_text("页面版本")

    # Asked for a new page: not while somebody is served, at the next report when nobody is
    await kiosk.get_by_test_id("choose-notarization").click()
    await device.get_by_test_id("reload-endpoint").click()
    await kiosk.evaluate("window.before = true")
    await kiosk.clock.run_for(31_000)
    await told(kiosk, admin, product)
    assert await kiosk.evaluate("window.before") is True
    await kiosk.get_by_test_id("start-over").click()
    await turned_until_new(kiosk)
    await kiosk.get_by_test_id("choose-notarization").wait_for()

    # Shut out: no number any more, nothing kept, within a minute
    await device.get_by_test_id("revoke-endpoint").click()
    await admin.get_by_test_id("confirm-revoke-endpoint").click()
    await kiosk.get_by_test_id("shut-out").wait_for(timeout=60_000)
    assert await kiosk.get_by_test_id("take-ticket").count() == 0
    assert {name: value for name, value in (await kiosk.evaluate(KEPT)).items() if name in ("kit", "offer")} == {
        "kit": None,
        "offer": None,
    }
    looks = Looks()
    await looks.check(kiosk, "shut out")
    looks.assert_clean()
    assert administrator.errors == []


async def told(kiosk: Page, admin: Page, product: Product) -> None:
    """The device has heard of the wish."""

    async def why() -> str | None:
        await kiosk.clock.run_for(2_000)
        found = await (await admin.request.get(f"{product.url}/api/admin/health")).json()
        waiting = [one["name"] for one in found["endpoints"] if one["reload_wanted"]]
        return f"not told: {waiting}" if waiting else None

    await eventually(why)


async def turned_until_new(kiosk: Page) -> None:
    async def why() -> str | None:
        try:
            await kiosk.clock.run_for(10_000)
            return "the page is the old one" if await kiosk.evaluate("window.before") else None
        except Error as between:  # asked in the moment in which the old page goes and the new one comes
            return f"no page answers: {between}"

    await eventually(why)
