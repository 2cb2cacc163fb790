"""Levels, what is bad, and which days a figure covers. Pure.

Five levels, one rating per handled matter (product/2-rules B0.2). Very dissatisfied (1) and dissatisfied (2) open a case: put right within
15 working days unless the site says otherwise (one city has 5), everybody called back.
"""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

CITY_TIME = ZoneInfo("Asia/Shanghai")
BAD_UP_TO = 2
GOOD_FROM = 4
WORKING_DAYS = 15
PERIODS = ("month", "quarter")


def is_bad(level: int) -> bool:
    """Whether a rating opens a case."""
    return level <= BAD_UP_TO


def first_day(period: str, today: date) -> date:
    """The day a month's or a quarter's figures begin."""
    month = today.month if period == "month" else (today.month - 1) // 3 * 3 + 1
    return today.replace(month=month, day=1)


def begins(period: str, now: datetime) -> datetime:
    """The instant a month's or a quarter's figures begin, in the city's time."""
    return datetime.combine(first_day(period, now.astimezone(CITY_TIME).date()), time(0), CITY_TIME)
