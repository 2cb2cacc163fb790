"""kill -9 at seeded random instants of whatever takes part in a recording: nothing that was fsynced is lost, films are made.

LAIZUO_TEST_KILLS=200 gives the full number; the usual run does a few. LAIZUO_TEST_KILLS_FROM=n begins with the n-th seed, so that a long run
can be made in slices; LAIZUO_TEST_KILLS_A_SESSION=n kills so often in one session, whose films, pack and checks cost as much as many kills.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from playwright.async_api import Browser

from media.record.packs.check import check_bytes
from tests.support.film_player import plays_in
from tests.support.killed_product import VICTIMS, Killed, chance, packets_in_pack, plays, recorded_session
from tests.support.product import Product
from tests.support.standstill import standstill

KILLS = int(os.environ.get("LAIZUO_TEST_KILLS", "8"))
FIRST_SEED = int(os.environ.get("LAIZUO_TEST_KILLS_FROM", "1"))
A_SESSION = int(os.environ.get("LAIZUO_TEST_KILLS_A_SESSION", "9"))  # and the job that makes its films
LOST_AT_MOST_S = 1.0
# Until the worker has the keys of a new line its packets are nobody's.
SETTLED_S = 1.0


@pytest.mark.timeout(max(400, 30 * KILLS))
async def test_nothing_that_was_fsynced_is_lost_however_often_parts_are_killed(
    product: Product, chromium: Browser
) -> None:
    left, number = KILLS, FIRST_SEED - 1
    while left > 0:
        number += 1
        started = time.monotonic()
        async with recorded_session(product, number) as act:
            dice = chance(number)
            with standstill(product.data) as still:
                for _ in range(min(A_SESSION, max(1, left - 1))):
                    await wait(dice.uniform(0.2, 1.6))
                    await act.kill(dice.choice(VICTIMS))
                await wait(1.5)
                await act.end()
            await act.kill_film_maker(dice.uniform(2.0, 6.0), dice.uniform(0.0, 1.0))
            films = await act.films_ready()
            lost = await check(act, films, chromium, still.longest_s)
        left -= len(act.kills)
        print(
            f"session {number}: {len(act.kills)} kills ({' '.join(act.kills)}), {time.monotonic() - started:.0f} s, {left} left; "
            f"back after {' '.join(f'{took:.1f}' for took in act.back_s)} s; lost at most {lost:.2f} s; the machine stood still for {still.longest_s:.2f} s",
            flush=True,
        )


async def wait(seconds: float) -> None:
    """People talk for a while: the instant of a kill is the point, not something to wait for."""

    await asyncio.sleep(seconds)


async def check(act: Killed, recording: dict[str, object], chromium: Browser, still_s: float) -> float:
    """Returns the greatest loss before a kill, in seconds. still_s: so long nothing could be written, nor a key agreed on."""
    pack = await act.get(f"/api/sessions/{act.session}/pack")
    report = check_bytes(memoryview(pack))
    assert report.damages == [], [str(damage) for damage in report.damages]
    there = packets_in_pack(pack)
    missing = act.owed(LOST_AT_MOST_S + still_s, SETTLED_S + still_s) - there
    assert not missing, (
        f"{len(missing)} packets sent more than a second before a kill are not in the journal: {sorted(missing)[:5]}"
    )
    for snapshot in act.snapshots:
        for path, data in snapshot.items():
            assert Path(path).read_bytes().startswith(data.rstrip(b"\0")), f"{path} was changed after a kill"
    films = recording["films"]
    assert isinstance(films, list)
    assert films
    for film in films:
        data = await act.get(film["url"])
        assert plays(data) > 0, film
        # Each film in libavformat, which is what ffprobe opens it with; the one people watch in a browser too.
        if film["kind"] == "composed":
            assert await plays_in(chromium, data, film["type"]) > 0, film
    return act.greatest_loss_s(there, SETTLED_S)
