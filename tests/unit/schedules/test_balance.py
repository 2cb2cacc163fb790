"""The planner's layer on rosters small enough to see what is best."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schedules.core.balance import greedy
from schedules.core.balance.problem import PLAN, REPLAN, Score, floor, groups, pose, score
from schedules.core.model import Limits, Turn
from schedules.days import shipped_calendar
from schedules.solve import process
from schedules.solve.answer import Effort, Question
from schedules.solve.process import is_installed, question_after_change, solve
from tests.support.rosters import days, inputs, leave, person, pid, rotation

CALENDAR = shipped_calendar()
MARCH = days("2026-03-02", "2026-03-29")


def test_four_shifts_of_two_people_are_two_each() -> None:
    made = inputs(CALENDAR, MARCH, rotation("ann", "bob", turn=Turn.FAIR))

    seats = greedy.balance(pose([made]), PLAN)

    assert sorted(seats.values()) == [(pid("ann"),)] * 2 + [(pid("bob"),)] * 2


def test_who_has_borne_more_before_serves_less() -> None:
    made = inputs(CALENDAR, MARCH, rotation("ann", "bob", turn=Turn.FAIR), served={pid("ann"): 360, pid("bob"): 0})

    seats = greedy.balance(pose([made]), PLAN)

    assert sorted(seats.values()) == [(pid("ann"),)] + [(pid("bob"),)] * 3


def test_a_fixed_turn_stays_while_nobody_is_away() -> None:
    made = inputs(CALENDAR, MARCH, rotation("ann", "bob"), served={pid("ann"): 200})
    problem = pose([made])

    assert score(problem, greedy.balance(problem, PLAN)).off_turn == 0


def test_people_who_never_meet_are_groups_of_their_own() -> None:
    made = inputs(CALENDAR, MARCH, rotation("ann", "bob"), rotation("cat", "dan", identifier="r2", weekdays=(2,)))

    assert [len(group) for group in groups(pose([made]))] == [4, 4]


async def test_only_a_solver_sees_that_a_published_shift_must_give_way() -> None:
    """Cat could do both Mondays but is needed at ten, where ann, on leave, was the only other: two changes, and no gap."""
    both = rotation("ann", "cat", identifier="r1", starts="09:00", ends="12:00", turn=Turn.FAIR)
    other = rotation("bob", "cat", identifier="r2", starts="09:00", ends="12:00", turn=Turn.FAIR)
    day = days("2026-03-02", "2026-03-02")
    before = inputs(CALENDAR, day, both, other)
    published = {
        duty.key: (pid("ann"),) if duty.key.startswith("r1") else (pid("cat"),) for duty in pose([before]).duties
    }
    sick = replace(before, leave=(leave("ann", "2026-03-02", "2026-03-02"),))

    problem = pose([sick], published)
    quick = greedy.balance(problem, REPLAN)
    found = await solve(question_after_change(problem, Effort(seed=1)))

    assert is_installed()
    assert score(problem, quick).gaps == 1
    assert floor(problem, REPLAN) == REPLAN.change
    assert (found.score.gaps, found.score.changes) == (0, 2)
    assert found.seats == {"r1/2026-03-02": (pid("cat"),), "r2/2026-03-02": (pid("bob"),)}
    assert found.is_best


async def test_nothing_is_started_where_the_quick_answer_cannot_change_less() -> None:
    before = inputs(CALENDAR, MARCH, rotation("ann", "bob", turn=Turn.FAIR))
    published = greedy.balance(pose([before]), PLAN)
    sick = replace(before, leave=(leave("ann", "2026-03-01", "2026-03-10"),))

    found = await solve(question_after_change(pose([sick], published), Effort()))

    assert (found.planner, found.note) == (greedy.PLANNER, "not_needed")
    assert found.score.gaps == 0


async def test_the_solvers_own_process_gives_what_a_question_asks() -> None:
    made = inputs(CALENDAR, MARCH, rotation("ann", "bob", "cat", weekdays=(1, 3, 5), turn=Turn.FAIR))

    first = await solve(Question(pose([made]), PLAN, Effort(seed=3)))
    again = await solve(Question(pose([made]), PLAN, Effort(seed=3)))

    assert first == again
    assert first.planner.startswith("cp_sat ")
    assert first.score == Score(0, 0, 0, 0)
    assert first.is_best


async def test_a_solver_that_takes_too_long_is_ended_and_the_core_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_S", 0.0)
    made = inputs(CALENDAR, MARCH, rotation("ann", "bob", turn=Turn.FAIR))

    found = await solve(Question(pose([made]), PLAN, Effort(patience_s=0.01)))

    assert (found.planner, found.note) == (greedy.PLANNER, "out_of_time")
    assert found.score.gaps == 0


def test_a_week_of_three_days_leaves_the_rest_to_others() -> None:
    made = inputs(
        CALENDAR, days("2026-03-02", "2026-03-06"), rotation("ann", "bob", weekdays=(1, 2, 3, 4, 5), turn=Turn.FAIR)
    )
    strict = replace(made, people=(replace(person("ann", "lawyer"), limits=Limits(1)), person("bob", "lawyer")))

    seats = greedy.balance(pose([strict]), PLAN)

    assert sorted(seats.values()) == [(pid("ann"),)] + [(pid("bob"),)] * 4
