"""Citizens' own pages: a number on the phone up to the rating, an appointment booked, moved and cancelled, the opinion box. axe looks on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.support.browser import Tab, open_tab
from tests.support.product import Product

AXE = Path(__file__).resolve().parent.parent / "vendor/axe-core-4.14.1/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def phone(browser: Browser, language: str, theme: str = "light") -> Tab:
    """A phone that axe can look at, past the page's content security policy."""
    context = await browser.new_context(
        viewport={"width": 390, "height": 844}, locale=language, bypass_csp=True, reduced_motion="reduce"
    )
    await context.grant_permissions(["camera", "microphone"])
    await context.add_init_script(f"localStorage.setItem('laizuo.theme', '{theme}')")
    await context.add_init_script(path=AXE)
    return Tab(context, await context.new_page())


async def looked_at(page: Page, what: str) -> None:
    """axe finds nothing on the page as it is."""
    found = await page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", RULES
    )
    lines = [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]
    assert lines == [], f"{what}: {lines}"


def signs_in(demo: dict[str, Any], role: str) -> str:
    url: str = next(person["sign_in_url"] for person in demo["people"] if person["role"] == role)
    return url


async def test_a_number_on_the_phone_from_home_to_the_rating(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    citizen, notary = await phone(chromium, "zh-CN"), await open_tab(chromium, 1366, 768)
    await notary.page.goto(signs_in(demo, "notary"))
    await citizen.page.goto(f"{product.url}/hall/liuyin")
    await looked_at(citizen.page, "the way in")

    await citizen.press("come-notarization")
    await citizen.press("take-ticket")
    number = (await (await citizen.see("ticket-number")).inner_text()).strip()
    await looked_at(citizen.page, "a ticket")
    link = citizen.page.url
    await citizen.page.reload()  # the link is the ticket
    assert (await (await citizen.see("ticket-number")).inner_text()).strip() == number

    await notary.press("call-next")
    await citizen.see("called")
    await looked_at(citizen.page, "called")
    await citizen.press("join")
    for tab in (citizen, notary):
        await tab.page.locator("[data-testid=connection-state][data-state=connected]").wait_for()
    await notary.press("end-session")
    await notary.press("confirm-end-session")
    await citizen.see("ticket-over")
    await looked_at(citizen.page, "the rating")
    await citizen.press("rate-5")
    await citizen.see("rated")

    await citizen.page.goto(link.replace("/ticket/", "/rating/"))
    await citizen.press("rate-1")
    await expect(citizen.page.get_by_role("alert").first).to_contain_text("评")  # one matter, one rating
    assert citizen.errors == notary.errors == []


async def test_an_appointment_is_booked_moved_and_cancelled(product: Product, chromium: Browser) -> None:
    for language, theme in (("zh-CN", "light"), ("en", "dark")):
        citizen = await phone(chromium, language, theme)
        await book_move_and_cancel(product, citizen)
        assert citizen.errors == []


async def choose_time(page: Page, place: int) -> None:
    """A time of the second day on offer: of the first, too few may be left, or too near to be booked by now."""
    await page.get_by_test_id("slot-day").nth(1).click()
    await expect(page.get_by_test_id("slot-day").nth(1)).to_have_attribute("aria-pressed", "true")
    await page.get_by_test_id("slot-time").nth(place).click()


async def book_move_and_cancel(product: Product, citizen: Tab) -> None:
    page = citizen.page
    await page.goto(f"{product.url}/hall/liuyin/booking")
    await looked_at(page, "which service")
    await citizen.press("choose-notarization")
    await looked_at(page, "where")
    await citizen.press("choose-room")
    await choose_time(page, 0)
    await citizen.press("confirm-booking")
    await expect(page.get_by_role("alert")).to_be_visible()  # a name is needed, a telephone is not
    await looked_at(page, "who, with a word about the name")
    await page.get_by_test_id("booking-name").fill("王秀兰")
    await citizen.press("confirm-booking")
    before = await (await citizen.see("appointment-time")).get_attribute("datetime")
    await looked_at(page, "an appointment")

    async with page.expect_download() as entry:
        await citizen.press("calendar-entry")
    assert "BEGIN:VEVENT" in (await (await entry.value).path()).read_text("utf-8")

    await citizen.press("move-appointment")
    await choose_time(page, 2)
    await looked_at(page, "moving")
    await citizen.press("confirm-move")
    await page.get_by_test_id("move-dialog").wait_for(state="detached")
    await expect(page.get_by_test_id("appointment-time")).not_to_have_attribute("datetime", str(before))

    await citizen.press("cancel-appointment")
    await citizen.press("confirm-cancel")
    await page.locator("[data-testid=appointment][data-state=cancelled]").wait_for()
    await looked_at(page, "cancelled")


async def test_the_opinion_box_takes_a_word(product: Product, chromium: Browser) -> None:
    for language in ("zh-CN", "en"):
        citizen = await phone(chromium, language)
        await citizen.page.goto(f"{product.url}/hall/liuyin/opinions")
        await citizen.press("send-opinion")
        await expect(citizen.page.get_by_role("alert")).to_be_visible()
        await looked_at(citizen.page, "the box, with nothing written")
        await citizen.page.get_by_test_id("opinion-text").fill("大厅的椅子少了。")
        await citizen.press("send-opinion")
        await citizen.see("opinion-sent")
        await looked_at(citizen.page, "in the box")
        assert citizen.errors == []
