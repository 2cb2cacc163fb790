"""Theme days by monthly rule, and what a rule does when its day is a holiday.

1. The planned day follows from the rule: the nth weekday of the month, a fixed day of it, or one date.
2. A fixed day is unfit when nobody works on it (weekend or holiday). An nth weekday is often a Saturday on purpose: it is unfit only
   on a statutory holiday. One date was chosen by a person and is never unfit.
3. An unfit day goes where the rule's policy says; the answer keeps both days and the reason, which is shown wherever the day is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from schedules.core.calendar_days import ONE_DAY, Calendar, Day, DayKind, Status, next_working_day
from schedules.core.explain import Language, Words, day_name, weekday_name

LAST = -1  # as `nth`: the last one of the month
_LONGEST_WAIT = 5  # weeks; the longest run of holidays in China is nine days


class OnHoliday(Enum):
    """What happens to a day that is unfit."""

    KEEP = "keep"  # it takes place all the same
    NEXT_WORKING_DAY = "next_working_day"
    WORKING_DAY_BEFORE = "working_day_before"
    SAME_WEEKDAY_LATER = "same_weekday_later"  # a week later, until it is no holiday
    SKIP = "skip"  # no theme day in that month


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """`nth` 1 to 4 or LAST, `weekday` ISO: (3, 6) is the third Saturday."""

    nth: int
    weekday: int

    def __post_init__(self) -> None:
        if self.nth not in (1, 2, 3, 4, LAST):
            raise ValueError(f"nth: 1 to 4, or {LAST} for the last, not {self.nth}")
        if not 1 <= self.weekday <= 7:
            raise ValueError(f"weekday: 1 to 7, not {self.weekday}")


@dataclass(frozen=True, slots=True)
class FixedDay:
    """The same day of each month; in a shorter month its last day."""

    day: int

    def __post_init__(self) -> None:
        if not 1 <= self.day <= 31:
            raise ValueError(f"day: 1 to 31, not {self.day}")


@dataclass(frozen=True, slots=True)
class OneDate:
    """One day only."""

    on: date


When = NthWeekday | FixedDay | OneDate
SCREENING = FixedDay(18)
"""Proactive screening takes place on the 18th of every month (product row 004-21)."""


@dataclass(frozen=True, slots=True)
class ThemeDate:
    """Where a rule leads in one month.

    held      None: it does not take place in this month
    obstacle  what the planned day is, where it is unfit
    status    how sure the kind of these days is
    """

    planned: date
    held: date | None
    obstacle: Day | None
    status: Status


def theme_date(when: When, policy: OnHoliday, calendar: Calendar, month: date) -> ThemeDate | None:
    """The day of a rule in the month of `month`; None where OneDate lies in another month."""
    planned = _planned(when, month)
    if planned is None:
        return None
    day = calendar.day(planned)
    if not _is_unfit(when, day):
        return ThemeDate(planned, planned, None, day.status)
    return ThemeDate(planned, _shifted(policy, calendar, planned), day, day.status)


def theme_dates(when: When, policy: OnHoliday, calendar: Calendar, first: date, months: int) -> tuple[ThemeDate, ...]:
    """The days of several months from the month of `first` on, in order of their month."""
    found = (theme_date(when, policy, calendar, month_after(first, n)) for n in range(months))
    return tuple(date for date in found if date is not None)


def month_after(first: date, months: int) -> date:
    """The first day of the month that lies `months` later."""
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _planned(when: When, month: date) -> date | None:
    first, last = month.replace(day=1), month_after(month, 1) - ONE_DAY
    if isinstance(when, OneDate):
        return when.on if first <= when.on <= last else None
    if isinstance(when, FixedDay):
        return first.replace(day=min(when.day, last.day))
    if when.nth == LAST:
        return last - timedelta(days=(last.isoweekday() - when.weekday) % 7)
    return first + timedelta(days=(when.weekday - first.isoweekday()) % 7 + 7 * (when.nth - 1))


def _is_unfit(when: When, day: Day) -> bool:
    if isinstance(when, OneDate):
        return False
    return day.kind is DayKind.HOLIDAY if isinstance(when, NthWeekday) else not day.kind.is_working


def _shifted(policy: OnHoliday, calendar: Calendar, planned: date) -> date | None:
    if policy is OnHoliday.SKIP:
        return None
    if policy is OnHoliday.NEXT_WORKING_DAY:
        return next_working_day(calendar, planned)
    if policy is OnHoliday.WORKING_DAY_BEFORE:
        return next(day for n in range(1, 40) if calendar.is_working(day := planned - timedelta(days=n)))
    if policy is OnHoliday.SAME_WEEKDAY_LATER:
        later = (planned + timedelta(weeks=n) for n in range(1, _LONGEST_WAIT))
        return next((day for day in later if calendar.day(day).kind is not DayKind.HOLIDAY), None)
    return planned


_NTH_ZH = {1: "第一个", 2: "第二个", 3: "第三个", 4: "第四个", LAST: "最后一个"}
_NTH_EN = {1: "first", 2: "second", 3: "third", 4: "fourth", LAST: "last"}
_POLICIES = {
    OnHoliday.KEEP: Words("照常举行", "it takes place all the same"),
    OnHoliday.NEXT_WORKING_DAY: Words("顺延到下一个工作日{day}", "moved to the next working day, {day}"),
    OnHoliday.WORKING_DAY_BEFORE: Words("提前到前一个工作日{day}", "moved to the working day before, {day}"),
    OnHoliday.SAME_WEEKDAY_LATER: Words("改到{day}（同一星期几）", "moved to {day}, the same weekday"),
    OnHoliday.SKIP: Words("当月不举行", "there is none in this month"),
}
_KINDS = {
    DayKind.WORKING: Words("工作日", "a working day"),
    DayKind.WEEKEND: Words("周末", "a weekend day"),
    DayKind.HOLIDAY: Words("放假", "a public holiday"),
    DayKind.MAKEUP: Words("调休上班", "a make-up workday"),
}
_UNSURE = Words("（当年放假通知未公布，日期暂定）", " (provisional: the holiday notice of that year is not out)")


def rule_words(when: When, language: Language) -> str:
    """ "每月第三个周六", "the third Saturday of each month"."""
    if isinstance(when, OneDate):
        return day_name(when.on, language)
    if isinstance(when, FixedDay):
        return Words(f"每月{when.day}日", f"day {when.day} of each month")[language]
    name = weekday_name(date(2024, 1, when.weekday), language)  # 1 January 2024 was a Monday
    return Words(f"每月{_NTH_ZH[when.nth]}{name}", f"the {_NTH_EN[when.nth]} {name} of each month")[language]


def why_words(when: When, policy: OnHoliday, on: ThemeDate, language: Language) -> str:
    """Why it is held on this day: the rule, and if the day was moved, what stood in the way."""
    text = rule_words(when, language)
    if on.obstacle is not None:
        planned = day_name(on.planned, language)
        kind = _KINDS[on.obstacle.kind][language]
        zh = f"{text}；{planned}是{on.obstacle.zh}{kind}，"
        named = f" ({on.obstacle.en})" if on.obstacle.en else ""
        went = _POLICIES[policy][language].format(day=day_name(on.held, language) if on.held else "")
        text = Words(zh + went, f"{text}; {planned} is {kind}{named}: {went}")[language]
    return text + ("" if on.status is Status.OFFICIAL else _UNSURE[language])
