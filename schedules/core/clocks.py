"""Legal clocks: a length in working or calendar days, stopped for a reason and going on, with its arithmetic in words.

1. The day of the event is not counted; the first day of the clock is the day after (Civil Code art. 201).
2. A day that lies in a pause is not counted; its first and last day both belong to the pause.
3. Working days: weekends and holidays are not counted, make-up workdays are.
4. Calendar days: every day counts; if the last one is a statutory holiday or a weekend day, the limit ends on the first working day
   after it (Civil Code art. 203). A law may say otherwise: `ends_on_rest_day`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from schedules.core.calendar_days import LONGEST_COUNT, ONE_DAY, Calendar, Day, DayKind, Status
from schedules.core.explain import Language, Words, day_name


class Count(Enum):
    """Which days a clock counts."""

    WORKING = "working"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Clock:
    """A limit as the law or a pledge sets it, e.g. 15 working days (Notary Law art. 30). `source` names it."""

    days: int
    count: Count
    source: Words
    ends_on_rest_day: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.days <= LONGEST_COUNT:
            raise ValueError(f"days: between 1 and {LONGEST_COUNT}, not {self.days}")


@dataclass(frozen=True, slots=True)
class Pause:
    """Days on which a clock stands still; `last` None: it has not gone on yet."""

    first: date
    last: date | None
    reason: Words

    def __post_init__(self) -> None:
        if self.last is not None and self.last < self.first:
            raise ValueError(f"last: {self.last} lies before {self.first}")

    def holds(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Run:
    """How a clock ran.

    due       None while it stands still
    counted   the days that were counted; left_out: weekend days and holidays; paused: days in a pause
    rolled    the last counted day was a rest day, so that the limit ends on `due` instead
    """

    clock: Clock
    start: date
    due: date | None
    counted: tuple[Day, ...]
    left_out: tuple[Day, ...]
    paused: tuple[Day, ...]
    pauses: tuple[Pause, ...]
    rolled: tuple[Day, ...] = ()

    @property
    def status(self) -> Status:
        """As sure as its least sure day."""
        seen = {day.status for day in (*self.counted, *self.left_out, *self.paused, *self.rolled)}
        return next((s for s in (Status.ASSUMED, Status.PROVISIONAL) if s in seen), Status.OFFICIAL)

    @property
    def left(self) -> int:
        """Days still to count; 0 once it is due."""
        return self.clock.days - len(self.counted)


def run(clock: Clock, start: date, pauses: tuple[Pause, ...], calendar: Calendar) -> Run:
    """Run a clock from the day of the event to its end, or to where it stands still."""
    sorted_pauses = tuple(sorted(pauses, key=lambda pause: pause.first))
    counted: list[Day] = []
    left_out: list[Day] = []
    paused: list[Day] = []
    on = start
    while len(counted) < clock.days:
        on += ONE_DAY
        day = calendar.day(on)
        holding = [pause for pause in sorted_pauses if pause.holds(on)]
        if any(pause.last is None for pause in holding):
            return Run(clock, start, None, tuple(counted), tuple(left_out), tuple(paused), sorted_pauses)
        counts = clock.count is Count.CALENDAR or day.kind.is_working
        (paused if holding else counted if counts else left_out).append(day)
    rolled = _rolled(clock, on, calendar)
    due = rolled[-1].date + ONE_DAY if rolled else on
    return Run(clock, start, due, tuple(counted), tuple(left_out), tuple(paused), sorted_pauses, rolled)


def _rolled(clock: Clock, last: date, calendar: Calendar) -> tuple[Day, ...]:
    if clock.count is Count.WORKING or clock.ends_on_rest_day:
        return ()
    found: list[Day] = []
    while not calendar.is_working(last):
        found.append(calendar.day(last))
        last += ONE_DAY
    return tuple(found)


_UNITS = {Count.WORKING: Words("个工作日", "working day"), Count.CALENDAR: Words("日", "calendar day")}
_KINDS = {DayKind.HOLIDAY: Words("放假", "holiday"), DayKind.MAKEUP: Words("调休上班", "make-up workday")}
_REST = Words("休息日", "day of rest")
_UNSURE = Words("当年放假通知未公布，结果暂定。", " The holiday notice of that year is not out: provisional.")


def run_words(ran: Run, language: Language) -> str:
    """The arithmetic as a sentence: source, length, each pause with its reason, each special day, the end."""
    zh = language is Language.ZH
    parts = [_head(ran, language), *(_pause_words(pause, language) for pause in ran.pauses)]
    special = sorted((d for d in (*ran.counted, *ran.left_out) if d.zh), key=lambda day: day.date)
    parts += [_special(day, language) for day in special]
    if ran.rolled:
        first = day_name(ran.rolled[0].date, language)
        parts.append(f"{first}是{_REST.zh}，顺延" if zh else f"{first} is a {_REST.en}, so it ends later")
    if ran.due is None:
        parts.append(f"计时暂停中，还剩{ran.left}天" if zh else f"the clock stands still with {ran.left} days left")
    else:
        parts.append(f"到期日{day_name(ran.due, language)}" if zh else f"due on {day_name(ran.due, language)}")
    text = ("；" if zh else "; ").join(parts) + ("。" if zh else ".")
    return text + ("" if ran.status is Status.OFFICIAL else _UNSURE[language])


def _head(ran: Run, language: Language) -> str:
    n, unit = ran.clock.days, _UNITS[ran.clock.count][language]
    start, source = day_name(ran.start, language), ran.clock.source[language]
    if language is Language.ZH:
        return f"{start}次日起{n}{unit}（{source}）"
    return f"{n} {unit}{'s' if n != 1 else ''} after {start} ({source})"


def _pause_words(pause: Pause, language: Language) -> str:
    first, reason = day_name(pause.first, language), pause.reason[language]
    if pause.last is None:
        return Words(f"{first}起暂停：{reason}", f"paused since {first}: {reason}")[language]
    last = day_name(pause.last, language)
    return Words(f"{first}至{last}不计：{reason}", f"{first} to {last} not counted: {reason}")[language]


def _special(day: Day, language: Language) -> str:
    when, kind = day_name(day.date, language), _KINDS[day.kind][language]
    return Words(f"{when}{day.zh}{kind}", f"{when} is a {kind} ({day.en})")[language]
