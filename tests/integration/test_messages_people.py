"""Who is told what: registrants by mail and text message, absences, alerts of the hall, appointments. Real SMTP and HTTP servers on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import date, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from schedules.core.model import SiteId, local
from server.bookings.rounds import REMIND
from server.bookings.store import Booking
from server.config import Mail, Sms
from server.db.pool import in_transaction
from server.duty.shifts import absence
from server.events import reminding, service
from server.keys import CLOCK
from server.messages import seams, store
from server.messages.adapters import LogAdapter, MailAdapter, SmsAdapter
from server.messages.core import TRIES_AFTER, Channel, Message
from server.messages.people import way_by_contact
from server.messages.worker import send_due
from server.tickets.rounds import TELL_PEOPLE
from tests.integration.test_feeds_http import city, publish  # noqa: F401  # a published fortnight
from tests.integration.test_messages import AnyPort, Postman, postman  # noqa: F401
from tests.support.duty_city import NOW, DutyCity
from tests.support.events_city import change, give_up, lecture, published, register

if TYPE_CHECKING:
    from server.db import Connection, Pool
    from server.messages.adapters import Adapter

LATE = local(NOW.date() + timedelta(days=3), time(9, 11))  # Monday; the first lawyer's shift began at nine


class Gateway:
    """A gateway for text messages that keeps what it takes, and answers as told."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, Any], str, str]] = []
        self.status = 202

    async def take(self, request: web.Request) -> web.Response:
        if self.status < 300:
            self.taken.append(
                (await request.json(), request.headers["Authorization"], request.headers["Idempotency-Key"])
            )
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[tuple[Gateway, Sms]]:
    handler, app = Gateway(), web.Application()
    app.router.add_post("/messages", handler.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    (tmp_path / "token").write_text("s3cret\n")
    yield handler, Sms(url=f"http://127.0.0.1:{port}/messages", token_file=tmp_path / "token")
    await runner.cleanup()


async def send_all(db: Pool, ways: dict[Channel, Adapter], now: Any) -> None:
    while await send_due(db, ways, now):
        pass


def by_text(sms: Sms) -> dict[Channel, Adapter]:
    return {Channel.MAIL: LogAdapter(), Channel.PHONE: SmsAdapter(sms), Channel.LOG: LogAdapter()}


async def outbox(db: Pool) -> list[tuple[str, str, str]]:
    async with db.acquire() as conn:
        rows = await conn.fetch(
            "select kind, channel, coalesce(person_id::text, address) as who from outbox order by id"
        )
    return [(row["kind"], row["channel"], row["who"]) for row in rows]


# ---------------------------------------------------------------- text messages


async def test_a_text_message_is_posted_once_with_its_token(db: Pool, gateway: tuple[Gateway, Sms]) -> None:
    async def put(conn: Connection) -> None:
        await store.put(conn, Message(Channel.PHONE, "13800000000", "moved_up", "s", "您有座位了"), NOW)

    await in_transaction(db, put)
    await send_all(db, by_text(gateway[1]), NOW)
    await send_all(db, by_text(gateway[1]), NOW + timedelta(days=3))

    [(body, token, key)] = gateway[0].taken
    assert body == {"to": "13800000000", "text": "您有座位了", "kind": "moved_up"}
    assert token == "Bearer s3cret"
    assert key.startswith("laizuo-")


@pytest.mark.parametrize(
    ("status", "given_up"), [(422, True), (400, True), (401, False), (429, False), (503, False), (302, False)]
)
async def test_a_refusal_is_final_and_a_busy_gateway_is_asked_again(
    db: Pool, gateway: tuple[Gateway, Sms], status: int, given_up: bool
) -> None:
    async def put(conn: Connection) -> None:
        await store.put(conn, Message(Channel.PHONE, "13800000000", "moved_up", "s", "b"), NOW)

    await in_transaction(db, put)
    gateway[0].status = status
    await send_all(db, by_text(gateway[1]), NOW)
    gateway[0].status = 200
    await send_all(db, by_text(gateway[1]), NOW + TRIES_AFTER[0])

    assert len(gateway[0].taken) == (0 if given_up else 1)


def test_one_field_for_phone_or_mail() -> None:
    assert way_by_contact("138 0000-0000") == (Channel.PHONE, "13800000000")
    assert way_by_contact(" li@example.com ") == (Channel.MAIL, "li@example.com")
    assert way_by_contact("") == (Channel.LOG, "")


# ---------------------------------------------------------------- registrants


async def test_registrants_hear_of_their_place_and_of_every_change(
    db: Pool,
    city: DutyCity,  # noqa: F811
    postman: tuple[Postman, int],  # noqa: F811
    gateway: tuple[Gateway, Sms],
) -> None:
    """One seat: the first registers by mail, the second waits by phone and moves up; then the lecture is moved and called off."""
    mail = MailAdapter(Mail(host="127.0.0.1", port=postman[1], sender="zhiban@laizuo.example"))
    ways = by_text(gateway[1]) | {Channel.MAIL: mail}
    event = await published(db, city.coordinator, "rongchuan", lecture(city.center, seats=1))
    _, _, secret = await register(db, event, "王先生", mail="wang@example.com")
    await register(db, event, "李女士", "13800000000")
    await register(db, event, "无名")  # no way left: nothing is written
    await send_all(db, ways, NOW)

    [letter] = postman[0].letters
    assert f"/my-registration/{secret}" in letter.get_payload(decode=True).decode()
    await give_up(db, secret)
    moved = await change(
        db, city.coordinator, event, service.to_edit(lambda site, _: lecture(site, seats=1, venue="三楼"), NOW)
    )
    await change(db, city.coordinator, moved, service.to_cancel("停电", NOW))
    await send_all(db, ways, NOW)

    assert [body["kind"] for body, _, _ in gateway[0].taken] == [
        "registration_confirmed",
        "moved_up",
        "event_changed",
        "event_cancelled",
    ]
    assert "停电" in gateway[0].taken[-1][0]["text"]
    assert len(postman[0].letters) == 1  # who gave the seat back hears no more


async def test_the_same_mail_has_one_place(db: Pool, city: DutyCity) -> None:  # noqa: F811
    event = await published(db, city.coordinator, "rongchuan", lecture(city.center))
    await register(db, event, mail="wang@example.com")

    with pytest.raises(Exception, match="already_registered") as refused:
        await register(db, event, mail="Wang@example.com")
    assert refused.value.field == "mail"  # type: ignore[attr-defined]


# ---------------------------------------------------------------- absences


async def enrol_device(db: Pool, site: SiteId) -> None:
    async with db.acquire() as conn:
        await conn.execute(
            "insert into endpoint (site_id, kind, name_zh, name_en, token_hash)"
            " values ($1::text::uuid, 'kiosk', '终端', 'Kiosk', $2)",
            site,
            bytes(range(32)),
        )


async def make_round(db: Pool, now: Any) -> None:
    await in_transaction(db, lambda conn: absence.make_round(conn, now))


async def test_an_absence_is_told_once_and_the_next_is_asked_after_ten_minutes(db: Pool, city: DutyCity) -> None:  # noqa: F811
    await enrol_device(db, city.center)
    first, second, third = city.lawyers
    coordinator = str(city.coordinator.id)

    await make_round(db, LATE - timedelta(minutes=2))
    assert await outbox(db) == []
    for minutes in (0, 1, 9):
        await make_round(db, LATE + timedelta(minutes=minutes))
    begun = await outbox(db)
    await make_round(db, LATE + timedelta(minutes=10))
    await make_round(db, LATE + timedelta(minutes=40))

    assert begun == [
        ("you_are_missed", "log", first),
        ("somebody_is_missed", "log", coordinator),
        ("can_you_step_in", "log", second),
    ]
    assert await outbox(db) == [*begun, ("can_you_step_in", "log", third)]


async def test_without_a_device_nobody_is_missed(db: Pool, city: DutyCity) -> None:  # noqa: F811
    await make_round(db, LATE)

    assert await outbox(db) == []


# ---------------------------------------------------------------- what other parts leave to us


def at(now: Any) -> web.Application:
    app = web.Application()
    app[CLOCK] = lambda: now
    return app


async def test_an_alert_of_the_hall_reaches_people_with_its_line_and_number(db: Pool, city: DutyCity) -> None:  # noqa: F811
    async def work(conn: Connection) -> None:
        await store.set_mail(conn, city.lawyers[0], "chen@example.com", NOW)
        area = await conn.fetchval(
            "insert into waiting_area (site_id, service, letter) values ($1::text::uuid, 'legal_advice', 'C') returning id::text",
            city.center,
        )
        ticket = await conn.fetchval(
            "insert into ticket (area_id, site_id, day, number, taken_at) values ($1::text::uuid, $2::text::uuid, $3, 'C007', $4)"
            " returning id::text",
            area,
            city.center,
            NOW.date(),
            NOW,
        )
        await seams.teller(at(NOW))(conn, [city.lawyers[0]], 1, area, ticket)

    await in_transaction(db, work)

    async with db.acquire() as conn:
        [row] = await conn.fetch("select channel, address, kind, body from outbox")
    assert tuple(row)[:3] == ("mail", "chen@example.com", "hall_alert")
    assert "榕川市中心 · 法律咨询 · C007" in row["body"]


async def test_both_sides_are_reminded_of_an_appointment(db: Pool, city: DutyCity) -> None:  # noqa: F811
    texts = dict.fromkeys([field.name for field in fields(Booking)], "")
    values: dict[str, Any] = texts | {
        "professional_id": city.lawyers[0],
        "professional_zh": "陈淑芬",
        "service": "legal_advice",
        "citizen_contact": "138 0000 0000",
        "place_zh": "柳荫村",
        "start": LATE,
        "end": LATE + timedelta(minutes=30),
    }
    await in_transaction(db, lambda conn: seams.reminder(at(NOW))(conn, Booking(**values)))

    assert await outbox(db) == [
        ("appointment", "log", city.lawyers[0]),
        ("appointment", "phone", "13800000000"),
    ]


async def test_the_application_puts_both_seams_in(app: web.Application) -> None:
    assert TELL_PEOPLE in app
    assert REMIND in app


async def test_the_screening_is_told_on_its_day_once_unless_it_is_done(db: Pool, city: DutyCity) -> None:  # noqa: F811
    """The 18th of November 2026 is a Wednesday; of the two sites, one is done before."""
    due = local(date(2026, 11, 18), time(9))
    async with db.acquire() as conn:
        for site, done in ((city.center, None), (city.village, NOW)):
            sql = "insert into screening_task (site_id, month, due, needs, done_at) values ($1::text::uuid, $2, $3, '欠薪', $4)"
            await conn.execute(sql, site, date(2026, 11, 1), date(2026, 11, 18), done)
        for minutes in (-1, 0, 10):
            await reminding.make_round(conn, due + timedelta(minutes=minutes))

    assert await outbox(db) == [("screening_due", "log", str(city.coordinator.id))]


async def test_who_left_a_phone_hears_of_an_absence_by_text_and_mail(db: Pool, city: DutyCity) -> None:  # noqa: F811
    await enrol_device(db, city.center)
    async with db.acquire() as conn:
        await store.set_phone(conn, city.lawyers[0], "13800000000", NOW)
        await store.set_mail(conn, city.lawyers[0], "chen@example.com", NOW)
        await store.set_phone(conn, city.lawyers[1], "13900000000", NOW)
        await store.set_phone(conn, city.lawyers[1], "", NOW)  # taken back

    await make_round(db, LATE)

    async with db.acquire() as conn:
        rows = await conn.fetch(
            "select kind, channel, address from outbox where person_id = any($1::text[]::uuid[])", city.lawyers
        )
    assert sorted(map(tuple, rows)) == [
        ("can_you_step_in", "log", ""),
        ("you_are_missed", "mail", "chen@example.com"),
        ("you_are_missed", "phone", "13800000000"),
    ]
