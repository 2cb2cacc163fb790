"""A roster as the pages and the API show it: plain values in the reader's language."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from schedules.core import explain
from schedules.core.calendar_days import Calendar, Day, DayKind, Status
from schedules.core.explain import Language, People
from schedules.core.model import Seat, Slot, SlotKey, Window
from schedules.core.release import ChangeKind, ReleasedSlot, State
from schedules.days import shipped_calendar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schedules.core.model import Warning as Finding
    from schedules.core.release import Change
    from server.duty.publishing import Prepared


class SeatView(msgspec.Struct):
    """One post: who holds it (null: nobody) and why."""

    role: str
    role_name: str
    person: str | None
    name: str
    because: str
    why: str


class SlotView(msgspec.Struct):
    """One shift. `state` is on, cancelled or closed; `start` and `end` are instants, `times` local."""

    key: str
    service: str
    service_name: str
    title: str
    day: date
    start: datetime
    end: datetime
    times: str
    state: str
    seats: list[SeatView]
    why_day: str
    reason: str = ""
    findings: list[FindingView] = []


class FindingView(msgspec.Struct):
    """One warning about a shift."""

    code: str
    sentence: str


class ChangeView(msgspec.Struct):
    """One difference to what is public: added, cancelled, restored, moved, reseated, renamed."""

    kind: str
    key: str
    service_name: str
    day: date
    times: str
    before: str
    after: str


class PreviewView(msgspec.Struct):
    """What would be published. `mark` goes into If-Match of the publish."""

    mark: str
    first: date
    last: date
    public_version: int | None
    is_unchanged: bool
    gaps: int
    provisional: bool
    slots: list[SlotView]
    changes: list[ChangeView]
    loose_findings: list[FindingView] = []


def slot_view(
    slot: Slot, people: People, language: Language, findings: Iterable[Finding] = (), state: str = ""
) -> SlotView:
    """One shift in words."""
    return SlotView(
        key=slot.key,
        service=slot.service,
        service_name=explain.service_name(slot.service, language),
        title=slot.title,
        day=slot.day,
        start=slot.during.start,
        end=slot.during.end,
        times=explain.times(slot),
        state=state or ("on" if slot.closed is None else "closed"),
        seats=[_seat_view(seat, people, language) for seat in slot.seats],
        why_day=explain.why_this_day(slot, language),
        reason=slot.closed or "",
        findings=[_finding_view(finding, slot, people, language) for finding in findings],
    )


def released_view(entry: ReleasedSlot, people: People, language: Language) -> SlotView:
    """A published shift in words."""
    return slot_view(entry.slot, people, language, state="cancelled" if entry.state is State.CANCELLED else "on")


def _seat_view(seat: Seat, people: People, language: Language) -> SeatView:
    return SeatView(
        role=seat.role,
        role_name=explain.role_name(seat.role, language),
        person=seat.person,
        name=explain.name_of(people, seat.person, language) if seat.person else "",
        because=seat.why.because.value,
        why=explain.why_this_person(seat, people, language),
    )


def _finding_view(finding: Finding, slot: Slot | None, people: People, language: Language) -> FindingView:
    return FindingView(finding.code.value, explain.warning_words(finding, slot, people, language))


def preview_view(prepared: Prepared, people: People, language: Language, now: datetime) -> PreviewView:
    """The whole preview in words. Shifts that have ended are left out: a publish does not touch them."""
    ended = {slot.key for slot in prepared.plan.slots if slot.during.end <= now}
    warnings = [finding for finding in prepared.plan.warnings if finding.slot not in ended]
    found: dict[SlotKey, list[Finding]] = defaultdict(list)
    for finding in warnings:
        found[finding.slot].append(finding)
    coming = [slot for slot in prepared.plan.slots if slot.key not in ended]
    slots = [slot_view(slot, people, language, found.pop(slot.key, ())) for slot in coming]
    loose = [_finding_view(finding, None, people, language) for rest in found.values() for finding in rest]
    window = prepared.roster.window
    return PreviewView(
        mark=prepared.mark,
        first=window.first,
        last=window.last,
        public_version=prepared.roster.version,
        is_unchanged=prepared.release is prepared.previous,
        gaps=sum(f.code.value == "gap" for f in warnings),
        provisional=any(f.code.value == "provisional" for f in warnings),
        slots=slots,
        changes=[change_view(change, people, language) for change in prepared.changes],
        loose_findings=loose,
    )


def change_view(change: Change, people: People, language: Language) -> ChangeView:
    """One difference in words: before and after as names, or as times where the time moved."""
    slot = change.after or change.before
    assert slot is not None  # a change has at least one side
    moved = change.kind is ChangeKind.MOVED
    said = [_side(side, people, language, with_time=moved) for side in (change.before, change.after)]
    after = "" if change.kind is ChangeKind.CANCELLED else said[1]
    service = explain.service_name(slot.service, language)
    return ChangeView(change.kind.value, change.key, service, slot.day, explain.times(slot), said[0], after)


def _side(slot: Slot | None, people: People, language: Language, *, with_time: bool) -> str:
    if slot is None:
        return ""
    joint = "、" if language is Language.ZH else ", "
    names = joint.join(explain.name_of(people, person, language) for person in slot.people)
    return f"{explain.times(slot)} {names}" if with_time else names


class DayView(msgspec.Struct):
    """One day of a calendar page; `kind` is working, weekend, holiday or makeup; `festival` names it if it has a name."""

    day: date
    number: int
    weekday: str
    kind: str
    festival: str
    provisional: bool
    in_window: bool
    slots: list[SlotView]


def day_views(
    slots: Iterable[SlotView], window: Window, shown: Window, language: Language, calendar: Calendar | None = None
) -> list[DayView]:
    """Every day of `shown` with its shifts; days outside of `window` are marked so. Without a calendar, the shipped one."""
    known = calendar or shipped_calendar()
    by_day: dict[date, list[SlotView]] = defaultdict(list)
    for slot in slots:
        by_day[slot.day].append(slot)
    days = (date.fromordinal(n) for n in range(shown.first.toordinal(), shown.last.toordinal() + 1))
    return [_day_view(known.day(day), day in window, by_day[day], language) for day in days]


def _day_view(day: Day, in_window: bool, slots: list[SlotView], language: Language) -> DayView:
    on = day.date
    festival = day.zh if language is Language.ZH else day.en
    kind = day.kind
    sure = day.status is Status.OFFICIAL or kind in (DayKind.WORKING, DayKind.WEEKEND)
    return DayView(on, on.day, explain.weekday_name(on, language), kind.value, festival, not sure, in_window, slots)
