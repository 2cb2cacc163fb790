"""The kiosk page where things go wrong or somebody walks away: no camera, a reload, a second thought, another language."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.support.product import Product

KIOSK = ViewportSize(width=1080, height=1920)
REFUSING = (
    """navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('refused by the test', '%s'); };"""
)


REFUSALS = {"NotAllowedError": "没有得到允许", "NotFoundError": "没有找到设备", "NotReadableError": "别的程序"}


async def kiosk_page(chromium: Browser, demo: dict[str, Any], kiosk: int = 0, script: str = "") -> Page:
    context = await chromium.new_context(locale="zh-CN", viewport=KIOSK, permissions=["camera", "microphone"])
    if script:
        await context.add_init_script(script)
    page = await context.new_page()
    await page.goto(demo["kiosks"][kiosk]["url"])
    return page


async def take(page: Page) -> str:
    await page.get_by_test_id("choose-notarization").click()
    await page.get_by_test_id("take-ticket").click()
    return await page.get_by_test_id("ticket-number").inner_text()


async def test_without_a_camera_one_is_told_what_to_do_and_still_gets_a_ticket(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    for kiosk, (refusal, words) in enumerate(REFUSALS.items()):
        page = await kiosk_page(chromium, demo, kiosk, REFUSING % refusal)

        await page.get_by_test_id("choose-notarization").click()
        await expect(page.get_by_test_id("device-fault")).to_contain_text(words)
        await page.get_by_test_id("take-ticket").click()

        assert await page.get_by_test_id("ticket-number").inner_text() == f"G00{kiosk + 1}"


async def test_a_ticket_outlives_a_reload_and_can_be_given_up(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    page = await kiosk_page(chromium, demo)
    number = await take(page)

    await page.reload()

    assert await page.get_by_test_id("ticket-number").inner_text() == number
    await page.get_by_test_id("start-over").click()
    await page.get_by_test_id("confirm-leave-queue").click()
    await expect(page.get_by_test_id("choose-notarization")).to_be_visible()
    assert await take(page) != number


async def test_nothing_of_the_last_person_stays(product: Product, demo: dict[str, Any], chromium: Browser) -> None:
    page = await kiosk_page(chromium, demo)
    await page.get_by_test_id("larger-text").click()
    await page.get_by_test_id("switch-language").click()
    await expect(page.get_by_test_id("choose-mediation")).to_contain_text("quarrel")
    await page.get_by_test_id("choose-mediation").click()
    await page.get_by_test_id("give-name").click()
    await page.get_by_test_id("citizen-name").fill("王秀兰")

    await page.get_by_test_id("start-over").click()

    await expect(page.get_by_test_id("choose-mediation")).to_contain_text("矛盾")
    assert await page.locator("html").get_attribute("data-size") == "normal"
    assert await page.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0
    await page.get_by_test_id("choose-mediation").click()
    await page.get_by_test_id("give-name").click()
    assert await page.get_by_test_id("citizen-name").input_value() == ""


# Whatever can be pressed and is seen, with its smaller side in CSS pixels; and what sticks out to the right.
MEASURE = """() => ({
  small: Array.from(document.querySelectorAll("button, a[href], input, select, textarea, summary")).filter((one) => one.checkVisibility() && !one.closest(".skip") && !one.matches(".skip"))
    .map((one) => [one.dataset.testid ?? one.outerHTML.slice(0, 60), Math.round(Math.min(one.getBoundingClientRect().height, one.getBoundingClientRect().width))]).filter(([, side]) => side < 60),
  wide: Math.max(0, document.documentElement.scrollWidth - innerWidth, ...Array.from(document.querySelectorAll(".kiosk-body"), (one) => one.scrollWidth - one.clientWidth)),
})"""


LOOK_AT = {"portrait": (1080, 1920), "landscape": (1024, 768), "phone": (390, 844)}


async def test_everything_one_presses_is_large_enough(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    """60 px on every screen of the kiosk, in normal and in the largest type, and nothing beyond the edge."""
    found: dict[str, Any] = {}
    for kiosk, (size, (width, height)) in enumerate(LOOK_AT.items()):
        page = await kiosk_page(chromium, demo, kiosk)
        await page.set_viewport_size(ViewportSize(width=width, height=height))
        await page.get_by_test_id("choose-notarization").wait_for()
        type_px = await page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        assert type_px >= (28 if width > 1000 else 20)
        await walk_and_measure(page, size, found)
        await page.context.close()

    assert found == {}


async def walk_and_measure(page: Page, size: str, found: dict[str, Any]) -> None:
    """From the menu to a ticket and the question whether to leave."""

    async def measure(what: str) -> None:
        for large in ("normal", "large"):
            await page.evaluate("size => { document.documentElement.dataset.size = size }", large)
            seen = await page.evaluate(MEASURE)
            if seen["small"] or seen["wide"]:
                found[f"{size}, {what}, {large}"] = seen
        await page.evaluate("document.documentElement.dataset.size = 'normal'")

    await measure("menu")
    await page.get_by_test_id("ask-help").click()
    await measure("help")
    await page.get_by_test_id("close-dialog").click()
    await page.get_by_test_id("choose-notarization").click()
    await page.get_by_test_id("give-name").click()
    await measure("check")
    await page.get_by_test_id("take-ticket").click()
    await page.get_by_test_id("agree-portrait").click()
    await page.get_by_test_id("drop-portrait").wait_for()
    await measure("ticket")
    await page.get_by_test_id("leave-queue").click()
    await measure("leave?")
