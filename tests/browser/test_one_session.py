"""One real session, end to end: three Chromium pages press what people press, and what was recorded is measured."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, expect

from tests.support.act import (
    Act,
    call_next,
    download,
    end_session,
    everybody_sees,
    films_ready,
    invite_third,
    open_tabs,
    recorded_s,
    take_ticket,
)
from tests.support.film_marks import look_at
from tests.support.product import Product

TALK_S = 8.0  # enough marks in every film, also in the one of whom came last
LENGTH_WITHIN_S = 0.5
APART_WITHIN_MS = 80.0


async def test_from_the_village_door_to_a_verified_record(
    product: Product, demo: dict[str, Any], chromium: Browser, tmp_path: Path
) -> None:
    act = await open_tabs(chromium, demo)
    assert await take_ticket(act.kiosk) == "G001"
    await call_next(act)
    assert await act.kiosk.see("recording-state")
    third = await invite_third(act, chromium)
    await asyncio.sleep(TALK_S)
    await everybody_sees(act, others=2)
    assert await third.page.get_by_test_id("end-session").count() == 0, "only the person in charge may end"
    await expect(act.notary.page.get_by_test_id("line-quality")).to_have_count(3)
    await end_session(act)
    await third.see("room-closed")

    facts = await films_ready(act, product.url)
    length = recorded_s(facts)
    films = facts["recording"]["films"]
    assert sorted(film["kind"] for film in films) == ["composed", "person", "person", "person"]
    for film in films:
        marks = look_at(await download(act, product.url + film["url"], tmp_path / film["id"]))
        assert abs(marks.length_s - length) <= LENGTH_WITHIN_S, (film["kind"], film["title"], marks.length_s, length)
        if film["kind"] == "person":
            assert abs(marks.apart_ms()) <= APART_WITHIN_MS, (film["title"], marks.apart_ms())
    await the_film_plays_in_a_browser(act, product.url, films)
    pack = await download(act, product.url + facts["recording"]["pack"]["url"], tmp_path / "pack.zip")
    the_pack_is_accepted_and_a_changed_one_rejected(pack)
    await act.kiosk.see(
        "choose-notarization", timeout_s=60
    )  # the kiosk comes back by itself, ready for the next person
    assert {name: tab.errors for name, tab in act.tabs().items()} == {"kiosk": [], "notary": [], "third": []}


async def the_film_plays_in_a_browser(act: Act, url: str, films: list[dict[str, Any]]) -> None:
    composed = next(film for film in films if film["kind"] == "composed")
    part = await act.notary.context.request.get(url + composed["url"], headers={"Range": "bytes=0-99"})
    assert (part.status, len(await part.body()), part.headers["content-range"].split("/")[0]) == (
        206,
        100,
        "bytes 0-99",
    )
    beyond = await act.notary.context.request.get(url + composed["url"], headers={"Range": "bytes=999999999-"})
    assert beyond.status == 416
    for visitor in (act.kiosk, act.third):
        assert visitor is not None
        assert (await visitor.context.request.get(url + composed["url"])).status == 401
    played = await act.notary.page.evaluate(
        """async (source) => {
          const video = document.createElement("video");
          video.muted = true;
          video.src = source;
          await video.play();
          await new Promise((done) => { video.ontimeupdate = () => video.currentTime > 1 && done(); });
          return [video.videoWidth, video.videoHeight, video.duration];
        }""",
        composed["url"],
    )
    assert played[:2] == [1280, 720]
    assert abs(played[2] - composed["duration_s"]) < LENGTH_WITHIN_S


def the_pack_is_accepted_and_a_changed_one_rejected(pack: Path) -> None:
    changed = pack.with_name("changed.zip")
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)

    results = [
        subprocess.run(
            [sys.executable, "-m", "server", "verify", str(path)], capture_output=True, text=True, check=False
        )
        for path in (pack, changed)
    ]

    assert [result.returncode for result in results] == [0, 1], "\n".join(
        result.stdout + result.stderr for result in results
    )
