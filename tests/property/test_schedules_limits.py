"""Rest, ways, days of a week, teams with admission and exit: never broken by a plan, with or without a solver's layer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from schedules.core.conflicts import check, roads_of
from schedules.core.fairness import ledger, spread
from schedules.core.model import (
    CHINA,
    Commitment,
    Interval,
    Limits,
    Membership,
    Person,
    PersonId,
    Plan,
    Post,
    Rotation,
    RotationId,
    SiteId,
    Travel,
    Turn,
    WarningCode,
    Window,
    local,
    slot_key,
)
from schedules.core.plan import Inputs, Proposal, plan
from schedules.core.rotation import occurrences
from schedules.days import shipped_calendar

CALENDAR = shipped_calendar()
SITES = [SiteId(name) for name in ("centre", "village", "park")]
STAFF = [PersonId(name) for name in ("ann", "bob", "cat", "dan")]
FIRST = date(2026, 9, 21)
WINDOW = Window(FIRST, FIRST + timedelta(days=20))
HARD = {
    WarningCode.DOUBLE_BOOKED,
    WarningCode.ON_LEAVE,
    WarningCode.UNLICENSED,
    WarningCode.NOT_MEMBER,
    WarningCode.UNKNOWN,
    WarningCode.NOT_RESTED,
    WarningCode.TOO_FAR,
    WarningCode.TOO_MANY_DAYS,
}
days = st.integers(-5, 25).map(lambda n: FIRST + timedelta(days=n))


@st.composite
def rules(draw: st.DrawFn, number: int) -> Rotation:
    start = draw(st.integers(0, 21))
    return Rotation(
        id=RotationId(f"r{number}"),
        site=draw(st.sampled_from(SITES)),
        service="mediation",
        title="",
        weekdays=draw(st.frozensets(st.integers(1, 7), min_size=1)),
        starts=time(start),
        ends=time(draw(st.integers(start + 1, 23))),
        posts=(Post("mediator"),),
        members=tuple((who,) for who in draw(st.lists(st.sampled_from(STAFF), max_size=4, unique=True))),
        anchor=FIRST,
        turn=draw(st.sampled_from(Turn)),
        team=draw(st.sampled_from([None, "volunteers"])),
    )


@st.composite
def people(draw: st.DrawFn, name: PersonId) -> Person:
    admitted = draw(days)
    teams = (Membership("volunteers", Window(admitted, admitted + timedelta(days=draw(st.integers(0, 30))))),)
    limits = Limits(draw(st.one_of(st.none(), st.integers(1, 6))), draw(st.sampled_from([0, 8 * 60, 14 * 60])))
    return Person(name, (), teams=teams, limits=limits, home=draw(st.sampled_from([None, *SITES])))


@st.composite
def strained_inputs(draw: st.DrawFn) -> Inputs:
    rotations = tuple(draw(rules(number)) for number in range(draw(st.integers(1, 4))))
    elsewhere: list[Commitment] = []
    for who in STAFF:
        if draw(st.booleans()):
            start = local(draw(days), time(draw(st.integers(0, 20))))
            elsewhere.append(Commitment(who, Interval(start, start + timedelta(hours=3)), "elsewhere"))
    ways = [Travel(one, SiteId("elsewhere"), draw(st.integers(0, 300))) for one in SITES]
    return Inputs(
        site=SITES[0],
        window=WINDOW,
        calendar=CALENDAR,
        rotations=rotations,
        people=tuple(draw(people(name)) for name in STAFF),
        elsewhere=tuple(elsewhere),
        travel=(*ways, Travel(SITES[0], SITES[1], draw(st.integers(0, 300)))),
        proposal=draw(st.one_of(st.none(), proposals(rotations))),
    )


@st.composite
def proposals(draw: st.DrawFn, rotations: tuple[Rotation, ...]) -> Proposal:
    """Also wild ones: a layer is somebody else's idea and is not believed."""
    keys = [slot_key(o.rotation.id, o.day) for rule in rotations for o in occurrences(rule, WINDOW, CALENDAR)]
    seats = {key: (draw(st.sampled_from(STAFF)),) for key in keys if draw(st.booleans())}
    return Proposal("anybody", draw(st.integers(0, 9)), seats)


def duties_of(made: Plan, elsewhere: tuple[Commitment, ...]) -> dict[PersonId, list[tuple[Interval, str]]]:
    found: dict[PersonId, list[tuple[Interval, str]]] = defaultdict(list)
    for slot in made.slots:
        for who in slot.people:
            found[who].append((slot.during, slot.site))
    for who in list(found):
        found[who] += [(entry.during, entry.place) for entry in elsewhere if entry.person == who]
        found[who].sort(key=lambda duty: duty[0].start)
    return found


@given(strained_inputs())
def test_nobody_is_without_rest_or_on_the_road_or_over_the_weeks_days(inputs: Inputs) -> None:
    made = plan(inputs)

    roads = roads_of(inputs.travel)
    limits = {person.id: person.limits for person in inputs.people}
    for who, duties in duties_of(made, inputs.elsewhere).items():
        for (one, here), (other, there) in pairwise(duties):
            between = (other.start - one.end).total_seconds() / 60
            assert between >= roads.get((here, there), 0)
            if one.start.astimezone(CHINA).date() != other.start.astimezone(CHINA).date():
                assert between >= limits[who].rest_minutes
        weeks: dict[tuple[int, int], set[date]] = defaultdict(set)
        for during, _ in duties:
            day = during.start.astimezone(CHINA).date()
            weeks[day.isocalendar()[:2]].add(day)
        most = limits[who].max_days_a_week
        mine = {slot.day.isocalendar()[:2] for slot in made.slots if who in slot.people}
        assert all(most is None or len(weeks[week]) <= most for week in mine)


@given(strained_inputs())
def test_who_has_not_come_or_has_left_the_team_is_not_in_the_roster(inputs: Inputs) -> None:
    made = plan(inputs)

    teams = {person.id: person.teams for person in inputs.people}
    for slot in made.slots:
        for who in slot.people:
            assert slot.team is None or any(slot.day in member.during for member in teams[who])


@given(strained_inputs())
def test_the_checker_agrees_with_the_planner(inputs: Inputs) -> None:
    made = plan(inputs)

    found = check(made.slots, inputs.people, (), inputs.elsewhere, CALENDAR, inputs.travel)
    assert {warning.code for warning in found} & HARD == set()


@given(strained_inputs())
def test_a_plan_with_a_proposal_is_a_function_of_its_inputs(inputs: Inputs) -> None:
    turned = replace(inputs, people=inputs.people[::-1], rotations=inputs.rotations[::-1], travel=inputs.travel[::-1])

    assert plan(inputs) == plan(turned)


@given(strained_inputs())
def test_the_checker_finds_a_limit_that_came_later(inputs: Inputs) -> None:
    """One day a week from now on: every shift on a later day of somebody's week is named, and no other."""
    made = plan(inputs)
    strict = tuple(replace(person, limits=Limits(max_days_a_week=1)) for person in inputs.people)

    found = check(made.slots, strict, (), (), CALENDAR)

    first: dict[tuple[PersonId, tuple[int, int]], date] = {}
    beyond: set[str] = set()
    for slot in sorted(made.slots, key=lambda slot: slot.during.start):
        for who in slot.people:
            if first.setdefault((who, slot.day.isocalendar()[:2]), slot.day) != slot.day:
                beyond.add(slot.key)
    assert {w.slot for w in found if w.code is WarningCode.TOO_MANY_DAYS} == beyond


@given(st.integers(1, 9), st.frozensets(st.integers(1, 7), min_size=1), st.integers(2025, 2027))
def test_without_fixed_turns_a_year_differs_by_at_most_one_shift(
    members: int, weekdays: frozenset[int], year: int
) -> None:
    ids = [PersonId(f"p{n}") for n in range(members)]
    rule = Rotation(
        id=RotationId("r"),
        site=SITES[0],
        service="mediation",
        title="",
        weekdays=weekdays,
        starts=time(9),
        ends=time(12),
        posts=(Post("mediator"),),
        members=tuple((who,) for who in ids),
        anchor=FIRST,
        turn=Turn.FAIR,
    )
    window = Window(date(year, 1, 1), date(year, 12, 31))

    made = plan(Inputs(SITES[0], window, CALENDAR, (rule,), tuple(Person(who) for who in ids)))

    assert spread(ledger(made.slots), ids) <= 1
