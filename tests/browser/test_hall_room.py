"""Out of the room and in again: somebody sent to the door sees and hears nothing, keeps the seat, and comes back by one press."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, expect

from tests.support.act import call_next, everybody_sees, invite_third, open_tabs, take_ticket
from tests.support.eventually import eventually
from tests.support.product import Product


async def test_back_to_the_door_and_in_again(product: Product, demo: dict[str, Any], chromium: Browser) -> None:
    act = await open_tabs(chromium, demo)
    await take_ticket(act.kiosk)
    await call_next(act)
    third = await invite_third(act, chromium)
    seat = await third.page.evaluate("window.laizuo.room.people.find((one) => one.role === 'party')?.seat")

    row = act.notary.page.locator("[data-testid=person]", has_text="陈建国")
    await row.get_by_test_id("send-back-person").click()
    await act.notary.press("confirm-send-back-person")

    await third.see("waiting-for-admission")
    await expect(third.page.get_by_test_id("waiting-for-admission")).to_contain_text("您的位置留着")
    assert await third.page.evaluate("window.laizuo.room.people.length") == 0
    assert await third.page.evaluate("window.laizuo.room.pc.connectionState") == "closed"
    await expect(act.kiosk.page.locator(f"[data-testid=person-tile][data-seat='{seat}']")).to_have_count(0)
    await expect(act.notary.page.get_by_test_id("waiting-person")).to_contain_text("陈建国")

    await act.notary.press("admit-person")
    await everybody_sees(act, others=2)


async def test_whoever_receives_is_shown_to_all(product: Product, demo: dict[str, Any], chromium: Browser) -> None:
    act = await open_tabs(chromium, demo)
    await take_ticket(act.kiosk)
    await call_next(act)
    await invite_third(act, chromium)

    for name, tab in act.tabs().items():

        async def why(name: str = name, tab: Any = tab) -> str | None:
            shown = await tab.page.get_by_test_id("person-tile").count()
            return None if shown == 2 else f"{name} is shown {shown} of the 2 others"

        await eventually(why)
    await expect(act.notary.page.locator("[data-testid=person]", has_text="当事人")).to_have_count(1)
