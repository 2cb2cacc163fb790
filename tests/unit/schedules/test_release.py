"""Versions: what makes a new one, what a subscriber is told, what is never touched."""

from __future__ import annotations

from datetime import timedelta

from schedules.core.calendar_days import Calendar
from schedules.core.model import Override, OverrideKind, Plan, SlotKey
from schedules.core.plan import plan
from schedules.core.release import CANCELLED_SHOWN, ChangeKind, Release, State, changes, make
from tests.support.rosters import days, inputs, leave, rotation, utc

JUNE = days("2026-06-01", "2026-06-30")
MAY = utc("2026-05-20 02:00")
RULE = rotation("ann", "bob", anchor="2026-06-01")
KEYS = [SlotKey(f"r1/2026-06-{day}") for day in ("01", "08", "15", "22", "29")]


def june(**more: object) -> Plan:
    return plan(inputs(Calendar(), JUNE, RULE, **more))


def facts(release: Release) -> dict[str, tuple[str, int, str]]:
    """key -> (state, sequence, people)"""
    return {e.slot.key: (e.state.value, e.sequence, "+".join(e.slot.people)) for e in release.slots}


def closed(day: str, reason: str = "停电") -> Override:
    return Override(SlotKey(f"r1/2026-06-{day}"), OverrideKind.CLOSE, reason)


def test_the_first_version_starts_every_slot_at_zero() -> None:
    first = make(None, june(), MAY)

    assert first.version == 1
    assert {(e.sequence, e.created_at, e.changed_at) for e in first.slots} == {(0, MAY, MAY)}
    assert [change.kind for change in changes(None, first)] == [ChangeKind.ADDED] * 5


def test_the_same_plan_is_the_same_version() -> None:
    first = make(None, june(), MAY)

    assert make(first, june(), MAY + timedelta(days=3)) is first
    assert changes(first, first) == ()


def test_only_the_changed_slot_gets_a_new_sequence_and_instant() -> None:
    first = make(None, june(), MAY)
    later = MAY + timedelta(days=1)

    second = make(first, june(leave=(leave("ann", "2026-06-15", "2026-06-15"),)), later)

    assert second.version == 2
    changed = [e for e in second.slots if e not in first.slots]
    assert [(e.slot.key, e.sequence, e.created_at, e.changed_at) for e in changed] == [(KEYS[2], 1, MAY, later)]
    assert [parted.person for parted in changed[0].parted] == ["ann"]
    assert [(c.kind, c.key, c.people) for c in changes(first, second)] == [
        (ChangeKind.RESEATED, KEYS[2], frozenset({"ann", "bob"}))
    ]


def test_a_reason_that_reads_differently_is_no_change() -> None:
    """The anchor moved by a whole round: other turn numbers, the same people."""
    first = make(None, june(), MAY)
    same_people = plan(inputs(Calendar(), JUNE, rotation("ann", "bob", anchor="2026-06-15")))

    assert make(first, same_people, MAY + timedelta(days=1)) is first


def test_a_moved_slot_keeps_its_key() -> None:
    first = make(None, june(), MAY)
    moved = plan(inputs(Calendar(), JUNE, rotation("ann", "bob", anchor="2026-06-01", starts="08:30")))

    second = make(first, moved, MAY + timedelta(days=1))

    assert {c.kind for c in changes(first, second)} == {ChangeKind.MOVED}
    assert [e.slot.key for e in second.slots] == KEYS


def test_a_cancelled_slot_comes_back_with_a_higher_sequence() -> None:
    first = make(None, june(), MAY)
    second = make(first, june(overrides=(closed("08"),)), MAY + timedelta(days=1))
    third = make(second, june(), MAY + timedelta(days=2))

    assert facts(second)[KEYS[1]] == ("cancelled", 1, "bob")
    assert facts(third)[KEYS[1]] == ("on", 2, "bob")
    assert [c.kind for c in changes(first, second)] == [ChangeKind.CANCELLED]
    assert [c.kind for c in changes(second, third)] == [ChangeKind.RESTORED]


def test_a_slot_that_the_plan_no_longer_has_is_cancelled_once() -> None:
    first = make(None, june(), MAY)
    nothing = plan(inputs(Calendar(), JUNE))

    second = make(first, nothing, MAY + timedelta(days=1))

    assert {(e.state, e.sequence) for e in second.slots} == {(State.CANCELLED, 1)}
    assert make(second, nothing, MAY + timedelta(days=2)) is second


def test_a_cancelled_slot_keeps_its_number_after_it_is_no_longer_shown() -> None:
    first = make(None, june(), MAY)
    second = make(first, june(overrides=(closed("29"),)), MAY)
    much_later = MAY + CANCELLED_SHOWN + timedelta(days=1)
    third = make(second, june(overrides=(closed("29"), closed("22"))), much_later)
    fourth = make(third, june(overrides=(closed("22"),)), much_later)

    assert facts(third)[KEYS[4]] == ("cancelled", 1, "ann")
    assert facts(fourth)[KEYS[4]] == ("on", 2, "ann")


def test_a_slot_closed_before_it_was_ever_published_is_not_in_the_release() -> None:
    assert KEYS[1] not in facts(make(None, june(overrides=(closed("08"),)), MAY))


def test_another_reason_for_a_cancelled_slot_is_a_change() -> None:
    first = make(None, june(), MAY)
    second = make(first, june(overrides=(closed("08"),)), MAY)
    third = make(second, june(overrides=(closed("08", "台风"),)), MAY)

    assert facts(third)[KEYS[1]][1] == 2


def test_what_has_ended_is_never_touched() -> None:
    first = make(None, june(), MAY)
    tuesday = utc("2026-06-09 00:00")  # two shifts are over

    second = make(first, plan(inputs(Calendar(), JUNE)), tuesday)

    assert [e.state for e in second.slots] == [State.ON, State.ON, State.CANCELLED, State.CANCELLED, State.CANCELLED]


def test_a_first_publish_in_the_middle_of_a_week_does_not_invent_a_past() -> None:
    assert [e.slot.key for e in make(None, june(), utc("2026-06-09 00:00")).slots] == KEYS[2:]


def test_a_running_shift_can_still_change_hands() -> None:
    first = make(None, june(), MAY)
    during = utc("2026-06-08 02:00")  # 10:00 in China

    second = make(first, june(leave=(leave("bob", "2026-06-08", "2026-06-08"),)), during)

    assert facts(second)[KEYS[1]] == ("on", 1, "ann")


def test_slots_outside_of_the_window_stay() -> None:
    first = make(None, june(), MAY)
    one_week = plan(inputs(Calendar(), days("2026-06-08", "2026-06-14"), rotation("cat", anchor="2026-06-01")))

    second = make(first, one_week, MAY + timedelta(days=1))

    assert [facts(second)[key][2] for key in KEYS] == ["ann", "cat", "ann", "bob", "ann"]
    assert second.window == JUNE


def test_old_history_leaves_with_the_next_version_but_makes_none() -> None:
    first = make(None, june(), MAY)
    october = utc("2026-10-10 00:00")
    november = plan(inputs(Calendar(), days("2026-11-01", "2026-11-30"), RULE))

    assert make(first, june(), october) is first
    assert [e.slot.day.month for e in make(first, november, october).slots] == [11] * 5
