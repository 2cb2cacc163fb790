"""Three layers by rid from real browsers: each reaches whoever takes it, one follows another without a gap, and what nobody takes rests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from server.config import Settings
from server.supervise.listen import announced
from tests.media.test_chromium import Hall, served, slot_mids
from tests.support.browser import running_firefox
from tests.support.eventually import eventually
from tests.support.media_worker import running_worker
from tests.support.native import path_options

WIDTHS = {"q": 320, "h": 640, "f": 1280}
FRAMES = 10


@asynccontextmanager
async def hall(tmp_path: Path, path: str, browser: Browser) -> AsyncIterator[Hall]:
    """A worker that a Firefox finds too, and that lets a layer rest after a second."""
    told = [word for address in announced(Settings(), "127.0.0.1") for word in ("--announce", address)]
    async with running_worker(tmp_path, "--rest-after-s", "1", *told, *path_options(path)) as worker:
        controller = await worker.controller()
        await controller.ask("open_room", room="r1", session="s1", epoch=1, capacity=4, record=None)
        async with served(controller) as url:
            yield Hall(worker, controller, browser, url)
        await controller.close()


async def test_chromium(tmp_path: Path, chromium: Browser) -> None:
    async with hall(tmp_path, "native", chromium) as place:
        await layers_come_follow_one_another_and_rest(place, chromium)


@pytest.mark.firefox
async def test_firefox(tmp_path: Path, chromium: Browser, firefox_path: Path) -> None:
    async with running_firefox(firefox_path) as firefox, hall(tmp_path, "python", firefox) as place:
        await layers_come_follow_one_another_and_rest(place, chromium)


async def layers_come_follow_one_another_and_rest(place: Hall, viewers: Browser) -> None:
    speaker = await place.enter("a", layers="")
    place.browser = viewers
    viewer = await place.enter("b")
    _, mid = await slot_mids(place.controller, "b", "a")

    await eventually(lambda: three_are_sent(speaker), 60)
    await sees(viewer, mid, "f")
    await eventually(lambda: told_to_send(place, ["f"]), 60)
    await speaker.evaluate("sendLayers(['f'])")
    await others_stand_still(speaker, viewer, mid)

    for rid in ("q", "f"):
        await speaker.evaluate("(rid) => sendLayers([rid])", rid)
        await sees(viewer, mid, rid)

    await eventually(lambda: not_whole(viewer, mid))


async def not_whole(viewer: Page, mid: str) -> str | None:
    """Numbers without a gap of ours: whoever asks for one that never was is sent nothing. What a busy browser let fall itself was sent again."""
    line = await of_line(viewer, mid)
    assert line["packetsLost"] <= line.get("retransmittedPacketsReceived", 0), line
    assert line["keyFramesDecoded"] >= 3, line  # each layer began with one
    assert line["framesReceived"] - line["framesDecoded"] - line["framesDropped"] <= FRAMES, line
    return None


async def three_are_sent(speaker: Page) -> str | None:
    sent = {report["rid"]: report.get("frameWidth") for report in await layers_of(speaker)}
    return None if sent == WIDTHS else f"layers {sent}"


async def layers_of(speaker: Page) -> list[dict[str, Any]]:
    return [report for report in await speaker.evaluate("sent()") if report["kind"] == "video" and report.get("rid")]


async def of_line(viewer: Page, mid: str) -> dict[str, Any]:
    line: dict[str, Any] = (await viewer.evaluate("received()")).get(mid, {})
    return line


async def sees(viewer: Page, mid: str, rid: str) -> None:
    """More pictures, and of this layer."""
    before = (await of_line(viewer, mid)).get("framesDecoded", 0)

    async def why() -> str | None:
        line = await of_line(viewer, mid)
        more = line.get("framesDecoded", 0) - before
        return None if line.get("frameWidth") == WIDTHS[rid] and more >= FRAMES else f"{rid}: {more} more, {line}"

    await eventually(why, 60)


async def told_to_send(place: Hall, rids: list[str]) -> str | None:
    told = [event["send"] for event in place.controller.found("layers", seat="a")]
    return None if told[-1:] == [rids] else f"told {told}"


async def others_stand_still(speaker: Page, viewer: Page, mid: str) -> None:
    """What rests is not encoded while the viewer goes on seeing the rest."""

    async def frames() -> dict[str, int]:
        return {report["rid"]: report.get("framesEncoded", 0) for report in await layers_of(speaker)}

    async def why() -> str | None:
        before = await frames()
        await sees(viewer, mid, "f")
        now = await frames()
        moved = [rid for rid in ("q", "h") if now.get(rid, 0) != before.get(rid, 0)]
        return f"{moved} go on: {before} {now}" if moved else None

    await eventually(why, 60)
