"""What stands beside a kiosk: a card reader on loopback that fills in the name and nothing else, and a portrait for whoever agrees to one."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.support.browser import open_tab
from tests.support.card_reader import CardReader, running_reader
from tests.support.eventually import eventually
from tests.support.looks import Looks, looked_at
from tests.support.product import Product

CARD = {"name": "王秀兰", "number": "310000195001010000", "address": "柳荫村 1 号"}
ELSEWHERE = """async (address) => { try { await fetch(address, {mode: "no-cors"}); return "let through"; } catch { return "refused"; } }"""


async def test_the_card_fills_in_the_name_and_the_portrait_needs_a_yes(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    looks = Looks()
    kiosk = await looked_at(chromium, "zh-CN", 1080, 1920)
    async with running_reader(product.url) as reader, running_reader(product.url) as another:
        await tell_the_kiosk(chromium, product, demo, reader)
        await kiosk.goto(demo["kiosks"][0]["url"])
        await kiosk.get_by_test_id("choose-notarization").click()
        await kiosk.get_by_test_id("give-name").click()
        await kiosk.get_by_test_id("read-card").click()
        await expect(kiosk.get_by_test_id("card-state")).to_have_attribute("data-state", "card_none")
        await looks.check(kiosk, "no card")
        reader.card = CARD
        await kiosk.get_by_test_id("read-card").click()
        await expect(kiosk.get_by_test_id("citizen-name")).to_have_value("王秀兰")
        assert reader.asked == [["name"], ["name"]]
        assert "310000195001010000" not in await kiosk.content()
        assert another.asked == []
    await kiosk.get_by_test_id("read-card").click()
    await expect(kiosk.get_by_test_id("card-state")).to_have_attribute("data-state", "card_no_reader")
    await kiosk.get_by_test_id("take-ticket").click()
    await kiosk.get_by_test_id("ticket-number").wait_for()

    # The portrait: nothing is taken before the yes, staff see it, and it goes by one press
    desk = await the_desk(chromium, demo)
    await expect(desk.get_by_test_id("person-card")).to_contain_text("王秀兰")
    assert await desk.get_by_test_id("desk-portrait").count() == 0
    await looks.check(kiosk, "a portrait?")
    await kiosk.get_by_test_id("agree-portrait").click()
    await expect(kiosk.get_by_test_id("portrait")).to_have_attribute("data-state", "taken")
    await looks.check(kiosk, "the portrait")
    await desk.reload()
    picture = desk.get_by_test_id("desk-portrait")
    await picture.wait_for()
    await desk.wait_for_function("() => document.querySelector('[data-testid=desk-portrait]').naturalWidth > 300")
    await kiosk.get_by_test_id("drop-portrait").click()
    await expect(kiosk.get_by_test_id("portrait")).to_have_attribute("data-state", "")
    await desk.reload()
    await expect(desk.get_by_test_id("person-card")).to_contain_text("王秀兰")
    assert await desk.get_by_test_id("desk-portrait").count() == 0
    looks.assert_clean()


async def tell_the_kiosk(browser: Browser, product: Product, demo: dict[str, Any], reader: CardReader) -> None:
    """The administrator writes the reader's address; one that is not on the device is refused."""
    admin = (await open_tab(browser, 1440, 900)).page
    await admin.goto(next(person["sign_in_url"] for person in demo["people"] if person["role"] == "administrator"))
    kiosk = demo["kiosks"][0]["site"]
    await admin.get_by_test_id("endpoint").filter(has_text=kiosk).get_by_test_id("set-reader").click()
    await admin.get_by_test_id("reader-address").fill("http://192.0.2.1:80")
    await admin.get_by_test_id("save-reader").click()
    await expect(admin.get_by_test_id("reader-address")).to_have_attribute("aria-invalid", "true")
    await admin.get_by_test_id("reader-address").fill(reader.address)
    await admin.get_by_test_id("save-reader").click()
    await expect(admin.get_by_test_id("reader-address")).to_have_count(0)


async def the_desk(browser: Browser, demo: dict[str, Any]) -> Page:
    page = (await open_tab(browser, 1440, 900)).page
    await page.goto(next(person["sign_in_url"] for person in demo["people"] if person["role"] == "notary"))
    return page


async def test_the_page_reaches_no_other_program_of_the_device(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    async with running_reader(product.url) as reader, running_reader(product.url) as another:
        await tell_the_kiosk(chromium, product, demo, reader)
        kiosk = (await open_tab(chromium, 1080, 1920)).page
        loads: list[object] = []
        kiosk.on("load", lambda _page: loads.append(None))
        await kiosk.goto(demo["kiosks"][0]["url"])

        async def why() -> str | None:  # with a new address the page is asked to load itself anew
            return None if len(loads) >= 2 else "the page has not been loaded anew"

        await eventually(why)
        answers = [await kiosk.evaluate(ELSEWHERE, one.address + "/v1/status") for one in (reader, another)]

    assert answers == ["let through", "refused"]
