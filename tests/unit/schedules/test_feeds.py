"""Feeds: who sees what, for how long, and the exact bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schedules.core.calendar_days import Calendar
from schedules.core.explain import Language, Words
from schedules.core.feeds import Place, person_feed, site_feed, uid_of
from schedules.core.ical import EventStatus, Feed, parse, render
from schedules.core.model import CHINA, Override, OverrideKind, SlotKey
from schedules.core.plan import plan
from schedules.core.release import CANCELLED_SHOWN, Release, make
from tests.support.rosters import NOTARY_PAIR, SITE, days, inputs, leave, pid, rotation, utc

VECTORS = Path(__file__).parents[2] / "vectors" / "ics"
PEOPLE = {
    pid("li"): Words("李婉清", "Li Wanqing"),
    pid("zhou"): Words("周瑜宁", "Zhou Yuning"),
    pid("zhao"): Words("赵堃", "Zhao Kun"),
    pid("wu"): Words("吴䶮", "Wu Yan"),
}
PLACE = Place(Words("榕川市公共法律服务中心", "Rongchuan City Centre"), "https://example.test/sites/rongchuan")
RULE = rotation(
    ("li", "zhou"),
    ("zhao", "wu"),
    posts=NOTARY_PAIR,
    service="notarization",
    weekdays=(1, 3),
    anchor="2026-06-01",
    starts="08:30",
)
WINDOW = days("2026-06-01", "2026-06-14")
MAY = utc("2026-05-20 02:00")


def published(now: datetime = MAY, previous: Release | None = None, **more: object) -> Release:
    return make(previous, plan(inputs(Calendar(), WINDOW, RULE, **more)), now)


def with_a_cancelled_day() -> Release:
    """Wednesday 3 June is withdrawn on 21 May."""
    close = Override(SlotKey("r1/2026-06-03"), OverrideKind.CLOSE, "设备检修，请改到6月8日")
    return published(utc("2026-05-21 03:30"), published(), overrides=(close,))


@pytest.mark.parametrize(
    ("name", "language", "service"),
    [
        ("site_zh.ics", Language.ZH, None),
        ("site_en.ics", Language.EN, None),
        ("service_zh.ics", Language.ZH, "notarization"),
    ],
)
def test_golden_files(name: str, language: Language, service: str | None) -> None:
    """Byte for byte; what each line is for stands in tests/vectors/ics/ORIGIN.md."""
    raw = render(site_feed(with_a_cancelled_day(), PLACE, PEOPLE, language, service))

    assert raw.decode() == (VECTORS / name).read_bytes().decode()


def test_golden_person_file() -> None:
    release = published(utc("2026-05-21 03:30"), published(), leave=(leave("li", "2026-06-03", "2026-06-03"),))

    raw = render(person_feed(pid("li"), [release], {SITE: PLACE}, PEOPLE, Language.ZH, release.published_at))

    assert raw.decode() == (VECTORS / "person_zh.ics").read_bytes().decode()


def test_lines_are_folded_at_75_octets_without_cutting_a_character() -> None:
    for path in sorted(VECTORS.glob("*.ics")):
        raw = path.read_bytes()
        assert raw.count(b"\n") == raw.count(b"\r\n")
        for line in raw.split(b"\r\n"):
            assert len(line) <= 75
            line.decode()


def test_the_fixed_offset_is_chinas_since_1992() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    for year in range(1992, 2051):
        for month in (1, 7):
            at = datetime(year, month, 1, tzinfo=UTC)
            assert at.astimezone(zone).utcoffset() == CHINA.utcoffset(None)


def test_no_feed_has_a_summer_time() -> None:
    raw = render(site_feed(published(), PLACE, PEOPLE, Language.ZH))

    assert raw.count(b"BEGIN:STANDARD") == 1
    assert b"DAYLIGHT" not in raw
    assert b"RDATE" not in raw


def test_a_uid_belongs_to_the_slot_alone() -> None:
    first = published()
    other_people = published(leave=(leave("li", "2026-06-01", "2026-06-01"),))

    uids = [[e.uid for e in site_feed(r, PLACE, PEOPLE, Language.ZH).events] for r in (first, other_people)]
    assert uids[0] == uids[1] == [uid_of(e.slot.key) for e in first.slots]
    assert len(set(uids[0])) == 4


def test_a_cancelled_slot_is_shown_for_two_weeks() -> None:
    cancelled = with_a_cancelled_day()
    days_later = replace(cancelled, published_at=cancelled.published_at + CANCELLED_SHOWN)

    shown = [e.status for e in site_feed(cancelled, PLACE, PEOPLE, Language.ZH).events]
    dropped = [e.status for e in site_feed(days_later, PLACE, PEOPLE, Language.ZH).events]
    assert shown.count(EventStatus.CANCELLED) == 1
    assert dropped == [EventStatus.CONFIRMED] * 3


def test_a_service_feed_has_that_service_only() -> None:
    advice = rotation("zhao", identifier="r2", weekdays=(2,), anchor="2026-06-02")
    release = make(None, plan(inputs(Calendar(), WINDOW, RULE, advice)), MAY)

    feed = site_feed(release, PLACE, PEOPLE, Language.EN, "legal_advice")
    assert feed.name == "Rongchuan City Centre · Legal advice duty roster"
    assert [e.categories for e in feed.events] == [("Legal advice",)] * 2


def test_a_person_sees_own_duties_at_all_sites_and_nobody_elses() -> None:
    elsewhere = replace(rotation("zhao", identifier="r9", weekdays=(5,), anchor="2026-06-05"), site="other")
    there = make(None, plan(replace(inputs(Calendar(), WINDOW, elsewhere), site="other")), MAY)  # type: ignore[arg-type]

    feed = person_feed(pid("zhao"), [published(), there], {SITE: PLACE}, PEOPLE, Language.EN, MAY)
    assert [e.start.astimezone(CHINA).strftime("%m-%d") for e in feed.events] == ["06-05", "06-08", "06-10", "06-12"]
    assert all(event.busy for event in feed.events)
    assert "Li Wanqing" not in render(feed).decode()


def test_who_was_replaced_sees_the_duty_as_cancelled_for_two_weeks() -> None:
    release = published(MAY + timedelta(days=1), published(), leave=(leave("li", "2026-06-03", "2026-06-03"),))
    at = release.published_at

    def statuses(when: datetime) -> list[EventStatus]:
        feed = person_feed(pid("li"), [release], {SITE: PLACE}, PEOPLE, Language.ZH, when)
        return [event.status for event in feed.events]

    assert statuses(at) == [EventStatus.CONFIRMED, EventStatus.CANCELLED]
    assert statuses(at + CANCELLED_SHOWN) == [EventStatus.CONFIRMED]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"DTSTART;TZID=Asia/Shanghai:20260601T083000\r\n", b"", "dtstart: missing in VEVENT"),
        (
            b"DTSTART;TZID=Asia/Shanghai:20260601T083000",
            b"DTSTART;VALUE=DATE:20260601",
            "dtstart: an instant is expected",
        ),
        (b"STATUS:CONFIRMED", b"STATUS:MAYBE", "'MAYBE' is not a valid EventStatus"),
    ],
)
def test_a_damaged_feed_names_what_is_wrong(old: bytes, new: bytes, message: str) -> None:
    raw = render(site_feed(published(), PLACE, PEOPLE, Language.ZH))
    assert old in raw

    with pytest.raises(ValueError, match="^" + message):
        parse(raw.replace(old, new, 1))


def test_an_empty_feed_is_a_feed() -> None:
    empty = Feed("空", "没有值班", ())

    assert parse(render(empty)) == empty
