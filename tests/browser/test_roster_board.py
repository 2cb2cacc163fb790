"""The board in a browser, on a desk and on a phone: move shifts by pointer and keyboard, undo, publish a month; swap a shift between two people."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, Page

from tests.browser.test_roster import AXE, complaints, facts, sign_in
from tests.support.browser import Tab, open_tab
from tests.support.product import ProductFactory

SITE = "rongchuan"
SIZES = [(1366, 768), (390, 844)]


async def revision(page: Page) -> int:
    return int(await page.get_by_test_id("board-grid").get_attribute("data-revision") or 0)


async def wait_for_revision(page: Page, above: int) -> int:
    """The board is drawn anew after each edit."""
    await page.wait_for_function(
        "above => Number(document.querySelector('[data-board-grid]').dataset.revision) > above", arg=above
    )
    return await revision(page)


async def shifts_of(page: Page) -> dict[str, str]:
    """Slot and post -> person, of what is shown."""
    found: dict[str, str] = await page.get_by_test_id("board-shift").evaluate_all(
        "chips => Object.fromEntries(chips.map(c => [c.dataset.slot + '#' + c.dataset.post, c.dataset.person]))"
    )
    return found


def chip_of(page: Page, key: str) -> Locator:
    slot, post = key.split("#")
    return page.locator(f'[data-testid=board-shift][data-slot="{slot}"][data-post="{post}"]')


async def board_of(tab: Tab, url: str, demo: dict[str, Any]) -> Page:
    await sign_in(tab, demo, "sun.hui")
    await tab.page.goto(f"{url}/roster/board?site={SITE}")
    await tab.see("board-shift")
    return tab.page


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_a_month_is_moved_undone_and_published(
    start_product: ProductFactory, chromium: Browser, width: int, height: int
) -> None:
    product = start_product("--workers", "0").wait_ready()
    demo = await facts(product.url)
    tab = await open_tab(chromium, width, height)
    page = await board_of(tab, product.url, demo)
    await tab.press("board-month")
    before = await shifts_of(page)
    mediators = {who for key, who in before.items() if "mediation" in await chip_classes(page, key)}
    [key, *_] = [key for key, who in sorted(before.items(), key=lambda e: e[0][-12:]) if who in mediators][-1:]
    seen = await revision(page)

    # By keyboard: pick up, walk to another row, put down
    other = await walk_to(page, chip_of(page, key), mediators - {before[key]})
    seen = await wait_for_revision(page, seen)
    moved = await shifts_of(page)
    assert moved[key] == other != before[key]

    # Undo and redo
    await tab.press("board-undo")
    seen = await wait_for_revision(page, seen)
    assert (await shifts_of(page))[key] == before[key]
    await tab.press("board-redo")
    seen = await wait_for_revision(page, seen)
    assert (await shifts_of(page))[key] == other
    assert await page.get_by_test_id("board-redo").get_attribute("aria-disabled") == "true"

    # By pointer: drag it back to whom it was with
    await drag(page, chip_of(page, key), before[key])
    seen = await wait_for_revision(page, seen)
    assert (await shifts_of(page))[key] == before[key]
    await page.keyboard.press("Control+z")
    await wait_for_revision(page, seen)

    # Publish the month as it stands
    assert await page.get_by_test_id("board-bars").locator("rect").count() > 2
    await tab.press("board-publish")
    await tab.press("publish-roster")
    await tab.see("published")
    assert tab.errors == []
    address = f"{product.url}/api/sites/{SITE}/releases/2/changes?since=1"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        changes = await answer.json()
    assert key.split("#")[0] in {change["key"] for change in changes}


async def chip_classes(page: Page, key: str) -> str:
    return await chip_of(page, key).get_attribute("class") or ""


async def walk_to(page: Page, chip: Locator, wanted: set[str]) -> str:
    """Pick the shift up and press the down arrow until a wanted row is marked, then Enter."""
    await chip.focus()
    await page.keyboard.press("Enter")
    for _ in range(40):
        await page.keyboard.press("ArrowDown")
        person = await page.locator(".board-over").get_attribute("data-person") or ""
        if person in wanted:
            await page.keyboard.press("Enter")
            return person
    raise AssertionError(f"no row of {wanted} was reached")


async def drag(page: Page, chip: Locator, person: str) -> None:
    await chip.scroll_into_view_if_needed()
    start = await chip.bounding_box()
    row = await page.locator(f'[data-testid=board-row][data-person="{person}"]').bounding_box()
    assert start
    assert row
    await page.mouse.move(start["x"] + 20, start["y"] + start["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(start["x"] + 25, start["y"] + 30, steps=3)
    await page.mouse.move(start["x"] + 20, row["y"] + row["height"] / 2, steps=5)
    await page.mouse.up()


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_two_mediators_swap_a_shift(
    start_product: ProductFactory, chromium: Browser, width: int, height: int
) -> None:
    product = start_product("--workers", "0").wait_ready()
    demo = await facts(product.url)
    asker = await open_tab(chromium, width, height)
    taker = await open_tab(chromium, width, height)
    coordinator = await open_tab(chromium, width, height)

    await sign_in(asker, demo, "wang.jianguo")
    await asker.page.goto(f"{product.url}/my-duty")
    offered = asker.page.get_by_test_id("own-duty").filter(has=asker.page.get_by_test_id("ask-swap")).last
    day = await offered.locator("time").get_attribute("datetime")
    await offered.get_by_test_id("ask-swap").click()
    await asker.see("withdraw-swap")

    await sign_in(taker, demo, "zhang.yan")
    await taker.page.goto(f"{product.url}/my-duty")
    await taker.press("take-swap")
    await taker.page.get_by_test_id("take-swap").wait_for(state="detached")

    site = await approve(coordinator, product.url, demo)
    await taker.page.reload()
    days = await taker.page.get_by_test_id("own-duty").locator("time").evaluate_all("all => all.map(t => t.dateTime)")
    await asker.page.reload()
    await asker.see("own-duty")
    left = await asker.page.get_by_test_id("own-duty").locator("time").evaluate_all("all => all.map(t => t.dateTime)")

    assert day in days, site
    assert day not in left
    assert asker.errors == taker.errors == coordinator.errors == []


async def approve(coordinator: Tab, url: str, demo: dict[str, Any]) -> str:
    """Approve the one swap that waits, at whichever site it is."""
    await sign_in(coordinator, demo, "sun.hui")
    for slug in ("rongchuan", "shiqiao", "rongyin"):
        await coordinator.page.goto(f"{url}/roster/board?site={slug}")
        await coordinator.see("board-bars")
        if await coordinator.page.get_by_test_id("approve-swap").count():
            await coordinator.press("approve-swap")
            await coordinator.page.get_by_test_id("approve-swap").wait_for(state="detached")
            return slug
    raise AssertionError("no swap waits for the coordinator")


async def test_axe_finds_nothing_on_the_board(start_product: ProductFactory, chromium: Browser) -> None:
    product = start_product("--workers", "0").wait_ready()
    demo = await facts(product.url)
    found: dict[str, list[str]] = {}
    for language, theme, width in (("zh-CN", "light", 1366), ("en", "dark", 390)):
        context = await chromium.new_context(locale=language, bypass_csp=True, viewport={"width": width, "height": 844})
        await context.add_init_script(f"localStorage.setItem('laizuo.theme', '{theme}')")
        await context.add_init_script(path=AXE)
        tab = Tab(context, await context.new_page())
        await sign_in(tab, demo, "sun.hui")
        for path, control in (("/roster/board?site=rongchuan", "board-shift"), ("/roster/days", "import-notice")):
            await tab.page.goto(product.url + path)
            await tab.see(control)
            if lines := await complaints(tab.page):
                found[f"{path} {language} {theme}"] = lines
        assert tab.errors == []

    assert not found, "\n".join(f"{what}\n  " + "\n  ".join(sorted(set(lines))[:6]) for what, lines in found.items())
