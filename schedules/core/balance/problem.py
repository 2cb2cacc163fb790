"""A balancing problem: duties with the entries that can serve them, and what a good answer is. Data, with its arithmetic.

Several sites can be balanced together: their inputs make one problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from schedules.core.calendar_days import DayKind
from schedules.core.conflicts import Ask, Diary, by_person, obstacle, roads_of
from schedules.core.fairness import burden, way_minutes
from schedules.core.model import (
    Commitment,
    Interval,
    Leave,
    Obstacle,
    Person,
    PersonId,
    Rotation,
    SiteId,
    SlotKey,
    Travel,
    Turn,
    shift_interval,
    slot_key,
)
from schedules.core.plan import Inputs
from schedules.core.rotation import Occurrence, occurrences

Entry = tuple[PersonId, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """One shift to fill. `options` are the entries that nothing outside of this problem keeps from serving.

    now   who is published, if that entry could serve still; `was_published` tells whether anybody was.
    turn  whose fixed turn it is; None without fixed turns.
    """

    key: SlotKey
    site: SiteId
    during: Interval
    on_holiday: bool
    needs: tuple[str | None, ...]
    team: str | None
    options: tuple[Entry, ...]
    now: Entry | None = None
    was_published: bool = False
    turn: Entry | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Duties in order of time, and everything that decides who may serve them. `borne` is the ledger before."""

    duties: tuple[Duty, ...]
    people: tuple[Person, ...]
    leave: tuple[Leave, ...] = ()
    elsewhere: tuple[Commitment, ...] = ()
    travel: tuple[Travel, ...] = ()
    borne: Mapping[PersonId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Aims:
    """What one unit of each evil costs. A minute of spread costs 1.

    spread   is the most burdened person's minutes minus the least burdened one's, within people who can replace each other.
    keep     the published entry stays wherever it can: least change before fairness.
    """

    gap: int = 1_000_000
    change: int = 30
    off_turn: int = 240
    keep: bool = False


PLAN = Aims()
"""A new period: nothing empty, then even; half an hour of evenness is worth one change, four hours one broken turn."""

REPLAN = Aims(change=20_000, keep=True)
"""After a leave: the fewest changes that fill everything; 20,000 minutes is more than a month's work, so never traded for evenness."""


@dataclass(frozen=True, slots=True)
class Score:
    """How good an answer is; `spread` in burden minutes, summed over groups of people who can replace each other."""

    gaps: int
    changes: int
    off_turn: int
    spread: int

    def cost(self, aims: Aims) -> int:
        return aims.gap * self.gaps + aims.change * self.changes + aims.off_turn * self.off_turn + self.spread


Seats = Mapping[SlotKey, Entry]


def pose(sites: Iterable[Inputs], published: Seats | None = None) -> Problem:
    """The problem of these sites' windows; their `elsewhere` names no duty of each other's windows.

    published   who is public for a slot; slots it does not name were never published.
    """
    all_inputs = tuple(sites)
    people = {person.id: person for inputs in all_inputs for person in inputs.people}
    leave = tuple(sorted({entry for i in all_inputs for entry in i.leave}, key=lambda e: (e.person, e.during.start)))
    elsewhere = {entry for inputs in all_inputs for entry in inputs.elsewhere}
    empty = Problem(
        (),
        tuple(people[who] for who in sorted(people)),
        leave,
        tuple(sorted(elsewhere, key=lambda e: (e.person, e.during.start, e.place))),
        tuple({way: None for inputs in all_inputs for way in inputs.travel}),
        {who: minutes for inputs in all_inputs for who, minutes in sorted(inputs.served.items())},
    )
    desk = Desk(empty)
    duties = [_duty(o, i, desk, published or {}) for i in all_inputs for o in _open_occurrences(i)]
    return replace(empty, duties=tuple(sorted(duties, key=lambda duty: (duty.during.start, duty.key))))


def _open_occurrences(inputs: Inputs) -> Iterable[Occurrence]:
    """Occurrences that no override decides: those are not ours to fill."""
    decided = {override.slot for override in inputs.overrides}
    for rotation in inputs.rotations:
        for occurrence in occurrences(rotation, inputs.window, inputs.calendar):
            if slot_key(rotation.id, occurrence.day) not in decided:
                yield occurrence


def _duty(occurrence: Occurrence, inputs: Inputs, desk: Desk, published: Seats) -> Duty:
    rule = occurrence.rotation
    key = slot_key(rule.id, occurrence.day)
    holiday = inputs.calendar.day(occurrence.day).kind is DayKind.HOLIDAY
    during = shift_interval(occurrence.day, rule.starts, rule.ends)
    bare = Duty(key, rule.site, during, holiday, tuple(post.needs for post in rule.posts), rule.team, ())
    able = tuple(entry for entry in dict.fromkeys(rule.members) if desk.can_serve(bare, entry))
    now = published.get(key)
    return replace(
        bare,
        options=able,
        now=now if now in able else None,
        was_published=now is not None,
        turn=_turn(rule, occurrence, able),
    )


def _turn(rule: Rotation, occurrence: Occurrence, able: tuple[Entry, ...]) -> Entry | None:
    if rule.turn is Turn.FAIR or occurrence.position is None:
        return None
    mine = rule.members[occurrence.position]
    return mine if mine in able else None


class Desk:
    """Who sits where while one problem is answered: asks the same `obstacle` as the plan does."""

    def __init__(self, problem: Problem) -> None:
        self._people = {person.id: person for person in problem.people}
        self._leave = by_person(problem.leave)
        self._diary = Diary(problem.elsewhere)
        self._roads = roads_of(problem.travel)

    def can_serve(self, duty: Duty, entry: Entry) -> bool:
        return all(self._obstacle(duty, post, who) is None for post, who in enumerate(entry))

    def _obstacle(self, duty: Duty, post: int, who: PersonId) -> Obstacle | None:
        asked = Ask(duty.during, duty.site, duty.needs[post], duty.team)
        taken = self._diary.near(who, duty.during)
        return obstacle(self._people.get(who), asked, self._leave.get(who, ()), taken, self._roads)

    def seat(self, duty: Duty, entry: Entry) -> None:
        for who in entry:
            self._diary.add(Commitment(who, duty.during, duty.site))

    def unseat(self, duty: Duty, entry: Entry) -> None:
        for who in entry:
            self._diary.remove(Commitment(who, duty.during, duty.site))

    def weight(self, duty: Duty, who: PersonId) -> int:
        """Burden minutes of this duty for this person."""
        person = self._people.get(who)
        way = way_minutes(person.home if person else None, duty.site, self._roads)
        return burden(duty.during, on_holiday=duty.on_holiday, way_minutes=way)


def groups(problem: Problem) -> tuple[tuple[Duty, ...], ...]:
    """Duties that share people, directly or through others: each group is a problem of its own."""
    head: dict[PersonId, PersonId] = {}

    def find(who: PersonId) -> PersonId:
        while head.setdefault(who, who) != who:
            head[who] = who = head[head[who]]
        return who

    for duty in problem.duties:
        for entry in duty.options:
            for who in entry:
                head[find(who)] = find(duty.options[0][0])
    found: dict[PersonId, list[Duty]] = {}
    for duty in problem.duties:
        if duty.options:
            found.setdefault(find(duty.options[0][0]), []).append(duty)
    return tuple(tuple(duties) for duties in found.values())


def loads(problem: Problem, seats: Seats) -> dict[PersonId, int]:
    """Burden minutes of everybody who has an option, with the ledger before."""
    desk = Desk(replace(problem, elsewhere=()))
    able = {who for duty in problem.duties for entry in duty.options for who in entry}
    found = {who: problem.borne.get(who, 0) for who in sorted(able)}
    for duty in problem.duties:
        for who in seats.get(duty.key, ()):
            found[who] += desk.weight(duty, who)
    return found


def score(problem: Problem, seats: Seats) -> Score:
    """How good these seats are."""
    borne = loads(problem, seats)
    spread = 0
    for duties in groups(problem):
        team = [borne[who] for who in {who for duty in duties for entry in duty.options for who in entry}]
        spread += max(team) - min(team)
    return Score(
        gaps=sum(duty.key not in seats for duty in problem.duties),
        changes=sum(d.was_published and (d.now is None or seats.get(d.key) != d.now) for d in problem.duties),
        off_turn=sum(duty.turn is not None and seats.get(duty.key, duty.turn) != duty.turn for duty in problem.duties),
        spread=spread,
    )


def floor(problem: Problem, aims: Aims) -> int:
    """No answer costs less: duties that nobody can serve stay empty, published entries that cannot serve must change."""
    gaps = sum(not duty.options for duty in problem.duties)
    return aims.gap * gaps + aims.change * sum(duty.was_published and duty.now is None for duty in problem.duties)


def narrowed(problem: Problem, reach: timedelta = timedelta(days=8)) -> Problem:
    """Only the duties near one whose published entry cannot serve any more; all others stay and become given facts."""
    hit = [duty for duty in problem.duties if duty.was_published and duty.now is None]
    near = [d for d in problem.duties if d.now is None or any(_near(d, other, reach) for other in hit)]
    kept = {duty.key for duty in problem.duties} - {duty.key for duty in near}
    fixed = [(duty, duty.now) for duty in problem.duties if duty.key in kept and duty.now is not None]
    given = [Commitment(who, duty.during, duty.site) for duty, entry in fixed for who in entry]
    borne = loads(problem, {duty.key: entry for duty, entry in fixed})
    return replace(
        problem, duties=tuple(near), elsewhere=(*problem.elsewhere, *given), borne={**problem.borne, **borne}
    )


def _near(one: Duty, other: Duty, reach: timedelta) -> bool:
    return abs(one.during.start - other.during.start) <= reach
