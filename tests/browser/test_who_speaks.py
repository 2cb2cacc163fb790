"""Who speaks is marked for the people of the room, who is muted is not, and one's own page says that one is heard."""

from __future__ import annotations

import re
from typing import Any

from playwright.async_api import Browser, expect

from tests.support.act import call_next, open_tabs, take_ticket
from tests.support.product import Product

_MARK = "[data-testid=person-tile] [data-testid=speaks]"


async def test_who_speaks_is_marked_and_who_is_muted_is_not(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    act = await open_tabs(chromium, demo, marked=False)  # the browser's own microphone beeps twice a second
    await take_ticket(act.kiosk)
    await call_next(act)
    await act.notary.press("mute-microphone")

    mark = act.notary.page.locator(_MARK)
    await expect(mark).to_have_text("正在说话")
    await expect(act.notary.page.locator(".face-speaks")).to_have_count(1)
    own = act.kiosk.page.get_by_test_id("own-voice")
    await expect(own).to_contain_text("对方能听到您")
    await expect(own).to_have_attribute("data-level", re.compile("[1-5]"))

    # The notary has been muted all the while: no mark at the kiosk, no bar and no word at the desk.
    await expect(act.kiosk.page.locator(_MARK)).to_have_count(0)
    await expect(act.notary.page.get_by_test_id("own-voice")).to_have_count(0)

    await act.notary.press("mute-microphone")
    await act.kiosk.press("mute-microphone")
    await expect(act.kiosk.page.locator(_MARK)).to_have_count(1)
    await expect(act.notary.page.locator(_MARK)).to_have_count(0)
    assert [tab.errors for tab in act.tabs().values()] == [[], []]
