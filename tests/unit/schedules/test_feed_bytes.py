"""Feeds' bytes for the programs that read them: golden files of each kind and wish, items cut out, versions compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schedules.core.calendar_days import Calendar, DayKind
from schedules.core.event_feeds import Limit, days_feed, events_feed, limits_feed, team_feed
from schedules.core.explain import Language, Words
from schedules.core.feeds import Place, site_feed
from schedules.core.ical import EventStatus, Feed, FeedEvent, parse, render
from schedules.core.ical_items import Difference, differences, manifest, split
from schedules.core.ical_wishes import Cancelled, Wish, fulfil
from schedules.core.model import Interval, Plan
from schedules.core.plan import Inputs, plan
from schedules.core.public_events import Content, EventKind, EventState, PublicEvent, cancel, edit, publish
from schedules.core.release import make
from schedules.days import shipped_calendar
from tests.support.rosters import SITE, inputs, utc
from tests.unit.schedules.test_feeds import MAY, PEOPLE, PLACE, RULE, VECTORS, WINDOW, published, with_a_cancelled_day

START = utc("2026-11-26 06:30")
CONTENT = Content(
    SITE,
    "公司合规；第一课",
    Interval(START, START + timedelta(hours=2)),
    title_en="Compliance, part 1",
    says="带上合同。\n可以提问。",
    topic="company_law",
    venue="二楼会议室",
    speakers=("陈淑芬",),
    room_link="https://example.test/join/1",
)
DRAFT = PublicEvent("1", EventKind.LECTURE, CONTENT, EventState.DRAFT, 1, 0, MAY, MAY)
ON = publish(DRAFT, MAY + timedelta(hours=1))
OFF = cancel(ON, "停电", MAY + timedelta(hours=2))


def golden(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def made() -> dict[str, bytes]:
    """Every golden file of ORIGIN.md's second table, as made now."""
    site = render(site_feed(with_a_cancelled_day(), PLACE, PEOPLE, Language.ZH))
    places = {SITE: PLACE}
    calendar = Calendar(tuple(year for year in shipped_calendar().years if year.year == 2026))
    page = "https://example.test/events/"
    other = replace(ON, id="2", content=replace(CONTENT, title="第二课", title_en=""))
    lectures = events_feed(
        EventKind.LECTURE, [ON, replace(OFF, id="3"), other], places, page, Language.ZH, OFF.changed_at
    )
    return {
        "wish_hide_outlook.ics": fulfil(site, Wish(Cancelled.HIDE)),
        "wish_mark_google.ics": fulfil(site, Wish(Cancelled.MARK)),
        "wish_status_apple.ics": fulfil(site, Wish(Cancelled.STATUS)),
        "wish_alarm.ics": fulfil(site, Wish(Cancelled.BOTH, 30)),
        "lectures_zh.ics": render(lectures),
        "holidays_2026_zh.ics": render(days_feed(DayKind.HOLIDAY, calendar, Language.ZH)),
        "makeup_days_2026_en.ics": render(days_feed(DayKind.MAKEUP, calendar, Language.EN)),
    }


@pytest.mark.parametrize("name", sorted(made()))
def test_golden_bytes(name: str) -> None:
    assert made()[name].decode() == golden(name).decode()


def test_every_golden_file_is_told_of_in_origin() -> None:
    origin = (VECTORS / "ORIGIN.md").read_text("utf-8")

    assert [path.name for path in sorted(VECTORS.glob("*.ics")) if path.name not in origin] == []


def test_items_are_whole_calendars_and_together_the_feed() -> None:
    for path in sorted(VECTORS.glob("*.ics")):
        raw = path.read_bytes()
        items = split(raw)
        alone = [parse(item.body).events for item in items]
        assert [events[0] for events in alone] == list(parse(raw).events), path.name
        assert all(item.body.count(b"BEGIN:VTIMEZONE") == 1 and b"X-WR-CALNAME" not in item.body for item in items)
        assert [item.uid for item in items] == [events[0].uid for events in alone]


def test_a_feed_that_is_cut_is_no_feed() -> None:
    with pytest.raises(ValueError, match=r"^feed: END:VCALENDAR is missing"):
        split(golden("lectures_zh.ics")[:-5])


def test_versions_differ_by_what_happened() -> None:
    before = manifest(render(site_feed(published(), PLACE, PEOPLE, Language.ZH)))
    after = manifest(render(site_feed(with_a_cancelled_day(), PLACE, PEOPLE, Language.ZH)))
    [found] = differences(before, after)
    [first, *_] = before

    assert (found.difference, found.line.start) == (Difference.CANCELLED, "20260603T083000")
    assert [c.difference for c in differences({}, before)] == [Difference.ADDED] * 4
    assert [c.difference for c in differences(before, {first: before[first]})] == [Difference.GONE] * 3
    assert differences(after, after) == ()


@pytest.mark.parametrize("alarm", [0, 7, -5, 100_000])
def test_an_alarm_is_one_of_those_offered(alarm: int) -> None:
    with pytest.raises(ValueError, match=r"^alarm: one of"):
        Wish(alarm=alarm)


def test_an_edit_counts_for_the_public_only() -> None:
    assert edit(DRAFT, replace(CONTENT, title="x"), MAY).sequence == 0
    assert edit(ON, CONTENT, MAY) is ON
    assert publish(ON, MAY) is ON
    assert (edit(ON, replace(CONTENT, venue=""), MAY).sequence, publish(OFF, MAY).sequence) == (1, 2)
    with pytest.raises(ValueError, match=r"^state: a draft"):
        cancel(DRAFT, "x", MAY)


def test_a_teams_calendar_has_its_shifts_only_and_limits_are_whole_days() -> None:
    rule = replace(RULE, team="lawyers")
    release = make(None, replace_team(inputs(Calendar(), WINDOW, rule)), MAY)
    team = team_feed("lawyers", Words("律师队", "Lawyers"), [release, published()], {SITE: PLACE}, PEOPLE, Language.EN)
    limit = Limit("1", Words("出证期限", "Certificate due"), START.date(), Words("算式", "arithmetic"), 0, MAY, MAY)
    [due] = parse(render(limits_feed([limit], Language.EN))).events

    assert (team.name, len(team.events)) == ("Lawyers: duty roster", len(release.slots))
    assert (due.summary, due.all_day, due.description) == ("Certificate due", True, "arithmetic")


def replace_team(facts: Inputs) -> Plan:
    """Everybody of the plan belongs to the team."""
    planned = plan(facts)
    return replace(planned, slots=tuple(replace(slot, team="lawyers") for slot in planned.slots))


@pytest.mark.parametrize(
    "word", ["END:VEVENT", "BEGIN:VEVENT", "END:VCALENDAR", "STATUS:CANCELLED", "x" * 63 + "END:VEVENT"]
)
def test_a_room_may_be_called_like_a_line_of_the_format(word: str) -> None:
    named = replace(ON, content=replace(CONTENT, title=word, venue=word, says=word))
    both = [named, replace(named, id="2")]
    raw = render(events_feed(EventKind.LECTURE, both, {SITE: Place(Words(word, word))}, "", Language.ZH, ON.changed_at))

    assert [parse(item.body).events[0] for item in split(raw)] == list(parse(raw).events)
    for wish in (Wish(Cancelled.HIDE), Wish(Cancelled.MARK), Wish(Cancelled.STATUS)):
        assert fulfil(raw, wish) == raw
    assert parse(fulfil(raw, Wish(alarm=30))).events == parse(raw).events


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n;,\\"), max_size=120)


@given(TEXT, TEXT, TEXT, st.booleans(), st.booleans())
@example("BEGIN:VEVENT", "END:VEVENT", "END:VEVENT", False, False)
def test_any_words_come_back_as_they_were(summary: str, says: str, place: str, busy: bool, all_day: bool) -> None:
    """Rendering by hand and parsing by a library agree, whatever people write."""
    midnight = utc("2026-11-25 16:00")
    event = FeedEvent(
        "uid",
        midnight,
        midnight + timedelta(days=1),
        summary,
        says,
        place,
        ("公证", "a,b;c"),
        EventStatus.CONFIRMED,
        3,
        MAY,
        MAY,
        busy,
        "https://x.test/a?b=c",
        all_day,
    )
    feed = Feed(summary, says, (event,), "https://x.test/")

    raw = render(feed)

    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    assert parse(raw) == feed
    assert render(parse(raw)) == raw
    [item] = split(raw)
    assert parse(item.body).events == feed.events
