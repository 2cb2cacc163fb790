"""The disk of the recordings fills up, or becomes read-only, while people talk: staff are warned, everybody is told, what was recorded is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser

from media.record.packs.check import check_bytes
from media.record.segments import read_segment_header, walk_blocks
from server.storage import core
from tests.support.act import Act, call_next, download, end_session, everybody_sees, films_ready, open_tabs, take_ticket
from tests.support.browser import Tab
from tests.support.database import passable_directory
from tests.support.eventually import eventually
from tests.support.film_marks import look_at
from tests.support.product import Product, ProductFactory
from tests.support.small_volume import SmallVolume, small_volume

VOLUME_BYTES = 4 << 30
EIGHT_MINUTES = core.KEPT_FREE_BYTES + 8 * 60 * core.SESSION_BYTES_PER_S


@pytest.fixture
def place() -> Iterator[Path]:
    directory = passable_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def volume(place: Path) -> Iterator[SmallVolume]:
    if os.geteuid() != 0:
        pytest.skip("mounting a loop device needs root; tests/faults/test_disk_fails.py stands for it")
    with small_volume(place / "image", place / "data/journals", VOLUME_BYTES) as mounted:
        yield mounted


@pytest.fixture
def small(volume: SmallVolume, place: Path, start_product: ProductFactory) -> Product:
    """A product whose journals lie on a volume of their own."""
    return start_product(data=place / "data").wait_ready()


async def demo_of(product: Product) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{product.url}/demo.json") as answer:
        facts: dict[str, Any] = await answer.json()
        return facts


async def sees_cause(tab: Tab, cause: str) -> str:
    """The words about the recording that this person's page shows, once they are about this cause."""
    found = tab.page.locator(f'[data-testid="recording-cause"][data-cause="{cause}"]')
    await found.wait_for(state="visible", timeout=30_000)
    return str(await found.inner_text()).strip()


async def recording_is(tab: Tab, state: str) -> None:
    found = tab.page.locator(f'[data-testid="recording-state"][data-state="{state}"]')
    await found.first.wait_for(state="visible", timeout=30_000)


async def begin(chromium: Browser, demo: dict[str, Any]) -> Act:
    act = await open_tabs(chromium, demo)
    await take_ticket(act.kiosk)
    await call_next(act)
    await recording_is(act.notary, "recording")
    return act


def seconds_written(place: Path) -> float:
    """Of the longest journal there, as far as it lies on the disk."""
    return max(map(_length_s, (place / "data/journals").rglob("*.lzj")), default=0.0)


def _length_s(journal: Path) -> float:
    data = journal.read_bytes()
    if (opened := read_segment_header(data)) is None:
        return 0.0
    times = [found.block.wall_us for found in walk_blocks(data, opened[1])]
    return (times[-1] - times[0]) / 1e6 if times else 0.0


async def whole(act: Act, product: Product, place: Path) -> dict[str, Any]:
    """The recording when it is made: its pack without damage, its films with pictures."""
    facts = await films_ready(act, product.url)
    recording: dict[str, Any] = facts["recording"]
    pack = await download(act, product.url + recording["pack"]["url"], place / "pack.zip")
    report = check_bytes(memoryview(pack.read_bytes()))
    assert report.damages == [], [str(damage) for damage in report.damages]
    for film in recording["films"]:
        assert look_at(await download(act, product.url + film["url"], place / film["id"])).frames > 0, film
    return recording


async def test_a_full_disk_is_foreseen_told_and_survived(
    volume: SmallVolume, small: Product, place: Path, chromium: Browser
) -> None:
    act = await begin(chromium, await demo_of(small))

    volume.leave(EIGHT_MINUTES)
    assert "只够再录十分钟" in await sees_cause(act.notary, "low_space")
    assert await act.kiosk.page.get_by_test_id("recording-cause").count() == 0  # the citizen can do nothing about it
    await recording_is(act.notary, "recording")

    volume.leave(0)
    for tab in (act.notary, act.kiosk):
        assert "存放录音录像的地方满了" in await sees_cause(tab, "recording_disk_full")
        await recording_is(tab, "failed")
    await everybody_sees(act, others=1)  # they can agree on what to do

    volume.empty()
    for tab in (act.notary, act.kiosk):
        await recording_is(tab, "recording")
    await everybody_sees(act, others=1)
    await end_session(act)
    recording = await whole(act, small, place)
    assert any(film["gaps"] for film in recording["films"]), "the time without space is not declared"


async def test_the_second_volume_takes_over_while_people_talk(
    volume: SmallVolume, place: Path, start_product: ProductFactory, chromium: Browser
) -> None:
    with small_volume(place / "another", place / "data/second", VOLUME_BYTES):
        product = start_product(data=place / "data").wait_ready()
        act = await begin(chromium, await demo_of(product))
        await everybody_sees(act, others=1)

        volume.leave(0)
        await eventually(
            lambda: None if list((place / "data/second").rglob("*.lzj")) else "nothing is written on the second volume"
        )

        await everybody_sees(act, others=1)
        await recording_is(act.notary, "recording")
        await end_session(act)
        volume.empty()  # films are made on the first one
        recording = await whole(act, product, place)
        assert "volume_changed" in [event["kind"] for event in recording["events"]]
        assert recording["interruptions"] == []


async def test_nobody_is_called_while_a_session_could_not_be_stored(
    volume: SmallVolume, place: Path, start_product: ProductFactory, chromium: Browser
) -> None:
    volume.leave(EIGHT_MINUTES)  # before it starts: it measures at once
    product = start_product(data=place / "data").wait_ready()
    act = await open_tabs(chromium, await demo_of(product))
    number = await take_ticket(act.kiosk)

    await act.notary.press("call-next")

    await act.notary.page.get_by_text("装不下又一场").first.wait_for(state="visible", timeout=45_000)
    desk = await (await act.notary.context.request.get(f"{product.url}/api/desk")).json()
    assert number in [ticket["number"] for area in desk["areas"] for ticket in area["waiting"]]


async def test_a_disk_that_becomes_read_only_is_told_and_the_film_of_before_is_there(
    volume: SmallVolume, small: Product, place: Path, chromium: Browser
) -> None:
    act = await begin(chromium, await demo_of(small))
    await everybody_sees(act, others=1)
    await eventually(lambda: None if seconds_written(place) > 3 else f"{seconds_written(place):.1f} s are written")

    volume.make_read_only()

    assert "录音录像写不下去了" in await sees_cause(act.notary, "recording_write_failed")
    await recording_is(act.notary, "failed")
    await end_session(act)
    recording = await whole(act, small, place)
    assert recording["duration_s"] > 1
