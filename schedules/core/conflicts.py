"""What stands against a person serving a slot, and what to warn of in any roster.

`obstacle` is the single rule of who can serve; the planner asks it, and so does the checker. `check`
looks at a finished roster with today's facts, so it also finds what happened *after* publishing:
a new leave, an expired licence, a colleague who left.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from schedules.core.calendar_days import Calendar
from schedules.core.model import (
    CHINA,
    Commitment,
    Interval,
    Leave,
    Obstacle,
    Person,
    PersonId,
    Slot,
    Travel,
    Warning,
    WarningCode,
)
from schedules.core.site_rules import NO_SITE_RULES, SiteRules, day_warnings, site_warnings

LICENCE_NOTICE = timedelta(days=30)
"""How long before its last day a licence is warned of: renewals take weeks (law firms' yearly inspection of
practising certificates alone runs over two months), and rosters are published a month ahead."""

_NEAR = timedelta(days=8)
"""Duties further apart cannot touch each other: the longest rule looks at one week, a shift ends on the next day."""

_AS_WARNING = {
    Obstacle.ON_LEAVE: WarningCode.ON_LEAVE,
    Obstacle.DOUBLE_BOOKED: WarningCode.DOUBLE_BOOKED,
    Obstacle.UNLICENSED: WarningCode.UNLICENSED,
    Obstacle.NOT_MEMBER: WarningCode.NOT_MEMBER,
    Obstacle.UNKNOWN: WarningCode.UNKNOWN,
    Obstacle.NOT_RESTED: WarningCode.NOT_RESTED,
    Obstacle.TOO_FAR: WarningCode.TOO_FAR,
    Obstacle.TOO_MANY_DAYS: WarningCode.TOO_MANY_DAYS,
}

Roads = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody is asked for: when, where, with which licence, as a member of which team."""

    during: Interval
    place: str
    needs: str | None = None
    team: str | None = None


class Diary:
    """Duties of people, each in order of time."""

    def __init__(self, entries: Iterable[Commitment] = ()) -> None:
        self._duties: dict[PersonId, list[Commitment]] = {}
        for entry in sorted(entries, key=_start):
            self._duties.setdefault(entry.person, []).append(entry)

    def add(self, entry: Commitment) -> None:
        insort(self._duties.setdefault(entry.person, []), entry, key=_start)

    def remove(self, entry: Commitment) -> None:
        self._duties[entry.person].remove(entry)

    def near(self, person: PersonId, during: Interval) -> Sequence[Commitment]:
        """Duties of the person within a week and a day of this time."""
        duties = self._duties.get(person, [])
        return duties[
            bisect_left(duties, during.start - _NEAR, key=_start) : bisect_left(duties, during.end + _NEAR, key=_start)
        ]


def _start(entry: Commitment) -> datetime:
    return entry.during.start


def roads_of(travel: Iterable[Travel]) -> dict[tuple[str, str], int]:
    """Minutes by (from, to), in both directions."""
    ways = [(entry.one, entry.other, entry.minutes) for entry in travel]
    return {pair: minutes for one, other, minutes in ways for pair in ((one, other), (other, one))}


def by_person(entries: Iterable[Leave]) -> dict[PersonId, list[Interval]]:
    """Intervals of each person."""
    found: dict[PersonId, list[Interval]] = {}
    for entry in entries:
        found.setdefault(entry.person, []).append(entry.during)
    return found


def obstacle(
    person: Person | None, asked: Ask, leave: Sequence[Interval], taken: Sequence[Commitment], roads: Roads
) -> Obstacle | None:
    """The first thing that keeps a person from serving, over the whole interval; None if nothing does.

    taken   the person's other duties; those further than a week away may be left out.
    """
    if person is None:
        return Obstacle.UNKNOWN
    first, last = _days(asked.during)
    if not _is_member(person, asked.team, first, last):
        return Obstacle.NOT_MEMBER
    if asked.needs is not None and _licensed_until(person, asked.needs, first, last) is None:
        return Obstacle.UNLICENSED
    if any(asked.during.overlaps(away) for away in leave):
        return Obstacle.ON_LEAVE
    if any(asked.during.overlaps(other.during) for other in taken):
        return Obstacle.DOUBLE_BOOKED
    return _strain(person, asked, taken, roads) if taken else None


def _days(during: Interval) -> tuple[date, date]:
    return during.start.astimezone(CHINA).date(), during.end.astimezone(CHINA).date()


def _is_member(person: Person, team: str | None, first: date, last: date) -> bool:
    if first not in person.member or last not in person.member:
        return False
    return team is None or any(m.team == team and first in m.during and last in m.during for m in person.teams)


def _licensed_until(person: Person, needs: str, first: date, last: date) -> date | None:
    """The last day of a licence that is valid from `first` to `last`, the longest of several; None without one."""
    held = (q.valid for q in person.qualifications if q.code == needs)
    return max((valid.last for valid in held if first in valid and last in valid), default=None)


def _strain(person: Person, asked: Ask, taken: Sequence[Commitment], roads: Roads) -> Obstacle | None:
    """The way between two sites, the night's rest, the days of a week. No two of these duties overlap."""
    for other in taken:
        between = _minutes_between(asked.during, other.during)
        if between < roads.get((asked.place, other.place), 0):
            return Obstacle.TOO_FAR
        if between < person.limits.rest_minutes and _start_day(other.during) != _start_day(asked.during):
            return Obstacle.NOT_RESTED
    most = person.limits.max_days_a_week
    if most is not None and _days_with(asked.during, taken) > most:
        return Obstacle.TOO_MANY_DAYS
    return None


def _minutes_between(one: Interval, other: Interval) -> float:
    return max((other.start - one.end).total_seconds(), (one.start - other.end).total_seconds()) / 60


def _start_day(during: Interval) -> date:
    return during.start.astimezone(CHINA).date()


def _days_with(during: Interval, taken: Sequence[Commitment]) -> int:
    """Local days of this duty's week, Monday to Sunday, on which a duty begins, this one counted."""
    day = _start_day(during)
    week = day.isocalendar()[:2]
    days = {_start_day(other.during) for other in taken}
    return len({day, *(other for other in days if other.isocalendar()[:2] == week)})


def check(
    slots: Sequence[Slot],
    people: Iterable[Person],
    leave: Iterable[Leave],
    elsewhere: Iterable[Commitment],
    calendar: Calendar,
    travel: Iterable[Travel] = (),
    site_rules: SiteRules = NO_SITE_RULES,
) -> tuple[Warning, ...]:
    """Every finding about these slots, in order."""
    held = [slot for slot in slots if slot.closed is None]
    facts = _Facts({person.id: person for person in people}, by_person(leave), Diary(elsewhere), roads_of(travel))
    found: list[Warning] = []
    for slot in sorted(held, key=lambda slot: (slot.during.start, slot.key)):
        found.extend(day_warnings(slot, calendar))
        found.extend(_seat_warnings(slot, facts))
    found.extend(site_warnings(held, site_rules))
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of people; the diary grows slot by slot, so of two duties that clash the later one is named."""

    known: Mapping[PersonId, Person]
    away: Mapping[PersonId, Sequence[Interval]]
    diary: Diary
    roads: Roads


def _seat_warnings(slot: Slot, facts: _Facts) -> Iterable[Warning]:
    for post, seat in enumerate(slot.seats):
        if seat.person is None:
            yield Warning(slot.key, WarningCode.GAP, post)
            continue
        who, asked = facts.known.get(seat.person), Ask(slot.during, slot.site, seat.needs, slot.team)
        taken = facts.diary.near(seat.person, slot.during)
        stands = obstacle(who, asked, facts.away.get(seat.person, ()), taken, facts.roads)
        if stands is not None:
            yield Warning(slot.key, _AS_WARNING[stands], post, seat.person)
        elif who is not None and seat.needs is not None and _ends_soon(who, seat.needs, slot.during):
            yield Warning(slot.key, WarningCode.LICENCE_ENDS, post, seat.person)
        facts.diary.add(Commitment(seat.person, slot.during, slot.site))


def _ends_soon(person: Person, needs: str, during: Interval) -> bool:
    first, last = _days(during)
    until = _licensed_until(person, needs, first, last)
    return until is not None and until != date.max and until <= last + LICENCE_NOTICE
