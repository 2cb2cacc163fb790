"""Calendars beside the duty rosters': theme days, lectures, days off and make-up days, a team's duties, a person's legal limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid5

from schedules.core.calendar_days import ONE_DAY, Calendar, DayKind, Status, YearOfDays
from schedules.core.explain import Language, People, Words, service_name
from schedules.core.feeds import Place, Places, site_feed
from schedules.core.ical import EventStatus, Feed, FeedEvent
from schedules.core.lectures import TOPICS
from schedules.core.model import local
from schedules.core.public_events import EventKind, EventState, PublicEvent
from schedules.core.release import CANCELLED_SHOWN, Release, State

_IDENTITY = UUID("b3b5f7c8-9a40-5d64-8b4c-0b7f5b1f2f7e")
HORIZON = timedelta(days=366)
"""How far ahead feeds reach: a year, so that a yearly plan is seen whole."""
KEPT = timedelta(days=92)
"""What is over stays for a quarter, as in rosters."""

_LATE = Words(
    "由来坐发布。日历软件不会立即更新：谷歌日历通常晚 8 至 24 小时。临时变动以公告页为准。",
    "Published by Laizuo. Calendar programs update late: Google usually by 8 to 24 hours. For changes of today look at the page.",
)
_NAMES = {
    EventKind.THEME_DAY: Words("主题活动日", "theme days"),
    EventKind.LECTURE: Words("法治讲座", "rule-of-law lectures"),
}
_MARK = Words("[已取消] ", "[Cancelled] ")


def events_feed(
    kind: EventKind,
    events: Iterable[PublicEvent],
    places: Places,
    page: str,
    language: Language,
    at: datetime,
    where: str = "",
) -> Feed:
    """Theme days or lectures of a site (`where` its name) or of every site. `page` + the event's id is its public page."""
    shown = [e for e in events if e.kind is kind and _is_shown(e, at)]
    shown.sort(key=lambda e: (e.content.during.start, e.id))
    name = _NAMES[kind][language]
    return Feed(
        name=f"{where} · {name}" if where else name,
        description=_LATE[language],
        events=tuple(_event(e, places, page, language) for e in shown),
    )


def _is_shown(event: PublicEvent, at: datetime) -> bool:
    during = event.content.during
    if event.state is EventState.DRAFT or not at - KEPT < during.end < at + HORIZON + HORIZON:
        return False
    return event.is_on or event.changed_at > at - CANCELLED_SHOWN


def _event(event: PublicEvent, places: Places, page: str, language: Language) -> FeedEvent:
    content = event.content
    cancelled = event.state is EventState.CANCELLED
    site = places.get(content.site, Place(Words("", ""))).name[language]
    return FeedEvent(
        uid=str(uuid5(_IDENTITY, event.id)),
        start=content.during.start,
        end=content.during.end,
        summary=(_MARK[language] if cancelled else "") + title_of(event, language),
        description=_description(event, language),
        location=" ".join(part for part in (site, content.venue) if part),
        categories=(topic_name(content.topic, language) or _NAMES[event.kind][language],),
        status=EventStatus.CANCELLED if cancelled else EventStatus.CONFIRMED,
        sequence=event.sequence,
        created=event.made_at,
        changed=event.changed_at,
        url=f"{page}{event.id}" if page else "",
    )


def title_of(event: PublicEvent, language: Language) -> str:
    """The English title where there is one and English is wanted."""
    return (event.content.title_en if language is Language.EN else "") or event.content.title


def topic_name(topic: str, language: Language) -> str:
    return TOPICS[topic][language] if topic in TOPICS else topic


def _description(event: PublicEvent, language: Language) -> str:
    content = event.content
    zh = language is Language.ZH
    joint = (
        "、".join(service_name(s, language) for s in content.services)
        if zh
        else ", ".join(service_name(s, language) for s in content.services)
    )
    lines = [
        event.reason,
        content.says,
        ("主讲：" if zh else "Speakers: ") + ("、" if zh else ", ").join(content.speakers) if content.speakers else "",
        (
            ("联合咨询：" if content.is_joint else "服务：")
            if zh
            else ("Joint consultation: " if content.is_joint else "Services: ")
        )
        + joint
        if content.services
        else "",
        content.why[language],
        content.room_link,
        content.recording_link,
    ]
    return "\n".join(line for line in lines if line)


# ---------------------------------------------------------------- days

_DAYS = {
    DayKind.HOLIDAY: Words("法定节假日", "Statutory holidays of China"),
    DayKind.MAKEUP: Words("调休上班日", "Make-up workdays of China"),
}
_PROVISIONAL = Words("（暂定）", " (provisional)")


def days_feed(kind: DayKind, calendar: Calendar, language: Language) -> Feed:
    """Days off, or make-up workdays: two calendars, because one wants to see them in different colours and alarms (feature 113)."""
    years = _newest(calendar)
    events = [event for year in years for event in _days_of(kind, year, language)]
    return Feed(_DAYS[kind][language], _sources(years, language), tuple(sorted(events, key=lambda e: (e.start, e.uid))))


def _newest(calendar: Calendar) -> list[YearOfDays]:
    """Of several versions of a year the one in force: an older notice's days are nobody's any more."""
    found: dict[int, YearOfDays] = {}
    for year in sorted(calendar.years, key=lambda year: (year.year, year.version)):
        found[year.year] = year
    return list(found.values())


def _sources(years: Iterable[YearOfDays], language: Language) -> str:
    titles = [f"{year.year}: {year.source.title} {year.source.url}".strip() for year in years]
    return Words("依据：", "Sources: ")[language] + "; ".join(titles)


def _days_of(kind: DayKind, year: YearOfDays, language: Language) -> Iterable[FeedEvent]:
    sure = "" if year.status is Status.OFFICIAL else _PROVISIONAL[language]
    issued = local(year.source.issued, time.min)
    for festival in year.festivals:
        name = Words(festival.zh, festival.en)[language]
        for first, last in _runs(festival.days if kind is DayKind.HOLIDAY else festival.makeup):
            what = Words(
                "放假" if kind is DayKind.HOLIDAY else "调休上班",
                ": day off" if kind is DayKind.HOLIDAY else ": make-up workday",
            )
            yield FeedEvent(
                uid=str(uuid5(_IDENTITY, f"{kind.value}/{first}")),
                start=local(first, time.min),
                end=local(last + ONE_DAY, time.min),
                summary=name + what[language] + sure,
                description=year.source.title,
                location="",
                categories=(_DAYS[kind][language],),
                status=EventStatus.CONFIRMED,
                sequence=year.version - 1 if year.version else 0,
                created=issued,
                changed=issued,
                all_day=True,
            )


def _runs(days: tuple[date, ...]) -> Iterable[tuple[date, date]]:
    """Days in a row as one bar (feature 109)."""
    start = None
    ordered = sorted(days)
    for n, day in enumerate(ordered):
        start = start or day
        if n + 1 == len(ordered) or ordered[n + 1] != day + ONE_DAY:
            yield start, day
            start = None


# ---------------------------------------------------------------- teams and limits


def team_feed(
    team: str, name: Words, releases: Iterable[Release], places: Places, people: People, language: Language
) -> Feed:
    """The duties of a service team at all sites."""
    events: list[FeedEvent] = []
    for release in releases:
        mine = tuple(entry for entry in release.slots if entry.slot.team == team)
        place = places.get(release.site, Place(Words("", "")))
        part = Release(release.site, release.version, release.published_at, release.window, mine, release.rules_version)
        events += site_feed(part, place, people, language).events
    events.sort(key=lambda event: (event.start, event.uid))
    return Feed(Words(f"{name.zh}值班表", f"{name.en}: duty roster")[language], _LATE[language], tuple(events))


@dataclass(frozen=True, slots=True)
class Limit:
    """A legal limit of one case. `what` names no client: "公证出证期限 2026-0412". `arithmetic` is clocks.run_words."""

    id: str
    what: Words
    due: date
    arithmetic: Words
    sequence: int
    made_at: datetime
    changed_at: datetime
    state: State = State.ON


def limits_feed(limits: Iterable[Limit], language: Language) -> Feed:
    """Legal limits of one's own cases, whole days, with the arithmetic inside."""
    return Feed(
        Words("我的办理期限", "My legal limits")[language],
        _LATE[language],
        tuple(_limit(limit, language) for limit in sorted(limits, key=lambda limit: (limit.due, limit.id))),
    )


def _limit(limit: Limit, language: Language) -> FeedEvent:
    off = limit.state is State.CANCELLED
    return FeedEvent(
        uid=str(uuid5(_IDENTITY, f"limit/{limit.id}")),
        start=local(limit.due, time.min),
        end=local(limit.due + ONE_DAY, time.min),
        summary=(_MARK[language] if off else "") + limit.what[language],
        description=limit.arithmetic[language],
        location="",
        categories=(Words("办理期限", "Legal limits")[language],),
        status=EventStatus.CANCELLED if off else EventStatus.CONFIRMED,
        sequence=limit.sequence,
        created=limit.made_at,
        changed=limit.changed_at,
        all_day=True,
    )
