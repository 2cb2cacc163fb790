"""When a line is open. Pure: the kinds of days are given by who has the calendar.

1. closed by hand            closed until somebody opens it by hand
2. a closure covers the day  closed, with its message; the line's own before the site's
3. no hours at all           open at any time (a self-service hall)
4. a statutory holiday       closed
5. a make-up workday         Monday's hours: the notice says that the day is worked, not which day it stands for
6. any other day             the hours of its weekday
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

CITY_TIME = ZoneInfo("Asia/Shanghai")
LOOK_AHEAD = 40  # days searched for the next opening: the longest holiday is nine
DayKind = Literal["working", "weekend", "holiday", "makeup"]
KindOf = Callable[[date], DayKind]


class Reason(StrEnum):
    """Why a line is closed; OPEN when it is not."""

    OPEN = "open"
    BY_HAND = "by_hand"
    CLOSURE = "closure"
    HOLIDAY = "holiday"
    OUT_OF_HOURS = "out_of_hours"


@dataclass(frozen=True, slots=True)
class Hours:
    """One stretch of a weekday (ISO, 1 = Monday), local time."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Closure:
    """Days without service, both included, and what people are told."""

    first_day: date
    last_day: date
    message_zh: str = ""
    message_en: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """All that decides whether a line is open. `message_*`: what people are told whenever it is closed."""

    hours: tuple[Hours, ...] = ()
    closures: tuple[Closure, ...] = ()
    by_hand: bool = False
    message_zh: str = ""
    message_en: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """The answer. `opens_at` None: open, or nobody knows."""

    reason: Reason
    opens_at: datetime | None = None
    message_zh: str = ""
    message_en: str = ""

    @property
    def is_open(self) -> bool:
        return self.reason is Reason.OPEN


def opening_of(rules: Rules, kind_of: KindOf, now: datetime) -> Opening:
    """Whether the line is open at this instant, else why not, what people are told, and when it opens."""
    reason, closure = _reason(rules, kind_of, now)
    if reason is Reason.OPEN:
        return Opening(reason)
    zh, en = (closure.message_zh, closure.message_en) if closure else ("", "")
    opens_at = None if reason is Reason.BY_HAND else next_opening(rules, kind_of, now)
    return Opening(reason, opens_at, zh or rules.message_zh, en or rules.message_en)


def _reason(rules: Rules, kind_of: KindOf, now: datetime) -> tuple[Reason, Closure | None]:
    local = now.astimezone(CITY_TIME)
    if rules.by_hand:
        return Reason.BY_HAND, None
    if closure := closure_on(rules, local.date()):
        return Reason.CLOSURE, closure
    if not rules.hours:
        return Reason.OPEN, None
    if kind_of(local.date()) == "holiday":
        return Reason.HOLIDAY, None
    within = any(start <= now < end for start, end in stretches(rules, kind_of, local.date()))
    return (Reason.OPEN if within else Reason.OUT_OF_HOURS), None


def closure_on(rules: Rules, on: date) -> Closure | None:
    """The closure of a day; the first given counts."""
    return next((one for one in rules.closures if one.first_day <= on <= one.last_day), None)


def stretches(rules: Rules, kind_of: KindOf, on: date) -> Iterator[tuple[datetime, datetime]]:
    """From when until when a line is open on a day, in order."""
    kind = kind_of(on)
    if kind == "holiday" or closure_on(rules, on):
        return
    weekday = 1 if kind == "makeup" else on.isoweekday()
    for hours in sorted(rules.hours, key=lambda one: one.opens):
        if hours.weekday == weekday:
            yield datetime.combine(on, hours.opens, CITY_TIME), datetime.combine(on, hours.closes, CITY_TIME)


def next_opening(rules: Rules, kind_of: KindOf, now: datetime) -> datetime | None:
    """When it opens next, or None if not within LOOK_AHEAD days."""
    today = now.astimezone(CITY_TIME).date()
    for ahead in range(LOOK_AHEAD):
        on = today + timedelta(days=ahead)
        if not rules.hours and not closure_on(rules, on):
            return datetime.combine(on, time(0), CITY_TIME)
        for start, _ in stretches(rules, kind_of, on):
            if start > now:
                return start
    return None
