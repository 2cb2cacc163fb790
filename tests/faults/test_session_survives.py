"""kill -9 of each process while three people talk: it comes back by itself, and nothing acknowledged is lost."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Error

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
from tests.support.eventually import eventually
from tests.support.film_marks import look_at
from tests.support.product import Product
from tests.support.standstill import standstill

BACK_WITHIN_S = 30.0
TALK_FRAMES = 40  # some seconds, of whatever pace the machine has
LOST_AT_MOST_S = 1.0


async def three_talk(demo: dict[str, Any], chromium: Browser) -> Act:
    act = await open_tabs(chromium, demo)
    await take_ticket(act.kiosk)
    await call_next(act)
    await invite_third(act, chromium)
    return act


async def another_ticket(act: Act, demo: dict[str, Any], chromium: Browser) -> str:
    """Somebody in another village gets in line meanwhile: an acknowledged thing that must still be there."""
    other = await open_tabs(chromium, demo, kiosk=1)
    return await take_ticket(other.kiosk)


async def desk_shows(act: Act, url: str, numbers: list[str]) -> None:
    """Wait until the desk answers again: just these are in line."""

    async def why() -> str | None:
        try:
            answer = await act.notary.context.request.get(f"{url}/api/desk")
        except Error as lost:  # the line was of the process that died
            return f"the desk is not reached: {lost}"
        if answer.status != 200:
            return f"the desk answers {answer.status}"
        found = [ticket["number"] for area in (await answer.json())["areas"] for ticket in area["waiting"]]
        return None if found == numbers else f"in line are {found}, not {numbers}"

    await eventually(why, BACK_WITHIN_S)


async def test_the_web_process_dies_and_people_keep_talking(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    act = await three_talk(demo, chromium)
    number = await another_ticket(act, demo, chromium)
    before = {name: await tab.received() for name, tab in act.tabs().items()}

    product.kill_and_wait("web")
    await everybody_sees(act, others=2, timeout_s=BACK_WITHIN_S)
    after = {name: await tab.received() for name, tab in act.tabs().items()}

    # Numbers only ever grow within one peer connection: the same one went on, nobody was renegotiated.
    for name in act.tabs():
        assert all(after[name][mid]["frames"] >= line["frames"] for mid, line in before[name].items()), (
            name,
            before[name],
            after[name],
        )
    await eventually(lambda: sockets_are_back(act), BACK_WITHIN_S)
    await desk_shows(act, product.url, [number])
    await end_session(act)
    facts = await films_ready(act, product.url)
    await every_film_is_whole(act, product.url, facts, product.data)


async def sockets_are_back(act: Act) -> str | None:
    """The notary hears from the server again: qualities of all three come in."""
    missing = [name for name, tab in act.tabs().items() if await tab.page.get_by_test_id("reconnecting").count()]
    return f"{missing} still show 'reconnecting'" if missing else None


async def test_the_media_worker_dies_and_its_room_comes_back(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    act = await three_talk(demo, chromium)
    with standstill(product.data, product.pid("w0")) as still:
        await everybody_sees(act, others=2, frames=TALK_FRAMES)
        killed_at = time.time()
        product.kill("w0")
    await everybody_sees(act, others=2, frames=TALK_FRAMES)
    await end_session(act)
    facts = await films_ready(act, product.url)

    await every_film_is_whole(act, product.url, facts, product.data)
    gaps = facts["recording"]["films"][0]["gaps"] + [
        gap for film in facts["recording"]["films"] for gap in film["gaps"]
    ]
    started = facts["recording"]["started_at"]
    lost = [gap for gap in gaps if gap["from_us"] / 1e6 + started <= killed_at]
    written_until = [gap["from_us"] / 1e6 + started for gap in lost if gap["cause"] != "late"]
    assert written_until, f"the interruption is not declared: {gaps}"
    lost_s = killed_at - min(written_until)
    assert lost_s <= LOST_AT_MOST_S + still.longest_s + still.starved_s, (lost_s, still, gaps)


async def test_postgresql_dies_and_people_keep_talking(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    act = await three_talk(demo, chromium)
    number = await another_ticket(act, demo, chromium)

    product.kill_and_wait("postgres")
    await everybody_sees(act, others=2, timeout_s=BACK_WITHIN_S)

    await desk_shows(act, product.url, [number])
    await end_session(act)
    facts = await films_ready(act, product.url)
    await every_film_is_whole(act, product.url, facts, product.data)


async def every_film_is_whole(act: Act, url: str, facts: dict[str, Any], folder: Path) -> None:
    length = recorded_s(facts)
    for film in facts["recording"]["films"]:
        marks = look_at(await download(act, url + film["url"], folder / film["id"]))
        assert abs(marks.length_s - length) <= 0.5, (film, marks.length_s, length)
        assert marks.frames > 0
