"""axe-core on every page and state that people see, in both languages and in the themes that change colours: nothing at WCAG 2.2 AA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize

from tests.support.product import Product

AXE = Path(__file__).resolve().parent.parent / "vendor/axe-core-4.14.1/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, KIOSK, DESK = (
    ViewportSize(width=390, height=844),
    ViewportSize(width=1080, height=1920),
    ViewportSize(width=1366, height=768),
)
# (language, theme, viewport of the staff): every theme and both languages, not every pair.
LOOKS = [("zh-CN", "light", DESK), ("en", "dark", PHONE), ("en", "contrast", DESK)]


async def context_for(browser: Browser, language: str, theme: str, viewport: ViewportSize) -> BrowserContext:
    # axe is put into the page by the test's own hand, past the page's content security policy.
    context = await browser.new_context(
        locale=language,
        viewport=viewport,
        bypass_csp=True,
        permissions=["camera", "microphone"],
        reduced_motion="reduce",
    )
    await context.add_init_script(f"localStorage.setItem('laizuo.theme', '{theme}')")
    await context.add_init_script(path=AXE)
    return context


async def complaints(page: Page) -> list[str]:
    """One line for each thing axe finds: rule, why, where."""
    found = await page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", RULES
    )
    return [
        f"{violation['id']}: {node['failureSummary']} :: {node['html'][:160]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def check(page: Page, what: str, found: dict[str, list[str]]) -> None:
    if lines := await complaints(page):
        found[what] = lines


def first(demo: dict[str, Any], role: str) -> str:
    url: str = next(person["sign_in_url"] for person in demo["people"] if person["role"] == role)
    return url


@pytest.mark.parametrize(
    ("language", "theme", "viewport"), LOOKS, ids=["Chinese", "English-dark-phone", "English-contrast"]
)
async def test_pages_of_a_day(
    product: Product, demo: dict[str, Any], chromium: Browser, language: str, theme: str, viewport: ViewportSize
) -> None:
    found: dict[str, list[str]] = {}
    staff = await context_for(chromium, language, theme, viewport)
    page = await staff.new_page()

    await page.goto(product.url + "/")
    await check(page, "start", found)
    await page.goto(product.url + "/sign-in")
    await page.get_by_test_id("sign-in").click()
    await page.get_by_role("alert").wait_for()
    await check(page, "sign-in with errors", found)
    await page.goto(product.url + "/no-such-page")
    await check(page, "not found", found)
    await page.goto(product.url + "/kiosk/enrol")
    await check(page, "enrol", found)
    for path in ("/sites", demo["pages"]["roster"].removeprefix(product.url)):
        if path == "/roster":
            await page.goto(first(demo, "coordinator"))
        await page.goto(product.url + path)
        await check(page, path, found)
    await page.goto(first(demo, "administrator"))
    await page.get_by_test_id("add-endpoint").click()
    await check(page, "administration with its dialog", found)

    assert found == {}


@pytest.mark.parametrize(("language", "theme", "viewport"), LOOKS[:2], ids=["Chinese", "English-dark-phone"])
async def test_a_session(
    product: Product, demo: dict[str, Any], chromium: Browser, language: str, theme: str, viewport: ViewportSize
) -> None:
    found: dict[str, list[str]] = {}
    citizen = await (await context_for(chromium, language, theme, KIOSK)).new_page()
    staff = await (await context_for(chromium, language, theme, viewport)).new_page()
    guest = await (await context_for(chromium, language, theme, PHONE)).new_page()

    await staff.goto(first(demo, "notary"))
    await staff.get_by_test_id("waiting-count").wait_for()
    await check(staff, "desk, nobody", found)
    await citizen.goto(demo["kiosks"][0]["url"])
    await citizen.get_by_test_id("choose-notarization").wait_for()
    await check(citizen, "kiosk menu", found)
    await citizen.get_by_test_id("ask-help").click()
    await check(citizen, "kiosk help", found)
    await citizen.get_by_test_id("close-dialog").click()
    await citizen.get_by_test_id("choose-notarization").click()
    await citizen.get_by_test_id("self-video").wait_for()
    await check(citizen, "device check", found)
    await citizen.get_by_test_id("take-ticket").click()
    await citizen.get_by_test_id("ticket-number").wait_for()
    await check(citizen, "ticket", found)
    await staff.get_by_test_id("waiting-ticket").wait_for()
    await check(staff, "desk, one waiting", found)
    await staff.get_by_test_id("call-next").click()
    await staff.locator("[data-testid=connection-state][data-state=connected]").wait_for()
    await staff.get_by_test_id("invite-person").click()
    await staff.get_by_test_id("invited-name").fill("陈建国")
    await check(staff, "invitation", found)
    await staff.get_by_test_id("make-invitation").click()
    link = await staff.get_by_test_id("invitation-link").input_value()
    await staff.get_by_test_id("close-dialog").click()
    await guest.goto(link)
    await guest.get_by_test_id("self-video").wait_for()
    await check(guest, "guest's check", found)
    await guest.get_by_test_id("join").click()
    await guest.get_by_test_id("waiting-for-admission").wait_for()
    await check(guest, "guest at the door", found)
    if not await staff.get_by_test_id("admit-person").is_visible():
        await staff.get_by_test_id("show-people").click()
    await check(staff, "room with somebody at the door", found)
    await staff.get_by_test_id("admit-person").click()
    await guest.locator("[data-testid=connection-state][data-state=connected]").wait_for()
    await citizen.get_by_test_id("called").wait_for(state="detached")
    for page, what in ((citizen, "kiosk room"), (staff, "staff room"), (guest, "guest room")):
        await check(page, what, found)
    await staff.get_by_test_id("end-session").click()
    await check(staff, "end?", found)
    await staff.get_by_test_id("confirm-end-session").click()
    await citizen.get_by_test_id("room-closed").wait_for()
    await check(citizen, "thanks", found)
    await staff.get_by_role("link", name="录音录像" if language == "zh-CN" else "recording").click()
    await staff.get_by_test_id("download-pack").wait_for(timeout=60_000)
    await check(staff, "review", found)
    await staff.goto(product.url + "/sessions")
    await staff.get_by_test_id("session").wait_for()
    await check(staff, "past sessions", found)

    assert found == {}
