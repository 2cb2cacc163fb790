"""The lowest layer: on which days a rotation serves, and whose turn each day is.

Turns are counted over days that are *served*, not over calendar weeks: a week that falls into a
holiday uses up nobody's turn. Otherwise the same person could lose every holiday week, or be spared
every one, and a year would not come out even.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from schedules.core.calendar_days import Calendar, DayKind
from schedules.core.model import DayBecause, HolidayRule, MakeupRule, Rotation, Turn, Window

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One day on which a rotation serves, and the number of its turn (0 = the anchor's turn)."""

    rotation: Rotation
    day: date
    turn: int

    @property
    def position(self) -> int | None:
        """Place in the order of members, from 0; None when the rotation has no members."""
        members = len(self.rotation.members)
        return self.turn % members if members else None


def serves_on(rotation: Rotation, day: date, calendar: Calendar) -> bool:
    """Does the rotation serve on this local date?

    1. A statutory holiday: only if the rule says so, and only on the rotation's weekdays.
    2. A make-up workday: on the rotation's weekdays always; on other weekdays only if the rule says so.
    3. Any other day: on the rotation's weekdays.
    """
    if day not in rotation.serves:
        return False
    kind = calendar.day(day).kind
    usual = day.isoweekday() in rotation.weekdays
    if kind is DayKind.HOLIDAY:
        return usual and rotation.holidays is HolidayRule.SERVE
    if kind is DayKind.MAKEUP and not usual:
        return rotation.makeup_days is MakeupRule.SERVE
    return usual


def day_because(rotation: Rotation, day: date, calendar: Calendar) -> DayBecause:
    """Why a served day is served."""
    if calendar.day(day).kind is DayKind.HOLIDAY:
        return DayBecause.HOLIDAY_SERVED
    if day.isoweekday() not in rotation.weekdays:
        return DayBecause.MAKEUP_WORKDAY
    return DayBecause.FIXED_WEEKDAY


def week_of(rotation: Rotation, day: date) -> date:
    """First day of the rotation's week that holds `day`."""
    return day - timedelta(days=(day.isoweekday() - rotation.week_starts) % 7)


def occurrences(rotation: Rotation, window: Window, calendar: Calendar) -> tuple[Occurrence, ...]:
    """Every served day inside the window with its turn, in order.

    The result for a day depends on the anchor and the calendar only, never on the window.
    """
    turn = _turn_before(rotation, window.first, calendar)
    found: list[Occurrence] = []
    last_group: date | None = None
    for day in _served(rotation, _count_from(rotation, window.first), window.last, calendar):
        if (group := _group(rotation, day)) != last_group:
            turn += 1
            last_group = group
        if day >= window.first:
            found.append(Occurrence(rotation, day, turn))
    return tuple(found)


def _group(rotation: Rotation, day: date) -> date:
    """Days of one group share one turn."""
    return week_of(rotation, day) if rotation.turn is Turn.WEEK else day


def _count_from(rotation: Rotation, day: date) -> date:
    """First day of the turn-week that holds `day`, so that no week is cut in two."""
    return week_of(rotation, day) if rotation.turn is Turn.WEEK else day


def _turn_before(rotation: Rotation, first: date, calendar: Calendar) -> int:
    """Number of the last turn before the group of `first`; -1 when that group is the anchor's own."""
    start, anchor = _count_from(rotation, first), _count_from(rotation, rotation.anchor)
    if start >= anchor:
        return _groups(rotation, anchor, start - ONE_DAY, calendar) - 1
    return -_groups(rotation, start, anchor - ONE_DAY, calendar) - 1


def _groups(rotation: Rotation, first: date, last: date, calendar: Calendar) -> int:
    return len({_group(rotation, day) for day in _served(rotation, first, last, calendar)})


def _served(rotation: Rotation, first: date, last: date, calendar: Calendar) -> Iterator[date]:
    day = max(first, rotation.serves.first)
    end = min(last, rotation.serves.last)
    while day <= end:
        if serves_on(rotation, day, calendar):
            yield day
        day += ONE_DAY
