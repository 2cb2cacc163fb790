"""What takes place in the demo's city: theme days by rule, a year's lectures with their quota, one lecture that is full; teams and services."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from schedules.core.explain import Words
from schedules.core.model import CHINA, Interval, PersonId, SiteId, local
from schedules.core.public_events import Content, EventKind
from schedules.core.themes import FixedDay, NthWeekday, OnHoliday, When
from schedules.store import events, people
from schedules.store.events import Series, ThemeRule
from server.access.core import Actor, Grant, Role
from server.demo.rosters import CITY, COORDINATOR
from server.events import registering, service
from server.events.registering import Applicant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from server.db import Connection

_IDENTITY = UUID("9f0f4a2c-5d0b-5b8e-8a53-3f2f3c8f1c11")
QUOTA = 12
HOSTS = ("rongchuan-park", "rongyin", "jiangbin", "qingxi", "shiqiao", "yunling", "liuyin", "chashan")
PUBLISHED_RULES = 2  # months of each rule that are public; the rest waits as drafts
SERVED = timedelta(days=45)  # so long ago the first lecture was announced

# (days from today, site, title, topic, seats, speaker)
LECTURES = (
    (-20, "rongchuan-park", "劳动合同里的坑", "company_law", 40, "陈淑芬"),
    (-6, "jiangbin", "物业纠纷怎么谈", "litigation", 30, "王建国"),
    (3, "rongchuan-park", "公司合规入门", "company_law", 40, "刘斌"),
    (9, "rongyin", "防范养老诈骗", "finance", 2, "陈淑芬"),
    (16, "liuyin", "土地流转与合同", "real_estate", None, "张䶮"),
)
TEAMS = {
    "notaries": ("li.wanqing", "zhao.kun"),
    "mediators": ("wang.jianguo", "zhang.yan"),
    "lawyers": ("chen.shufen", "liu.bin"),
    "volunteer_lawyers": ("liu.bin",),
}
OFFERS = {
    "rongchuan": ("legal_aid", "mediation", "legal_advice", "notarization", "forensic", "education"),
    "rongyin": ("legal_aid", "mediation", "legal_advice", "education"),
}


async def seed_happenings(
    conn: Connection, sites: Mapping[str, str], staff: Mapping[str, str], base_url: str, now: datetime
) -> None:
    """Make and publish it as the city's coordinator, in the caller's transaction. Sites by slug, people by user name."""
    actor = Actor("person", staff[COORDINATOR], frozenset({Grant(Role.COORDINATOR, sites[CITY])}))
    today = now.astimezone(CHINA).date()
    for slug, services in OFFERS.items():
        sql = "insert into site_offer (site_id, service) select $1::text::uuid, unnest($2::text[])"
        await conn.execute(sql, sites[slug], list(services))
    for team, users in TEAMS.items():
        for user in users:
            await people.admit(conn, team, PersonId(staff[user]), today - timedelta(days=200), actor.id)
    await _theme_days(conn, actor, base_url, now)
    await _lectures(conn, actor, base_url, now)


def _rule(
    name: str, when: When, words: tuple[str, str, str], services: tuple[str, ...]
) -> Callable[[SiteId], ThemeRule]:
    title, english, says = words
    return lambda site: ThemeRule(
        id=str(uuid5(_IDENTITY, name)),
        site=site,
        when=when,
        holiday=OnHoliday.NEXT_WORKING_DAY,
        starts=time(9),
        ends=time(11, 30),
        title=title,
        title_en=english,
        says=says,
        services=services,
        teams=("人民调解员队伍", "律师队伍"),
        materials=("身份证",),
        first_month=date(2026, 1, 1),
    )


async def _theme_days(conn: Connection, actor: Actor, base_url: str, now: datetime) -> None:
    family = ("婚姻家事来聊聊", "Family matters", "调解员和律师坐在一起，听您说家里的事。")
    wages = ("欠薪维权咨询日", "Wages and work", "带上合同和工资条，当场帮您算、帮您写。")
    for slug, when, words, services in (
        ("rongyin", NthWeekday(3, 6), family, ("mediation", "legal_advice")),
        ("rongchuan", FixedDay(18), wages, ("legal_aid", "legal_advice")),
    ):
        await service.add_rule(conn, actor, slug, _rule(slug, when, words, services), now)
        found = await events.list_events(conn, None, EventKind.THEME_DAY, now, now + timedelta(days=120), drafts=True)
        mine = [event for event in found if event.rule == str(uuid5(_IDENTITY, slug))]
        for event in mine[:PUBLISHED_RULES]:
            await service.change_event(conn, actor, event.id, event.revision, service.to_publish(now), base_url, now)


def _at(content: Content) -> Callable[[SiteId], Content]:
    return lambda site: replace(content, site=site)


async def _lectures(conn: Connection, actor: Actor, base_url: str, now: datetime) -> None:
    today = now.astimezone(CHINA).date()
    title = Words("百场精品法治讲座", "A hundred lectures on the rule of law")
    wanted = Series("", today.year, title, SiteId(""), ())
    series = await service.add_series(conn, actor, CITY, wanted, dict.fromkeys(HOSTS, QUOTA), now)
    announced = now - SERVED
    for days, slug, name, topic, seats, speaker in LECTURES:
        on = today + timedelta(days=days)
        content = Content(
            site=SiteId(""),
            title=name,
            during=Interval(local(on, time(15)), local(on, time(16, 30))),
            topic=topic,
            venue="一楼会议室",
            speakers=(speaker,),
            capacity=seats,
        )
        event = await service.add_event(conn, actor, slug, EventKind.LECTURE, _at(content), series.id, announced)
        made = await service.change_event(
            conn, actor, event.id, event.revision, service.to_publish(announced), base_url, announced
        )
        for number in range((seats or 0) + 1 if seats and seats < 10 else 0):
            who = Applicant(
                ("周桂兰", "吴大海", "郑小雨")[number % 3], "", "zh-CN", f"{made.id.replace('-', '')}{number:04x}"
            )
            await registering.register(conn, made.id, who, base_url, now)
