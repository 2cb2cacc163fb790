"""The desk without a mouse: every action by its key, every control with a name, and what goes wrong taken over by name."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.support.act import call_next, open_tabs, take_ticket
from tests.support.browser import Tab, open_tab
from tests.support.product import Product

NAMELESS = """() => Array.from(document.querySelectorAll("button, a[href], input, select, textarea, summary, [tabindex='0']"))
  .filter((one) => one.checkVisibility() && !(one.innerText || one.getAttribute("aria-label") || one.labels?.[0]?.innerText || "").trim())
  .map((one) => one.outerHTML.slice(0, 120))"""


async def three_wait(chromium: Browser, demo: dict[str, Any]) -> tuple[list[Tab], Page]:
    """Three kiosks with a ticket each, and the notary's desk."""
    kiosks = []
    for kiosk in demo["kiosks"][:3]:
        tab = await open_tab(chromium, 1080, 1920)
        await tab.page.goto(kiosk["url"])
        await take_ticket(tab)
        kiosks.append(tab)
    notary = await open_tab(chromium, 1366, 768)
    await notary.page.goto(next(person["sign_in_url"] for person in demo["people"] if person["role"] == "notary"))
    await expect(notary.page.get_by_test_id("person-card")).to_contain_text("G001")
    return kiosks, notary.page


async def tab_to(page: Page, name: str) -> None:
    """Reach a control by the Tab key alone."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement?.dataset.testid ?? ''") == name:
            return
    raise AssertionError(f"the Tab key does not reach {name}")


async def test_a_day_by_keyboard_alone(product: Product, demo: dict[str, Any], chromium: Browser) -> None:
    kiosks, desk = await three_wait(chromium, demo)
    assert await desk.evaluate(NAMELESS) == []

    await tab_to(desk, "show-ticket")
    await desk.keyboard.press("Enter")
    await expect(desk.get_by_test_id("person-card")).to_be_focused()
    await desk.keyboard.press("h")
    await expect(desk.locator("[data-testid=waiting-ticket][data-state=held]")).to_have_count(1)
    await expect(kiosks[0].page.get_by_test_id("people-ahead")).to_contain_text("先留着")
    await expect(desk.get_by_test_id("resume-ticket")).to_be_visible()  # the card was read again: H means resume now
    await desk.get_by_test_id("person-card").focus()
    await desk.keyboard.press("h")
    await expect(desk.locator("[data-testid=waiting-ticket][data-state=held]")).to_have_count(0)

    await desk.get_by_test_id("person-card").focus()
    await desk.keyboard.press("m")
    await expect(desk.get_by_test_id("note")).to_be_focused()  # a dialog opens with the next picture
    await desk.keyboard.type("请把户口本拿好")
    await tab_to(desk, "confirm-write")
    await desk.keyboard.press("Enter")
    await expect(kiosks[0].page.get_by_test_id("words-of-staff")).to_contain_text("请把户口本拿好")
    await kiosks[0].press("answer-coming")
    await expect(desk.get_by_test_id("person-card")).to_contain_text("我在，就来")

    await desk.keyboard.press("Escape")
    await desk.get_by_test_id("person-card").focus()
    await desk.keyboard.press("s")
    await expect(desk.get_by_test_id("waiting-ticket").nth(2)).to_contain_text("G001")

    await desk.keyboard.press("F2")
    await desk.wait_for_url("**/room/*")
    await desk.locator("[data-testid=connection-state][data-state=connected]").wait_for()
    assert await desk.evaluate(NAMELESS) == []


async def test_the_room_of_a_call_is_entered_without_another_page_and_a_reload_is_that_page(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    act = await open_tabs(chromium, demo)
    await take_ticket(act.kiosk)
    desk = act.notary.page
    await desk.evaluate("window.stillHere = true")
    await call_next(act)

    connected = desk.locator("[data-testid=connection-state][data-state=connected]")
    await connected.wait_for()
    assert await desk.evaluate("window.stillHere")
    await expect(desk).to_have_title("视频房间 · 来坐")
    await desk.reload()
    await connected.wait_for()
    assert not await desk.evaluate("window.stillHere")
    await desk.goto(f"{product.url}/desk")
    await expect(desk.get_by_test_id("call-next")).to_be_visible()


async def test_back_to_the_line_with_the_place_kept_and_moved_on_with_the_story(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    act = await open_tabs(chromium, demo)
    await take_ticket(act.kiosk)
    await call_next(act)
    desk = act.notary.page
    await desk.goto(f"{product.url}/desk")
    await desk.get_by_test_id("put-back-ticket").click()
    await desk.get_by_test_id("note").fill("去拿户口本")
    await desk.get_by_test_id("confirm-put-back").click()

    await expect(act.kiosk.page.get_by_test_id("ticket-number")).to_have_text("G001")
    await expect(desk.get_by_test_id("waiting-ticket")).to_contain_text("G001")

    await desk.get_by_test_id("transfer-ticket").click()
    target = desk.get_by_test_id("transfer-to")
    await target.select_option(label=await target.locator("option", has_text="法律咨询").first.inner_text())
    await desk.get_by_test_id("confirm-transfer").click()
    await expect(desk.get_by_test_id("waiting-count")).to_have_text("0")
    await expect(act.kiosk.page.get_by_test_id("ticket-number")).to_contain_text("Z")


async def test_what_goes_wrong_is_taken_over_by_name(product: Product, demo: dict[str, Any], chromium: Browser) -> None:
    act = await open_tabs(chromium, demo)
    await take_ticket(act.kiosk)
    await call_next(act)
    colleague = await open_tab(chromium, 390, 844)
    await colleague.page.goto([person for person in demo["people"] if person["role"] == "notary"][1]["sign_in_url"])
    await expect(colleague.page.get_by_test_id("running-room")).to_contain_text("G001")

    await act.kiosk.press("leave-room")
    await act.kiosk.press("confirm-leave-room")
    await act.kiosk.press("done")
    alert = colleague.page.locator("[data-testid=room-alert][data-kind=citizen_gone]")
    await alert.get_by_test_id("take-over").click()

    await expect(alert).to_contain_text("在处理")
    await act.notary.page.goto(f"{product.url}/desk")
    await expect(act.notary.page.locator("[data-testid=room-alert][data-kind=citizen_gone]")).to_contain_text("在处理")


async def test_away_is_seen_by_colleagues(product: Product, demo: dict[str, Any], chromium: Browser) -> None:
    notaries = [person for person in demo["people"] if person["role"] == "notary"]
    first, second = [await open_tab(chromium) for _ in range(2)]
    await first.page.goto(notaries[0]["sign_in_url"])
    await second.page.goto(notaries[1]["sign_in_url"])
    await expect(first.page.get_by_test_id("own-status")).to_have_attribute("data-state", "available")

    await first.page.keyboard.press("F9")

    await expect(first.page.get_by_test_id("own-status")).to_have_attribute("data-state", "away")
    colleague = second.page.locator(".desk-colleagues li", has_text=notaries[0]["name"])
    await expect(colleague).to_contain_text("暂时离开")


async def test_nothing_is_wider_than_a_phone(product: Product, demo: dict[str, Any], chromium: Browser) -> None:
    _, desk = await three_wait(chromium, demo)

    await desk.set_viewport_size(ViewportSize(width=390, height=844))

    assert await desk.evaluate("document.documentElement.scrollWidth") <= 390
    assert await desk.get_by_test_id("call-next").is_visible()
