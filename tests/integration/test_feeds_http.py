"""Feeds over HTTP: conditional requests, secrets, and real calendar programs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from schedules.core import ical
from schedules.core.explain import clock
from schedules.core.model import CHINA, Override, OverrideKind, PersonId, SiteId, SlotKey, Window
from schedules.store.feeds import etag_of
from server.access.identify import STAFF_COOKIE
from server.db.pool import in_transaction
from server.duty import editing, publishing
from server.people.service import sign_in_as
from tests.support import duty_web
from tests.support.calendar_clients import CalendarClients
from tests.support.duty_city import NOW, DutyCity, make_city, uuid_text, weekly
from tests.support.hall import Visitor

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp.test_utils import TestClient

    from server.db import Connection, Pool

    Client = TestClient[Any, Any]

MONDAY = date(2026, 11, 23)
FORTNIGHT = Window(MONDAY, MONDAY + timedelta(days=13))
R1 = uuid_text(1)
FEED = "/feeds/rongchuan.ics"
app = duty_web.app


@pytest.fixture
async def city(db: Pool) -> DutyCity:
    """Lawyers' mornings Monday to Friday for two weeks, published."""
    async with db.acquire() as conn, conn.transaction():
        made = await make_city(conn)
        revision = await editing.set_window(conn, made.coordinator, made.center, 1, FORTNIGHT, NOW)
        await editing.save_rotation(
            conn, made.coordinator, revision, weekly(made.center, R1, made.lawyers, MONDAY), NOW
        )
    await publish(db, made, NOW)
    return made


async def publish(db: Pool, city: DutyCity, now: datetime) -> None:
    async def work(conn: Connection) -> None:
        _, prepared = await publishing.preview(conn, city.coordinator, city.center, now)
        await publishing.publish(conn, city.coordinator, city.center, prepared.mark, "http://127.0.0.1", now)

    await in_transaction(db, work)


async def close_tuesday(db: Pool, city: DutyCity, now: datetime) -> None:
    """Withdraw the shift of Tuesday, 24 November, and publish."""

    async def work(conn: Connection) -> None:
        roster = await editing.load_or_start(conn, city.center, now)
        override = Override(SlotKey(f"{R1}/2026-11-24"), OverrideKind.CLOSE, "停电")
        await editing.add_override(conn, city.coordinator, city.center, roster.revision, override, now)

    await in_transaction(db, work)
    await publish(db, city, now)


async def test_a_feed_is_a_calendar_with_its_tag(client: Client, city: DutyCity) -> None:
    answer = await client.get(FEED)
    body = await answer.read()

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, no-cache"
    assert answer.headers["Last-Modified"] == "Fri, 20 Nov 2026 04:00:00 GMT"
    assert answer.headers["ETag"].startswith('"')
    assert len(ical.parse(body).events) == 10


async def test_a_client_that_has_it_gets_304(client: Client, city: DutyCity) -> None:
    first = await client.get(FEED)
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]

    async def status(**headers: str) -> int:
        return (
            await client.get(FEED, headers={name.replace("_", "-"): value for name, value in headers.items()})
        ).status

    assert await status(If_None_Match=etag) == 304
    assert await status(If_None_Match=f'"other", W/{etag}') == 304  # weak comparison, RFC 9110 13.1.2
    assert await status(If_None_Match="*") == 304
    assert await status(If_None_Match='"other"') == 200
    assert await status(If_Modified_Since=modified) == 304
    assert await status(If_Modified_Since="Fri, 20 Nov 2026 03:59:59 GMT") == 200
    assert await status(If_None_Match='"other"', If_Modified_Since=modified) == 200
    not_modified = await client.get(FEED, headers={"If-None-Match": etag})
    assert (not_modified.headers["ETag"], await not_modified.read()) == (etag, b"")


async def test_head_has_the_headers_and_no_body(client: Client, city: DutyCity) -> None:
    got, head = await client.get(FEED), await client.head(FEED)

    assert head.status == 200
    assert (await head.read()) == b""
    for name in ("ETag", "Last-Modified", "Content-Length", "Content-Type"):
        assert head.headers[name] == got.headers[name]


async def test_the_tag_changes_with_the_roster_and_only_then(client: Client, db: Pool, city: DutyCity) -> None:
    first = await client.get(FEED)
    await publish(db, city, NOW + timedelta(hours=1))
    second = await client.get(FEED)
    await close_tuesday(db, city, NOW + timedelta(hours=2))
    third = await client.get(FEED, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.headers["ETag"], await first.read()) == (second.headers["ETag"], await second.read())
    assert third.status == 200
    assert third.headers["Last-Modified"] == "Fri, 20 Nov 2026 06:00:00 GMT"
    statuses = [event.status for event in ical.parse(await third.read()).events]
    assert statuses.count(ical.EventStatus.CANCELLED) == 1


async def test_both_languages_and_each_service_have_a_feed(client: Client, city: DutyCity) -> None:
    names = {}
    for slug in ("rongchuan", "rongchuan.en", "rongchuan.legal_advice", "rongchuan.legal_advice.en"):
        names[slug] = ical.parse(await (await client.get(f"/feeds/{slug}.ics")).read()).name

    assert names == {
        "rongchuan": "榕川市中心 · 值班表",
        "rongchuan.en": "Rongchuan Centre · duty roster",
        "rongchuan.legal_advice": "榕川市中心 · 法律咨询值班表",
        "rongchuan.legal_advice.en": "Rongchuan Centre · Legal advice duty roster",
    }


async def test_what_is_not_there_is_not_told_apart(client: Client, city: DutyCity) -> None:
    for name in ("nowhere", "liuyin", "rongchuan.notarization", "x" * 43, "%00", "a%0Ab", "%E5%80%BC", "x" * 5000):
        answer = await client.get(f"/feeds/{name}.ics")
        assert (name, answer.status) == (name, 404)


@pytest.fixture
async def lawyer(client: Client, db: Pool, city: DutyCity) -> Visitor:
    async with db.acquire() as conn:
        return Visitor(client, {STAFF_COOKIE: await sign_in_as(conn, city.lawyers[0], NOW)})


def path_of(link: str) -> str:
    return link.removeprefix("http://127.0.0.1")


async def test_a_personal_feed_has_a_secret_that_can_be_replaced_and_ended(
    client: Client, db: Pool, lawyer: Visitor
) -> None:
    first = await (await lawyer.send("POST", "/api/feeds/own")).json()
    shown = await client.get(path_of(first["https"]))
    second = await (await lawyer.send("POST", "/api/feeds/own")).json()

    assert first["webcal"] == first["https"].replace("http://", "webcal://")
    assert first["qr"].startswith("data:image/svg+xml")
    assert shown.headers["Cache-Control"] == "private, no-cache"
    assert len(ical.parse(await shown.read()).events) == 5
    assert (await client.get(path_of(first["https"]))).status == 404
    assert (await client.get(path_of(second["https"]))).status == 200

    assert (await lawyer.send("DELETE", "/api/feeds/own")).status == 200
    assert (await client.get(path_of(second["https"]))).status == 404
    assert (await lawyer.send("DELETE", "/api/feeds/own")).status == 404
    async with db.acquire() as conn:
        actions = await conn.fetch("select action from audit_entry where action like '%feed%' order by id")
        kept = await conn.fetch("select encode(token_hash, 'escape') as kept from feed_token")
    assert [row["action"] for row in actions] == ["rotate_feed_token", "rotate_feed_token", "revoke_feed_token"]
    secret = path_of(second["https"]).removeprefix("/feeds/").removesuffix(".ics")
    assert len(secret) == 43
    assert all(secret not in row["kept"] for row in kept)


async def test_a_personal_feed_needs_somebody_signed_in(client: Client, city: DutyCity) -> None:
    assert (await client.post("/api/feeds/own")).status == 401


async def test_a_personal_feed_before_the_first_duty_is_empty_and_then_fills(
    client: Client, db: Pool, city: DutyCity
) -> None:
    async with db.acquire() as conn:
        notary = Visitor(client, {STAFF_COOKIE: await sign_in_as(conn, city.notaries[0], NOW)})
    link = path_of((await (await notary.send("POST", "/api/feeds/own")).json())["https"])
    before = ical.parse(await (await client.get(link)).read())

    async def work(conn: Connection) -> None:
        roster = await editing.load_or_start(conn, city.center, NOW)
        rotation = weekly(city.center, uuid_text(3), city.notaries[:1], MONDAY, weekdays=(1,))
        await editing.save_rotation(conn, city.coordinator, roster.revision, rotation, NOW)

    await in_transaction(db, work)
    async with db.acquire() as conn:
        await conn.execute(
            "insert into duty_qualification (person_id, code) values ($1::text::uuid, 'lawyer')", city.notaries[0]
        )
    await publish(db, city, NOW)

    after = ical.parse(await (await client.get(link)).read())
    assert (len(before.events), len(after.events)) == (0, 2)


async def test_vdirsyncer_and_khal_see_the_published_roster(
    client: Client, db: Pool, city: DutyCity, tmp_path: Path
) -> None:
    """Both programs are real; what khal lists is what the roster says, in China's time."""
    programs = CalendarClients(tmp_path / "calendar", str(client.make_url(FEED)))
    await programs.discover()

    stored = await programs.sync()
    agenda = await programs.agenda("2026-11-23", 14)

    feed = ical.parse(await (await client.get(FEED)).read())
    assert len(stored) == len(feed.events) == 10
    assert all(text.count("BEGIN:VEVENT") == 1 and "TZID:Asia/Shanghai" in text for text in stored)
    assert agenda == sorted(
        f"{event.start.astimezone(CHINA):%Y-%m-%d} {clock(event.start)} {clock(event.end)} {event.summary}"
        for event in feed.events
    )
    assert agenda[0] == "2026-11-23 09:00 12:00 法律咨询值班：陈淑芬（律师）"

    await close_tuesday(db, city, NOW + timedelta(hours=1))
    assert len(await programs.sync()) == 10
    assert await programs.agenda("2026-11-24", 1) == ["2026-11-24 09:00 12:00 [已取消] 法律咨询值班：陈淑芬（律师）"]


async def test_a_personal_feed_loads_in_the_same_programs(client: Client, lawyer: Visitor, tmp_path: Path) -> None:
    links = await (await lawyer.send("POST", "/api/feeds/own")).json()
    programs = CalendarClients(tmp_path / "calendar", str(client.make_url(path_of(links["https"]))))
    await programs.discover()

    await programs.sync()

    agenda = await programs.agenda("2026-11-23", 14)
    assert agenda == [f"2026-11-{day} 09:00 12:00 法律咨询值班 · 律师 · 榕川市中心" for day in range(23, 28)]


async def test_no_reader_sees_half_a_publish(client: Client, db: Pool, city: DutyCity) -> None:
    """Feeds read while versions are published are whole, and their tag always belongs to their bytes."""
    seen: set[str] = set()
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            answer = await client.get(FEED)
            body = await answer.read()
            assert len(ical.parse(body).events) == 10
            assert answer.headers["ETag"] == etag_of(body)
            seen.add(answer.headers["ETag"])

    readers = [asyncio.create_task(read()) for _ in range(4)]
    for hour in range(1, 6):
        await move_start(db, city, time(9, hour), NOW + timedelta(hours=hour))
    done.set()
    await asyncio.gather(*readers)

    last = await client.get(FEED)
    assert seen
    assert {clock(event.start) for event in ical.parse(await last.read()).events} == {"09:05"}


async def move_start(db: Pool, city: DutyCity, starts: time, now: datetime) -> None:
    async def work(conn: Connection) -> None:
        roster = await editing.load_or_start(conn, SiteId(city.center), now)
        rotation = replace(weekly(city.center, R1, tuple(PersonId(p) for p in city.lawyers), MONDAY), starts=starts)
        await editing.save_rotation(conn, city.coordinator, roster.revision, rotation, now)

    await in_transaction(db, work)
    await publish(db, city, now)
