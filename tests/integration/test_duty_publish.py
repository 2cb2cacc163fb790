"""Publishing on a real PostgreSQL: versions, frozen pasts, races, feeds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from schedules.core import ical
from schedules.core.model import Interval, Leave, Override, OverrideKind, SiteId, SlotKey, Window, local
from schedules.core.plan import plan
from schedules.core.release import ChangeKind
from schedules.days import shipped_calendar
from schedules.store import drafts, feeds, releases
from server.db.pool import in_transaction
from server.duty import editing, publishing
from server.errors import BadInput, Conflict, NotAllowed
from tests.support.duty_city import NOW, DutyCity, make_city, uuid_text, weekly

if TYPE_CHECKING:
    from server.db import Connection
    from server.db.pool import Pool
    from server.duty.publishing import Published

MONDAY = date(2026, 11, 23)
WINDOW = Window(MONDAY, MONDAY + timedelta(days=27))
R1 = uuid_text(1)


@pytest.fixture
async def city(db: Pool) -> DutyCity:
    """A city whose centre has a weekly lawyer rotation from Monday on, Monday to Friday, in draft."""
    async with db.acquire() as conn, conn.transaction():
        made = await make_city(conn)
        await editing.set_window(conn, made.coordinator, made.center, 1, WINDOW, NOW)
        await editing.save_rotation(conn, made.coordinator, 2, weekly(made.center, R1, made.lawyers, MONDAY), NOW)
    return made


async def publish(db: Pool, city: DutyCity, now: datetime = NOW, site: SiteId | None = None) -> Published:
    """Preview and publish what was previewed."""
    where = site or city.center
    mark = await mark_of(db, city, now, where)

    async def work(conn: Connection) -> Published:
        return await publishing.publish(conn, city.coordinator, where, mark, "https://example.test", now)

    return await in_transaction(db, work, patience_s=60)


async def mark_of(db: Pool, city: DutyCity, now: datetime = NOW, site: SiteId | None = None) -> str:
    async with db.acquire() as conn:
        _, prepared = await publishing.preview(conn, city.coordinator, site or city.center, now)
    return prepared.mark


async def test_publish_makes_a_version_and_seats_people(db: Pool, city: DutyCity) -> None:
    published = await publish(db, city)

    assert (published.version, published.is_new, len(published.changes)) == (1, True, 20)
    async with db.acquire() as conn:
        at_ten = local(MONDAY, time(10))
        [serving] = await releases.on_duty(conn, city.center, None, at_ten)
        assert (serving.person, serving.service, serving.role) == (city.lawyers[0], "legal_advice", "lawyer")
        assert serving.until == local(MONDAY, time(12))
        assert await releases.on_duty(conn, city.center, "notarization", at_ten) == ()
        assert await releases.on_duty(conn, city.center, None, local(MONDAY, time(12))) == ()


async def test_publishing_twice_makes_no_new_version(db: Pool, city: DutyCity) -> None:
    await publish(db, city)
    async with db.acquire() as conn:
        first = await feeds.load_public_feed(conn, "rongchuan", "zh-CN")

    again = await publish(db, city, NOW + timedelta(hours=1))

    async with db.acquire() as conn:
        second = await feeds.load_public_feed(conn, "rongchuan", "zh-CN")
    assert (again.version, again.is_new, again.changes) == (1, False, ())
    assert first is not None
    assert first == second


async def test_twenty_publishes_of_one_draft_make_one_version(db: Pool, city: DutyCity) -> None:
    mark = await mark_of(db, city)

    async def work(conn: Connection) -> Published:
        return await publishing.publish(conn, city.coordinator, city.center, mark, "", NOW)

    answers = await asyncio.gather(*(in_transaction(db, work, patience_s=30) for _ in range(20)))

    assert sorted((a.version, a.is_new) for a in answers) == [(1, False)] * 19 + [(1, True)]
    async with db.acquire() as conn:
        assert await conn.fetchval("select count(*) from duty_release") == 1
        assert await conn.fetchval("select count(*) from audit_entry where action = 'publish_roster'") == 1
        assert await conn.fetchval("select count(*) from duty_current") == 20


async def test_a_stale_draft_is_refused(db: Pool, city: DutyCity) -> None:
    seen = await mark_of(db, city)
    async with db.acquire() as conn, conn.transaction():
        moved = replace(weekly(city.center, R1, city.lawyers, MONDAY), starts=time(8, 30))
        await editing.save_rotation(conn, city.coordinator, 3, moved, NOW)

    async with db.acquire() as conn:
        with pytest.raises(Conflict, match="stale_draft"):
            await publishing.publish(conn, city.coordinator, city.center, seen, "", NOW)
        with pytest.raises(Conflict, match="stale_draft"):
            await editing.set_window(conn, city.coordinator, city.center, 3, WINDOW, NOW)
        assert await releases.load_release(conn, city.center) is None


async def test_a_leave_makes_every_preview_of_that_person_stale(db: Pool, city: DutyCity) -> None:
    seen = await mark_of(db, city)
    async with db.acquire() as conn, conn.transaction():
        await editing.add_leave(
            conn, city.coordinator, city.center, city.lawyers[0], _leave(city, 0, MONDAY, MONDAY), NOW
        )

    async with db.acquire() as conn:
        with pytest.raises(Conflict, match="stale_draft"):
            await publishing.publish(conn, city.coordinator, city.center, seen, "", NOW)
    await publish(db, city)
    async with db.acquire() as conn:
        [serving] = await releases.on_duty(conn, city.center, None, local(MONDAY, time(10)))
    assert serving.person == city.lawyers[1]


def _leave(city: DutyCity, lawyer: int, first: date, last: date) -> Leave:
    return Leave(city.lawyers[lawyer], Interval(local(first, time.min), local(last + timedelta(days=1), time.min)))


async def test_only_the_coordinator_of_the_site_edits_and_publishes(db: Pool, city: DutyCity) -> None:
    async with db.acquire() as conn:
        with pytest.raises(NotAllowed):
            await publishing.publish(conn, city.outsider, city.center, "x", "", NOW)
        with pytest.raises(NotAllowed):
            await editing.set_window(conn, city.outsider, city.center, 3, WINDOW, NOW)
        with pytest.raises(NotAllowed):
            await publishing.preview(conn, city.outsider, city.center, NOW)


async def test_a_stranger_cannot_be_put_on_a_roster(db: Pool, city: DutyCity) -> None:
    stranger = city.coordinator.id
    assert stranger is not None
    rotation = replace(weekly(city.center, R1, city.lawyers, MONDAY), members=((stranger,),))  # type: ignore[arg-type]

    async with db.acquire() as conn:
        with pytest.raises(BadInput, match="unknown_person"):
            await editing.save_rotation(conn, city.coordinator, 3, rotation, NOW)


async def test_somebody_busy_at_another_site_is_passed_over(db: Pool, city: DutyCity) -> None:
    await publish(db, city)
    async with db.acquire() as conn, conn.transaction():
        await editing.set_window(conn, city.coordinator, city.village, 1, Window(MONDAY, MONDAY), NOW)
        rotation = weekly(city.village, uuid_text(2), city.lawyers[:2], MONDAY, starts=time(11), ends=time(14))
        await editing.save_rotation(conn, city.coordinator, 2, rotation, NOW)

    await publish(db, city, site=city.village)

    async with db.acquire() as conn:
        at_noon = local(MONDAY, time(11, 30))
        assert [s.person for s in await releases.on_duty(conn, city.center, None, at_noon)] == [city.lawyers[0]]
        assert [s.person for s in await releases.on_duty(conn, city.village, None, at_noon)] == [city.lawyers[1]]


async def test_the_database_refuses_a_double_booking(db: Pool, city: DutyCity) -> None:
    await publish(db, city)
    row = (
        city.center,
        "r/2026-11-23",
        0,
        "mediation",
        "mediator",
        city.lawyers[0],
        local(MONDAY, time(11)),
        local(MONDAY, time(13)),
        1,
    )

    async with db.acquire() as conn:
        with pytest.raises(asyncpg.ExclusionViolationError, match="duty_nobody_twice"):
            await conn.execute(releases.QUERIES["add_current"], *row)


async def test_a_double_booking_that_slipped_past_the_plan_is_a_conflict(db: Pool, city: DutyCity) -> None:
    """Somebody is seated by other means between planning and seating: the publish as a whole is refused."""
    mark = await mark_of(db, city)
    async with db.acquire() as conn, conn.transaction():
        await drafts.ensure_roster(conn, city.center, WINDOW, NOW)
        during = (local(MONDAY, time(9)), local(MONDAY, time(10)))
        await conn.execute(
            releases.QUERIES["add_current"], city.center, "x/1", 0, "mediation", "x", city.lawyers[0], *during, 1
        )

    async with db.acquire() as conn, conn.transaction():
        with pytest.raises(Conflict, match="double_booked"):
            async with conn.transaction():
                await publishing.publish(conn, city.coordinator, city.center, mark, "", NOW)
        assert await releases.load_release(conn, city.center) is None


async def test_a_substitute_changes_one_event_and_tells_both(db: Pool, city: DutyCity) -> None:
    await publish(db, city)
    later = NOW + timedelta(days=1)
    key = SlotKey(f"{R1}/2026-11-24")
    async with db.acquire() as conn, conn.transaction():
        override = Override(key, OverrideKind.SUBSTITUTE, "赵律师开庭", 0, city.lawyers[2])
        await editing.add_override(conn, city.coordinator, city.center, 3, override, later)

    published = await publish(db, city, later)

    assert [(c.kind, c.key) for c in published.changes] == [(ChangeKind.RESEATED, key)]
    async with db.acquire() as conn:
        before = ical.parse(await _person_feed(conn, city, 0))
        after = ical.parse(await _person_feed(conn, city, 2))
    [cancelled] = [e for e in before.events if e.status is ical.EventStatus.CANCELLED]
    [taken] = [e for e in after.events if e.start == local(date(2026, 11, 24), time(9))]
    assert cancelled.uid == taken.uid
    assert (cancelled.sequence, taken.sequence) == (1, 1)
    assert taken.status is ical.EventStatus.CONFIRMED
    assert taken.changed == later


async def _person_feed(conn: Connection, city: DutyCity, lawyer: int) -> bytes:
    sql = """select body from calendar_feed_body b join calendar_feed f on f.id = b.feed_id
             where f.person_id = $1::text::uuid and b.variant = 'zh-CN'"""
    return bytes(await conn.fetchval(sql, city.lawyers[lawyer]))


async def test_a_closed_day_is_cancelled_and_reopened_with_higher_sequences(db: Pool, city: DutyCity) -> None:
    await publish(db, city)
    key = SlotKey(f"{R1}/2026-11-25")
    async with db.acquire() as conn, conn.transaction():
        await editing.add_override(
            conn, city.coordinator, city.center, 3, Override(key, OverrideKind.CLOSE, "停电"), NOW
        )
    closed = await publish(db, city, NOW + timedelta(hours=1))
    async with db.acquire() as conn, conn.transaction():
        [stored] = await drafts.load_overrides(conn, city.center)
        await editing.withdraw_override(conn, city.coordinator, city.center, 4, stored.id, NOW)
    opened = await publish(db, city, NOW + timedelta(hours=2))

    assert [c.kind for c in closed.changes] == [ChangeKind.CANCELLED]
    assert [c.kind for c in opened.changes] == [ChangeKind.RESTORED]
    async with db.acquire() as conn:
        current = await releases.load_release(conn, city.center)
        first = await releases.load_version(conn, city.center, 1)
    assert current is not None
    assert first is not None
    assert [e.sequence for e in current.slots if e.slot.key == key] == [2]
    assert {e.sequence for e in first.slots} == {0}


async def test_a_published_version_is_frozen(db: Pool, city: DutyCity) -> None:
    await publish(db, city)

    async with db.acquire() as conn:
        with pytest.raises(asyncpg.RaiseError, match="frozen"):
            await conn.execute("update duty_release set version = 9")


async def test_a_release_comes_back_as_it_was_made(db: Pool, city: DutyCity) -> None:
    async with db.acquire() as conn:
        _, prepared = await publishing.preview(conn, city.coordinator, city.center, NOW)
    await publish(db, city)

    async with db.acquire() as conn:
        assert await releases.load_release(conn, city.center) == prepared.release


async def test_a_release_can_be_computed_again_from_what_is_kept_with_it(db: Pool, city: DutyCity) -> None:
    """The stored inputs, the calendar's version and the rules' version are all it takes."""
    async with db.acquire() as conn, conn.transaction():
        await editing.add_leave(
            conn, city.coordinator, city.center, city.lawyers[0], _leave(city, 0, MONDAY, MONDAY), NOW
        )
    await publish(db, city)

    async with db.acquire() as conn:
        kept = await releases.load_kept_inputs(conn, city.center, 1, shipped_calendar())
        current = await releases.load_release(conn, city.center)
    assert kept is not None
    again = plan(kept)
    assert current is not None
    assert again.rules_version == current.rules_version
    assert [slot for slot in again.slots if slot.during.end > NOW] == [entry.slot for entry in current.slots]


async def test_subscribers_hear_of_a_publish_once_it_is_committed(db: Pool, city: DutyCity) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await db.acquire()
    await listener.add_listener("laizuo", lambda *args: heard.put_nowait(args[3]))

    await publish(db, city)

    assert await asyncio.wait_for(heard.get(), 30) == f'{{"kind": "roster", "site": "{city.center}"}}'
    await listener.reset()
    await db.release(listener)


async def test_two_sites_publishing_at_once_lose_no_event_of_a_shared_person(db: Pool, city: DutyCity) -> None:
    async with db.acquire() as conn, conn.transaction():
        await editing.set_window(conn, city.coordinator, city.village, 1, WINDOW, NOW)
        rotation = weekly(city.village, uuid_text(2), city.lawyers, MONDAY, starts=time(14), ends=time(17))
        await editing.save_rotation(conn, city.coordinator, 2, rotation, NOW)

    await asyncio.gather(publish(db, city), publish(db, city, site=city.village))

    async with db.acquire() as conn:
        feed = ical.parse(await _person_feed(conn, city, 0))
    assert len(feed.events) == len({e.uid for e in feed.events}) == 2 * 10
