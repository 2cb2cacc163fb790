"""The planner at work: pages are answered meanwhile, its progress is told, it can be stopped, and there is one per draft."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from schedules.core.balance.problem import PLAN, REPLAN, pose
from schedules.solve.answer import Effort, Progress, Question
from schedules.solve.process import solve
from server.bench.roster import make_city
from server.duty.planning.running import Planners
from server.errors import Conflict
from tests.support.children import planners_of
from tests.support.eventually import eventually

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
CITY = tuple(replace(site, leave=()) for site in make_city(4, 2, 20, 24, 1))
HARD = Question(pose(CITY), PLAN, Effort(deterministic_s=600.0, patience_s=120.0, good_enough=-1))


def planner_processes() -> list[int]:
    return planners_of(os.getpid())


async def test_a_planner_tells_its_progress_is_alone_and_stops_when_told() -> None:
    planners = Planners()
    working = asyncio.create_task(planners.plan("site", HARD, NOW))
    turns = 0

    async def why_not() -> str | None:
        nonlocal turns
        turns += 1  # the event loop goes on: this is called again and again while the planner works
        work = planners.at("site")
        return None if work and work.progress.of else f"no progress: {work}"

    await eventually(why_not, 60.0)
    with pytest.raises(Conflict, match="planner_works"):
        await planners.plan("site", HARD, NOW)
    assert len(planner_processes()) == 1
    assert planners.stop("site")
    with pytest.raises(Conflict, match="planner_stopped"):
        await working

    assert turns > 1
    assert planners.at("site") is None
    assert not planners.stop("site")
    assert planner_processes() == []


async def test_whoever_asked_and_went_away_leaves_no_process() -> None:
    planners = Planners()
    working = asyncio.create_task(planners.plan("site", HARD, NOW))

    async def why_not() -> str | None:
        return None if planner_processes() else "no process yet"

    await eventually(why_not, 30.0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (planners.at("site"), planner_processes()) == (None, [])


async def test_whose_time_is_over_has_the_greedy_answer_of_the_process() -> None:
    heard: list[Progress] = []
    question = replace(HARD, effort=replace(HARD.effort, patience_s=2.0))

    found = await solve(question, heard.append)

    assert (found.note, found.score.gaps) == ("out_of_time", 0)
    assert heard[0].done == 0
    assert found.planner.startswith("greedy")


async def test_an_even_plan_of_a_year_is_told_group_by_group() -> None:
    heard: list[Progress] = []
    easy = Question(pose(CITY), PLAN, Effort(good_enough=10**9))

    found = await solve(easy, heard.append)

    assert heard == [Progress(0, 2), Progress(1, 2), Progress(2, 2)]
    assert (found.note, found.score.gaps) == ("", 0)
    again = await solve(Question(pose(CITY, found.seats), REPLAN, Effort()))
    assert (again.score.changes, again.note, again.seats) == (0, "not_needed", found.seats)
