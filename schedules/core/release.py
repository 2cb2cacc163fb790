"""From a plan to a published version; what changed; what subscribers' calendars must be told.

Versions are frozen. A slot carries its own history: SEQUENCE and LAST-MODIFIED rise when the slot
changes and only then, so that two publishes of one plan give the same bytes and the same ETag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from schedules.core.model import PersonId, Plan, SiteId, Slot, SlotKey, Why, Window

CANCELLED_SHOWN = timedelta(days=14)
"""How long a withdrawn slot stays in the feeds as cancelled. Google asks every 8 to 24 hours and
Nextcloud once a week by default (2-rules point 6); two weeks let every client see it at least once
before it goes, and Apple's struck-through lines do not pile up (C-23)."""

HISTORY_KEPT = timedelta(days=92)
"""Slots that ended longer ago leave the release: a quarter is what people look back on in a calendar;
the ledger keeps its own rows."""


class State(Enum):
    """What a published slot is now."""

    ON = "on"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Parted:
    """Someone who was seated in a published slot and no longer is; their own feed must say so."""

    person: PersonId
    at: datetime


@dataclass(frozen=True, slots=True)
class ReleasedSlot:
    """One slot of a published roster with its change history.

    sequence    0 at first, +1 at each change, never reset (RFC 5545 3.8.7.4).
    changed_at  publish instant of the last change: DTSTAMP and LAST-MODIFIED.
    """

    slot: Slot
    state: State
    sequence: int
    created_at: datetime
    changed_at: datetime
    parted: tuple[Parted, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """One frozen version of a site's roster; `window` is the span of days published so far."""

    site: SiteId
    version: int
    published_at: datetime
    window: Window
    slots: tuple[ReleasedSlot, ...]
    rules_version: int


class ChangeKind(Enum):
    """What happened to a slot between two versions."""

    ADDED = "added"
    CANCELLED = "cancelled"
    RESTORED = "restored"  # cancelled before, on again
    MOVED = "moved"  # another time
    RESEATED = "reseated"  # other people
    RENAMED = "renamed"  # only its words


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions."""

    kind: ChangeKind
    key: SlotKey
    before: Slot | None
    after: Slot | None

    @property
    def people(self) -> frozenset[PersonId]:
        """Everybody it concerns."""
        slots = (self.before, self.after)
        return frozenset(person for slot in slots if slot is not None for person in slot.people)


def make(previous: Release | None, plan: Plan, now: datetime) -> Release:
    """The next version, or `previous` itself if the plan changes nothing.

    1. A slot that has ended is history: no plan changes it, adds it or cancels it.
    2. A slot outside the plan's window stays as it is.
    3. A published slot that the plan no longer has, or closes, is cancelled; it stays in the release
       (with its sequence) until its time has passed, so that it can come back with a higher number.
    4. A slot with the same time, people and words keeps its sequence, its instant and its reasons.
    """
    before = {} if previous is None else {entry.slot.key: entry for entry in previous.slots}
    after = _carried(before, plan, now) | _revised(before, plan, now)
    if previous is not None and after == before:
        return previous
    kept = (_forget(entry, now) for entry in after.values() if entry.slot.during.end > now - HISTORY_KEPT)
    return Release(
        site=plan.site,
        version=1 if previous is None else previous.version + 1,
        published_at=now,
        window=plan.window if previous is None else _hull(previous.window, plan.window),
        slots=tuple(sorted(kept, key=lambda entry: (entry.slot.during.start, entry.slot.key))),
        rules_version=plan.rules_version,
    )


def reseat(previous: Release, key: SlotKey, post: int, person: PersonId, why: Why, now: datetime) -> Release | None:
    """The next version in which one post of one slot has another person and nothing else is different.

    None where there is nothing to change: no such slot on, it has ended, there is no such post, or that person holds it already.
    """
    was = next((entry for entry in previous.slots if entry.slot.key == key), None)
    if was is None or was.state is not State.ON or was.slot.during.end <= now or post >= len(was.slot.seats):
        return None
    if was.slot.seats[post].person == person:
        return None
    seats = list(was.slot.seats)
    seats[post] = replace(seats[post], person=person, why=why)
    entry = _revise(was, replace(was.slot, seats=tuple(seats)), now)
    assert entry is not None  # only a closed slot revises to nothing
    slots = tuple(entry if other is was else other for other in previous.slots)
    return replace(previous, version=previous.version + 1, published_at=now, slots=slots)


def withdraw(previous: Release, reason: str, now: datetime) -> Release:
    """The next version, in which nothing takes place any more; `previous` itself if nothing was to come."""
    slots = tuple(
        _cancel(entry, reason, now) if entry.slot.during.end > now and entry.state is State.ON else entry
        for entry in previous.slots
    )
    if slots == previous.slots:
        return previous
    return replace(previous, version=previous.version + 1, published_at=now, slots=slots)


def _carried(before: Mapping[SlotKey, ReleasedSlot], plan: Plan, now: datetime) -> dict[SlotKey, ReleasedSlot]:
    """Published slots that the plan does not name: kept as they are, or cancelled."""
    planned = {slot.key for slot in plan.slots}
    carried: dict[SlotKey, ReleasedSlot] = {}
    for key, entry in before.items():
        untouched = entry.slot.during.end <= now or entry.slot.day not in plan.window
        if untouched:
            carried[key] = entry
        elif key not in planned:
            carried[key] = _cancel(entry, "", now)
    return carried


def _revised(before: Mapping[SlotKey, ReleasedSlot], plan: Plan, now: datetime) -> dict[SlotKey, ReleasedSlot]:
    """Slots that the plan names and that have not ended."""
    revised: dict[SlotKey, ReleasedSlot] = {}
    for slot in plan.slots:
        was = before.get(slot.key)
        if slot.during.end <= now or (was is not None and was.slot.during.end <= now):
            continue
        entry = _revise(was, slot, now)
        if entry is not None:
            revised[slot.key] = entry
    return revised


def _revise(was: ReleasedSlot | None, slot: Slot, now: datetime) -> ReleasedSlot | None:
    if slot.closed is not None:
        return None if was is None else _cancel(was, slot.closed, now)
    if was is None:
        return ReleasedSlot(slot, State.ON, 0, now, now)
    if was.state is State.ON and _content(was.slot) == _content(slot):
        return was
    return ReleasedSlot(slot, State.ON, was.sequence + 1, was.created_at, now, _parted(was, slot, now))


def _cancel(was: ReleasedSlot, reason: str, now: datetime) -> ReleasedSlot:
    if was.state is State.CANCELLED and was.slot.closed == reason:
        return was
    closed = replace(was.slot, closed=reason)
    return replace(was, slot=closed, state=State.CANCELLED, sequence=was.sequence + 1, changed_at=now)


def _parted(was: ReleasedSlot, slot: Slot, now: datetime) -> tuple[Parted, ...]:
    seated = set(slot.people)
    gone = [Parted(person, now) for person in was.slot.people if person not in seated]
    known = {parted.person for parted in gone} | seated
    return (*(parted for parted in was.parted if parted.person not in known), *gone)


def _forget(entry: ReleasedSlot, now: datetime) -> ReleasedSlot:
    recent = tuple(parted for parted in entry.parted if parted.at > now - CANCELLED_SHOWN)
    return entry if recent == entry.parted else replace(entry, parted=recent)


def _content(slot: Slot) -> tuple[object, ...]:
    """What subscribers see of a slot. Its reasons are not part of it: they may read differently after
    a change elsewhere while nothing changes for anybody."""
    return slot.service, slot.title, slot.during, tuple((seat.role, seat.person) for seat in slot.seats)


def _hull(one: Window, other: Window) -> Window:
    return Window(min(one.first, other.first), max(one.last, other.last))


def changes(previous: Release | None, release: Release) -> tuple[Change, ...]:
    """Every slot that differs, in order of time. Nothing if both are the same version."""
    before = {} if previous is None else {entry.slot.key: entry for entry in previous.slots}
    found: list[Change] = []
    for entry in release.slots:
        was = before.get(entry.slot.key)
        if was is None or was.sequence != entry.sequence:
            found.append(_change(was, entry))
    return tuple(found)


def _change(was: ReleasedSlot | None, entry: ReleasedSlot) -> Change:
    key, after = entry.slot.key, entry.slot
    if was is None:
        return Change(ChangeKind.ADDED, key, None, after)
    before = was.slot
    if entry.state is State.CANCELLED:
        return Change(ChangeKind.CANCELLED, key, before, after)
    if was.state is State.CANCELLED:
        return Change(ChangeKind.RESTORED, key, before, after)
    if before.during != after.during:
        return Change(ChangeKind.MOVED, key, before, after)
    if before.people != after.people:
        return Change(ChangeKind.RESEATED, key, before, after)
    return Change(ChangeKind.RENAMED, key, before, after)
