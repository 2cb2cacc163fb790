"""The year's quota of lectures, the life of a registration, and legal clocks with their arithmetic."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from schedules.core.clocks import Clock, Count, Pause, run, run_words
from schedules.core.explain import Language, Words
from schedules.core.lectures import (
    TOPICS,
    LectureFact,
    Open,
    Place,
    Refusal,
    may_check_in,
    may_give_feedback,
    place_for,
    progress,
)
from schedules.core.model import Interval, SiteId
from schedules.days import shipped_calendar
from tests.support.rosters import utc

CALENDAR = shipped_calendar()
PARKS = [SiteId(f"park-{n}") for n in range(8)]
NOW = utc("2026-11-20 04:00")
EVENING = Interval(utc("2026-11-25 11:00"), utc("2026-11-25 13:00"))


def lecture(site: SiteId, month: int, topic: str, *, cancelled: bool = False) -> LectureFact:
    at = utc(f"2026-{month:02}-10 07:00")
    return LectureFact(site, topic, Interval(at, at + timedelta(hours=2)), cancelled)


def test_eight_parks_with_twelve_lectures_each_are_96_of_96() -> None:
    topics = list(TOPICS)
    lectures = [lecture(park, month, topics[month % 8]) for park in PARKS for month in range(1, 13)]

    found = progress(dict.fromkeys(PARKS, 12), TOPICS, lectures, NOW)

    assert (found.words, found.held, found.missing) == ("96/96", 88, ())


def test_one_sites_surplus_does_not_pay_anothers_debt_and_cancelled_ones_do_not_count() -> None:
    quotas = {PARKS[0]: 1, PARKS[1]: 2}
    lectures = [lecture(PARKS[0], month, "finance") for month in (1, 2, 3)]
    lectures += [lecture(PARKS[1], 12, "insurance", cancelled=True), lecture(PARKS[1], 12, "finance")]

    found = progress(quotas, ["finance", "insurance"], lectures, NOW)

    assert (found.words, found.held) == ("2/3", 1)
    assert (found.covered, found.missing) == (("finance",), ("insurance",))


@pytest.mark.parametrize(
    ("event", "now", "place"),
    [
        (Open(EVENING, 2, 1, True), NOW, Place.REGISTERED),
        (Open(EVENING, 2, 2, True), NOW, Place.WAITING),
        (Open(EVENING, None, 0, True), NOW, Refusal.NO_REGISTRATION),
        (Open(EVENING, 2, 0, False), NOW, Refusal.NOT_OPEN),
        (Open(EVENING, 2, 0, True), EVENING.end, Refusal.NOT_OPEN),
    ],
)
def test_where_a_newcomer_stands(event: Open, now: object, place: object) -> None:
    assert place_for(event, now) is place  # type: ignore[arg-type]


def test_the_door_and_the_feedback_open_in_their_time() -> None:
    event = Open(EVENING, 2, 2, True)

    assert may_check_in(event, Place.REGISTERED, EVENING.start - timedelta(hours=2, seconds=1)) is Refusal.TOO_EARLY
    assert may_check_in(event, Place.REGISTERED, EVENING.start) is None
    assert may_check_in(event, Place.ATTENDED, EVENING.start) is None
    assert may_check_in(event, Place.WAITING, EVENING.start) is Refusal.NO_SEAT
    assert may_check_in(event, Place.CANCELLED, EVENING.start) is Refusal.GIVEN_UP
    assert may_give_feedback(event, Place.ATTENDED, EVENING.end) is None
    assert may_give_feedback(event, Place.REGISTERED, EVENING.end) is Refusal.NOT_ATTENDED
    assert may_give_feedback(event, Place.ATTENDED, EVENING.end + timedelta(days=14)) is Refusal.NOT_ATTENDED


NOTARY = Clock(15, Count.WORKING, Words("公证法第三十条", "Notary Law art. 30"))
AID = Clock(7, Count.CALENDAR, Words("法律援助法第四十三条", "Legal Aid Law art. 43"))
PAPERS = Words("当事人补充材料", "papers being supplied")


def test_a_clock_of_working_days_says_its_arithmetic() -> None:
    ran = run(Clock(3, Count.WORKING, NOTARY.source), date(2026, 10, 9), (), CALENDAR)

    assert ran.due == date(2026, 10, 13)
    assert run_words(ran, Language.EN) == (
        "3 working days after 9 Oct (Notary Law art. 30); 10 Oct is a make-up workday (National Day); due on 13 Oct."
    )
    assert run_words(ran, Language.ZH) == (
        "10月9日次日起3个工作日（公证法第三十条）；10月10日国庆节调休上班；到期日10月13日。"
    )


def test_days_in_a_pause_are_not_counted() -> None:
    without = run(NOTARY, date(2026, 11, 2), (), CALENDAR)
    paused = run(NOTARY, date(2026, 11, 2), (Pause(date(2026, 11, 5), date(2026, 11, 9), PAPERS),), CALENDAR)

    assert (without.due, paused.due) == (date(2026, 11, 23), date(2026, 11, 26))
    assert len(paused.counted) == 15
    assert "5 Nov to 9 Nov not counted: papers being supplied" in run_words(paused, Language.EN)


def test_a_clock_that_stands_still_has_no_end() -> None:
    ran = run(NOTARY, date(2026, 11, 2), (Pause(date(2026, 11, 5), None, PAPERS),), CALENDAR)

    assert (ran.due, ran.left) == (None, 13)
    assert run_words(ran, Language.ZH).endswith("11月5日起暂停：当事人补充材料；计时暂停中，还剩13天。")


def test_calendar_days_that_end_on_a_rest_day_roll_on_unless_the_law_says_otherwise() -> None:
    rolled = run(AID, date(2026, 9, 25), (), CALENDAR)
    strict = run(Clock(7, Count.CALENDAR, AID.source, ends_on_rest_day=True), date(2026, 9, 25), (), CALENDAR)

    assert (rolled.due, strict.due) == (date(2026, 10, 8), date(2026, 10, 2))
    assert "2 Oct is a day of rest, so it ends later" in run_words(rolled, Language.EN)


def test_an_unknown_year_is_said_to_be_unsure() -> None:
    assert "provisional" in run_words(run(NOTARY, date(2027, 3, 1), (), CALENDAR), Language.EN)
