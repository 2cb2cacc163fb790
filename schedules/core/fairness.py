"""Who has borne how much: the ledger behind "why me".

A no-show does not count: whoever was absent has not served (4-lessons C-19); the store leaves such shifts out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schedules.core.model import DayBecause, Interval, PersonId, SiteId, Slot

HOLIDAY_WEIGHT = 3
"""A minute on a statutory holiday counts three times, as it is paid (Labour Law of the PRC, article 44 (3))."""


def burden(during: Interval, *, on_holiday: bool, way_minutes: int) -> int:
    """What a shift weighs in the ledger, in minutes: its time, holidays three times, and the way there and back."""
    return during.minutes * (HOLIDAY_WEIGHT if on_holiday else 1) + 2 * way_minutes


@dataclass(frozen=True, slots=True)
class Served:
    """One person's line in the ledger. `burden` weighs holidays and ways, the rest is counted plainly."""

    shifts: int = 0
    minutes: int = 0
    holiday_shifts: int = 0
    distant_shifts: int = 0
    burden: int = 0

    def plus(self, slot: Slot, way_minutes: int = 0) -> Served:
        holiday = slot.day_because is DayBecause.HOLIDAY_SERVED
        return Served(
            self.shifts + 1,
            self.minutes + slot.during.minutes,
            self.holiday_shifts + holiday,
            self.distant_shifts + (way_minutes > 0),
            self.burden + burden(slot.during, on_holiday=holiday, way_minutes=way_minutes),
        )


def ledger(
    slots: Iterable[Slot],
    roads: Mapping[tuple[str, str], int] | None = None,
    homes: Mapping[PersonId, SiteId] | None = None,
) -> dict[PersonId, Served]:
    """What each person serves in these slots; closed ones do not count."""
    found: dict[PersonId, Served] = {}
    for slot in slots:
        if slot.closed is None:
            for person in slot.people:
                way = way_minutes((homes or {}).get(person), slot.site, roads or {})
                found[person] = found.get(person, Served()).plus(slot, way)
    return found


def way_minutes(home: SiteId | None, site: SiteId, roads: Mapping[tuple[str, str], int]) -> int:
    """The way from home to a site; 0 where it is not known."""
    return 0 if home is None else roads.get((home, site), 0)


def spread(book: Mapping[PersonId, Served], people: Iterable[PersonId]) -> int:
    """Most shifts minus fewest shifts among these people; 0 for nobody."""
    counts = [book.get(person, Served()).shifts for person in people]
    return max(counts) - min(counts) if counts else 0
