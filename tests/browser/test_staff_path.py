"""From signing in to goodbye without a mouse and without seeing: the Tab key, and what the browser's accessibility tree says of each stop.

Nothing here asks for a test id or a place on the screen: a control is found by the role and the name that a screen reader would say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, expect

from tests.support.act import take_ticket
from tests.support.browser import open_tab
from tests.support.eventually import eventually
from tests.support.product import Product

STOPS = 80  # more stops than any of the pages has


@dataclass(slots=True)
class Reader:
    """A keyboard and a screen reader at one page."""

    page: Page
    devtools: CDPSession

    async def stands_on(self) -> tuple[str, str]:
        """(role, name) of what has the focus, from the accessibility tree."""
        focus = await self.devtools.send("Runtime.evaluate", {"expression": "document.activeElement"})
        wish = {"objectId": focus["result"]["objectId"], "fetchRelatives": False}
        [node] = (await self.devtools.send("Accessibility.getPartialAXTree", wish))["nodes"][:1]
        return node["role"]["value"], node.get("name", {}).get("value", "")

    async def tab_to(self, role: str, name: str) -> None:
        """Go on until a stop of this role begins with this name; once more around while the page is still making it."""

        async def why() -> str | None:
            heard = []
            for _ in range(STOPS):
                stop = await self.stands_on()
                if stop[0] == role and stop[1].startswith(name):
                    return None
                heard.append(stop)
                await self.page.keyboard.press("Tab")
            return f"no {role} {name!r} among {heard}"

        await eventually(why)

    async def press(self, role: str, name: str, key: str = "Enter") -> None:
        await self.tab_to(role, name)
        await self.page.keyboard.press(key)

    async def fill(self, name: str, text: str) -> None:
        await self.tab_to("textbox", name)
        await self.page.keyboard.type(text)

    async def hears(self, text: str) -> None:
        """It is said without being looked for: a live region or an alert holds it."""
        said = self.page.locator("[aria-live]:not([aria-live=off]), [role=status], [role=alert]").filter(has_text=text)
        await expect(said.first).to_be_attached(timeout=45_000)

    async def names_are_whole(self) -> None:
        """Every stop of the page has a role and a name."""
        tree = (await self.devtools.send("Accessibility.getFullAXTree"))["nodes"]
        nameless = [
            node["role"]["value"]
            for node in tree
            if not node["ignored"]
            and any(one["name"] == "focusable" and one["value"]["value"] for one in node.get("properties", []))
            and node["role"]["value"] not in ("RootWebArea", "main", "generic")
            and not node.get("name", {}).get("value", "").strip()
        ]
        assert nameless == []


async def reader_at(page: Page) -> Reader:
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Accessibility.enable")
    return Reader(page, devtools)


async def test_sign_in_call_admit_and_end_by_keyboard_and_ear(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    kiosk, guest, staff = [await open_tab(chromium, *size) for size in ((1080, 1920), (390, 844), (1366, 768))]
    await kiosk.page.goto(demo["kiosks"][0]["url"])
    notary = next(person for person in demo["people"] if person["role"] == "notary")
    reader = await reader_at(staff.page)

    # Sign in; a wrong password is said and leads back to the field
    await staff.page.goto(product.url + "/sign-in")
    await reader.names_are_whole()
    await reader.fill("用户名", notary["user"])
    await reader.fill("密码", "not the password")
    await reader.press("button", "登录")
    await reader.hears("密码")
    await reader.tab_to("textbox", "密码")
    await staff.page.keyboard.press("Control+A")
    await staff.page.keyboard.type(notary["password"])
    await staff.page.keyboard.press("Enter")
    await staff.page.wait_for_url("**/desk")

    # Somebody comes: it is said; the next one is called
    await staff.see("call-next")
    await take_ticket(kiosk)
    await staff.see("waiting-ticket")
    await reader.names_are_whole()
    await reader.press("button", "叫下一位")
    await staff.page.wait_for_url("**/room/*")
    await staff.page.locator("[data-testid=connection-state][data-state=connected]").wait_for()

    # A third person is invited, knocks, and is let in
    await reader.press("button", "邀请")
    await reader.fill("姓名", "陈建国")
    await reader.names_are_whole()
    await staff.page.keyboard.press("Enter")
    await reader.tab_to("textbox", "专用链接")
    link = await staff.page.evaluate("document.activeElement.value")
    await reader.press("button", "好了")
    await guest.page.goto(link)
    await guest.press("join")
    await reader.hears("陈建国")
    await reader.press("button", "请进")
    await guest.page.locator("[data-testid=connection-state][data-state=connected]").wait_for()
    await reader.names_are_whole()

    # Goodbye is asked twice
    await reader.press("button", "结束")
    await expect(staff.page.get_by_role("dialog", name="结束这场服务？")).to_be_visible()
    await reader.press("button", "结束")
    await expect(staff.page.get_by_role("heading", name="这场服务结束了")).to_be_visible()
    await kiosk.see("rate-5")
    assert staff.errors == kiosk.errors == guest.errors == []
