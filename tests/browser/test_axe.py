"""axe-core on every page of the application and on every state that people see: nothing at WCAG 2.2 AA, in both languages and all looks.

The pages come from the application's own routes: a page that nobody visits here fails the test. The looks are those of
tests/support/looks.py; the two languages are two whole visits, one of them with the screens of phones.
"""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page

from tests.support.eventually import eventually
from tests.support.looks import Looks, looked_at, page_routes
from tests.support.page_visits import ON_THE_WAY, VISITS, WITHOUT_A_PAGE, Visitors, visit_plain
from tests.support.product import Product
from tests.support.turned_clock import turned

PHONE, KIOSK, LOW_KIOSK, DESK = (390, 844), (1080, 1920), (1024, 768), (1366, 768)
# (language, staff's screen, kiosk's screen)
VISITS_BY = [("zh-CN", DESK, KIOSK), ("en", PHONE, LOW_KIOSK)]
Size = tuple[int, int]
both = pytest.mark.parametrize(("language", "staff", "kiosk"), VISITS_BY, ids=["Chinese", "English-phone"])


@both
async def test_pages_of_a_day(
    product: Product,
    demo: dict[str, Any],
    chromium: Browser,
    app: web.Application,
    language: str,
    staff: Size,
    kiosk: Size,
) -> None:
    looks = Looks(page_routes(app))
    visitors = Visitors(chromium, product.url, demo, language, staff, {})
    for path in looks.routes:
        if "{" not in path:
            await visit_plain(visitors, looks, path)
    for visit in VISITS:
        await visit(visitors, looks)
    await dialogs_of_pages(visitors, looks)

    looks.assert_clean()
    assert set(looks.routes) - WITHOUT_A_PAGE - looks.seen == ON_THE_WAY


async def dialogs_of_pages(visitors: Visitors, looks: Looks) -> None:
    """Refusals and dialogs, which no address opens."""
    citizen, administrator = await visitors.of("anyone"), await visitors.of("administrator")
    await citizen.goto(visitors.url + "/sign-in")
    await citizen.get_by_test_id("sign-in").click()
    await citizen.get_by_role("alert").wait_for()
    await looks.check(citizen, "sign-in with errors")
    await citizen.goto(visitors.url + "/no-such-page")
    await looks.check(citizen, "not found")
    for what in ("site", "endpoint", "person"):
        await administrator.goto(visitors.url + "/admin")
        await administrator.get_by_test_id(f"add-{what}").click()
        await administrator.get_by_test_id(f"confirm-add-{what}").click()
        await looks.check(administrator, f"administration, adding a {what} with nothing filled in")


@both
async def test_a_session(
    product: Product,
    demo: dict[str, Any],
    chromium: Browser,
    app: web.Application,
    language: str,
    staff: Size,
    kiosk: Size,
) -> None:
    looks = Looks(page_routes(app))
    citizen = await looked_at(chromium, language, *kiosk)
    notary = await looked_at(chromium, language, *staff)
    guest = await looked_at(chromium, language, *PHONE)
    await notary.goto(next(person["sign_in_url"] for person in demo["people"] if person["role"] == "notary"))
    await notary.get_by_test_id("waiting-count").wait_for()
    await looks.check(notary, "desk, nobody")
    await wait_in_line(looks, demo, citizen)
    await work_at_the_desk(looks, notary)
    await meet(looks, citizen, notary, guest)
    await look_back(looks, product, notary, language)

    looks.assert_clean()
    assert looks.seen >= ON_THE_WAY | {"/desk", "/sessions"}


async def wait_in_line(looks: Looks, demo: dict[str, Any], citizen: Page) -> None:
    await citizen.goto(demo["kiosks"][0]["url"])
    await citizen.get_by_test_id("choose-notarization").wait_for()
    await looks.check(citizen, "kiosk menu")
    await citizen.get_by_test_id("ask-help").click()
    await citizen.get_by_test_id("help").wait_for()
    await looks.check(citizen, "kiosk help")
    await citizen.get_by_test_id("close-dialog").click()
    await citizen.get_by_test_id("choose-notarization").click()
    await citizen.get_by_test_id("self-video").wait_for()
    await citizen.get_by_test_id("priority-elderly").click()
    await looks.check(citizen, "device check, with care asked for")
    await citizen.get_by_test_id("give-name").click()
    await looks.check(citizen, "device check, giving a name")
    await citizen.get_by_test_id("take-ticket").click()
    await citizen.get_by_test_id("ticket-number").wait_for()
    await looks.check(citizen, "ticket")
    await citizen.get_by_test_id("leave-queue").click()
    await citizen.get_by_test_id("confirm-leave-queue").wait_for()
    await looks.check(citizen, "leave the line?")
    await citizen.keyboard.press("Escape")


async def work_at_the_desk(looks: Looks, notary: Page) -> None:
    await notary.get_by_test_id("waiting-ticket").wait_for()
    await looks.check(notary, "desk, one waiting")
    await notary.get_by_test_id("transfer-ticket").click()
    await notary.get_by_test_id("transfer-to").wait_for()
    await looks.check(notary, "desk, to another line")
    await notary.keyboard.press("Escape")


async def meet(looks: Looks, citizen: Page, notary: Page, guest: Page) -> None:
    await notary.get_by_test_id("call-next").click()
    await notary.locator("[data-testid=connection-state][data-state=connected]").wait_for()
    await notary.get_by_test_id("invite-person").click()
    await notary.get_by_test_id("invited-name").fill("陈建国")
    await looks.check(notary, "invitation")
    await notary.get_by_test_id("make-invitation").click()
    link = await notary.get_by_test_id("invitation-link").input_value()
    await notary.get_by_test_id("close-dialog").click()
    await guest.goto(link)
    await guest.get_by_test_id("self-video").wait_for()
    await looks.check(guest, "guest's check")
    await guest.get_by_test_id("join").click()
    await guest.get_by_test_id("waiting-for-admission").wait_for()
    await looks.check(guest, "guest at the door")
    await show_people(notary)
    await looks.check(notary, "room with somebody at the door")
    await notary.get_by_test_id("admit-person").click()
    await guest.locator("[data-testid=connection-state][data-state=connected]").wait_for()
    await citizen.get_by_test_id("called").wait_for(state="detached")
    for page, what in ((citizen, "kiosk room"), (notary, "staff room"), (guest, "guest room")):
        await looks.check(page, what)
    await notary.get_by_test_id("end-session").click()
    await looks.check(notary, "end?")
    await notary.get_by_test_id("confirm-end-session").click()
    await citizen.get_by_test_id("rate-5").wait_for()
    await looks.check(citizen, "thanks and five faces")


async def show_people(notary: Page) -> None:
    """Where the list of people has no place of its own, a press shows it."""
    admit, show = notary.get_by_test_id("admit-person"), notary.get_by_test_id("show-people")

    async def why() -> str | None:
        seen = await admit.is_visible() or await show.is_visible()
        return None if seen else "neither somebody to admit nor the list of people is seen"

    await eventually(why)
    if not await admit.is_visible():
        await show.click()


async def look_back(looks: Looks, product: Product, notary: Page, language: str) -> None:
    await notary.get_by_role("link", name="录音录像" if language == "zh-CN" else "recording").click()
    await notary.get_by_test_id("download-pack").wait_for(timeout=150_000)
    await looks.check(notary, "review")
    await notary.goto(product.url + "/sessions")
    await notary.get_by_test_id("session").wait_for()
    await looks.check(notary, "past sessions")


@both
async def test_a_kiosk_that_is_left_alone(
    product: Product,
    demo: dict[str, Any],
    chromium: Browser,
    app: web.Application,
    language: str,
    staff: Size,
    kiosk: Size,
) -> None:
    """Somebody walks away; then the line goes down, with a number given out meanwhile. The page's clock is turned forward."""
    looks = Looks(page_routes(app))
    page = await looked_at(chromium, language, *kiosk)
    await page.context.clock.install()
    await page.goto(demo["kiosks"][0]["url"])
    await page.get_by_test_id("choose-labour").click()
    await page.clock.run_for(61_000)
    await page.get_by_test_id("still-here").wait_for()
    await looks.check(page, "still here?")
    await page.clock.run_for(25_000)
    await page.get_by_test_id("choose-labour").wait_for()
    await page.context.set_offline(True)
    await turned(page, lambda: page.get_by_test_id("kept-roster").is_visible())
    await looks.check(page, "without a line")
    await page.get_by_test_id("choose-mediation").click()
    await looks.check(page, "a number without a line")
    await page.get_by_test_id("take-ticket").click()
    await page.get_by_test_id("offline-number").wait_for()
    await looks.check(page, "the number")
    await page.context.set_offline(False)
    await turned(page, lambda: page.get_by_test_id("line-back").is_visible())
    await looks.check(page, "the line is back")

    looks.assert_clean()
