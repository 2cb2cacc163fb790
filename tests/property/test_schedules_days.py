"""Working days: what is added is what is counted."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schedules.core.calendar_days import Calendar, add_working_days, count_working_days
from schedules.days import shipped_calendar

CALENDAR = shipped_calendar()


@given(st.dates(date(2025, 1, 1), date(2027, 11, 1)), st.integers(1, 60))
def test_adding_and_counting_working_days_agree(start: date, number: int) -> None:
    added = add_working_days(CALENDAR, start, number)

    counted = count_working_days(CALENDAR, start, added.end)
    assert len(counted.counted) == number
    assert CALENDAR.is_working(added.end)
    assert sorted(d.date for d in (*counted.counted, *counted.left_out)) == [
        start + timedelta(days=n) for n in range(1, (added.end - start).days + 1)
    ]


def test_an_empty_calendar_knows_weekends_only() -> None:
    assert [Calendar().is_working(date(2026, 10, day)) for day in range(1, 8)] == [
        True,
        True,
        False,
        False,
        True,
        True,
        True,
    ]
