"""A mediation is not recorded; both sides are asked, agree, and one takes it back: what people press and see."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser

from tests.support.act import Act, call_next, invite_third
from tests.support.browser import Tab, open_tab
from tests.support.eventually import eventually
from tests.support.product import Product


async def recording_is(tab: Tab, state: str) -> None:
    async def why() -> str | None:
        shown = await (await tab.see("recording-state")).get_attribute("data-state")
        return None if shown == state else f"the page says {shown}, not {state}"

    await eventually(why)


async def test_a_mediation_is_recorded_while_both_sides_agree(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    act = Act(await open_tab(chromium, 1080, 1920), await open_tab(chromium, 1366, 768))
    mediator = next(person for person in demo["people"] if person["role"] == "mediator")
    await act.kiosk.page.goto(demo["kiosks"][0]["url"])
    await act.notary.page.goto(mediator["sign_in_url"])
    await act.kiosk.press("choose-mediation")
    await act.kiosk.press("take-ticket")
    await act.kiosk.see("ticket-number")
    await act.notary.see("call-next")
    await call_next(act)
    third = await invite_third(act, chromium)
    await recording_is(act.notary, "none")

    await act.notary.press("ask-consent")
    await act.kiosk.press("consent-yes")
    await recording_is(act.notary, "none")
    await third.press("consent-yes")
    for tab in act.tabs().values():
        await recording_is(tab, "recording")

    await third.press("change-consent")
    await third.press("consent-no")
    for tab in act.tabs().values():
        await recording_is(tab, "stopped")
    assert list((product.data / "journals" / act.session).glob("*/journal-*.lzj"))
