"""A citizen shows a document under the second camera, the notary a window: large at the others' pages, sharp, recorded as a track of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.support.act import call_next, end_session, films_ready, open_tabs, take_ticket
from tests.support.browser import Tab, running_chromium
from tests.support.eventually import eventually
from tests.support.product import Product

# The third of Chromium's fake cameras is the second that gives a colour picture.
CAMERAS = "--use-fake-device-for-media-stream=device-count=3"
# As when the window is closed or the browser's own "stop sharing" is pressed, which no test can press.
_GONE = """() => {
  const track = window.laizuo.room.pc.getSenders().find((one) => one.track?.contentHint === "text").track;
  track.stop();
  track.dispatchEvent(new Event("ended"));
}"""
# What this page is shown besides faces: frames decoded so far, and the size.
_SHOWN = """async () => {
  const { pc, slots } = window.laizuo.room;
  const mid = slots.find((one) => one.source === "document" || one.source === "screen")?.video_mid;
  const report = [...(await pc.getStats()).values()].find((one) => one.type === "inbound-rtp" && one.mid === mid);
  return { frames: report?.framesDecoded ?? 0, width: report?.frameWidth ?? 0 };
}"""
# What this page shows: what its encoder is told, and that nothing asks for a smaller picture.
_SENT = """async () => {
  const sender = window.laizuo.room.pc.getSenders().find((one) => ["detail", "text"].includes(one.track?.contentHint));
  const { encodings, degradationPreference } = sender.getParameters();
  return { hint: sender.track.contentHint, prefers: degradationPreference,
    scales: encodings.map((one) => one.scaleResolutionDownBy ?? 1) };
}"""
_STAGE = "document.querySelector('.face-main')?.dataset.testid"


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """With more than one camera; its fake screen needs no choice of a window."""
    async with running_chromium(CAMERAS) as browser:
        yield browser


async def test_what_is_shown_takes_the_stage_and_is_recorded(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    act = await open_tabs(chromium, demo, marked=False)
    await take_ticket(act.kiosk)
    await call_next(act)
    connection = await act.kiosk.page.evaluate_handle("window.laizuo.room.pc")
    faces = await act.notary.received()

    await act.kiosk.press("show-document")
    await act.kiosk.page.get_by_test_id("choose-camera").last.click()
    await sees_what_is_shown(act.notary, width=1280)
    await sends_it_sharp(act.kiosk, "detail")
    assert await act.kiosk.page.get_by_test_id("own-shown").count() == 1  # sees what the others see
    assert await act.notary.page.get_by_test_id("person-tile").count() == 1  # the face is beside it, and goes on
    await eventually(lambda: face_goes_on(act.notary, faces))
    await act.notary.page.get_by_test_id("shown-page").press("+")
    await expect(act.notary.page.get_by_test_id("shown-page")).to_have_attribute("data-zoom", "1.5")
    assert await act.kiosk.page.evaluate("(before) => before === window.laizuo.room.pc", connection)

    await act.kiosk.press("show-document")
    await sees_nothing_shown(act.notary)
    await act.notary.press("share-screen")
    await sees_what_is_shown(act.kiosk, width=1280)
    await sends_it_sharp(act.notary, "text")
    await act.notary.page.evaluate(_GONE)
    await sees_nothing_shown(act.kiosk)

    await end_session(act)
    facts = await films_ready(act, product.url)
    assert sorted(film["source"] or "" for film in facts["recording"]["films"]) == [
        "", "document", "face", "face", "screen"
    ]  # fmt: skip
    shown = [(event["kind"], event["data"]["source"]) for event in facts["events"] if "show" in event["kind"]]
    assert shown == [(kind, source) for source in ("document", "screen") for kind in ("page_shown", "showing_ended")]
    assert {name: tab.errors for name, tab in act.tabs().items()} == {"kiosk": [], "notary": []}


async def sees_what_is_shown(tab: Tab, width: int = 1) -> None:
    """Wait until it is decoded anew and again, at least so wide, and is the large one of the tiles."""
    await tab.see("shown-video")
    before = (await tab.page.evaluate(_SHOWN))["frames"]

    async def why() -> str | None:
        now = await tab.page.evaluate(_SHOWN)
        return None if now["frames"] >= before + 3 and now["width"] >= width else f"shown: {now}"

    await eventually(why, 60)
    assert await tab.page.evaluate(_STAGE) == "shown-tile"


async def sends_it_sharp(tab: Tab, hint: str) -> None:
    """Its encoder is told what it sees, and to give up movement before sharpness."""
    sent = await tab.page.evaluate(_SENT)
    assert (sent["hint"], sent["prefers"], sent["scales"]) == (hint, "maintain-resolution", [1])


async def sees_nothing_shown(tab: Tab) -> None:
    """Wait until the face is the large one again."""
    await tab.page.get_by_test_id("shown-tile").wait_for(state="detached")
    assert await tab.page.evaluate(_STAGE) == "person-tile"


async def face_goes_on(tab: Tab, since: dict[str, dict[str, Any]] | None) -> str | None:
    """The peer connection of before: its frames count on."""
    return None if await tab.videos_moving(since) >= 1 else f"no new frames of the face: {await tab.received()}"
