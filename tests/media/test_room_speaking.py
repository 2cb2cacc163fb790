"""Who speaks in a room, told by a real worker from levels in real packets."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from media.hearing import AGAIN_S
from tests.media.conftest import Enter
from tests.support.eventually import eventually
from tests.support.media_worker import Controller, RunningWorker


async def until_said(controller: Controller, room: str, *seats: str) -> None:
    def missing() -> str | None:
        said: list[dict[str, Any]] = controller.found("speaking", room=room)
        now = said[-1]["seats"] if said else []
        return None if now == list(seats) else f"in {room} {now} speak, not {list(seats)}"

    await eventually(missing)


async def test_who_speaks_is_told_when_it_changes_and_only_of_the_room_one_is_in(
    enter: Enter, controller: Controller
) -> None:
    a, b, silent = await enter("a"), await enter("b"), await enter("c")
    a.level = 20
    await until_said(controller, "r1", "a")
    b.level = 30
    await until_said(controller, "r1", "a", "b")

    await controller.ask("pause", room="r1", epoch=1, seat="a", source="voice", paused=True)
    await until_said(controller, "r1", "b")

    await controller.ask("open_room", room="r2", session="s1", epoch=1, capacity=6, record=None)
    await controller.ask("move", room="r1", epoch=1, seat="b", to_room="r2", to_epoch=1)
    await until_said(controller, "r1")
    await until_said(controller, "r2", "b")

    await controller.ask("pause", room="r1", epoch=1, seat="a", source="voice", paused=False)
    await until_said(controller, "r1", "a")
    a.level = 127
    await until_said(controller, "r1")
    told = controller.found("speaking", room="r1")
    assert silent.level == 127
    assert all("c" not in event["seats"] for event in told)
    again = sum(x["seats"] == y["seats"] for x, y in pairwise(told))
    assert again <= 1 + (told[-1]["at"] - told[0]["at"]) / AGAIN_S, "told at each look although nothing changed"


async def test_a_controller_that_comes_later_hears_who_speaks(
    enter: Enter, controller: Controller, worker: RunningWorker
) -> None:
    a = await enter("a")
    a.level = 20
    await until_said(controller, "r1", "a")

    later = await worker.controller(hello=False)
    found = await later.ask("hello", protocol=1, controller="later")

    assert [(seat["seat"], seat["speaks"]) for seat in found["rooms"][0]["seats"]] == [("a", True)]
    await until_said(later, "r1", "a")
    await later.close()
