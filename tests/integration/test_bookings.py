"""Appointments on a real PostgreSQL: no side is ever in two places, and who has one shares the line with those who just came."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from schedules.core.ical import EventStatus, parse
from server.access.core import ANYONE, Actor
from server.bookings import core, entries, rounds, service, store
from server.errors import BadInput, Conflict
from server.waiting import core as line_core
from server.waiting import service as waiting
from tests.support.duty_now import put_on_duty
from tests.support.hall import City, Visitor, seeded, staff, utc_now

if TYPE_CHECKING:
    from server.db import Pool

Client = "TestClient[Any, Any]"
SIDES = ("professional_id", "citizen_key", "space_id", "endpoint_id")


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


@pytest.fixture
async def morning(db: Pool, city: City) -> dt.datetime:
    """A notary on duty for four hours, on a day that the demo's roster does not reach; the first slot begins then."""
    start = (utc_now() + dt.timedelta(days=200)).replace(hour=1, minute=0, second=0, microsecond=0)
    async with db.acquire() as conn:
        await put_on_duty(
            conn, city.sites["rongchuan"], "notarization", "notary", [city.people["li.wanqing"]], start, start + dt.timedelta(hours=4)
        )  # fmt: skip
    return start


def wish(city: City, start: dt.datetime, who: int = 0, **more: Any) -> service.Wish:
    person = more.pop("person", city.people["li.wanqing"])
    return service.Wish(
        "notarization", start, person, f"市民{who}", f"1390000{who:04d}", f"{more.pop('key', who):032d}", **more
    )


async def book(db: Pool, city: City, wanted: service.Wish, now: dt.datetime) -> store.Booking:
    async with db.acquire() as conn:
        booking, _ = await service.book(conn, ANYONE, city.sites["liuyin"], wanted, now)
    return booking


def test_every_fourth_slot_is_kept_for_people_who_just_come() -> None:
    start = dt.datetime(2026, 11, 18, 1, tzinfo=dt.UTC)
    slots = list(core.cut(core.Shift("li", start, start + dt.timedelta(hours=2, minutes=20)), "notarization"))

    assert [(slot.start.hour * 60 + slot.start.minute, slot.kept) for slot in slots] == [
        (60, False),
        (90, False),
        (120, False),
        (150, True),
    ]


def test_a_slot_is_free_only_while_the_room_is() -> None:
    start = dt.datetime(2026, 11, 18, 1, tzinfo=dt.UTC)
    half = dt.timedelta(minutes=30)
    shifts = [core.Shift(person, start, start + 3 * half) for person in ("li", "zhao")]
    room, other = core.Taken(None, start + half, start + half + half / 2), core.Taken("li", start, start + half)

    free = core.free_slots(shifts, [room, other], "notarization", start - dt.timedelta(days=1))

    assert [(slot.person, (slot.start - start) // half) for slot in free] == [("zhao", 0), ("li", 2), ("zhao", 2)]


async def test_twenty_times_a_hundred_bookings_at_once_overlap_on_no_side(db: Pool, city: City) -> None:
    chance = random.Random(6)
    now = utc_now()
    start = (now + dt.timedelta(days=200)).replace(hour=1, minute=0, second=0, microsecond=0)
    city_site, village = city.sites["rongchuan"], city.sites["liuyin"]
    async with db.acquire() as conn:
        people = [
            row["id"]
            for row in await conn.fetch(
                "insert into person (user_name, name_zh, name_en) select 'booked.' || n, '公证员', 'Notary' from generate_series(1, 8) n "
                "returning id::text"
            )
        ]
        await put_on_duty(conn, city_site, "notarization", "notary", people, start, start + dt.timedelta(hours=8))
        spaces = [
            row["id"]
            for row in await conn.fetch(
                "insert into site_space (site_id, kind, name_zh, name_en) select $1, 'room', '室' || n, 'Room' from generate_series(1, 3) n "
                "returning id::text",
                village,
            )
        ]

    async def try_one(number: int) -> str:
        slot = start + dt.timedelta(minutes=30 * chance.randrange(16))
        space, endpoint = chance.choice([(None, None), (chance.choice(spaces), None), (None, city.kiosks["liuyin"])])
        who = chance.randrange(40)
        wanted = wish(city, slot, who, key=number, person=chance.choice(people), space_id=space, endpoint_id=endpoint)
        try:
            await book(db, city, wanted, now)
        except Conflict as refusal:
            return refusal.code
        except BadInput as kept:
            return kept.code
        return "booked"

    async def hundred(caller: int) -> list[str]:
        return [await try_one(caller * 100 + n) for n in range(100)]

    outcomes = [one for many in await asyncio.gather(*(hundred(caller) for caller in range(20))) for one in many]

    async with db.acquire() as conn:
        booked = await conn.fetchval("select count(*) from booking")
        for side in SIDES:
            overlaps = await conn.fetchval(
                f"select count(*) from booking a join booking b on a.{side} = b.{side} and a.id < b.id and a.during && b.during"
            )
            assert overlaps == 0, side
    assert outcomes.count("booked") == booked
    assert set(outcomes) == {"booked", "slot_taken", "bad_slot"}
    print(
        f"\n2000 wishes: {booked} booked, {outcomes.count('slot_taken')} taken, {outcomes.count('bad_slot')} kept for walk-ins"
    )


async def test_an_appointment_and_people_who_just_come_share_one_line(
    db: Pool, city: City, morning: dt.datetime
) -> None:
    """At 09:00 plus one slot = T. Walk-ins at T-30, T-21 and T-19 minutes: the appointment counts as T-20."""
    slot = morning + dt.timedelta(minutes=30)
    booking = await book(db, city, wish(city, slot), utc_now())
    order = []
    for minutes, slug in ((30, "shangping"), (21, "chashan"), (19, "rongyin")):
        kiosk = Actor("endpoint", city.kiosks[slug], site_id=city.sites[slug])
        async with db.acquire() as conn:
            at = slot - dt.timedelta(minutes=minutes)
            place = await waiting.take_ticket(conn, kiosk, "notarization", "", f"press-{slug}", at)
            order.append(place.ticket.id)
    async with db.acquire() as conn:
        async with conn.transaction():
            await rounds.make_round(conn, slot - line_core.TICKET_BEFORE)
            await rounds.make_round(conn, slot - line_core.TICKET_BEFORE)  # twice is once
        found = await conn.fetch(
            "select id::text, channel, for_person::text as person from ticket order by place, arrival"
        )
        loaded = await store.load(conn, UUID(booking.id))

    assert [row["channel"] for row in found] == ["kiosk", "kiosk", "appointment", "kiosk"]
    assert [row["id"] for row in found if row["channel"] == "kiosk"] == order
    assert loaded is not None
    assert (loaded.state, loaded.ticket_id, found[2]["person"]) == (
        "ticketed",
        found[2]["id"],
        city.people["li.wanqing"],
    )


async def test_the_entry_of_each_side_follows_moves_and_cancelling(db: Pool, city: City, morning: dt.datetime) -> None:
    now = utc_now()
    booking = await book(db, city, wish(city, morning, endpoint_id=city.kiosks["liuyin"]), now)
    async with db.acquire() as conn:
        moved = await service.move(
            conn, ANYONE, booking, morning + dt.timedelta(minutes=30), booking.professional_id, now
        )
        cancelled = await service.cancel(conn, ANYONE, moved, "", now)

    first, second, third = (
        parse(entries.entry(one, "citizen", False)).events[0] for one in (booking, moved, cancelled)
    )
    assert first.uid == second.uid == third.uid
    assert [one.sequence for one in (first, second, third)] == [0, 1, 2]
    assert (second.start - first.start, third.status) == (dt.timedelta(minutes=30), EventStatus.CANCELLED)
    titles = {
        side: parse(entries.entry(booking, side, False)).events[0].summary
        for side in ("citizen", "professional", "room")
    }  # type: ignore[arg-type]
    assert titles == {"citizen": "公证 · 李婉清", "professional": "公证 · 市民0", "room": "公证 · 李婉清"}


async def test_what_is_cancelled_can_be_booked_again(db: Pool, city: City, morning: dt.datetime) -> None:
    now = utc_now()
    booking = await book(db, city, wish(city, morning, 1), now)
    with pytest.raises(Conflict, match="slot_taken"):
        await book(db, city, wish(city, morning, 2), now)
    async with db.acquire() as conn:
        await service.cancel(conn, ANYONE, booking, "", now)

    assert (await book(db, city, wish(city, morning, 2), now)).state == "booked"


async def test_a_citizen_books_by_the_page_and_staff_see_and_confirm_it(
    client: Client, db: Pool, city: City, morning: dt.datetime
) -> None:
    visitor = Visitor(client)
    since = morning.timestamp()
    offered = await (await visitor.get(f"/api/hall/liuyin/slots?service=notarization&since={since}&days=1")).json()
    body = {
        "service": "notarization", "starts_at": offered["slots"][0]["starts_at"], "professional": offered["slots"][0]["professional"],
        "citizen_name": "王秀兰", "contact": "13900001111", "request_key": "x" * 32,
    }  # fmt: skip
    first = await (await visitor.send("POST", "/api/hall/liuyin/appointments", body)).json()
    again = await (await visitor.send("POST", "/api/hall/liuyin/appointments", body)).json()
    notary = await staff(client, db, city, "li.wanqing")

    seen = await (await notary.get(f"/api/bookings?since={since}&days=1")).json()
    confirmed = await (await notary.send("POST", f"/api/bookings/{first['booking']['id']}/confirm")).json()
    entry = await visitor.get(f"/api/appointments/{first['token']}/entry.ics")

    assert first == again
    assert [one["contact"] for one in seen["bookings"]] == ["13900001111"]
    assert (first["booking"]["contact"], confirmed["state"]) == ("", "confirmed")
    assert entry.content_type == "text/calendar"
    assert (await Visitor(client).get(f"/api/appointments/{'x' * 43}")).status == 404


async def test_a_village_room_is_offered_while_it_is_free_and_held_for_one(
    client: Client, db: Pool, city: City, morning: dt.datetime
) -> None:
    kiosk, center = city.kiosks["liuyin"], city.sites["rongchuan"]
    both = [city.people["li.wanqing"], city.people["zhao.kun"]]
    evening = morning + dt.timedelta(hours=10)
    async with db.acquire() as conn:
        await put_on_duty(conn, center, "notarization", "notary", both, evening, evening + dt.timedelta(hours=1))
    visitor = Visitor(client)
    address = f"/api/hall/liuyin/slots?service=notarization&since={evening.timestamp()}&days=1"

    async def offered(more: str = "") -> list[tuple[float, str]]:
        answer = await (await visitor.get(address + more)).json()
        return sorted((one["starts_at"], one["professional"]) for one in answer["slots"])

    def of(who: str, key: int) -> service.Wish:
        return wish(city, evening, key, person=who, endpoint_id=kiosk)

    first, second = evening.timestamp(), (evening + dt.timedelta(minutes=30)).timestamp()
    empty = await offered(f"&endpoint={kiosk}")
    # Two citizens and two notaries, one room, one time: the table decides
    outcomes = await asyncio.gather(
        *(book(db, city, of(who, key), utc_now()) for key, who in enumerate(both)), return_exceptions=True
    )
    [held] = [one for one in outcomes if isinstance(one, store.Booking)]
    [refused] = [one for one in outcomes if not isinstance(one, store.Booking)]
    [free] = set(both) - {held.professional_id}

    assert empty == sorted((start, who) for start in (first, second) for who in both)
    assert isinstance(refused, Conflict)
    assert refused.code == "slot_taken"
    assert await offered() == sorted([(first, free), (second, free), (second, held.professional_id)])
    assert await offered(f"&endpoint={kiosk}") == sorted((second, who) for who in both)
    assert (await visitor.get(f"{address}&endpoint={city.kiosks['rongyin']}")).status == 404
    async with db.acquire() as conn:
        await service.cancel(conn, ANYONE, held, "", utc_now())
    assert await offered(f"&endpoint={kiosk}") == empty
