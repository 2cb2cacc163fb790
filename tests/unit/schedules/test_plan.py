"""Plans of small rosters, row by row: who serves when, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest

from schedules.core.calendar_days import Calendar
from schedules.core.explain import Language, Words, warning_words, why_this_day, why_this_person
from schedules.core.fairness import ledger, spread
from schedules.core.model import (
    Because,
    Commitment,
    DayBecause,
    HolidayRule,
    Interval,
    MakeupRule,
    Override,
    OverrideKind,
    Plan,
    Qualification,
    SlotKey,
    Turn,
    WarningCode,
    Window,
    local,
    slot_key,
)
from schedules.core.plan import Proposal, plan
from schedules.days import shipped_calendar
from tests.support.rosters import NOTARY_PAIR, days, inputs, leave, person, pid, rotation

CALENDAR = shipped_calendar()
PLAIN = Calendar()
JUNE = days("2026-06-01", "2026-06-30")


def who(made: Plan) -> list[str]:
    """`06-01 ann` or `06-01 ann+bob`, `-` for a gap, `x` for a closed shift."""
    lines = []
    for slot in made.slots:
        names = "x" if slot.closed is not None else "+".join(seat.person or "-" for seat in slot.seats)
        lines.append(f"{slot.day:%m-%d} {names}")
    return lines


def test_a_week_each_in_order() -> None:
    made = plan(inputs(PLAIN, JUNE, rotation("ann", "bob", "cat", anchor="2026-06-01")))

    assert who(made) == ["06-01 ann", "06-08 bob", "06-15 cat", "06-22 ann", "06-29 bob"]


def test_turns_are_counted_backwards_from_the_anchor_too() -> None:
    made = plan(inputs(PLAIN, JUNE, rotation("ann", "bob", "cat", anchor="2026-06-22")))

    assert who(made) == ["06-01 ann", "06-08 bob", "06-15 cat", "06-22 ann", "06-29 bob"]


def test_a_week_with_two_shifts_is_one_turn() -> None:
    rule = rotation("ann", "bob", weekdays=(1, 3), anchor="2026-06-01")

    assert who(plan(inputs(PLAIN, days("2026-06-01", "2026-06-14"), rule))) == [
        "06-01 ann",
        "06-03 ann",
        "06-08 bob",
        "06-10 bob",
    ]


def test_each_shift_the_next() -> None:
    rule = rotation("ann", "bob", weekdays=(1, 3, 5), anchor="2026-06-01", turn=Turn.SHIFT)

    assert who(plan(inputs(PLAIN, days("2026-06-01", "2026-06-08"), rule))) == [
        "06-01 ann",
        "06-03 bob",
        "06-05 ann",
        "06-08 bob",
    ]


def test_hand_over_on_another_weekday() -> None:
    rule = rotation("ann", "bob", weekdays=(1, 5), anchor="2026-06-03", week_starts=3)

    assert who(plan(inputs(PLAIN, days("2026-06-01", "2026-06-12"), rule))) == [
        "06-01 bob",
        "06-05 ann",
        "06-08 ann",
        "06-12 bob",
    ]


def test_the_window_cuts_no_turn() -> None:
    rule = rotation("ann", "bob", weekdays=(1, 2, 3, 4, 5), anchor="2026-06-01")
    whole = who(plan(inputs(PLAIN, JUNE, rule)))

    for first in range(1, 31):
        part = who(plan(inputs(PLAIN, Window(date(2026, 6, first), date(2026, 6, 30)), rule)))
        assert part == [line for line in whole if line >= f"06-{first:02d}"]


def test_a_holiday_week_uses_up_nobodys_turn() -> None:
    rule = rotation("ann", "bob", weekdays=(1,), anchor="2026-09-21")

    made = plan(inputs(CALENDAR, days("2026-09-21", "2026-10-19"), rule))

    assert who(made) == ["09-21 ann", "09-28 bob", "10-12 ann", "10-19 bob"]  # 5 October is a holiday


def test_holidays_are_served_where_the_rule_says_so() -> None:
    rule = rotation("ann", weekdays=(4,), holidays=HolidayRule.SERVE)

    made = plan(inputs(CALENDAR, days("2026-10-01", "2026-10-01"), rule))

    assert who(made) == ["10-01 ann"]
    assert made.slots[0].day_because is DayBecause.HOLIDAY_SERVED
    assert [w.code for w in made.warnings] == [WarningCode.HOLIDAY]


def test_makeup_days_are_served_where_the_rule_says_so() -> None:
    window = days("2026-10-10", "2026-10-10")  # a Saturday that is worked
    rules = {"weekdays": (1, 2, 3, 4, 5)}

    served = plan(inputs(CALENDAR, window, rotation("ann", **rules, makeup_days=MakeupRule.SERVE)))  # type: ignore[arg-type]
    skipped = plan(inputs(CALENDAR, window, rotation("ann", **rules)))  # type: ignore[arg-type]

    assert who(served) == ["10-10 ann"]
    assert served.slots[0].day_because is DayBecause.MAKEUP_WORKDAY
    assert who(skipped) == []


def test_a_saturday_rule_serves_a_worked_saturday_as_usual() -> None:
    made = plan(inputs(CALENDAR, days("2026-10-10", "2026-10-10"), rotation("ann", weekdays=(6,))))

    assert made.slots[0].day_because is DayBecause.FIXED_WEEKDAY


def test_a_pair_serves_together_and_stands_in_together() -> None:
    rule = rotation(("ann", "amy"), ("bob", "ben"), posts=NOTARY_PAIR, anchor="2026-06-01")

    made = plan(
        inputs(PLAIN, days("2026-06-01", "2026-06-14"), rule, leave=(leave("amy", "2026-06-01", "2026-06-01"),))
    )

    assert who(made) == ["06-01 bob+ben", "06-08 bob+ben"]
    assert [seat.why.because for seat in made.slots[0].seats] == [Because.STAND_IN, Because.STAND_IN]


def test_where_no_pair_is_whole_each_post_is_filled_alone() -> None:
    rule = rotation(("ann", "amy"), ("bob", "ben"), posts=NOTARY_PAIR, anchor="2026-06-01")
    away = (leave("amy", "2026-06-01", "2026-06-01"), leave("bob", "2026-06-01", "2026-06-01"))

    assert who(plan(inputs(PLAIN, days("2026-06-01", "2026-06-01"), rule, leave=away))) == ["06-01 ann+ben"]


def test_the_stand_in_is_who_has_served_least() -> None:
    rule = rotation("ann", "bob", "cat", anchor="2026-06-01")
    away = (leave("ann", "2026-06-01", "2026-06-01"),)

    made = plan(inputs(PLAIN, days("2026-06-01", "2026-06-01"), rule, leave=away, served={pid("bob"): 60}))

    assert who(made) == ["06-01 cat"]
    assert made.slots[0].seats[0].why.served == 0


def test_a_gap_is_named_with_everybody_who_cannot() -> None:
    rule = rotation("ann", "bob", anchor="2026-06-01")
    people = (person("ann", "lawyer"), person("bob"))
    made = plan(
        inputs(
            CALENDAR,
            days("2026-06-01", "2026-06-01"),
            rule,
            people=people,
            leave=(leave("ann", "2026-06-01", "2026-06-01"),),
        )
    )

    names = {pid("ann"): Words("安", "Ann"), pid("bob"): Words("鲍", "Bob")}
    assert who(made) == ["06-01 -"]
    assert [(w.code, w.post) for w in made.warnings] == [(WarningCode.GAP, 0)]
    assert (
        why_this_person(made.slots[0].seats[0], names, Language.EN)
        == "Nobody can serve: Ann is on leave, Bob holds no valid licence for it"
    )
    assert why_this_person(made.slots[0].seats[0], names, Language.ZH) == "无人可值：安请假、鲍没有所需的有效执业资格"
    assert warning_words(made.warnings[0], made.slots[0], names, Language.ZH) == "无人值守：律师"


@pytest.mark.parametrize(
    ("qualification", "served"),
    [
        (Qualification("lawyer"), "ann"),
        (Qualification("lawyer", days("2026-06-01", "2026-06-01")), "ann"),
        (Qualification("lawyer", days("2026-01-01", "2026-05-31")), "-"),
        (Qualification("notary"), "-"),
    ],
)
def test_a_licence_must_be_valid_on_the_day(qualification: Qualification, served: str) -> None:
    people = (replace(person("ann"), qualifications=(qualification,)),)

    made = plan(inputs(PLAIN, days("2026-06-01", "2026-06-01"), rotation("ann"), people=people))

    assert who(made) == [f"06-01 {served}"]


def test_who_left_the_team_left_the_roster() -> None:
    people = (person("ann", "lawyer", member=days("2020-01-01", "2026-06-07")), person("bob", "lawyer"))

    made = plan(
        inputs(PLAIN, days("2026-06-01", "2026-06-15"), rotation("ann", "bob", anchor="2026-06-01"), people=people)
    )

    assert who(made) == ["06-01 ann", "06-08 bob", "06-15 bob"]


def test_a_duty_elsewhere_counts() -> None:
    during = Interval(local(date(2026, 6, 1), time(11, 59)), local(date(2026, 6, 1), time(18)))
    touching = Interval(local(date(2026, 6, 1), time(12)), local(date(2026, 6, 1), time(18)))
    rule, window = rotation("ann", "bob", anchor="2026-06-01"), days("2026-06-01", "2026-06-01")

    assert who(plan(inputs(PLAIN, window, rule, elsewhere=(Commitment(pid("ann"), during, "x"),)))) == ["06-01 bob"]
    assert who(plan(inputs(PLAIN, window, rule, elsewhere=(Commitment(pid("ann"), touching, "x"),)))) == ["06-01 ann"]


def test_two_rotations_do_not_seat_one_person_twice() -> None:
    first = rotation("ann", "bob", identifier="r1", anchor="2026-06-01")
    second = rotation("ann", "cat", identifier="r2", anchor="2026-06-01", starts="11:00", ends="13:00")

    assert who(plan(inputs(PLAIN, days("2026-06-01", "2026-06-01"), first, second))) == ["06-01 ann", "06-01 cat"]


def test_what_the_solver_left_empty_takes_nobody_whom_it_seats_elsewhere() -> None:
    """The long shift comes first in time; filled first it would leave the two short ones without ann."""
    long = rotation("ann", identifier="r0", starts="09:00", ends="12:00")
    short = [rotation("ann", identifier=f"r{hour}", starts=f"{hour}:00", ends=f"{hour + 1}:00") for hour in (10, 11)]
    day = days("2026-06-01", "2026-06-01")
    seats = {slot_key(rule.id, day.first): (pid("ann"),) for rule in short}

    made = plan(replace(inputs(PLAIN, day, long, *short), proposal=Proposal("cp_sat", 1, seats)))

    assert {slot.key: slot.people for slot in made.slots if any(slot.people)} == seats


def test_a_shift_over_midnight_ends_on_the_next_day() -> None:
    rule = rotation("ann", starts="20:00", ends="08:00")

    [slot] = plan(inputs(PLAIN, days("2026-06-01", "2026-06-01"), rule)).slots

    assert slot.during == Interval(local(date(2026, 6, 1), time(20)), local(date(2026, 6, 2), time(8)))
    assert slot.day == date(2026, 6, 1)


def substitute(day: str, name: str, post: int = 0) -> Override:
    return Override(SlotKey(f"r1/{day}"), OverrideKind.SUBSTITUTE, "开庭", post, pid(name))


def test_a_substitute_takes_the_post_and_the_rotation_goes_on() -> None:
    rule = rotation("ann", "bob", anchor="2026-06-01")

    made = plan(inputs(PLAIN, days("2026-06-01", "2026-06-15"), rule, overrides=(substitute("2026-06-01", "bob"),)))

    assert who(made) == ["06-01 bob", "06-08 bob", "06-15 ann"]
    assert made.slots[0].seats[0].why.because is Because.OVERRIDE


def test_a_substitute_comes_before_an_earlier_turn_of_the_same_person() -> None:
    """The decision names bob for 11:00; so his own turn at 9:00, which overlaps, goes to another."""
    early = rotation("bob", "cat", identifier="r0", anchor="2026-06-01")
    late = rotation("ann", identifier="r1", anchor="2026-06-01", starts="11:00", ends="13:00")
    people = tuple(person(name, "lawyer") for name in ("ann", "bob", "cat"))

    made = plan(
        inputs(
            PLAIN,
            days("2026-06-01", "2026-06-01"),
            early,
            late,
            people=people,
            overrides=(substitute("2026-06-01", "bob"),),
        )
    )

    assert who(made) == ["06-01 cat", "06-01 bob"]


def test_a_substitute_on_leave_is_refused_and_said() -> None:
    rule = rotation("ann", "bob", anchor="2026-06-01")
    away = (leave("bob", "2026-06-01", "2026-06-01"),)

    made = plan(
        inputs(
            CALENDAR, days("2026-06-01", "2026-06-01"), rule, leave=away, overrides=(substitute("2026-06-01", "bob"),)
        )
    )

    assert who(made) == ["06-01 ann"]
    assert [(w.code, w.person) for w in made.warnings] == [(WarningCode.OVERRIDE_REFUSED, "bob")]


def test_an_override_of_a_shift_that_is_gone_is_said() -> None:
    made = plan(
        inputs(
            CALENDAR, days("2026-06-01", "2026-06-01"), rotation("ann"), overrides=(substitute("2026-06-03", "ann"),)
        )
    )

    assert [w.code for w in made.warnings] == [WarningCode.OVERRIDE_LOST]


def test_a_closed_shift_has_nobody_and_no_gap() -> None:
    close = Override(SlotKey("r1/2026-06-01"), OverrideKind.CLOSE, "停电")

    made = plan(inputs(CALENDAR, days("2026-06-01", "2026-06-08"), rotation("ann"), overrides=(close,)))

    assert who(made) == ["06-01 x", "06-08 ann"]
    assert made.slots[0].closed == "停电"
    assert made.warnings == ()
    assert ledger(made.slots)[pid("ann")].shifts == 1


def test_a_provisional_year_is_said() -> None:
    made = plan(inputs(CALENDAR, days("2027-06-07", "2027-06-07"), rotation("ann")))

    assert [w.code for w in made.warnings] == [WarningCode.PROVISIONAL]


def test_a_rotation_without_members_is_a_gap() -> None:
    made = plan(inputs(CALENDAR, days("2026-06-01", "2026-06-01"), rotation()))

    assert who(made) == ["06-01 -"]
    assert why_this_person(made.slots[0].seats[0], {}, Language.EN) == "Nobody can serve: the rotation has no members"


@pytest.mark.parametrize(
    ("language", "day", "turn"),
    [
        (Language.ZH, "固定在周一 09:00-12:00值守", "第2轮，轮到鲍（共2组，第2组）"),
        (Language.EN, "fixed on Mondays, 09:00-12:00", "Turn 2: Bob is next (entry 2 of 2)"),
    ],
)
def test_why_me_why_this_day(language: Language, day: str, turn: str) -> None:
    [slot] = plan(inputs(PLAIN, days("2026-06-08", "2026-06-08"), rotation("ann", "bob", anchor="2026-06-01"))).slots

    assert why_this_day(slot, language) == day
    assert why_this_person(slot.seats[0], {pid("bob"): Words("鲍", "Bob")}, language) == turn


def test_spread_counts_shifts_of_all_members() -> None:
    made = plan(inputs(PLAIN, JUNE, rotation("ann", "bob", "cat", anchor="2026-06-01")))

    assert spread(ledger(made.slots), [pid("ann"), pid("bob"), pid("cat")]) == 1
    assert spread({}, []) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weekdays": (0,)}, "weekdays: ISO weekdays"),
        ({"week_starts": 8}, "weekdays: ISO weekdays"),
        ({"posts": ()}, "posts: a shift has at least one post"),
        ({"posts": NOTARY_PAIR}, "members: every member entry names one person per post"),
    ],
)
def test_a_rotation_that_contradicts_itself_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match="^" + message):
        rotation("ann", **change)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^members: nobody serves two posts"):
        rotation(("ann", "ann"), posts=NOTARY_PAIR)
