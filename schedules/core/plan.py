"""plan(inputs): rotation rules + overrides = the final roster, with its reasons and its gaps.

A pure function. The preview is this function; publishing is this function and a save. Another planner
(a solver) is a layer between rotation and overrides: it answers the same question with the same type.

How a slot is filled:

1. Overrides come first, in order of time: a substitute is seated unless something hard stands against
   it (leave, another duty at that time, a missing licence, not in the team). Then the override is
   refused with a warning and the rotation fills the post: a decision can be wrong, a roster may not be.
2. The member whose turn it is serves, all posts together.
3. If one of them cannot, another member entry stands in: of those who can, whoever has served least so
   far (ledger of the year and this plan), then the next in order. Pairs stand in as pairs.
4. If no whole entry can, each post is filled alone by the same rule, and what stays empty is a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from schedules.core import conflicts
from schedules.core.calendar_days import Calendar
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
    Warning,
    WarningCode,
    Why,
    Window,
    shift_interval,
    slot_key,
)
from schedules.core.rotation import Occurrence, day_because, occurrences


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a roster follows from.

    elsewhere  duties of these people at other sites.
    served     minutes that each has served this year before the window (the ledger).
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


def plan(inputs: Inputs) -> Plan:
    """The final roster of the window."""
    wanted = _wanted(inputs)
    table = _Table(inputs)
    refused = _seat_substitutes(wanted, inputs.overrides, table)
    slots = tuple(table.fill(occurrence) for occurrence in wanted.values())
    slots = _close(slots, inputs.overrides)
    lost = _lost(inputs.overrides, wanted)
    found = conflicts.check(slots, inputs.people, inputs.leave, inputs.elsewhere, inputs.calendar)
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
        self._taken = conflicts.by_person(inputs.elsewhere)
        self._served = dict(inputs.served)
        self._calendar = inputs.calendar
        self._substitutes: dict[tuple[SlotKey, int], Override] = {}
        self._closed: set[SlotKey] = set()

    def close(self, key: SlotKey) -> None:
        self._closed.add(key)

    def substitute(self, occurrence: Occurrence, override: Override) -> bool:
        """Seat the override's person; False if that cannot be."""
        person = override.person
        if person is None or self._obstacle(occurrence, override.post, person) is not None:
            return False
        self._substitutes[override.slot, override.post] = override
        self._take(person, _during(occurrence))
        return True

    def fill(self, occurrence: Occurrence) -> Slot:
        """The slot of one occurrence with every post filled or named as a gap."""
        rule = occurrence.rotation
        key = slot_key(rule.id, occurrence.day)
        during = _during(occurrence)
        seats = () if key in self._closed else self._seats(occurrence, key)
        because = day_because(rule, occurrence.day, self._calendar)
        return Slot(key, rule.site, rule.service, rule.title, during, seats, because)

    def _seats(self, occurrence: Occurrence, key: SlotKey) -> tuple[Seat, ...]:
        rule = occurrence.rotation
        fixed = {p: self._substitutes[key, p] for p in range(len(rule.posts)) if (key, p) in self._substitutes}
        free = [post for post in range(len(rule.posts)) if post not in fixed]
        chosen = self._whole_entry(occurrence, free) or self._post_by_post(occurrence, free)
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

    def _asked(self, occurrence: Occurrence, posts: list[int]) -> list[int]:
        """Positions in the order in which they are asked: whose turn it is, then by least hours, then in order."""
        mine = occurrence.position
        if mine is None:
            return []
        members = occurrence.rotation.members
        others = [(mine + step) % len(members) for step in range(1, len(members))]
        others.sort(key=lambda position: sum(self._served.get(members[position][p], 0) for p in posts))
        return [mine, *others]

    def _why(self, occurrence: Occurrence, position: int, post: int, passed: tuple[Passed, ...]) -> Why:
        person = occurrence.rotation.members[position][post]
        because = Because.TURN if position == occurrence.position else Because.STAND_IN
        served = self._served.get(person, 0) if because is Because.STAND_IN else None
        why = Why(because, occurrence.turn, len(occurrence.rotation.members), position, passed, served)
        self._take(person, _during(occurrence))
        return why

    def _hindered(self, occurrence: Occurrence, entry: tuple[PersonId, ...], posts: list[int]) -> list[Passed]:
        asked = [(entry[post], self._obstacle(occurrence, post, entry[post])) for post in posts]
        return [Passed(person, obstacle) for person, obstacle in asked if obstacle is not None]

    def _obstacle(self, occurrence: Occurrence, post: int, person: PersonId) -> Obstacle | None:
        during = _during(occurrence)
        needs = occurrence.rotation.posts[post].needs
        away, taken = self._leave.get(person, ()), self._taken.get(person, ())
        return conflicts.obstacle(self._people.get(person), during, needs, away, taken)

    def _take(self, person: PersonId, during: Interval) -> None:
        self._taken.setdefault(person, []).append(during)
        self._served[person] = self._served.get(person, 0) + during.minutes
