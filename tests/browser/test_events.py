"""Events in a browser, at phone and desktop size: announce a lecture, fill it, wait, move up, come to the door; print its poster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest
from PIL import Image, ImageChops
from playwright.async_api import Browser, Locator, expect

from schedules.core import ical
from schedules.core.model import CHINA
from tests.support.browser import Tab, open_tab
from tests.support.product import ProductFactory
from tests.support.turned_clock import turned

AXE = Path(__file__).resolve().parent.parent / "vendor/axe-core-4.14.1/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESK = (390, 844), (1366, 768)


async def facts(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/demo.json") as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def sign_in(tab: Tab, demo: dict[str, Any], user: str) -> None:
    [person] = [person for person in demo["people"] if person["user"] == user]
    await tab.page.goto(person["sign_in_url"])


async def register(browser: Browser, size: tuple[int, int], event: str, name: str) -> Tab:
    """Somebody without an account, who opens the event's page and registers."""
    tab = await open_tab(browser, *size)
    await tab.page.clock.install()
    await tab.page.goto(event)
    await tab.page.get_by_test_id("attendee-name").fill(name)
    await tab.press("register")
    await tab.see("registration")
    return tab


TITLE = "公司合规第一课"
LAST_HOUR = 23


async def draft_and_publish(coordinator: Tab, url: str) -> None:
    """A lecture that begins within the hour, with one seat: refused where it is empty, drafted, published."""
    page = coordinator.page
    now = datetime.now(UTC).astimezone(CHINA)
    soon = now + timedelta(minutes=50)
    if soon.hour == LAST_HOUR:  # it has to end on the day on which it begins
        soon = now + timedelta(minutes=20)
    ends = min(soon + timedelta(hours=1), soon.replace(hour=23, minute=59))
    await page.goto(f"{url}/events-board?site=rongchuan-park")
    await coordinator.press("add-lecture")
    await coordinator.press("save-event")
    await page.get_by_role("alert").wait_for()
    for name, value in (
        ("title", TITLE),
        ("on", soon.date().isoformat()),
        ("starts", f"{soon:%H:%M}"),
        ("ends", f"{ends:%H:%M}"),
        ("venue", "二楼会议室"),
        ("capacity", "1"),
    ):
        await page.get_by_test_id(f"event-{name}").fill(value)
    await coordinator.press("save-event")
    await coordinator.see("drafts")
    draft = on_board(coordinator)
    await draft.get_by_test_id("publish-event").click()
    await draft.get_by_test_id("cancel-event").wait_for()


def on_board(coordinator: Tab) -> Locator:
    return coordinator.page.get_by_test_id("board-event").filter(has_text=TITLE)


async def call_off(coordinator: Tab, url: str, reason: str) -> None:
    await coordinator.page.goto(f"{url}/events-board?site=rongchuan-park")
    await on_board(coordinator).get_by_test_id("cancel-event").click()
    await coordinator.page.get_by_test_id("cancel-reason").fill(reason)
    await coordinator.press("confirm-cancel")
    await on_board(coordinator).get_by_test_id("publish-event").wait_for()


async def check_in(coordinator: Tab, event: str) -> None:
    await coordinator.page.goto(f"{event}/people")
    await coordinator.press("check-in")
    await coordinator.page.get_by_test_id("attended-count").filter(has_text="1").wait_for()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desktop"])
async def test_a_full_lecture_moves_up_and_has_its_poster(
    start_product: ProductFactory, chromium: Browser, size: tuple[int, int]
) -> None:
    product = start_product("--workers", "0").wait_ready()
    coordinator = await open_tab(chromium, *size)
    await sign_in(coordinator, await facts(product.url), "sun.hui")
    await draft_and_publish(coordinator, product.url)

    # Two register without an account; the second waits
    visitor = await open_tab(chromium, *size)
    await visitor.page.goto(f"{product.url}/events")
    await visitor.page.get_by_test_id("event").filter(has_text=TITLE).click()
    await visitor.see("event-state")
    event = visitor.page.url
    first = await register(chromium, size, event, "王先生")
    await first.see("place-registered")
    second = await register(chromium, size, event, "李女士")
    await second.see("place-waiting")
    assert "0" in await second.page.get_by_test_id("waiting-before").inner_text()

    # The first gives the seat back: the second's page tells by itself
    await first.press("give-up")
    await first.press("confirm-give-up")
    await first.see("place-cancelled")
    await turned(second.page, second.page.get_by_test_id("place-registered").is_visible)
    await second.see("moved-up")
    assert await second.page.get_by_test_id("door-qr").evaluate("image => image.naturalWidth") > 100

    await check_in(coordinator, event)
    await turned(second.page, second.page.get_by_test_id("place-attended").is_visible)
    assert TITLE in {e.summary for e in (await read_feed(product.url)).events}

    poster = await print_poster(visitor)
    assert ink_of(poster, HEADLINE) > 0.02

    # Called off: everybody who looks reads why, and the poster has its stamp
    await call_off(coordinator, product.url, "停电")
    await visitor.page.goto(event)
    assert "停电" in await visitor.page.locator("main").inner_text()
    assert ImageChops.difference(poster, await print_poster(visitor)).getbbox() is not None
    assert coordinator.errors == first.errors == second.errors == visitor.errors == []


HEADLINE = (0.0, 0.05, 1.0, 0.4)  # of the paper: left, top, right, bottom


async def print_poster(tab: Tab) -> Image.Image:
    """The poster behind the page's links: a PDF of one A4 page, and its picture, as it was drawn."""
    link = await tab.page.get_by_test_id("event-poster").get_attribute("href")
    paper = await tab.page.request.get(urljoin(tab.page.url, link or ""))
    assert paper.headers["content-type"] == "application/pdf"
    assert b"/Type/Pages/Count 1/" in await paper.body()
    await tab.press("poster-picture")
    await tab.page.wait_for_function("() => document.images.length === 1 && document.images[0].complete")
    picture = Image.open(BytesIO(await (await tab.page.request.get(tab.page.url)).body())).convert("RGB")
    assert picture.width / picture.height == pytest.approx(210 / 297, abs=0.01)
    await tab.page.go_back()
    return picture


def ink_of(picture: Image.Image, part: tuple[float, float, float, float]) -> float:
    """Which share of a part of the picture is dark: 0 is an empty paper."""
    left, top, right, bottom = part
    box = (left * picture.width, top * picture.height, right * picture.width, bottom * picture.height)
    grey = picture.crop(tuple(map(int, box))).convert("L")  # type: ignore[arg-type]  # four numbers
    return sum(grey.histogram()[:96]) / (grey.width * grey.height)


async def read_feed(url: str) -> ical.Feed:
    address = f"{url}/feeds/rongchuan-park.law-lectures.ics"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        return ical.parse(await answer.read())


async def test_a_monthly_rule_drafts_theme_days_with_their_reason(
    start_product: ProductFactory, chromium: Browser
) -> None:
    product = start_product("--workers", "0").wait_ready()
    demo = await facts(product.url)
    tab = await open_tab(chromium, *DESK)
    await sign_in(tab, demo, "sun.hui")
    await tab.page.goto(f"{product.url}/events-board?site=liuyin")

    await tab.press("add-rule")
    await tab.page.get_by_test_id("rule-title").fill("婚姻家事来聊聊")
    await tab.page.get_by_test_id("rule-when").select_option("18")
    await tab.press("save-rule")
    await tab.see("theme-rule")

    drafts = tab.page.get_by_test_id("board-event").filter(has_text="婚姻家事来聊聊")
    await expect(drafts.nth(10)).to_be_visible()
    assert 11 <= await drafts.count() <= 12
    assert "每月18日" in await drafts.first.inner_text()
    assert tab.errors == []


async def test_axe_finds_nothing_on_the_pages_of_events(start_product: ProductFactory, chromium: Browser) -> None:
    product = start_product("--workers", "0").wait_ready()
    demo = await facts(product.url)
    found: dict[str, list[str]] = {}
    for language, size in (("zh-CN", PHONE), ("en", DESK)):
        context = await chromium.new_context(
            locale=language, viewport={"width": size[0], "height": size[1]}, bypass_csp=True, reduced_motion="reduce"
        )
        await context.add_init_script(path=AXE)
        page = await context.new_page()
        [person] = [person for person in demo["people"] if person["user"] == "sun.hui"]
        await page.goto(person["sign_in_url"])
        for path in (
            "/events",
            "/events-board?site=liuyin",
            "/events-board/edit?site=liuyin&kind=lecture",
            "/events-board/edit?site=liuyin&kind=theme_day",
            "/my-calendar",
            "/screen/rongchuan",
            "/widget/rongchuan",
        ):
            await page.goto(product.url + path)
            answer = await page.evaluate(
                "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})",
                RULES,
            )
            lines = [
                f"{v['id']}: {n['failureSummary']} :: {n['html'][:120]}"
                for v in answer["violations"]
                for n in v["nodes"]
            ]
            if lines:
                found[f"{language} {path}"] = lines
        await context.close()

    assert found == {}
