"""`bench roster`: a year of rosters of a whole city, planned and planned again after one leave.

1. A seeded city: parlours x services, each a weekly duty on its own weekday and hours without fixed turns; each service has its own people.
   Everybody has licences, a home, a rest of 11 hours, at most 5 days a week and a fortnight of leave; holidays are skipped as in life.
2. `plan_s`: from the facts to the final rosters of all sites: posing the problem, the greedy answer, the solver in its own process, and
   `plan` of every site with what was found.
3. `replan_s`: one person goes on leave for two weeks in spring; only shifts that this person held may change.
4. Quality: afterwards, outside of `plan_s`, the solver works on the same problem with `--bound-effort` per group of people and starts from our
   answer. What it proves is the bound: no plan of the year costs less.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from time import perf_counter

from schedules.core.balance.problem import PLAN, REPLAN, Aims, Problem, Seats, loads, narrowed, pose
from schedules.core.fairness import ledger
from schedules.core.model import (
    Interval,
    Leave,
    Limits,
    Person,
    PersonId,
    Plan,
    Post,
    Qualification,
    Rotation,
    RotationId,
    SiteId,
    SlotKey,
    Travel,
    Turn,
    Window,
    local,
)
from schedules.core.plan import Inputs, Proposal, plan
from schedules.days import shipped_calendar
from schedules.solve.answer import Answer, Effort, Question, by_greedy
from schedules.solve.process import is_installed, solve
from server.bench import say
from server.bench.core import Figure, Result
from server.bench.machine import machine_facts, package_versions
from server.bench.options import at_least

FIRST = date(2026, 1, 5)  # a Monday of a year whose notice is in
HOURS = ((time(9), time(11, 30)), (time(14), time(17)))
ONE_DAY = timedelta(days=1)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--parlours", type=at_least(1), default=13)
    parser.add_argument("--services", type=at_least(1), default=6)
    parser.add_argument("--weeks", type=at_least(1), default=52)
    parser.add_argument("--staff", type=at_least(2), default=120)
    parser.add_argument("--seed", type=int, default=1, help="of the city and of the solver")
    parser.add_argument(
        "--bound-effort", type=float, default=2.0, help="deterministic seconds per group for the bound; 0: no bound"
    )
    parser.add_argument("--no-solver", action="store_true", help="the core's greedy planner alone")


@dataclass(frozen=True, slots=True)
class Planned:
    """One planning of all sites."""

    answer: Answer
    plans: Mapping[SiteId, Plan]
    seconds: float


def run(options: argparse.Namespace) -> Result:
    machine = machine_facts()
    sites = make_city(options.parlours, options.services, options.weeks, options.staff, options.seed)
    with_solver = is_installed() and not options.no_solver
    effort = Effort(seed=options.seed)
    first = asyncio.run(plan_city(sites, PLAN, None, effort, with_solver=with_solver))
    say(f"planned: {first.seconds:.2f} s, {first.answer.score}")
    seats = first.answer.seats
    after = asyncio.run(plan_city(with_leave(sites, seats), REPLAN, seats, effort, with_solver=with_solver))
    say(f"planned again: {after.seconds:.2f} s, {after.answer.score}")
    figures = _figures(sites, first, after)
    absent: dict[str, str] = {}
    if is_installed() and options.bound_effort > 0:
        tried = Effort(seed=options.seed, deterministic_s=options.bound_effort, patience_s=600, good_enough=-1)
        figures |= _bound(asyncio.run(solve(Question(pose(sites), PLAN, tried))))
    else:
        absent["bound_spread_minutes"] = "no solver; install the extra `roster` (OR-Tools)"
    return Result("roster", machine, package_versions("ortools", "msgspec"), figures, {}, absent)


async def plan_city(
    sites: tuple[Inputs, ...], aims: Aims, published: Seats | None, effort: Effort, *, with_solver: bool
) -> Planned:
    """Pose, answer, and plan every site whose seats are others than the published ones."""
    began = perf_counter()
    problem = pose(sites, published)
    asked = narrowed(problem) if aims.keep else problem
    question = Question(asked, aims, effort)
    answer = await solve(question) if with_solver else by_greedy(question, "not_asked")
    seats = {**_kept(problem, asked), **answer.seats}
    touched = {
        key.rpartition("/")[0]
        for key in seats.keys() | (published or {}).keys()
        if seats.get(key) != (published or {}).get(key)
    }
    concerned = [site for site in sites if any(rule.id in touched for rule in site.rotations)]
    plans = {site.site: plan(_with(site, Proposal(answer.planner, answer.seed, seats))) for site in concerned}
    return Planned(replace(answer, seats=seats), plans, perf_counter() - began)


def _kept(problem: Problem, asked: Problem) -> dict[SlotKey, tuple[PersonId, ...]]:
    again = {duty.key for duty in asked.duties}
    return {duty.key: duty.now for duty in problem.duties if duty.now is not None and duty.key not in again}


def _with(site: Inputs, proposal: Proposal) -> Inputs:
    mine = {rotation.id for rotation in site.rotations}
    seats = {key: entry for key, entry in proposal.seats.items() if key.rpartition("/")[0] in mine}
    return replace(site, proposal=replace(proposal, seats=seats))


def _figures(sites: tuple[Inputs, ...], first: Planned, after: Planned) -> dict[str, Figure]:
    slots = [slot for made in first.plans.values() for slot in made.slots]
    before = {slot.key: slot.people for slot in slots}
    later = {slot.key: slot.people for made in after.plans.values() for slot in made.slots}
    changed = sum(before[key] != people for key, people in later.items())
    book = ledger(slots)
    shifts = [book[person.id].shifts for site in sites[:1] for person in site.people if person.id in book]
    figures = {
        "plan_s": Figure(round(first.seconds, 3), "s"),
        "replan_s": Figure(round(after.seconds, 3), "s"),
        "shifts": Figure(len(slots), "count"),
        "staff": Figure(len(sites[0].people), "count"),
        "gaps": Figure(sum(None in [s.person for s in slot.seats] for slot in slots), "count"),
        "spread_minutes": Figure(first.answer.score.spread, "min"),
        "spread_shifts": Figure(max(shifts) - min(shifts), "count"),
        "replan_changes": Figure(changed, "count"),
        "replan_least_changes": Figure(after.answer.score.changes, "count"),
        "replan_gaps": Figure(after.answer.score.gaps, "count"),
        "planner": Figure(first.answer.planner, "name"),
    }
    figures["load_minutes"] = Figure(_mean_load(sites, first), "min")
    return figures


def _mean_load(sites: tuple[Inputs, ...], first: Planned) -> int:
    borne = loads(pose(sites), first.answer.seats)
    return round(sum(borne.values()) / len(borne))


def _bound(answer: Answer) -> dict[str, Figure]:
    """What the solver proved and what it found with much more time, starting from our answer."""
    return {
        "bound_gaps": Figure(answer.bound // PLAN.gap, "count"),
        "bound_spread_minutes": Figure(answer.bound % PLAN.gap, "min"),
        "solver_spread_minutes": Figure(answer.score.spread, "min"),
        "solver_answered": Figure(answer.planner, "name"),
    }


def make_city(parlours: int, services: int, weeks: int, staff: int, seed: int) -> tuple[Inputs, ...]:
    """One Inputs per parlour, all with the same people; `staff` is shared out among the services."""
    chance = random.Random(seed)
    sites = [SiteId(f"parlour-{n:02d}") for n in range(parlours)]
    window = Window(FIRST, FIRST + timedelta(days=7 * weeks - 1))
    teams = [[PersonId(f"s{n % services}-{n:03d}") for n in range(staff) if n % services == k] for k in range(services)]
    people = tuple(_person(who, k, chance.choice(sites)) for k, team in enumerate(teams) for who in team)
    leave = tuple(_leave(person.id, chance.randrange(max(1, 7 * weeks - 14))) for person in people)
    travel = tuple(Travel(a, b, chance.randint(15, 75)) for n, a in enumerate(sites) for b in sites[n + 1 :])
    return tuple(
        Inputs(
            site,
            window,
            shipped_calendar(),
            tuple(_rotation(site, k, team, chance) for k, team in enumerate(teams)),
            people,
            leave,
            travel=travel,
        )
        for site in sites
    )


def _person(who: PersonId, service: int, home: SiteId) -> Person:
    return Person(who, (Qualification(f"licence_{service}"),), limits=Limits(5, 11 * 60), home=home)


def _leave(who: PersonId, day: int) -> Leave:
    start = local(FIRST + day * ONE_DAY, time.min)
    return Leave(who, Interval(start, start + 14 * ONE_DAY))


def _rotation(site: SiteId, service: int, team: list[PersonId], chance: random.Random) -> Rotation:
    starts, ends = chance.choice(HOURS)
    return Rotation(
        id=RotationId(f"{site}-{service}"),
        site=site,
        service=f"service_{service}",
        title="",
        weekdays=frozenset({chance.randint(1, 5)}),
        starts=starts,
        ends=ends,
        posts=(Post("lawyer", f"licence_{service}"),),
        members=tuple((who,) for who in team),
        anchor=FIRST,
        turn=Turn.FAIR,
    )


def with_leave(sites: tuple[Inputs, ...], seats: Seats) -> tuple[Inputs, ...]:
    """The same city where whoever holds most shifts of a fortnight in the middle goes on leave for it."""
    middle = FIRST + timedelta(days=(sites[0].window.last - FIRST).days // 2)
    days = {(middle + n * ONE_DAY).isoformat() for n in range(14)}
    held = [who for key, entry in seats.items() if key.rpartition("/")[2] in days for who in entry]
    busiest = max(sorted(set(held)), key=held.count) if held else sites[0].people[0].id
    start = local(middle, time.min)
    more = Leave(busiest, Interval(start, start + 14 * ONE_DAY))
    return tuple(replace(site, leave=(*site.leave, more)) for site in sites)
