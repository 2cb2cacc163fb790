"""The calendar of days against an independent package, and its arithmetic against days counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import pytest

from schedules.core.calendar_days import (
    Calendar,
    DayKind,
    Status,
    add_working_days,
    count_working_days,
    next_working_day,
    parse_year,
)
from schedules.core.explain import Language, arithmetic_words
from schedules.days import shipped_calendar

CALENDAR = shipped_calendar()
DAYS_2026 = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]


def test_every_day_of_2026_is_what_the_notice_says() -> None:
    ours = {day: CALENDAR.is_working(day) for day in DAYS_2026}

    assert ours == {day: chinese_calendar.is_workday(day) for day in DAYS_2026}


def test_holidays_of_2026_carry_the_names_of_the_notice() -> None:
    ours = {day: CALENDAR.day(day).en for day in DAYS_2026 if CALENDAR.day(day).kind is DayKind.HOLIDAY}

    theirs = {day: name for day, name in chinese_calendar.constants.holidays.items() if day.year == 2026}
    assert ours.keys() == theirs.keys()
    assert {name.lower() for name in ours.values()} == {name.lower() for name in theirs.values()}


def test_makeup_days_of_2026() -> None:
    makeup = [day for day in DAYS_2026 if CALENDAR.day(day).kind is DayKind.MAKEUP]

    assert makeup == [date(2026, *day) for day in [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]]


@pytest.mark.parametrize(
    ("year", "status"), [(2025, Status.ASSUMED), (2026, Status.OFFICIAL), (2027, Status.PROVISIONAL)]
)
def test_a_day_is_as_sure_as_its_year(year: int, status: Status) -> None:
    assert CALENDAR.day(date(year, 7, 7)).status is status


def test_2027_has_the_days_of_the_regulation_and_no_makeup_day() -> None:
    days = [CALENDAR.day(date(2027, 1, 1) + timedelta(days=n)) for n in range(365)]

    assert sum(day.kind is DayKind.HOLIDAY for day in days) == 13  # art. 2: 1 + 4 + 1 + 2 + 1 + 1 + 3
    assert [day for day in days if day.kind is DayKind.MAKEUP] == []


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-10-09", 1, "2026-10-10"),  # Saturday, but a make-up workday
        ("2026-10-09", 3, "2026-10-13"),
        ("2026-09-30", 1, "2026-10-08"),  # over National Day
        ("2026-02-13", 2, "2026-02-24"),  # Saturday 14 Feb is worked, then nine days off
        ("2026-11-20", 1, "2026-11-23"),  # over a weekend
        ("2026-03-02", 15, "2026-03-23"),
        ("2026-12-31", 1, "2027-01-04"),  # into a provisional year
    ],
)
def test_adding_working_days(start: str, days: int, end: str) -> None:
    counted = add_working_days(CALENDAR, date.fromisoformat(start), days)

    assert counted.end == date.fromisoformat(end)
    assert count_working_days(CALENDAR, counted.start, counted.end).counted == counted.counted


def test_a_count_into_an_unsure_year_is_unsure() -> None:
    assert add_working_days(CALENDAR, date(2026, 12, 30), 1).status is Status.OFFICIAL
    assert add_working_days(CALENDAR, date(2026, 12, 31), 1).status is Status.PROVISIONAL
    assert add_working_days(CALENDAR, date(2025, 12, 30), 3).status is Status.ASSUMED


def test_next_working_day_is_the_day_itself_if_it_is_worked() -> None:
    assert next_working_day(CALENDAR, date(2026, 10, 10)) == date(2026, 10, 10)
    assert next_working_day(CALENDAR, date(2026, 10, 1)) == date(2026, 10, 8)


def test_the_arithmetic_is_told_in_words() -> None:
    counted = add_working_days(CALENDAR, date(2026, 10, 9), 3)

    assert (
        arithmetic_words(counted, Language.EN)
        == "3 working days after 9 Oct end on 13 Oct; 10 Oct is a make-up workday (National Day)."
    )
    assert arithmetic_words(counted, Language.ZH) == "10月9日后第3个工作日是10月13日；10月10日国庆节调休上班。"


@pytest.mark.parametrize("days", [0, -1, 4000])
def test_a_count_that_makes_no_sense_is_refused(days: int) -> None:
    with pytest.raises(ValueError, match=r"^days: between 1 and"):
        add_working_days(CALENDAR, date(2026, 1, 1), days)


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^end: "):
        count_working_days(CALENDAR, date(2026, 1, 2), date(2026, 1, 1))


GOOD = """
year = 2030
version = 1
status = "official"
[source]
title = "t"
issuer = "i"
issued = 2029-11-01
url = ""
[[festival]]
zh = "元旦"
en = "New Year's Day"
days = [2030-01-01]
makeup = [2030-01-05]
"""


def test_of_two_versions_of_a_year_the_newer_counts() -> None:
    first = parse_year(GOOD)
    second = parse_year(GOOD.replace("version = 1", "version = 2").replace("[2030-01-01]", "[2030-01-02]"))

    for years in ((first, second), (second, first)):
        calendar = Calendar(years)
        assert calendar.day(date(2030, 1, 1)).kind is DayKind.WORKING
        assert calendar.day(date(2030, 1, 2)).kind is DayKind.HOLIDAY


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("year = 2030\n", "", "year: missing"),
        ('title = "t"\n', "", "title: missing"),
        ('status = "official"', 'status = "rumour"', "'rumour' is not a valid Status"),
        ("2030-01-01]", "2031-01-01]", "days: 2031-01-01 is not in 2030"),
        ("2030-01-01]", "2030-01-01, 2030-01-01]", "days: 2030-01-01 stands twice"),
        ("2030-01-05]", "2030-01-04]", "makeup: 2030-01-04 is no Saturday or Sunday"),
        ("[2030-01-01]", '"2030-01-01"', "days: a list of dates"),
    ],
)
def test_a_wrong_file_names_its_field(old: str, new: str, message: str) -> None:
    assert old in GOOD

    with pytest.raises(ValueError, match="^" + message):
        parse_year(GOOD.replace(old, new))
