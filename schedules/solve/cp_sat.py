"""The problem as a CP-SAT model, one per group of people. One worker and a fixed seed: the same question has the same answer.

Variables: for each duty and entry, does it serve. Hard: one entry or none per duty; nobody in two duties that overlap, are too far apart
or too close to rest; a week's days. Cost: gaps, changes, broken turns, and the spread of the burden. The greedy answer is the hint.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from typing import Any

from ortools.sat.python import cp_model

from schedules.core.balance.problem import Desk, Duty, Entry, Problem, Seats, floor, groups, loads, score
from schedules.core.conflicts import roads_of
from schedules.core.model import CHINA, PersonId, SlotKey
from schedules.solve.answer import Answer, Effort, OutOfTime, Question

PLANNER = f"cp_sat {version('ortools')}"

Literal = Any  # ortools' types are not exported in a way that a type checker follows


@dataclass(slots=True)
class Model:
    """One group's model. `serves[key][entry]` is a literal."""

    cp: Any
    serves: dict[SlotKey, dict[Entry, Literal]]
    cost: Any


def answer(question: Question, hint: Seats, tell: Callable[[int, int], None]) -> Answer:
    """Solve all groups; the greedy answer wherever the solver finds none better. Raises OutOfTime.

    hint    the greedy answer
    tell    hears after each group how many are done, of how many
    """
    problem, aims = question.problem, question.aims
    seats: dict[SlotKey, Entry] = {}
    bound, is_best = 0, True
    solved = groups(problem)
    for number, duties in enumerate(solved):
        tell(number, len(solved))
        part = replace(problem, duties=duties)
        found, low, best = _solve_group(part, question, {d.key: hint[d.key] for d in duties if d.key in hint})
        seats.update(found)
        bound += low
        is_best &= best
    tell(len(solved), len(solved))
    nobody = tuple(duty for duty in problem.duties if not duty.options)
    bound += score(replace(problem, duties=nobody), {}).cost(aims)
    total = score(problem, seats)
    return Answer(PLANNER, question.effort.seed, dict(sorted(seats.items())), total, total.cost(aims), bound, is_best)


def _solve_group(part: Problem, question: Question, hint: Seats) -> tuple[Seats, int, bool]:
    """Seats of one group, the proved bound of its cost, and whether they reach it."""
    low, given = floor(part, question.aims), score(part, hint).cost(question.aims)
    if given - low <= question.effort.good_enough:
        return hint, low, given == low
    model = _model(part, question, hint)
    solver = cp_model.CpSolver()
    _set(solver.parameters, question.effort)
    status = solver.solve(model.cp)
    if status != cp_model.OPTIMAL and solver.deterministic_time < 0.99 * question.effort.deterministic_s:
        raise OutOfTime
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return hint, low, False
    seats = {key: entry for key, row in model.serves.items() for entry, literal in row.items() if solver.value(literal)}
    fixed = score(part, seats).cost(question.aims) - round(solver.objective_value)
    proved = max(low, math.ceil(solver.best_objective_bound - 1e-6) + fixed)
    return seats, proved, status == cp_model.OPTIMAL


def _set(parameters: Any, effort: Effort) -> None:
    parameters.num_workers = 1
    parameters.interleave_search = True
    parameters.random_seed = effort.seed
    parameters.max_deterministic_time = effort.deterministic_s
    parameters.max_time_in_seconds = effort.patience_s


def _model(part: Problem, question: Question, hint: Seats) -> Model:
    cp = cp_model.CpModel()
    is_full = len(hint) == len(
        part.duties
    )  # a gap costs more than all else: where none is needed, the best answer has none
    serves: dict[SlotKey, dict[Entry, Literal]] = {}
    for duty in part.duties:
        serves[duty.key] = {entry: cp.new_bool_var("") for entry in duty.options}
        (cp.add_exactly_one if is_full else cp.add_at_most_one)(serves[duty.key].values())
        for entry, literal in serves[duty.key].items():
            cp.add_hint(literal, hint.get(duty.key) == entry)
    model = Model(cp, serves, None)
    _forbid_clashes(model, part)
    _limit_weeks(model, part)
    cp.minimize(_evils(model, part, question, is_full=is_full) + _spread(model, part, hint))
    return model


def _literals(model: Model, duty: Duty, who: PersonId) -> list[Literal]:
    return [literal for entry, literal in model.serves[duty.key].items() if who in entry]


def _team(duties: Iterable[Duty]) -> list[PersonId]:
    return sorted({who for duty in duties for entry in duty.options for who in entry})


def _forbid_clashes(model: Model, part: Problem) -> None:
    """At most one of two duties that nobody can serve both. Found once for each length of rest that people have."""
    rests = {person.id: person.limits.rest_minutes for person in part.people}
    by_rest: dict[int, list[PersonId]] = defaultdict(list)
    for who in _team(part.duties):
        by_rest[rests.get(who, 0)].append(who)
    for rest, people in by_rest.items():
        for together in _cliques(_clashes(part, rest)):
            for who in people:
                literals = [literal for duty in together for literal in _literals(model, duty, who)]
                if len(literals) > 1:
                    model.cp.add_at_most_one(literals)


def _clashes(part: Problem, rest: int) -> list[tuple[Duty, Duty]]:
    roads = roads_of(part.travel)
    farthest = max([0, rest, *roads.values()])
    found: list[tuple[Duty, Duty]] = []
    for n, one in enumerate(part.duties):
        for other in part.duties[n + 1 :]:
            between = (other.during.start - one.during.end).total_seconds() / 60
            if between >= farthest:
                break
            tired = between < rest and _day(one) != _day(other)
            if between < 0 or tired or between < roads.get((one.site, other.site), 0):
                found.append((one, other))
    return found


def _day(duty: Duty) -> date:
    return duty.during.start.astimezone(CHINA).date()


def _cliques(pairs: Sequence[tuple[Duty, Duty]]) -> list[tuple[Duty, ...]]:
    """Pairs, but all duties that begin at one instant as one clique: fewer and stronger constraints."""
    together: dict[object, dict[SlotKey, Duty]] = defaultdict(dict)
    rest: list[tuple[Duty, ...]] = []
    for one, other in pairs:
        if one.during.start == other.during.start:
            together[one.during.start] |= {one.key: one, other.key: other}
        else:
            rest.append((one, other))
    return [*(tuple(duties.values()) for duties in together.values()), *rest]


def _limit_weeks(model: Model, part: Problem) -> None:
    most = {person.id: person.limits.max_days_a_week for person in part.people}
    for who in _team(part.duties):
        limit = most.get(who)
        if limit is None:
            continue
        for days in _weeks_of(model, part, who).values():
            if len(days) > limit:
                model.cp.add(sum(_used(model, literals) for literals in days.values()) <= limit)


def _weeks_of(model: Model, part: Problem, who: PersonId) -> dict[object, dict[date, list[Literal]]]:
    """Literals by week and day; a day that is taken elsewhere has the constant 1."""
    weeks: dict[object, dict[date, list[Literal]]] = defaultdict(lambda: defaultdict(list))
    for duty in part.duties:
        if literals := _literals(model, duty, who):
            weeks[_day(duty).isocalendar()[:2]][_day(duty)] += literals
    for entry in part.elsewhere:
        day = entry.during.start.astimezone(CHINA).date()
        if entry.person == who and day.isocalendar()[:2] in weeks:
            weeks[day.isocalendar()[:2]][day] = [model.cp.new_constant(1)]
    return weeks


def _used(model: Model, literals: list[Literal]) -> Literal:
    if len(literals) == 1:
        return literals[0]
    used = model.cp.new_bool_var("")
    model.cp.add_max_equality(used, literals)
    return used


def _evils(model: Model, part: Problem, question: Question, *, is_full: bool) -> Any:
    """Gaps, changes and broken turns, but for constants: a filled duty earns back its gap."""
    aims, terms = question.aims, []
    for duty in part.duties:
        for entry, literal in model.serves[duty.key].items():
            price = 0 if is_full else -aims.gap
            price -= aims.change if duty.was_published and entry == duty.now else 0
            price += aims.off_turn if duty.turn is not None and entry != duty.turn else 0
            terms.append(price * literal)
    return sum(terms)


def _spread(model: Model, part: Problem, hint: Seats) -> Any:
    desk = Desk(replace(part, elsewhere=()))
    team = _team(part.duties)
    before = loads(part, hint)
    held: dict[PersonId, list[Any]] = defaultdict(list)
    most = 0
    for duty in part.duties:
        for entry, literal in model.serves[duty.key].items():
            for who in entry:
                weight = desk.weight(duty, who)
                held[who].append(weight * literal)
                most += weight
    ceiling = most + max([0, *part.borne.values()])
    highest, lowest = (model.cp.new_int_var(0, ceiling, "") for _ in range(2))
    model.cp.add_hint(highest, max(before.values()))
    model.cp.add_hint(lowest, min(before.values()))
    for who in team:
        load = part.borne.get(who, 0) + sum(held[who])
        model.cp.add(load <= highest)
        model.cp.add(load >= lowest)
    return highest - lowest
