"""Theme days: where a rule leads, and what it says when the day had to move."""

from __future__ import annotations

from datetime import date

import pytest

from schedules.core.explain import Language
from schedules.core.themes import (
    LAST,
    SCREENING,
    FixedDay,
    NthWeekday,
    OneDate,
    OnHoliday,
    theme_date,
    theme_dates,
    why_words,
)
from schedules.days import shipped_calendar

CALENDAR = shipped_calendar()
NEXT = OnHoliday.NEXT_WORKING_DAY


@pytest.mark.parametrize(
    ("when", "policy", "month", "planned", "held"),
    [
        (NthWeekday(3, 6), OnHoliday.SKIP, "2026-11-01", "2026-11-21", "2026-11-21"),
        (NthWeekday(1, 6), OnHoliday.SAME_WEEKDAY_LATER, "2026-10-01", "2026-10-03", "2026-10-10"),
        (NthWeekday(1, 6), OnHoliday.SKIP, "2026-10-01", "2026-10-03", None),
        (NthWeekday(1, 6), OnHoliday.KEEP, "2026-10-01", "2026-10-03", "2026-10-03"),
        (NthWeekday(1, 6), NEXT, "2026-10-01", "2026-10-03", "2026-10-08"),
        (NthWeekday(1, 6), OnHoliday.WORKING_DAY_BEFORE, "2026-10-01", "2026-10-03", "2026-09-30"),
        (NthWeekday(LAST, 5), NEXT, "2026-07-01", "2026-07-31", "2026-07-31"),
        (FixedDay(18), NEXT, "2026-10-01", "2026-10-18", "2026-10-19"),  # a Sunday
        (FixedDay(18), NEXT, "2026-02-01", "2026-02-18", "2026-02-24"),  # Spring Festival
        (FixedDay(10), NEXT, "2026-10-01", "2026-10-10", "2026-10-10"),  # a Saturday that is worked
        (FixedDay(31), NEXT, "2026-02-01", "2026-02-28", "2026-02-28"),  # a short month; a make-up workday
        (OneDate(date(2026, 10, 1)), NEXT, "2026-10-01", "2026-10-01", "2026-10-01"),
    ],
)
def test_a_rule_leads_to_its_day(
    when: NthWeekday | FixedDay | OneDate, policy: OnHoliday, month: str, planned: str, held: str | None
) -> None:
    found = theme_date(when, policy, CALENDAR, date.fromisoformat(month))

    assert found is not None
    assert (found.planned, found.held) == (date.fromisoformat(planned), held and date.fromisoformat(held))


def test_one_date_belongs_to_one_month() -> None:
    when = OneDate(date(2026, 10, 1))

    assert [day.planned for day in theme_dates(when, NEXT, CALENDAR, date(2026, 1, 5), 24)] == [date(2026, 10, 1)]


def test_the_screening_of_every_month_of_2026_is_on_a_working_day() -> None:
    found = theme_dates(SCREENING, NEXT, CALENDAR, date(2026, 1, 1), 12)

    assert [day.held and day.held.isoformat()[5:] for day in found] == (
        ["01-19", "02-24", "03-18", "04-20", "05-18", "06-18", "07-20", "08-18", "09-18", "10-19", "11-18", "12-18"]
    )


@pytest.mark.parametrize(
    ("when", "policy", "month", "zh", "en"),
    [
        (FixedDay(18), NEXT, "2026-11-01", "每月18日", "day 18 of each month"),
        (
            FixedDay(18),
            NEXT,
            "2026-10-01",
            "每月18日；10月18日是周末，顺延到下一个工作日10月19日",
            "day 18 of each month; 18 Oct is a weekend day: moved to the next working day, 19 Oct",
        ),
        (
            NthWeekday(1, 6),
            OnHoliday.SKIP,
            "2026-10-01",
            "每月第一个周六；10月3日是国庆节放假，当月不举行",
            "the first Saturday of each month; 3 Oct is a public holiday (National Day): there is none in this month",
        ),
        (
            FixedDay(18),
            NEXT,
            "2027-03-01",
            "每月18日（当年放假通知未公布，日期暂定）",
            "day 18 of each month (provisional: the holiday notice of that year is not out)",
        ),
    ],
)
def test_it_says_why(when: NthWeekday | FixedDay, policy: OnHoliday, month: str, zh: str, en: str) -> None:
    found = theme_date(when, policy, CALENDAR, date.fromisoformat(month))

    assert found is not None
    assert why_words(when, policy, found, Language.ZH) == zh
    assert why_words(when, policy, found, Language.EN) == en


@pytest.mark.parametrize(("make", "message"), [(lambda: NthWeekday(5, 6), "nth"), (lambda: FixedDay(0), "day")])
def test_a_rule_that_cannot_be_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match="^" + message):
        make()  # type: ignore[operator]
