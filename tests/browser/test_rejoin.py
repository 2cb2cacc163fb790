"""A browser dies in a recorded call. A kiosk starts again with its profile, a guest opens his link again: the same seat, the same recording, nobody is asked."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Error, async_playwright, expect

from server.testing.browsers import find_chromium
from tests.support.act import MARKED_CAMERA, Act, call_next, end_session, everybody_sees, invite_third, take_ticket
from tests.support.browser import ARGUMENTS, Tab, open_tab
from tests.support.eventually import eventually
from tests.support.product import Product


@asynccontextmanager
async def kiosk_browser(profile: Path) -> AsyncIterator[Tab]:
    """A device's own Chromium, which keeps what it is in a folder."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=find_chromium(),
            args=ARGUMENTS,
            viewport={"width": 1080, "height": 1920},
            locale="zh-CN",
            permissions=["camera", "microphone"],
        )
        await context.add_init_script(path=MARKED_CAMERA)
        try:
            yield Tab(context, context.pages[0])
        finally:
            with suppress(Error):  # it was killed
                await context.close()


def kill_browser(profile: Path) -> None:
    """kill -9 of the process that all others of this Chromium hang on."""
    words = f"--user-data-dir={profile}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if words in command and not any(word.startswith(b"--type=") for word in command):
                os.kill(int(folder.name), signal.SIGKILL)
                return
    raise AssertionError(f"no Chromium runs with the profile {profile}")


async def test_a_kiosk_that_is_killed_in_a_call_comes_back_to_it(
    product: Product, demo: dict[str, Any], chromium: Browser, tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    async with kiosk_browser(profile) as kiosk:  # installed once; ended well, so that what it keeps is on its disk
        await kiosk.page.goto(demo["kiosks"][0]["url"])
        await kiosk.see("choose-notarization")
        address = kiosk.page.url
    notary = await open_tab(chromium, 1366, 768)
    await notary.context.add_init_script(path=MARKED_CAMERA)
    await notary.page.goto(next(person["sign_in_url"] for person in demo["people"] if person["role"] == "notary"))
    citizen = notary.page.get_by_test_id("person-tile")
    async with kiosk_browser(profile) as kiosk:
        await kiosk.page.goto(address)
        act = Act(kiosk, notary)
        await take_ticket(kiosk)
        await notary.see("call-next")
        await call_next(act)
        recording = notary.page.get_by_test_id("recording-state")
        await expect(recording).to_have_attribute("data-state", "recording")
        seat = await citizen.get_attribute("data-seat")

        kill_browser(profile)
        await expect(citizen).to_have_attribute("data-state", "reconnecting")
        await expect(citizen.get_by_test_id("person-state")).to_be_visible()
    async with kiosk_browser(profile) as kiosk:
        await kiosk.page.goto(address)
        act.kiosk = kiosk
        await everybody_sees(act, others=1)

        await expect(citizen).to_have_attribute("data-state", "connected")
        assert await citizen.get_attribute("data-seat") == seat
        await expect(recording).to_have_attribute("data-state", "recording")
        await eventually(lambda: told_once(act, product))
        await a_guest_dies_and_opens_his_link_again(act, chromium, tmp_path / "guest")
        await end_session(act)
        assert (kiosk.errors, notary.errors) == ([], [])


async def a_guest_dies_and_opens_his_link_again(act: Act, chromium: Browser, profile: Path) -> None:
    """The link is the seat: who was let in with it is let in, and has only to press the button of the device check."""
    tiles = act.notary.page.get_by_test_id("person-tile")
    async with kiosk_browser(profile) as guest:
        await invite_third(act, chromium, tab=guest)
        link = guest.page.url
        seats = {await tile.get_attribute("data-seat") for tile in await tiles.all()}
        kill_browser(profile)
        await expect(act.notary.page.locator("[data-testid=person-tile][data-state=reconnecting]")).to_have_count(1)
    async with kiosk_browser(profile) as guest:
        await guest.page.goto(link)
        act.third = guest
        await guest.press("join")
        await everybody_sees(act, others=2)

        assert {await tile.get_attribute("data-seat") for tile in await tiles.all()} == seats
        assert await act.notary.page.get_by_test_id("admit-person").count() == 0
        assert guest.errors == []
        act.third = None


async def told_once(act: Act, product: Product) -> str | None:
    """For `eventually`: the session's events tell of one recording, and of somebody who returned."""
    facts = await (await act.notary.context.request.get(f"{product.url}/api/sessions/{act.session}")).json()
    kinds = [event["kind"] for event in facts["events"]]
    assert kinds.count("recording_recording") == 1, kinds
    assert "admitted" not in kinds[kinds.index("live") :], kinds
    return None if "returned" in kinds else f"nobody has returned: {kinds}"
