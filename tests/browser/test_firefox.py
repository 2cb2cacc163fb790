"""Chromium and Firefox together in a room, either way round: each sees and hears the other, comes back after a reload, and leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser

from tests.support.act import Act, call_next, end_session, open_tabs, take_ticket
from tests.support.browser import Tab, running_firefox
from tests.support.eventually import eventually

pytestmark = pytest.mark.firefox
FRAMES, VOICE_PACKETS = 15, 25


@pytest.mark.parametrize("in_firefox", ["kiosk", "notary"])
async def test_a_village_and_a_notary_talk_by_different_browsers(
    demo: dict[str, Any], chromium: Browser, firefox_path: Path, in_firefox: Literal["kiosk", "notary"]
) -> None:
    async with running_firefox(firefox_path) as firefox:
        kiosk, notary = (firefox, chromium) if in_firefox == "kiosk" else (chromium, firefox)
        act = await open_tabs(kiosk, demo, marked=False, staff=notary)
        await take_ticket(act.kiosk)
        await call_next(act)
        await each_sees_and_hears_the_other(act)

        await act.tabs()[in_firefox].page.reload()
        await each_sees_and_hears_the_other(act)

        if in_firefox == "kiosk":
            await act.kiosk.press("leave-room")
            await end_session(act)
        else:
            await end_session(act)
            await act.kiosk.see("room-closed")
        assert {name: tab.errors for name, tab in act.tabs().items()} == {"kiosk": [], "notary": []}


async def each_sees_and_hears_the_other(act: Act) -> None:
    for name, tab in act.tabs().items():
        await sees_and_hears(name, tab)


async def sees_and_hears(name: str, tab: Tab) -> None:
    """Wait until this page has decoded more of a picture and more of a voice that is not silence; a reload begins anew."""
    since: dict[str, dict[str, Any]] = {}

    async def why() -> str | None:
        now = await tab.received() or {}
        for mid, line in now.items():
            since.setdefault(mid, line)
        voices, faces = ([mid for mid in now if now[mid]["kind"] == kind] for kind in ("audio", "video"))
        frames = max((now[mid]["frames"] - since[mid]["frames"] for mid in faces), default=0)
        voice = max((now[mid]["packets"] - since[mid]["packets"] for mid in voices), default=0)
        energy = max((now[mid]["energy"] - since[mid]["energy"] for mid in voices), default=0)
        if frames >= FRAMES and voice >= VOICE_PACKETS and energy > 0:
            return None
        return f"{name}: {frames} frames, {voice} packets of a voice with an energy of {energy}; {now}"

    await eventually(why, 60)
