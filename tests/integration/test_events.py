"""Theme days, lectures and registrations on a real PostgreSQL: rules, quotas, waiting lists, races."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from schedules.core import ical
from schedules.core.explain import Words
from schedules.core.lectures import Place
from schedules.core.public_events import EventKind, EventState, PublicEvent
from schedules.core.themes import FixedDay, NthWeekday, OnHoliday
from schedules.store import events, feeds, registrations
from schedules.store.events import Screening, Series, ThemeRule
from server.db.pool import in_transaction
from server.errors import Conflict, NotAllowed, NotFound
from server.events import registering, service
from tests.support.duty_city import NOW, DutyCity, make_city
from tests.support.events_city import THURSDAY, change, give_up, hours, lecture, published, register

if TYPE_CHECKING:
    from schedules.core.model import SiteId
    from server.db import Connection, Pool


@pytest.fixture
async def city(db: Pool) -> DutyCity:
    async with db.acquire() as conn, conn.transaction():
        return await make_city(conn)


def rule(site: SiteId, when: FixedDay | NthWeekday) -> ThemeRule:
    return ThemeRule(
        id="00000000-0000-4000-8000-00000000000a",
        site=site,
        when=when,
        holiday=OnHoliday.NEXT_WORKING_DAY,
        starts=time(9),
        ends=time(11, 30),
        title="婚姻家事来聊聊",
        title_en="",
        says="",
        services=("mediation", "legal_aid"),
        teams=("人民调解员",),
        materials=("身份证",),
        first_month=date(2026, 9, 1),
    )


async def test_a_rule_drafts_a_year_and_again_nothing(db: Pool, city: DutyCity) -> None:
    made = rule(city.center, FixedDay(18))

    async def add(conn: Connection) -> tuple[str, int]:
        return await service.add_rule(conn, city.coordinator, "rongchuan", lambda _: made, NOW)

    _, drafts = await in_transaction(db, add)
    async with db.acquire() as conn:
        again = await service.draft_rule(conn, made, NOW)
        kept = await events.list_rules(conn, city.center)
        found = await events.list_events(conn, city.center, None, NOW, NOW + timedelta(days=400), drafts=True)
    assert (drafts, again, kept) == (11, 0, (made,))  # this month's 18th is over
    assert all(event.state is EventState.DRAFT and event.content.is_joint for event in found)
    july = next(event for event in found if event.month == date(2027, 7, 1))
    assert july.content.why.en == (
        "day 18 of each month; 18 Jul is a weekend day: moved to the next working day, 19 Jul"
        " (provisional: the holiday notice of that year is not out)"
    )


async def test_a_change_raises_the_sequence_once_and_moves_the_same_event(db: Pool, city: DutyCity) -> None:
    first = await published(db, city.coordinator, "rongchuan", lecture(city.center))
    content = replace(first.content, venue="三楼报告厅")
    same = await change(db, city.coordinator, first, service.to_edit(lambda _, before: before, NOW), NOW + hours(1))
    second = await change(
        db, city.coordinator, first, service.to_edit(lambda *_: content, NOW + hours(2)), NOW + hours(2)
    )
    off = await change(db, city.coordinator, second, service.to_cancel("停电", NOW + hours(3)), NOW + hours(3))

    assert (first.sequence, same, second.sequence, off.sequence) == (0, first, 1, 2)
    async with db.acquire() as conn:
        stored = await feeds.load_public_feed(conn, "rongchuan.law-lectures", "zh-CN")
        everywhere = await feeds.load_public_feed(conn, "every-site.law-lectures", "en")
    assert stored is not None
    assert everywhere is not None
    [event] = ical.parse(stored.body).events
    assert (event.status, event.sequence, event.summary) == (ical.EventStatus.CANCELLED, 2, "[已取消] 公司合规")
    assert event.location == "榕川市中心 三楼报告厅"
    assert event.description.startswith("停电")
    assert len(ical.parse(everywhere.body).events) == 1


async def test_who_looked_at_an_older_state_is_refused(db: Pool, city: DutyCity) -> None:
    first = await published(db, city.coordinator, "rongchuan", lecture(city.center))
    await change(db, city.coordinator, first, service.to_cancel("停电", NOW))

    with pytest.raises(Conflict, match="stale_event"):
        await change(db, city.coordinator, first, service.to_cancel("下雨", NOW))
    with pytest.raises(NotAllowed):
        await change(db, city.outsider, first, service.to_cancel("下雨", NOW))


async def test_a_room_holds_one_event_at_a_time(db: Pool, city: DutyCity) -> None:
    await published(db, city.coordinator, "rongchuan", lecture(city.center))
    await published(db, city.coordinator, "rongchuan", lecture(city.center, venue="三楼"))
    await published(db, city.coordinator, "rongchuan", lecture(city.center, on=THURSDAY + timedelta(days=1)))

    with pytest.raises(Conflict, match="room_taken"):
        await published(db, city.coordinator, "rongchuan", lecture(city.center, title="另一场"))


async def test_the_line_moves_up_in_order_and_is_told(db: Pool, city: DutyCity) -> None:
    event = await published(db, city.coordinator, "rongchuan", lecture(city.center, seats=1))
    first, second, third = [
        await register(db, event, name, phone) for name, phone in (("甲", ""), ("乙", "13800000002"), ("丙", ""))
    ]

    await give_up(db, first[2])

    assert [place for place, _, _ in (first, second, third)] == [Place.REGISTERED, Place.WAITING, Place.WAITING]
    assert [before for _, before, _ in (first, second, third)] == [0, 0, 1]
    async with db.acquire() as conn:
        now_second = await registering.held_by(conn, second[2])
        now_third = await registering.held_by(conn, third[2])
        outbox = await conn.fetch("select channel, address, kind from outbox order by id")
    assert (now_second.registration.place, now_second.registration.moved_up_at) == (Place.REGISTERED, NOW)
    assert (now_third.registration.place, now_third.waiting_before) == (Place.WAITING, 0)
    assert [tuple(row) for row in outbox] == [
        ("phone", "13800000002", kind) for kind in ("registration_confirmed", "moved_up")
    ]
    with pytest.raises(Conflict, match="registration_given_up"):
        await give_up(db, first[2])


async def test_more_seats_move_up_and_fewer_than_registered_are_refused(db: Pool, city: DutyCity) -> None:
    event = await published(db, city.coordinator, "rongchuan", lecture(city.center, seats=1))
    for _ in range(3):
        await register(db, event)

    more = replace(event.content, capacity=2)
    event = await change(db, city.coordinator, event, service.to_edit(lambda *_: more, NOW))

    async with db.acquire() as conn:
        places = [who.place for who in await registrations.list_of(conn, event.id)]
    assert places == [Place.REGISTERED, Place.REGISTERED, Place.WAITING]
    with pytest.raises(Conflict, match="too_few_seats"):
        await change(db, city.coordinator, event, service.to_edit(lambda *_: replace(more, capacity=1), NOW))


async def test_the_database_itself_refuses_one_too_many(db: Pool, city: DutyCity) -> None:
    """Also for a statement that knows nothing of our rules."""
    event = await published(db, city.coordinator, "rongchuan", lecture(city.center, seats=1))
    await register(db, event)
    await register(db, event)

    async with db.acquire() as conn:
        with pytest.raises(asyncpg.CheckViolationError, match="event_never_overbooked"):
            await conn.execute("update registration set state = 'registered'")


async def test_the_same_phone_registers_once(db: Pool, city: DutyCity) -> None:
    event = await published(db, city.coordinator, "rongchuan", lecture(city.center, seats=5))
    _, _, secret = await register(db, event, phone="138 0000-0001")

    with pytest.raises(Conflict, match="already_registered"):
        await register(db, event, phone="13800000001")
    await give_up(db, secret)
    assert (await register(db, event, phone="13800000001"))[0] is Place.REGISTERED


async def test_the_door_the_opinion_and_forgetting(db: Pool, city: DutyCity) -> None:
    event = await published(db, city.coordinator, "rongchuan", lecture(city.center, seats=1))
    _, _, secret = await register(db, event, "甲", "13800000001")
    start = event.content.during.start

    async def at_the_door(now: object) -> None:
        async def work(conn: Connection) -> None:
            held = await registering.held_by(conn, secret)
            await registering.check_in(conn, city.coordinator, held.registration.id, now)  # type: ignore[arg-type]

        await in_transaction(db, work)

    with pytest.raises(Conflict, match="check_in_too_early"):
        await at_the_door(start - hours(3))
    await at_the_door(start)
    await at_the_door(start + hours(1))  # the second scan changes nothing
    async with db.acquire() as conn, conn.transaction():
        await registering.give_feedback(conn, secret, 5, "讲得清楚", start + hours(2))
        held = await registering.held_by(conn, secret)
        early = await registrations.forget(conn, start + timedelta(days=14))
        late = await registrations.forget(conn, event.content.during.end + timedelta(days=14, seconds=1))
        forgotten = await registering.held_by(conn, secret)
    assert (held.registration.attended_at, held.registration.rating) == (start, 5)
    assert (early, late) == (0, 1)
    assert (forgotten.registration.name, forgotten.registration.phone) == ("", "")


async def test_a_stranger_cannot_check_in_and_a_wrong_link_leads_nowhere(db: Pool, city: DutyCity) -> None:
    event = await published(db, city.coordinator, "rongchuan", lecture(city.center, seats=1))
    _, _, secret = await register(db, event)
    async with db.acquire() as conn:
        held = await registering.held_by(conn, secret)
        with pytest.raises(NotAllowed):
            await registering.check_in(conn, city.outsider, held.registration.id, event.content.during.start)
        for wrong in ("x" * 43, "short", secret[:-1] + ("A" if secret[-1] != "A" else "B")):
            with pytest.raises(NotFound):
                await registering.held_by(conn, wrong)


async def test_a_series_counts_96_of_96(db: Pool, city: DutyCity) -> None:
    parks = [f"park-{n}" for n in range(8)]
    async with db.acquire() as conn, conn.transaction():
        for slug in parks:
            await conn.execute(
                "insert into site (parent_id, slug, kind, name_zh, name_en) values ($1::text::uuid, $2, 'park', $2, $2)",
                city.center,
                slug,
            )
        series = await service.add_series(
            conn,
            city.coordinator,
            "rongchuan",
            Series("", 2026, Words("百场讲座", "Hundred"), city.center, ()),
            dict.fromkeys(parks, 12),
            NOW,
        )
        topics = list(series.topics)
        ids = {row["slug"]: row["id"] for row in await conn.fetch("select slug, id::text from site")}
        for n, (slug, month) in enumerate((slug, month) for slug in parks for month in range(1, 13)):
            content = replace(lecture(ids[slug], on=date(2026, month, 10)), topic=topics[n % 8])
            event = await service.add_event(
                conn, city.coordinator, slug, EventKind.LECTURE, lambda _, c=content: c, series.id, NOW
            )
            shown = replace(event, state=EventState.PUBLISHED, revision=2, published_at=NOW)
            assert await events.save_event(conn, shown, 1)
        [found] = await service.list_progress(conn, city.center, NOW)
    assert (found.progress.words, found.progress.missing) == ("96/96", ())


async def test_the_months_screening_is_due_on_the_18th_and_closes_once(db: Pool, city: DutyCity) -> None:
    async with db.acquire() as conn, conn.transaction():
        [empty] = await service.list_screenings(conn, city.center, NOW)
        task = replace(empty, sources={"petition": (3, "物业纠纷")}, needs="物业纠纷增多", done_at=NOW)
        await service.save_screening(conn, city.coordinator, "rongchuan", task, NOW)
        [kept] = await service.list_screenings(conn, city.center, NOW)
        with pytest.raises(Conflict, match="screening_done"):
            await service.save_screening(conn, city.coordinator, "rongchuan", task, NOW)
    assert empty == Screening(date(2026, 11, 1), date(2026, 11, 18), {})
    assert kept == task


# ---------------------------------------------------------------- races

ROUNDS, AT_ONCE = 20, 100


async def test_20_times_100_at_once_never_overbook_and_lose_nobody(db: Pool, city: DutyCity) -> None:
    """In each round 100 people register and give up while the coordinator changes the event's seats: seats, line and counts agree."""
    for number in range(ROUNDS):
        content = lecture(city.center, seats=30, on=THURSDAY + timedelta(days=number))
        event = await published(db, city.coordinator, "rongchuan", content)
        secrets = await asyncio.gather(*(_come(db, event, n) for n in range(AT_ONCE)), _more_seats(db, city, event))
        left = sum(secret is None for secret in secrets[:AT_ONCE])
        async with db.acquire() as conn:
            after = await events.load_event(conn, event.id)
            people = await registrations.list_of(conn, event.id)
        assert after is not None
        counted = {place: sum(who.place is place for who in people) for place in Place}
        assert len(people) == AT_ONCE, "nobody who was answered is lost"
        assert counted[Place.CANCELLED] == left == AT_ONCE // 10
        assert after.taken == counted[Place.REGISTERED] == 40, "every seat is taken, none twice"
        assert counted[Place.WAITING] == AT_ONCE - left - 40
        waiting = [who.arrival for who in people if who.place is Place.WAITING]
        assert all(who.arrival < waiting[0] for who in people if who.place is Place.REGISTERED), (
            "the line kept its order"
        )


async def _come(db: Pool, event: PublicEvent, number: int) -> str | None:
    """Every tenth gives the place back at once."""
    _, _, secret = await register(db, event, f"第{number}位", f"1380000{number:04}")
    if number % 10:
        return secret
    await give_up(db, secret)
    return None


async def _more_seats(db: Pool, city: DutyCity, event: PublicEvent) -> str:
    more = replace(event.content, capacity=40)
    await change(db, city.coordinator, event, service.to_edit(lambda *_: more, NOW))
    return ""


async def test_of_100_editors_at_once_one_wins_and_every_other_is_told(db: Pool, city: DutyCity) -> None:
    event = await published(db, city.coordinator, "rongchuan", lecture(city.center))

    async def edit(number: int) -> str:
        content = replace(event.content, title=f"第{number}版")
        try:
            await change(db, city.coordinator, event, service.to_edit(lambda *_: content, NOW))
        except Conflict as refused:
            return refused.code
        return "saved"

    answers = await asyncio.gather(*(edit(number) for number in range(AT_ONCE)))

    async with db.acquire() as conn:
        after = await events.load_event(conn, event.id)
        feed = await feeds.load_public_feed(conn, "rongchuan.law-lectures", "zh-CN")
    assert sorted(answers) == ["saved", *["stale_event"] * (AT_ONCE - 1)]
    assert after is not None
    assert feed is not None
    assert (after.content.title, after.sequence) == (f"第{answers.index('saved')}版", 1)
    assert [e.summary for e in ical.parse(feed.body).events] == [after.content.title]


async def test_20_events_published_at_once_are_all_in_the_calendar(db: Pool, city: DutyCity) -> None:
    """Each publish writes the whole calendar: none may overwrite another's news; and of events for one room one gets it."""
    days = [THURSDAY + timedelta(days=n // 2) for n in range(20)]

    async def publish(day: date, number: int) -> str:
        try:
            await published(db, city.coordinator, "rongchuan", lecture(city.center, on=day, title=f"讲座{number}"))
        except Conflict as refused:
            return refused.code
        return "published"

    done = await asyncio.gather(*(publish(day, n) for n, day in enumerate(days)))

    async with db.acquire() as conn:
        feed = await feeds.load_public_feed(conn, "every-site.law-lectures", "zh-CN")
    assert feed is not None
    assert sorted(done) == ["published"] * 10 + ["room_taken"] * 10
    assert sorted(e.start.date() for e in ical.parse(feed.body).events) == sorted(set(days))
