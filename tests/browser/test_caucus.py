"""A private talk in a mediation: not one packet of it reaches the other side, who sees a calm picture; then everybody is together again."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser

from tests.support.act import Act, everybody_sees, invite_third
from tests.support.browser import Tab, open_tab
from tests.support.eventually import eventually
from tests.support.product import Product


async def packets(tab: Tab) -> int:
    """Of all that this page has received of people's voices and faces."""
    return sum(line["packets"] for line in (await tab.received() or {}).values())


async def mediation(browser: Browser, demo: dict[str, Any]) -> Act:
    """A citizen at the kiosk and the mediator in the room, both seeing each other."""
    act = Act(await open_tab(browser, 1080, 1920), await open_tab(browser, 1366, 768))
    mediator = next(person for person in demo["people"] if person["role"] == "mediator")
    await act.kiosk.page.goto(demo["kiosks"][0]["url"])
    await act.kiosk.press("choose-mediation")
    await act.kiosk.press("take-ticket")
    await act.kiosk.see("ticket-number")
    await act.notary.page.goto(mediator["sign_in_url"])
    await act.notary.press("call-next")
    await act.notary.page.wait_for_url("**/room/*")
    await everybody_sees(act, others=1)
    return act


async def test_one_side_is_taken_aside_and_brought_back(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    act = await mediation(chromium, demo)
    other = await invite_third(act, chromium, marked=False)

    row = act.notary.page.locator("[data-testid=person]", has_text="陈建国")
    await row.get_by_test_id("talk-privately").click()
    await act.notary.press("confirm-caucus")
    await act.kiosk.see("waits-apart")
    await act.notary.see("private-talk")

    assert await act.kiosk.page.get_by_test_id("person-tile").count() == 0
    since = await packets(act.kiosk)
    talking = await packets(other)

    async def they_talk() -> str | None:
        now = await packets(other)
        return None if now >= talking + 200 else f"{now - talking} packets between the two who talk"

    await eventually(they_talk)
    assert await packets(act.kiosk) - since <= 10, "something of the private talk came to the other side"
    assert await act.kiosk.page.evaluate("window.laizuo.room.slots.filter((slot) => slot.seat).length") == 0
    inside = "window.laizuo.room.people.filter((one) => one.room).length"
    assert [await tab.page.evaluate(inside) for tab in act.tabs().values()] == [2, 2, 2]  # all know who is where

    await act.notary.press("recall-all")
    await act.kiosk.page.get_by_test_id("waits-apart").wait_for(state="detached")
    await everybody_sees(act, others=2)
    assert [tab.errors for tab in act.tabs().values()] == [[], [], []]
