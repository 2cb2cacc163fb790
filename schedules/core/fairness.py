"""Who has served how much: the ledger behind "why me".

A no-show will not count and distant sites may weigh more (next: weights); today a minute is a minute.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schedules.core.model import DayBecause, PersonId, Slot


@dataclass(frozen=True, slots=True)
class Served:
    """One person's line in the ledger."""

    shifts: int = 0
    minutes: int = 0
    holiday_shifts: int = 0

    def plus(self, slot: Slot) -> Served:
        holiday = slot.day_because is DayBecause.HOLIDAY_SERVED
        return Served(self.shifts + 1, self.minutes + slot.during.minutes, self.holiday_shifts + holiday)


def ledger(slots: Iterable[Slot]) -> dict[PersonId, Served]:
    """What each person serves in these slots; closed ones do not count."""
    found: dict[PersonId, Served] = {}
    for slot in slots:
        if slot.closed is None:
            for person in slot.people:
                found[person] = found.get(person, Served()).plus(slot)
    return found


def spread(book: dict[PersonId, Served], people: Iterable[PersonId]) -> int:
    """Most shifts minus fewest shifts among these people; 0 for nobody."""
    counts = [book.get(person, Served()).shifts for person in people]
    return max(counts) - min(counts) if counts else 0
