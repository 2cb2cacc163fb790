"""plan(inputs): rotation rules + overrides = the final roster, with its reasons and its gaps.

A pure function. The preview is this function; publishing is this function and a save. What a solver found
lies as a layer between the rotation rules and the overrides: `Inputs.proposal`, data like all the rest, so that
anybody can plan a release again without a solver.

How a slot is filled:

1. Overrides come first, in order of time: a substitute is seated unless something hard stands against
   it (leave, another duty at that time, a missing licence, not in the team). Then the override is
   refused with a warning and the rotation fills the post: a decision can be wrong, a roster may not be.
2. Where the proposal seats an entry that can serve, that entry serves; what it left empty is decided last, by the rotation as below.
3. The member whose turn it is serves, all posts together. Where there are no fixed turns, whoever has borne
   least so far.
4. If one of them cannot, another member entry stands in: of those who can, whoever has served least so
   far (ledger of the year and this plan), then the next in order. Pairs stand in as pairs.
5. If no whole entry can, each post is filled alone by the same rule, and what stays empty is a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from schedules.core import conflicts
from schedules.core.calendar_days import Calendar, DayKind
from schedules.core.conflicts import Ask, Diary
from schedules.core.fairness import burden, way_minutes
from schedules.core.model import (
    Because,
    Commitment,
    Interval,
    Leave,
    Obstacle,
    Override,
    OverrideKind,
    Passed,
    Person,
    PersonId,
    Plan,
    Rotation,
    Seat,
    SiteId,
    Slot,
    SlotKey,
    Travel,
    Turn,
    Warning,
    WarningCode,
    Why,
    Window,
    shift_interval,
    slot_key,
)
from schedules.core.rotation import Occurrence, day_because, occurrences
from schedules.core.site_rules import NO_SITE_RULES, SiteRules


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a planner found for some slots: the member entry that serves each. Slots it does not name follow the rotation.

    planner  name and version, e.g. `cp_sat 9.15.6755` or `greedy 2`; with `seed` it gives the same seats for the same problem.
    """

    planner: str
    seed: int
    seats: Mapping[SlotKey, tuple[PersonId, ...]]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a roster follows from.

    elsewhere  duties of these people at other sites.
    served     burden minutes that each has borne this year before the window (the ledger, see fairness.burden).
    travel     ways between sites.
    proposal   the solver's layer, if there is one.
    """

    site: SiteId
    window: Window
    calendar: Calendar
    rotations: tuple[Rotation, ...] = ()
    people: tuple[Person, ...] = ()
    leave: tuple[Leave, ...] = ()
    overrides: tuple[Override, ...] = ()
    elsewhere: tuple[Commitment, ...] = ()
    served: Mapping[PersonId, int] = field(default_factory=dict)
    travel: tuple[Travel, ...] = ()
    site_rules: SiteRules = NO_SITE_RULES
    proposal: Proposal | None = None


def plan(inputs: Inputs) -> Plan:
    """The final roster of the window."""
    wanted = _wanted(inputs)
    table = _Table(inputs)
    refused = _seat_substitutes(wanted, inputs.overrides, table)
    filled = {key: table.fill(wanted[key]) for key in sorted(wanted, key=lambda key: not table.has_proposal(key))}
    slots = _close(tuple(filled[key] for key in wanted), inputs.overrides)
    lost = _lost(inputs.overrides, wanted)
    found = conflicts.check(
        slots, inputs.people, inputs.leave, inputs.elsewhere, inputs.calendar, inputs.travel, inputs.site_rules
    )
    return Plan(inputs.site, inputs.window, slots, tuple(sorted((*found, *refused, *lost))))


def _wanted(inputs: Inputs) -> dict[SlotKey, Occurrence]:
    """Every occurrence of every rotation, in order of time, then of rotation."""
    found = [o for rotation in inputs.rotations for o in occurrences(rotation, inputs.window, inputs.calendar)]
    found.sort(key=lambda o: (_during(o).start, o.rotation.service, o.rotation.id))
    return {slot_key(o.rotation.id, o.day): o for o in found}


def _during(occurrence: Occurrence) -> Interval:
    rule = occurrence.rotation
    return shift_interval(occurrence.day, rule.starts, rule.ends)


def _active(overrides: Iterable[Override], kind: OverrideKind) -> dict[tuple[SlotKey, int], Override]:
    """Of several decisions on one post the last one counts."""
    return {(o.slot, o.post): o for o in overrides if o.kind is kind}


def _close(slots: tuple[Slot, ...], overrides: tuple[Override, ...]) -> tuple[Slot, ...]:
    closed = {key: o.reason for (key, _), o in _active(overrides, OverrideKind.CLOSE).items()}
    return tuple(replace(slot, closed=closed[slot.key], seats=()) if slot.key in closed else slot for slot in slots)


def _lost(overrides: tuple[Override, ...], wanted: Mapping[SlotKey, Occurrence]) -> tuple[Warning, ...]:
    return tuple(
        Warning(o.slot, WarningCode.OVERRIDE_LOST, o.post, o.person) for o in overrides if o.slot not in wanted
    )


def _seat_substitutes(
    wanted: Mapping[SlotKey, Occurrence], overrides: tuple[Override, ...], table: _Table
) -> tuple[Warning, ...]:
    """Seat every substitute that can serve; the others come back as warnings."""
    closed = {key for key, _ in _active(overrides, OverrideKind.CLOSE)}
    decided = _active(overrides, OverrideKind.SUBSTITUTE)
    refused: list[Warning] = []
    for key, occurrence in wanted.items():
        if key in closed:
            table.close(key)
            continue
        for post in range(len(occurrence.rotation.posts)):
            override = decided.get((key, post))
            if override is not None and not table.substitute(occurrence, override):
                refused.append(Warning(key, WarningCode.OVERRIDE_REFUSED, post, override.person))
    return tuple(refused)


class _Table:
    """Who already sits where while one plan is made. Lives and dies inside `plan`."""

    def __init__(self, inputs: Inputs) -> None:
        self._people = {person.id: person for person in inputs.people}
        self._leave = conflicts.by_person(inputs.leave)
        self._diary = Diary(inputs.elsewhere)
        self._roads = conflicts.roads_of(inputs.travel)
        self._proposed = {} if inputs.proposal is None else inputs.proposal.seats
        self._served = dict(inputs.served)
        self._calendar = inputs.calendar
        self._substitutes: dict[tuple[SlotKey, int], Override] = {}
        self._closed: set[SlotKey] = set()

    def has_proposal(self, key: SlotKey) -> bool:
        return key in self._proposed

    def close(self, key: SlotKey) -> None:
        self._closed.add(key)

    def substitute(self, occurrence: Occurrence, override: Override) -> bool:
        """Seat the override's person; False if that cannot be."""
        person = override.person
        if person is None or self._obstacle(occurrence, override.post, person) is not None:
            return False
        self._substitutes[override.slot, override.post] = override
        self._take(person, occurrence)
        return True

    def fill(self, occurrence: Occurrence) -> Slot:
        """The slot of one occurrence with every post filled or named as a gap."""
        rule = occurrence.rotation
        key = slot_key(rule.id, occurrence.day)
        during = _during(occurrence)
        seats = () if key in self._closed else self._seats(occurrence, key)
        because = day_because(rule, occurrence.day, self._calendar)
        return Slot(key, rule.site, rule.service, rule.title, during, seats, because, team=rule.team)

    def _seats(self, occurrence: Occurrence, key: SlotKey) -> tuple[Seat, ...]:
        rule = occurrence.rotation
        fixed = {p: self._substitutes[key, p] for p in range(len(rule.posts)) if (key, p) in self._substitutes}
        free = [post for post in range(len(rule.posts)) if post not in fixed]
        chosen = (
            self._by_proposal(occurrence, key, free)
            or self._whole_entry(occurrence, free)
            or self._post_by_post(occurrence, free)
        )
        seats: list[Seat] = []
        for post, wanted in enumerate(rule.posts):
            if post in fixed:
                seats.append(self._decided(occurrence, fixed[post]))
                continue
            person, why = chosen[post]
            seats.append(Seat(wanted.role, person, why, wanted.needs))
        return tuple(seats)

    def _decided(self, occurrence: Occurrence, override: Override) -> Seat:
        rule = occurrence.rotation
        why = Why(Because.OVERRIDE, occurrence.turn, len(rule.members), note=override.reason)
        post = rule.posts[override.post]
        return Seat(post.role, override.person, why, post.needs)

    def _by_proposal(
        self, occurrence: Occurrence, key: SlotKey, posts: list[int]
    ) -> dict[int, tuple[PersonId | None, Why]] | None:
        """The entry that the solver's layer seats here; None without one, or if one of them cannot serve."""
        entry, members = self._proposed.get(key), occurrence.rotation.members
        if entry not in members or self._hindered(occurrence, entry, posts):
            return None
        position = members.index(entry)
        return {p: (entry[p], self._why(occurrence, position, p, (), Because.CHOSEN)) for p in posts}

    def _whole_entry(self, occurrence: Occurrence, posts: list[int]) -> dict[int, tuple[PersonId | None, Why]] | None:
        """The member entry in turn, else the stand-in entry with the least hours; None if no entry is whole."""
        passed: list[Passed] = []
        for position in self._asked(occurrence, posts):
            entry = occurrence.rotation.members[position]
            hindered = self._hindered(occurrence, entry, posts)
            if hindered:
                passed.extend(hindered)
                continue
            return {p: (entry[p], self._why(occurrence, position, p, tuple(passed))) for p in posts}
        return None

    def _post_by_post(self, occurrence: Occurrence, posts: list[int]) -> dict[int, tuple[PersonId | None, Why]]:
        return {post: self._one_post(occurrence, post) for post in posts}

    def _one_post(self, occurrence: Occurrence, post: int) -> tuple[PersonId | None, Why]:
        passed: list[Passed] = []
        for position in self._asked(occurrence, [post]):
            person = occurrence.rotation.members[position][post]
            obstacle = self._obstacle(occurrence, post, person)
            if obstacle is None:
                return person, self._why(occurrence, position, post, tuple(passed))
            passed.append(Passed(person, obstacle))
        return None, Why(Because.GAP, occurrence.turn, len(occurrence.rotation.members), passed=tuple(passed))

    def _asked(self, occurrence: Occurrence, posts: list[int]) -> Iterator[int]:
        """Positions in the order in which they are asked: whose turn it is, then by least burden, then in order."""
        mine, members = occurrence.position, occurrence.rotation.members
        if mine is None:
            return
        fair = occurrence.rotation.turn is Turn.FAIR
        if not fair:
            yield mine
        others = [(mine + step) % len(members) for step in range(0 if fair else 1, len(members))]
        others.sort(key=self._burdens(members, posts).__getitem__)
        yield from others

    def _burdens(self, members: tuple[tuple[PersonId, ...], ...], posts: list[int]) -> list[int]:
        """By position. A team of hundreds is weighed at every shift, so a single post goes without an inner loop."""
        served = self._served
        if len(posts) == 1:
            post = posts[0]
            return [served.get(entry[post], 0) for entry in members]
        return [sum(served.get(entry[post], 0) for post in posts) for entry in members]

    def _why(
        self,
        occurrence: Occurrence,
        position: int,
        post: int,
        passed: tuple[Passed, ...],
        because: Because | None = None,
    ) -> Why:
        """The reason, and the seat is taken."""
        rule = occurrence.rotation
        person = rule.members[position][post]
        because = because or _because(occurrence, position)
        served = None if because is Because.TURN else self._served.get(person, 0)
        self._take(person, occurrence)
        return Why(because, occurrence.turn, len(rule.members), position, passed, served)

    def _hindered(self, occurrence: Occurrence, entry: tuple[PersonId, ...], posts: list[int]) -> list[Passed]:
        asked = [(entry[post], self._obstacle(occurrence, post, entry[post])) for post in posts]
        return [Passed(person, obstacle) for person, obstacle in asked if obstacle is not None]

    def _obstacle(self, occurrence: Occurrence, post: int, person: PersonId) -> Obstacle | None:
        rule = occurrence.rotation
        during = _during(occurrence)
        asked = Ask(during, rule.site, rule.posts[post].needs, rule.team)
        known, away = self._people.get(person), self._leave.get(person, ())
        return conflicts.obstacle(known, asked, away, self._diary.near(person, during), self._roads)

    def _take(self, person: PersonId, occurrence: Occurrence) -> None:
        during, site = _during(occurrence), occurrence.rotation.site
        self._diary.add(Commitment(person, during, site))
        known = self._people.get(person)
        way = way_minutes(known.home if known else None, site, self._roads)
        holiday = self._calendar.day(occurrence.day).kind is DayKind.HOLIDAY
        borne = burden(during, on_holiday=holiday, way_minutes=way)
        self._served[person] = self._served.get(person, 0) + borne


def _because(occurrence: Occurrence, position: int) -> Because:
    if occurrence.rotation.turn is Turn.FAIR:
        return Because.LEAST
    return Because.TURN if position == occurrence.position else Because.STAND_IN
