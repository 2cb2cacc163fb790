"""What stands against a person serving a slot, and what to warn of in any roster.

`obstacle` is the single rule of who can serve; the planner asks it, and so does the checker. `check`
looks at a finished roster with today's facts, so it also finds what happened *after* publishing:
a new leave, an expired licence, a colleague who left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from schedules.core.calendar_days import Calendar, DayKind, Status
from schedules.core.model import (
    CHINA,
    Commitment,
    Interval,
    Leave,
    Obstacle,
    Person,
    PersonId,
    Slot,
    Warning,
    WarningCode,
)

_AS_WARNING = {
    Obstacle.ON_LEAVE: WarningCode.ON_LEAVE,
    Obstacle.DOUBLE_BOOKED: WarningCode.DOUBLE_BOOKED,
    Obstacle.UNLICENSED: WarningCode.UNLICENSED,
    Obstacle.NOT_MEMBER: WarningCode.NOT_MEMBER,
    Obstacle.UNKNOWN: WarningCode.UNKNOWN,
}


def by_person(entries: Iterable[Leave | Commitment]) -> dict[PersonId, list[Interval]]:
    """Intervals of each person."""
    found: dict[PersonId, list[Interval]] = {}
    for entry in entries:
        found.setdefault(entry.person, []).append(entry.during)
    return found


def obstacle(
    person: Person | None,
    during: Interval,
    needs: str | None,
    leave: Sequence[Interval],
    taken: Sequence[Interval],
) -> Obstacle | None:
    """The first thing that keeps a person from serving, over the whole interval; None if nothing does."""
    if person is None:
        return Obstacle.UNKNOWN
    first = during.start.astimezone(CHINA).date()
    last = during.end.astimezone(CHINA).date()
    if first not in person.member or last not in person.member:
        return Obstacle.NOT_MEMBER
    if needs is not None and not _licensed(person, needs, during):
        return Obstacle.UNLICENSED
    if any(during.overlaps(away) for away in leave):
        return Obstacle.ON_LEAVE
    if any(during.overlaps(other) for other in taken):
        return Obstacle.DOUBLE_BOOKED
    return None


def _licensed(person: Person, needs: str, during: Interval) -> bool:
    first = during.start.astimezone(CHINA).date()
    last = during.end.astimezone(CHINA).date()
    return any(q.code == needs and first in q.valid and last in q.valid for q in person.qualifications)


def check(
    slots: Sequence[Slot],
    people: Iterable[Person],
    leave: Iterable[Leave],
    elsewhere: Iterable[Commitment],
    calendar: Calendar,
) -> tuple[Warning, ...]:
    """Every finding about these slots, in order."""
    known = {person.id: person for person in people}
    away, taken = by_person(leave), by_person(elsewhere)
    found: list[Warning] = []
    for slot in slots:
        if slot.closed is None:
            found.extend(_day_warnings(slot, calendar))
            found.extend(_seat_warnings(slot, known, away, taken))
    found.extend(_double_booked(slots))
    return tuple(sorted(found))


def _day_warnings(slot: Slot, calendar: Calendar) -> Iterable[Warning]:
    day = calendar.day(slot.day)
    if day.kind is DayKind.HOLIDAY:
        yield Warning(slot.key, WarningCode.HOLIDAY)
    if day.status is not Status.OFFICIAL:
        yield Warning(slot.key, WarningCode.PROVISIONAL)


def _seat_warnings(
    slot: Slot,
    known: dict[PersonId, Person],
    away: dict[PersonId, list[Interval]],
    taken: dict[PersonId, list[Interval]],
) -> Iterable[Warning]:
    for post, seat in enumerate(slot.seats):
        if seat.person is None:
            yield Warning(slot.key, WarningCode.GAP, post)
            continue
        who = known.get(seat.person)
        stands = obstacle(who, slot.during, seat.needs, away.get(seat.person, ()), taken.get(seat.person, ()))
        if stands is not None:
            yield Warning(slot.key, _AS_WARNING[stands], post, seat.person)


def _double_booked(slots: Sequence[Slot]) -> Iterable[Warning]:
    """A person in two of these slots at once: the later one is named."""
    duties = [(seat.person, slot, post) for slot in slots for post, seat in enumerate(slot.seats) if seat.person]
    duties.sort(key=lambda duty: (duty[0], duty[1].during.start, duty[1].key))
    for (person, slot, _), (other, later, post) in pairwise(duties):
        if person == other and slot.during.overlaps(later.during):
            yield Warning(later.key, WarningCode.DOUBLE_BOOKED, post, person)
