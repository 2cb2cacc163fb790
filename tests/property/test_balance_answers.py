"""What must hold for every answer of a planner: the quick one of the core, and the solver's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.core.balance import greedy
from schedules.core.balance.problem import PLAN, REPLAN, Aims, Problem, Seats, floor, narrowed, pose, score
from schedules.core.conflicts import check
from schedules.core.model import Because, Leave, WarningCode
from schedules.core.plan import Inputs, Proposal, plan
from schedules.solve import cp_sat
from schedules.solve.answer import Answer, Effort, Question
from tests.property.test_schedules_limits import CALENDAR, HARD, STAFF, strained_inputs

one_site = strained_inputs().map(lambda inputs: replace(inputs, proposal=None))
aims = st.sampled_from([PLAN, REPLAN])


def with_layer(inputs: Inputs, seats: Seats) -> Inputs:
    return replace(inputs, proposal=Proposal("test", 1, seats))


@given(one_site, aims)
def test_every_seat_of_the_quick_answer_is_taken_over_by_the_plan(inputs: Inputs, wanted: Aims) -> None:
    """So the answer breaks no rule: the plan would pass over an entry that cannot serve."""
    seats = greedy.balance(pose([inputs]), wanted)

    made = plan(with_layer(inputs, seats))

    chosen = {s.key: s.people for s in made.slots if s.seats and s.seats[0].why.because is Because.CHOSEN}
    assert chosen == seats
    found = check(made.slots, inputs.people, inputs.leave, inputs.elsewhere, CALENDAR, inputs.travel)
    assert {warning.code for warning in found} & HARD == set()


@given(one_site)
def test_an_answer_is_a_function_of_the_problem_not_of_its_order(inputs: Inputs) -> None:
    turned = replace(
        inputs, people=inputs.people[::-1], rotations=inputs.rotations[::-1], elsewhere=inputs.elsewhere[::-1]
    )

    assert pose([inputs]) == pose([turned])
    assert greedy.balance(pose([inputs]), PLAN) == greedy.balance(pose([turned]), PLAN)


@given(one_site, st.sampled_from(STAFF), st.integers(0, 18))
def test_after_a_leave_only_that_persons_shifts_change_where_somebody_is_free(
    inputs: Inputs, who: str, day: int
) -> None:
    before = greedy.balance(pose([inputs]), PLAN)
    first = inputs.window.first + timedelta(days=day)
    slots = [s for s in plan(with_layer(inputs, before)).slots if s.day == first and who in s.people]
    sick = replace(inputs, leave=(*inputs.leave, *(Leave(s.people[0], s.during) for s in slots)))

    problem = pose([sick], before)
    again = greedy.balance(problem, REPLAN)

    hit = {duty.key for duty in problem.duties if duty.was_published and duty.now is None}
    assert hit == {slot.key for slot in slots if slot.key in before}
    assert {key: entry for key, entry in again.items() if key in before and key not in hit} == {
        key: entry for key, entry in before.items() if key not in hit
    }


@given(one_site)
@settings(max_examples=25)
def test_the_solver_is_never_worse_and_never_below_its_bound(inputs: Inputs) -> None:
    problem = pose([inputs])
    quick = score(problem, greedy.balance(problem, PLAN)).cost(PLAN)

    found = solved(problem, PLAN)

    assert floor(problem, PLAN) <= found.bound <= found.cost <= quick
    assert found.is_best == (found.bound == found.cost)
    made = plan(with_layer(inputs, found.seats))
    assert sum(w.code is WarningCode.GAP for w in made.warnings) <= found.score.gaps


@given(one_site)
@settings(max_examples=10)
def test_the_same_question_has_the_same_answer(inputs: Inputs) -> None:
    problem = pose([inputs])

    assert solved(problem, PLAN) == solved(problem, PLAN)


@given(one_site)
def test_a_narrowed_problem_leaves_everybody_else_alone(inputs: Inputs) -> None:
    before = greedy.balance(pose([inputs]), PLAN)

    assert narrowed(pose([inputs], before)).duties == tuple(d for d in pose([inputs], before).duties if d.now is None)


def solved(problem: Problem, wanted: Aims) -> Answer:
    """The solver in this process, with little effort."""
    question = Question(problem, wanted, Effort(deterministic_s=0.2, good_enough=-1))
    return cp_sat.answer(question, greedy.balance(problem, wanted), lambda done, of: None)
