"""What a site offers, and findings about a shift itself, whoever serves it: its day, the hours, the services, what was purchased."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time

from schedules.core.calendar_days import Calendar, DayKind, Status
from schedules.core.model import CHINA, Slot, Warning, WarningCode, Window


@dataclass(frozen=True, slots=True)
class Opening:
    """Hours of a site on an ISO weekday, local; a site may have several on one day."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Quota:
    """Purchased service (政府购买服务): so many shifts of a service within these days, and no more are paid."""

    service: str
    provider: str
    during: Window
    shifts: int


@dataclass(frozen=True, slots=True)
class SiteRules:
    """What a site offers. `opening` empty: always open; `offered` None: every service; `closed`: days on which nobody opens."""

    opening: tuple[Opening, ...] = ()
    offered: frozenset[str] | None = None
    quotas: tuple[Quota, ...] = ()
    closed: tuple[Window, ...] = ()


NO_SITE_RULES = SiteRules()


def day_warnings(slot: Slot, calendar: Calendar) -> Iterable[Warning]:
    """Served on a holiday; on a day whose notice is not in."""
    day = calendar.day(slot.day)
    if day.kind is DayKind.HOLIDAY:
        yield Warning(slot.key, WarningCode.HOLIDAY)
    if day.status is not Status.OFFICIAL:
        yield Warning(slot.key, WarningCode.PROVISIONAL)


def site_warnings(slots: Sequence[Slot], rules: SiteRules) -> Iterable[Warning]:
    """Outside of the opening hours, not offered here, more than was purchased."""
    for slot in slots:
        outside = rules.opening and not any(_within(slot, hours) for hours in rules.opening)
        if outside or any(slot.day in days for days in rules.closed):
            yield Warning(slot.key, WarningCode.SITE_CLOSED)
        if rules.offered is not None and slot.service not in rules.offered:
            yield Warning(slot.key, WarningCode.NOT_OFFERED)
    for quota in rules.quotas:
        yield from _beyond(quota, slots)


def _within(slot: Slot, hours: Opening) -> bool:
    start, end = slot.during.start.astimezone(CHINA), slot.during.end.astimezone(CHINA)
    same_day = start.date() == end.date()
    return (
        same_day and start.isoweekday() == hours.weekday and hours.opens <= start.time() and end.time() <= hours.closes
    )


def _beyond(quota: Quota, slots: Sequence[Slot]) -> Iterable[Warning]:
    counted = [slot for slot in slots if slot.service == quota.service and slot.day in quota.during]
    counted.sort(key=lambda slot: (slot.during.start, slot.key))
    for slot in counted[quota.shifts :]:
        yield Warning(slot.key, WarningCode.QUOTA_USED_UP)
