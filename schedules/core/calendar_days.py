"""Which day is a working day, by which notice; counting and adding working days, with its arithmetic.

Days are data, never a formula: the State Council's General Office announces holidays and make-up
workdays (调休) every autumn, and has changed them mid-year (2019). A year without its notice is
*provisional*: only the days fixed by the regulation on holidays are known. A year without any data
is *assumed*: Monday to Friday.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum

ONE_DAY = timedelta(days=1)
LONGEST_COUNT = 3_660
"""Days. No legal clock runs for ten years; a larger number is a mistake that must not loop."""


class DayKind(Enum):
    """What a calendar day is for working time."""

    WORKING = "working"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"  # statutory holiday or a day moved to make it longer
    MAKEUP = "makeup"  # a Saturday or Sunday that is worked

    @property
    def is_working(self) -> bool:
        return self in (DayKind.WORKING, DayKind.MAKEUP)


class Status(Enum):
    """How sure the kind of a day is."""

    OFFICIAL = "official"  # the notice of that year is in
    PROVISIONAL = "provisional"  # only the regulation's own days are known
    ASSUMED = "assumed"  # no data for the year


@dataclass(frozen=True, slots=True)
class Source:
    """The document that the days of a year come from."""

    title: str
    issuer: str
    issued: date
    url: str


@dataclass(frozen=True, slots=True)
class Festival:
    """A name in both languages and the days that carry it."""

    zh: str
    en: str
    days: tuple[date, ...]
    makeup: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class YearOfDays:
    """One version of one year."""

    year: int
    version: int
    status: Status
    source: Source
    festivals: tuple[Festival, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """One calendar day. `zh`/`en` name the festival it belongs to, empty on ordinary days."""

    date: date
    kind: DayKind
    status: Status
    zh: str = ""
    en: str = ""


@dataclass(frozen=True)
class Calendar:
    """Years of days; of several versions of a year the highest counts."""

    years: tuple[YearOfDays, ...] = ()
    _days: Mapping[date, Day] = field(init=False, repr=False, compare=False)
    _status: Mapping[int, Status] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        newest = {year.year: year for year in sorted(self.years, key=lambda year: year.version)}
        days = {day.date: day for year in newest.values() for day in _named_days(year)}
        object.__setattr__(self, "_days", days)
        object.__setattr__(self, "_status", {y.year: y.status for y in newest.values()})

    def day(self, on: date) -> Day:
        """What is this day?"""
        known = self._days.get(on)
        if known is not None:
            return known
        kind = DayKind.WEEKEND if on.isoweekday() > 5 else DayKind.WORKING
        return Day(on, kind, self._status.get(on.year, Status.ASSUMED))

    def is_working(self, on: date) -> bool:
        return self.day(on).kind.is_working


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How a count of days was made: every day from the day after `start` to `end`, each with its kind."""

    start: date
    end: date
    counted: tuple[Day, ...]
    left_out: tuple[Day, ...]

    @property
    def status(self) -> Status:
        """As sure as its least sure day."""
        seen = {day.status for day in (*self.counted, *self.left_out)}
        for status in (Status.ASSUMED, Status.PROVISIONAL):
            if status in seen:
                return status
        return Status.OFFICIAL


def add_working_days(calendar: Calendar, start: date, days: int) -> Arithmetic:
    """Walk forward from `start` until `days` working days are counted.

    The day of the event itself is not counted (Civil Code art. 201). `days` is 1 or more.
    Raises ValueError if `days` is out of range.
    """
    if not 1 <= days <= LONGEST_COUNT:
        raise ValueError(f"days: between 1 and {LONGEST_COUNT}, not {days}")
    counted: list[Day] = []
    left_out: list[Day] = []
    for day in _after(calendar, start):
        (counted if day.kind.is_working else left_out).append(day)
        if len(counted) == days:
            break
    return Arithmetic(start, counted[-1].date, tuple(counted), tuple(left_out))


def count_working_days(calendar: Calendar, start: date, end: date) -> Arithmetic:
    """Working days after `start` up to and including `end`.

    Raises ValueError if `end` lies before `start` or too far after it.
    """
    if not start <= end <= start + LONGEST_COUNT * ONE_DAY:
        raise ValueError(f"end: from {start} on and within {LONGEST_COUNT} days")
    days = [calendar.day(start + n * ONE_DAY) for n in range(1, (end - start).days + 1)]
    counted = tuple(day for day in days if day.kind.is_working)
    return Arithmetic(start, end, counted, tuple(day for day in days if not day.kind.is_working))


def next_working_day(calendar: Calendar, on: date) -> date:
    """`on` itself if it is worked, else the first working day after it."""
    return on if calendar.is_working(on) else add_working_days(calendar, on, 1).end


def parse_year(text: str) -> YearOfDays:
    """Read one data file (TOML, see schedules/data).

    Raises ValueError naming the field that is missing, misplaced or contradictory.
    """
    table = tomllib.loads(text)
    try:
        origin = table["source"]
        year = YearOfDays(
            year=table["year"],
            version=table["version"],
            status=Status(table["status"]),
            source=Source(origin["title"], origin["issuer"], origin["issued"], origin["url"]),
            festivals=tuple(_festival(entry) for entry in table["festival"]),
        )
    except KeyError as missing:
        raise ValueError(f"{missing.args[0]}: missing") from None
    _check_year(year)
    return year


def _festival(entry: Mapping[str, object]) -> Festival:
    return Festival(str(entry["zh"]), str(entry["en"]), _dates(entry, "days"), _dates(entry, "makeup"))


def _dates(entry: Mapping[str, object], name: str) -> tuple[date, ...]:
    days = entry.get(name, [])
    if not isinstance(days, list) or not all(isinstance(day, date) for day in days):
        raise ValueError(f"{name}: a list of dates")
    return tuple(days)


def _check_year(year: YearOfDays) -> None:
    seen: set[date] = set()
    for day in _named_days(year):
        if day.date.year != year.year:
            raise ValueError(f"days: {day.date} is not in {year.year}")
        if day.date in seen:
            raise ValueError(f"days: {day.date} stands twice")
        if day.kind is DayKind.MAKEUP and day.date.isoweekday() <= 5:
            raise ValueError(f"makeup: {day.date} is no Saturday or Sunday")
        seen.add(day.date)


def _named_days(year: YearOfDays) -> Iterable[Day]:
    for festival in year.festivals:
        for on in festival.days:
            yield Day(on, DayKind.HOLIDAY, year.status, festival.zh, festival.en)
        for on in festival.makeup:
            yield Day(on, DayKind.MAKEUP, year.status, festival.zh, festival.en)


def _after(calendar: Calendar, start: date) -> Iterator[Day]:
    on = start
    while True:
        on += ONE_DAY
        yield calendar.day(on)
