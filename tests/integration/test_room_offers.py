"""Offers of real browsers, and of nobody, through the room protocol to a real media worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.media_worker import RunningWorker, running_worker
from tests.support.offers import SHORT_OFFER, browser_offer
from tests.support.room_page import RoomPage
from tests.support.room_web import running_web, with_workers
from tests.support.running_session import RunningSession, run_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp.test_utils import TestClient

    from server.config import Settings
    from server.db import Pool

Client = "TestClient[Any, Any]"
SOURCES = {"0": "voice", "1": "face"}


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[RunningWorker]:
    async with running_worker(tmp_path) as running:
        yield running


@pytest.fixture
async def client(settings: Settings, worker: RunningWorker) -> AsyncIterator[TestClient[Any, Any]]:
    async with running_web(with_workers(settings, {"w0": worker.control})) as running:
        yield running


@pytest.fixture
async def session(db: Pool) -> RunningSession:
    return await run_session(db)


@pytest.mark.parametrize("browser", ["chromium_plain", "chromium_simulcast", "firefox_plain", "firefox_simulcast"])
async def test_a_browsers_offer_is_answered_with_its_slots(
    client: Client, session: RunningSession, browser: str
) -> None:
    page = await RoomPage.joined(client, session.tokens["a"])

    await page.say(
        {"type": "offer", "peer": 1, "revision": 1, "sdp": browser_offer(browser), "sources": SOURCES, "rid": 1}
    )

    answer = await page.hears("answer")
    assert (answer["peer"], answer["revision"], answer["rid"]) == (1, 1, 1)
    assert [slot["slot"] for slot in answer["slots"]] == [0, 1, 2]
    assert "a=ice-lite" in answer["sdp"]
    assert "a=setup:passive" in answer["sdp"]


async def test_what_is_no_offer_is_refused_and_changes_nothing(client: Client, session: RunningSession) -> None:
    page = await RoomPage.joined(client, session.tokens["a"])
    other = await RoomPage.joined(client, session.tokens["b"])
    good = SHORT_OFFER.replace("\n", "\r\n")
    await page.say({"type": "offer", "peer": 1, "revision": 1, "sdp": good, "sources": SOURCES})
    await page.hears("answer")
    bad = [
        "v=0",
        "\x00" * 100,
        "m=audio " * 5000,
        good.replace("a=fingerprint", "a=fingerprunt"),
        good[: len(good) // 3],
    ]

    for number, sdp in enumerate(bad, 2):
        await page.say({"type": "offer", "peer": number, "revision": 1, "sdp": sdp, "sources": SOURCES, "rid": number})
        refused = await page.hears("error")
        assert (refused["code"], refused["rid"]) == ("bad_offer", number), sdp[:40]

    await page.say({"type": "offer", "peer": 1, "revision": 2, "sdp": good, "sources": SOURCES})
    assert (await page.hears("answer"))["revision"] == 2
    await other.say({"type": "ping", "t": 1.0})
    await other.hears("pong")
