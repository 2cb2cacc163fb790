"""Published shifts in daily life on a real PostgreSQL: swaps, substitutes, who came, and twenty people pressing at once."""

from __future__ import annotations

import asyncio
from datetime import date, time, timedelta
from typing import TYPE_CHECKING

import pytest

from schedules.core.model import Interval, Leave, PersonId, SlotKey, Window, local
from schedules.store import drafts, releases
from server.access.core import Actor, Grant, Role
from server.db.pool import in_transaction
from server.duty import editing, publishing
from server.duty.planning import versions
from server.duty.shifts import attendance, swapping
from server.duty.shifts.reseating import SeatRef, find_slot, reseat, what_stands_against
from server.errors import Conflict, NotAllowed, NotFound
from tests.support.duty_city import NOW, DutyCity, make_city, uuid_text, weekly

if TYPE_CHECKING:
    from datetime import datetime

    from server.access.require import SiteRef
    from server.db import Connection, Pool

MONDAY = date(2026, 11, 23)
WINDOW = Window(MONDAY, MONDAY + timedelta(days=27))
R1 = uuid_text(1)
FIRST = SeatRef(SlotKey(f"{R1}/{MONDAY}"), 0)


@pytest.fixture
async def city(db: Pool) -> DutyCity:
    """A published month: chen, liu and zhang take weekly turns, Monday to Friday, 9 to 12."""
    async with db.acquire() as conn, conn.transaction():
        made = await make_city(conn)
        await editing.set_window(conn, made.coordinator, made.center, 1, WINDOW, NOW)
        await editing.save_rotation(conn, made.coordinator, 2, weekly(made.center, R1, made.lawyers, MONDAY), NOW)
        await publish(conn, made)
    return made


async def publish(conn: Connection, city: DutyCity, now: datetime = NOW) -> int:
    _, prepared = await publishing.preview(conn, city.coordinator, city.center, now)
    return (await publishing.publish(conn, city.coordinator, city.center, prepared.mark, "", now)).version


def lawyer(city: DutyCity, n: int) -> Actor:
    return Actor("person", city.lawyers[n], frozenset({Grant(Role.LAWYER, city.center)}))


async def holder(conn: Connection, city: DutyCity, seat: SeatRef = FIRST) -> PersonId | None:
    public = await releases.load_release(conn, city.center)
    assert public is not None
    return next(e.slot.seats[seat.post].person for e in public.slots if e.slot.key == seat.slot)


async def site_of(conn: Connection, city: DutyCity) -> SiteRef:
    return (await publishing.preview(conn, city.coordinator, city.center, NOW))[0]


async def test_a_swap_is_asked_taken_approved_and_published(db: Pool, city: DutyCity) -> None:
    async with db.acquire() as conn, conn.transaction():
        swap = await swapping.ask(conn, lawyer(city, 0), city.center, FIRST, "出庭", NOW)
        await swapping.take(conn, lawyer(city, 1), swap, NOW)
        assert await holder(conn, city) == city.lawyers[0]
        version = await swapping.approve(conn, city.coordinator, swap, "", NOW)

        assert (version, await holder(conn, city)) == (2, city.lawyers[1])
        at_ten = local(MONDAY, time(10))
        assert [s.person for s in await releases.on_duty(conn, city.center, None, at_ten)] == [city.lawyers[1]]
        actions = await conn.fetch("select action from audit_entry where object_kind = 'swap' order by id")
        assert [row["action"] for row in actions] == ["ask_swap", "take_swap", "approve_swap"]

    async with db.acquire() as conn, conn.transaction():
        await publish(conn, city, NOW + timedelta(hours=1))  # the next plan keeps the swap
        assert await holder(conn, city) == city.lawyers[1]


async def test_only_the_holder_asks_and_only_the_coordinator_approves(db: Pool, city: DutyCity) -> None:
    async with db.acquire() as conn:
        with pytest.raises(NotFound):
            await swapping.ask(conn, lawyer(city, 1), city.center, FIRST, "", NOW)
        with pytest.raises(Conflict, match="shift_has_begun"):
            await swapping.ask(conn, lawyer(city, 0), city.center, FIRST, "", local(MONDAY, time(9)))
        swap = await swapping.ask(conn, lawyer(city, 0), city.center, FIRST, "", NOW)
        with pytest.raises(Conflict, match="asked_already"):
            async with conn.transaction():
                await swapping.ask(conn, lawyer(city, 0), city.center, FIRST, "", NOW)
        await swapping.take(conn, lawyer(city, 1), swap, NOW)
        with pytest.raises(NotAllowed):
            await swapping.approve(conn, city.outsider, swap, "", NOW)
        with pytest.raises(NotFound):
            await swapping.withdraw(conn, lawyer(city, 1), swap, NOW)
        await swapping.withdraw(conn, lawyer(city, 0), swap, NOW)
        with pytest.raises(Conflict, match="swap_moved"):
            await swapping.approve(conn, city.coordinator, swap, "", NOW)


async def test_who_cannot_serve_cannot_take(db: Pool, city: DutyCity) -> None:
    async with db.acquire() as conn:
        during = Interval(local(MONDAY, time.min), local(MONDAY + timedelta(days=1), time.min))
        await drafts.add_leave(conn, Leave(city.lawyers[1], during), NOW, None)
        swap = await swapping.ask(conn, lawyer(city, 0), city.center, FIRST, "", NOW)
        with pytest.raises(Conflict, match="cannot_serve") as refused:
            await swapping.take(conn, lawyer(city, 1), swap, NOW)
        assert refused.value.detail == "on_leave"
        with pytest.raises(Conflict, match="cannot_serve") as unlicensed:
            await reseat(conn, city.coordinator, await site_of(conn, city), FIRST, city.notaries[0], "", "", NOW)
        assert unlicensed.value.detail == "unlicensed"


async def test_who_has_used_up_the_week_cannot_serve_one_day_more(db: Pool, city: DutyCity) -> None:
    async with db.acquire() as conn:
        friday = SeatRef(
            SlotKey(f"{R1}/{MONDAY + timedelta(days=11)}"), 0
        )  # liu's own week: four other days, and this one
        public = await releases.load_release(conn, city.center)
        entry = find_slot(public, friday)
        liu = city.lawyers[1]
        found: list[str | None] = []
        for most in (5, 4):
            await conn.execute(
                "insert into duty_limits (person_id, max_days_a_week) values ($1::text::uuid, $2)"
                " on conflict (person_id) do update set max_days_a_week = excluded.max_days_a_week",
                liu,
                most,
            )
            found.append((await what_stands_against(conn, entry, 0, [liu]))[liu])

        assert found == [None, "too_many_days"]


async def test_twenty_colleagues_take_one_shift_and_one_has_it(db: Pool, city: DutyCity) -> None:
    async with db.acquire() as conn:
        swap = await swapping.ask(conn, lawyer(city, 0), city.center, FIRST, "", NOW)

    async def take(n: int) -> str:
        async def work(conn: Connection) -> None:
            await swapping.take(conn, lawyer(city, 1 + n % 2), swap, NOW)

        try:
            await in_transaction(db, work, patience_s=60)
        except Conflict as refused:
            return refused.code
        return "taken"

    answers = await asyncio.gather(*(take(n) for n in range(20)))

    assert sorted(answers) == ["swap_moved"] * 19 + ["taken"]


Told = list[tuple[int, SeatRef, PersonId]]  # version, seat and who has it, as a substitute's publish was acknowledged
POSSIBLE = {
    *("published", "substituted", "stale_draft", "cannot_serve"),
    *("nothing_to_publish", "double_booked", "no_such_shift"),
}


async def add_village(db: Pool, city: DutyCity) -> None:
    """The same lawyers at a second site, in the other order."""
    async with db.acquire() as conn, conn.transaction():
        village = weekly(city.village, uuid_text(2), city.lawyers[::-1], MONDAY)
        revision = (await editing.load_or_start(conn, city.village, NOW)).revision
        revision = await editing.set_window(conn, city.coordinator, city.village, revision, WINDOW, NOW)
        await editing.save_rotation(conn, city.coordinator, revision, village, NOW)


async def act(db: Pool, city: DutyCity, worker: int, n: int, told: Told) -> str:
    """One act of one worker: a substitute in a seat, or each tenth time a publish of what was just previewed; what came of it."""
    number = worker * 100 + n
    site = [city.center, city.village][number % 2]
    weekday = MONDAY + timedelta(days=7 * (number // 7 % 4) + number % 5)
    seat = SeatRef(SlotKey(f"{uuid_text(1 + number % 2)}/{weekday}"), 0)
    who = city.lawyers[number // 3 % 3]

    async def substitute(conn: Connection) -> int:
        ref = (await publishing.preview(conn, city.coordinator, site, NOW))[0]
        return await reseat(conn, city.coordinator, ref, seat, who, "", "", NOW)

    async def republish(conn: Connection) -> int:
        _, prepared = await publishing.preview(conn, city.coordinator, site, NOW)
        return (await publishing.publish(conn, city.coordinator, site, prepared.mark, "", NOW)).version

    try:
        if n % 10 == 0:
            await in_transaction(db, republish, patience_s=600)
            return "published"
        version = await in_transaction(db, substitute, patience_s=600)
    except (Conflict, NotFound) as refused:
        return refused.code
    if site == city.center:
        told.append((version, seat, who))
    return "substituted"


async def test_twenty_times_a_hundred_publishes_and_substitutes_lose_nothing(db: Pool, city: DutyCity) -> None:
    """Nobody is ever in two places, every version is a successor of the one before, and what was acknowledged is public or was
    replaced by a later act."""
    await add_village(db, city)
    told: Told = []

    async def worker(number: int) -> list[str]:
        return [await act(db, city, number, n, told) for n in range(100)]

    answers = [answer for found in await asyncio.gather(*(worker(n) for n in range(20))) for answer in found]

    assert len(answers) == 2000
    assert set(answers) <= POSSIBLE
    assert answers.count("substituted") > 50
    async with db.acquire() as conn:
        assert await overlaps(conn) == 0
        newest = await newest_of_whole_histories(conn, city)
        await check_told(conn, city, told)
        found = await versions.recompute(conn, city.coordinator, "rongchuan", newest)
    assert found.differing == ()


async def overlaps(conn: Connection) -> int:
    """Pairs of seats in which one person sits at the same time."""
    found: int = await conn.fetchval(
        "select count(*) from duty_current a join duty_current b on a.person_id = b.person_id and a.during && b.during"
        " and (a.site_id, a.slot_key, a.post) < (b.site_id, b.slot_key, b.post)"
    )
    return found


async def newest_of_whole_histories(conn: Connection, city: DutyCity) -> int:
    """No number of a version is left out at any site; the centre's newest."""
    sql = "select site_id, array_agg(version order by version) as all from duty_release group by site_id"
    numbers = {str(row["site_id"]): row["all"] for row in await conn.fetch(sql)}
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
    return len(numbers[city.center])


async def check_told(conn: Connection, city: DutyCity, told: Told) -> None:
    """Each acknowledged act has a version of its own, and that version has it."""
    assert len({version for version, _, _ in told}) == len(told)
    for version, seat, who in told:
        made = await releases.load_version(conn, city.center, version)
        assert made is not None
        assert [e.slot.people for e in made.slots if e.slot.key == seat.slot] == [(who,)]


async def test_six_digits_at_the_post_are_a_check_in(db: Pool, city: DutyCity) -> None:
    credential = bytes(range(32))
    at_nine = local(MONDAY, time(9, 2))
    async with db.acquire() as conn:
        endpoint = await conn.fetchval(
            "insert into endpoint (site_id, kind, name_zh, name_en, token_hash)"
            " values ($1::text::uuid, 'kiosk', '终端', 'Kiosk', $2) returning id::text",
            city.center,
            credential,
        )
        code = await attendance.code_of(conn, Actor("endpoint", endpoint), endpoint, at_nine)
        with pytest.raises(NotFound):
            await attendance.code_of(conn, Actor("endpoint", uuid_text(9)), endpoint, at_nine)
        with pytest.raises(Conflict, match="no_shift_now"):
            await attendance.check_in(conn, lawyer(city, 1), code, at_nine)
        with pytest.raises(Conflict, match="wrong_check_in_code"):
            await attendance.check_in(conn, lawyer(city, 0), f"{(int(code) + 1) % 1_000_000:06d}", at_nine)
        late = at_nine + timedelta(minutes=20)
        with pytest.raises(Conflict, match="wrong_check_in_code"):
            await attendance.check_in(conn, lawyer(city, 0), code, late)
        assert [m.seat.person for m in await attendance.find_missing(conn, city.coordinator, city.center, late)] == [
            city.lawyers[0]
        ]

        seat = await attendance.check_in(conn, lawyer(city, 0), code, at_nine + timedelta(minutes=5))

        assert (seat.slot, seat.person) == (FIRST.slot, city.lawyers[0])
        assert await attendance.find_missing(conn, city.coordinator, city.center, late) == ()


async def test_an_absence_names_the_next_in_line_and_does_not_count(db: Pool, city: DutyCity) -> None:
    late = local(MONDAY, time(9, 11))
    async with db.acquire() as conn:
        assert await attendance.find_missing(conn, city.coordinator, city.center, local(MONDAY, time(9, 9))) == ()
        [missing] = await attendance.find_missing(conn, city.coordinator, city.center, late)
        assert (missing.seat.person, missing.next_in_line) == (city.lawyers[0], city.lawyers[1:])

        await attendance.mark_absent(conn, city.coordinator, city.center, FIRST, late)
        async with conn.transaction():
            site = await site_of(conn, city)
            await reseat(conn, city.coordinator, site, FIRST, missing.next_in_line[0], "缺勤替班", "", late)

        assert await holder(conn, city) == city.lawyers[1]
        assert (
            await attendance.find_missing(conn, city.coordinator, city.center, late) != ()
        )  # the substitute must come too
        actions = await conn.fetch("select action from audit_entry where object_kind = 'shift'")
        assert [row["action"] for row in actions] == ["marked_absent"]


async def test_somebody_in_a_room_is_not_missed(db: Pool, city: DutyCity) -> None:
    late = local(MONDAY, time(9, 30))
    async with db.acquire() as conn:
        session = await conn.fetchval(
            "insert into session (procedure, site_id, in_charge, opened_at) values ('legal_advice', $1::text::uuid, $2::text::uuid, $3)"
            " returning id",
            city.center,
            city.lawyers[0],
            late,
        )
        room = await conn.fetchval(
            "insert into room (session_id, kind, recorded, opened_at) values ($1, 'joint', false, $2) returning id",
            session,
            late,
        )
        await conn.execute(
            "insert into seat (session_id, room_id, role, person_id, state, invited_at, expires_at, admitted_at, admitted_by)"
            " values ($1, $2, 'in_charge', $3::text::uuid, 'admitted', $4, $4, $4, $3::text::uuid)",
            session,
            room,
            city.lawyers[0],
            late,
        )

        assert await attendance.find_missing(conn, city.coordinator, city.center, late) == ()
