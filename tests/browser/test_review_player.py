"""The player of a past session and the care of recordings, by keyboard and on a phone: gaps, a link to a second, who saw it, two people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.async_api import Browser, Page, expect

from tests.support.hall import City, Visitor, seeded, staff
from tests.support.held_session import AWAY_S, LENGTH_S, hold_session
from tests.support.looks import Looks, page_routes
from tests.support.signed_page import DESK, PHONE, opened, seen

if TYPE_CHECKING:
    from server.db import Pool

Client = "TestClient[Any, Any]"


async def second_of(page: Page) -> float:
    return float(await page.evaluate("document.querySelector('video').currentTime"))


async def at_second(page: Page, wanted: float) -> None:
    await page.wait_for_function(
        "(wanted) => Math.abs(document.querySelector('video').currentTime - wanted) < 0.6", arg=wanted
    )


async def test_a_past_session_is_played_by_keys_and_linked_to_the_second(
    client: Client, db: Pool, chromium: Browser
) -> None:
    held = await hold_session(client, db, await seeded(db))
    looks = Looks(page_routes(client.app))  # type: ignore[attr-defined]
    page = await opened(chromium, client, held.notary, f"/sessions/{held.id}#t=7.5", DESK)
    await page.wait_for_function("document.querySelector('video')?.readyState >= 1")

    await at_second(page, 7.5)
    await page.keyboard.press("Digit5")
    await at_second(page, LENGTH_S / 2)
    await page.keyboard.press("ArrowLeft")
    await at_second(page, LENGTH_S / 2 - 5)
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Space")
    await page.wait_for_function("!document.querySelector('video').paused")
    await page.keyboard.press("Space")
    await page.wait_for_function("document.querySelector('video').paused")
    await page.keyboard.press("+")
    await expect(page.get_by_test_id("speed")).to_have_value("1.25")

    await page.locator(f"[data-testid=play-person][data-seat='{held.away_seat}']").click()
    gap = page.get_by_test_id("timeline-gap").first
    await gap.wait_for(state="attached")
    slider = page.get_by_test_id("timeline")
    assert await slider.get_attribute("role") == "slider"
    await expect(slider).to_have_attribute("aria-valuetext", re.compile("共 0:12"))
    await page.locator(".review-gaps summary").click()
    gaps = page.get_by_test_id("session-gap")
    told = [re.search(r"0:0(\d)", text) for text in await gaps.all_inner_texts()]
    starts = {int(found[1]): place for place, found in enumerate(told) if found}
    start = min(starts, key=lambda second: abs(second - AWAY_S[0]))
    assert abs(start - AWAY_S[0]) <= 2, starts
    await gaps.nth(starts[start]).click()
    await at_second(page, start - 1.5)  # two seconds before the gap; its words say whole seconds
    await page.get_by_test_id("link-here").click()
    assert await page.evaluate("location.hash") == f"#t={await second_of(page):.1f}"
    await page.locator("[data-testid=review-accesses] summary").click()
    await page.locator("[data-testid=accesses] [data-kind=film]").first.wait_for()
    await seen(page, "review-desk")
    await looks.check(page, "review")
    phone = await opened(chromium, client, held.notary, f"/sessions/{held.id}", PHONE)
    await phone.wait_for_function("document.querySelector('video')?.readyState >= 1")
    assert await phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await seen(phone, "review-phone")
    looks.assert_clean()


async def coordinator_of(client: Any, db: Pool, city: City, role: str) -> Visitor:
    name = await db.fetchval(
        "select p.user_name from person p join role_grant r on r.person_id = p.id where r.role = $1 order by 1", role
    )
    return await staff(client, db, city, name)


async def test_somebody_else_gives_a_reason_watches_and_puts_it_on_hold(
    client: Client, db: Pool, chromium: Browser
) -> None:
    city = await seeded(db)
    await hold_session(client, db, city)
    looks = Looks(page_routes(client.app))  # type: ignore[attr-defined]
    page = await opened(chromium, client, await coordinator_of(client, db, city, "coordinator"), "/recordings", PHONE)

    await page.get_by_test_id("ask-recording").click()
    await page.get_by_test_id("confirm-reason").click()
    await page.get_by_role("alert").wait_for()
    await looks.check(page, "why")
    await page.get_by_test_id("reason").fill("群众书面投诉，需要核实当时的说明")
    await seen(page, "recordings-why-phone")
    await page.get_by_test_id("confirm-reason").click()
    await page.get_by_test_id("watch-recording").wait_for()
    await page.get_by_test_id("hold-recording").click()
    await page.get_by_test_id("reason").fill("法院调取")
    await page.get_by_test_id("confirm-reason").click()
    await page.get_by_test_id("release-recording").wait_for()
    await page.get_by_test_id("show-accesses").click()
    await page.locator("[data-testid=accesses] [data-kind=opened]").wait_for()
    await looks.check(page, "who saw it")
    await seen(page, "recordings-accesses-phone")
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await seen(page, "recordings-phone")
    await page.set_viewport_size(DESK)  # type: ignore[arg-type]
    await looks.check(page, "recordings")
    await seen(page, "recordings-desk")
    await page.get_by_test_id("watch-recording").click()
    await page.get_by_test_id("view-mark").wait_for()
    await page.wait_for_function("document.querySelector('video')?.readyState >= 1")
    looks.assert_clean()
