"""What the public gets beside the roster's page: receipts, wishes in links, posters, screen, widget, Atom; each feed kind in real programs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from schedules.core import ical
from schedules.core.public_events import EventKind
from schedules.days import shipped_calendar
from schedules.store.feeds import etag_of
from server.access.identify import STAFF_COOKIE
from server.feeds.days import save_day_feeds
from server.feeds.receipts import RECEIPTS
from server.keys import POOL
from server.people.service import sign_in_as
from tests.integration.test_feeds_http import FEED, city, close_tuesday, path_of  # noqa: F401  # a published fortnight
from tests.support import duty_web
from tests.support.calendar_clients import CalendarClients
from tests.support.duty_city import NOW, DutyCity
from tests.support.events_city import lecture, published
from tests.support.hall import Visitor

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web
    from aiohttp.test_utils import TestClient

    from server.db.pool import Pool

    Client = TestClient[Any, Any]

app = duty_web.app


@pytest.fixture
async def lawyer(client: Client, db: Pool, city: DutyCity) -> Visitor:  # noqa: F811
    async with db.acquire() as conn:
        return Visitor(client, {STAFF_COOKIE: await sign_in_as(conn, city.lawyers[0], NOW)})


async def read(client: Client, path: str, **headers: str) -> tuple[int, bytes, str]:
    answer = await client.get(path, headers=headers)
    return answer.status, await answer.read(), answer.headers.get("ETag", "")


# ---------------------------------------------------------------- wishes


async def test_a_link_chooses_how_cancelled_events_show(client: Client, db: Pool, city: DutyCity) -> None:  # noqa: F811
    await close_tuesday(db, city, NOW + timedelta(hours=1))
    found = {}
    for wish in ("", "?cancelled=hide", "?cancelled=mark", "?cancelled=status"):
        _, body, etag = await read(client, FEED + wish)
        assert etag == etag_of(body)
        tuesday = [e for e in ical.parse(body).events if e.start.day == 24 and e.start.month == 11]
        found[wish] = [(e.status.value, e.summary[:6]) for e in tuesday]

    assert found == {
        "": [("CANCELLED", "[已取消] ")],
        "?cancelled=hide": [],
        "?cancelled=mark": [("CONFIRMED", "[已取消] ")],
        "?cancelled=status": [("CANCELLED", "法律咨询值班")],
    }


async def test_an_alarm_comes_by_parameter_and_304_knows_the_wish(client: Client, city: DutyCity) -> None:  # noqa: F811
    _, plain, _ = await read(client, FEED)
    _, body, etag = await read(client, FEED + "?alarm=30")
    again, nothing, _ = await read(client, FEED + "?alarm=30", **{"If-None-Match": etag})
    other, _, _ = await read(client, FEED, **{"If-None-Match": etag})

    assert (plain.count(b"BEGIN:VALARM"), body.count(b"BEGIN:VALARM")) == (0, 10)
    assert body.count(b"TRIGGER:-PT30M\r\n") == 10
    assert len(ical.parse(body).events) == 10
    assert (again, nothing, other) == (304, b"", 200)
    for wrong in ("?alarm=7", "?alarm=x", "?cancelled=maybe"):
        assert (await read(client, FEED + wrong))[0] == 400


# ---------------------------------------------------------------- receipts


async def test_the_subscribers_page_says_what_the_device_does_not_know(
    client: Client,
    app: web.Application,
    db: Pool,
    city: DutyCity,  # noqa: F811
    lawyer: Visitor,
) -> None:
    link = path_of((await (await lawyer.send("POST", "/api/feeds/own")).json())["https"])
    await client.get(link, headers={"User-Agent": "iOS/19.1 (22B83) dataaccessd/1.0"})
    await app[RECEIPTS].write(app[POOL])
    current = await (await lawyer.get("/my-calendar?lang=zh-CN")).text()
    await close_tuesday(db, city, NOW + timedelta(hours=1))
    behind = await (await lawyer.get("/my-calendar?lang=zh-CN")).text()
    await client.get(link, headers={"User-Agent": "iOS/19.1 (22B83) dataaccessd/1.0"})
    await app[RECEIPTS].write(app[POOL])
    again = await (await lawyer.get("/my-calendar?lang=zh-CN")).text()

    assert "苹果日历" in current
    assert "已是最新（第 1 版）" in current
    assert "这个设备是第 1 版，最新是第 2 版" in behind
    assert "没收到：取消" in behind
    assert "2026-11-24 09:00" in behind
    assert "已是最新（第 2 版）" in again
    async with db.acquire() as conn:
        row = await conn.fetchrow("select program, fetches from feed_receipt")
    assert tuple(row) == ("apple", 2)


async def test_a_public_link_of_a_device_has_its_own_receipt(
    client: Client,
    app: web.Application,
    city: DutyCity,  # noqa: F811
) -> None:
    made = await (await client.post("/api/feeds/rongchuan/devices")).json()
    other = await (await client.post("/api/feeds/rongchuan/devices")).json()
    await client.get(path_of(made["https"]), headers={"User-Agent": "Google-Calendar-Importer"})
    await app[RECEIPTS].write(app[POOL])

    mine = await (await client.get(path_of(made["page"]) + "?lang=en")).text()
    theirs = await (await client.get(path_of(other["page"]) + "?lang=en")).text()

    assert "Google Calendar" in mine
    assert "Up to date (version 1)" in mine
    assert "No device has fetched" in theirs
    assert (await client.post("/api/feeds/nowhere/devices")).status == 404
    assert (await client.get(f"/subscriptions/{'x' * 43}")).status == 404


async def test_a_mail_address_is_kept_and_a_wrong_one_refused(lawyer: Visitor, db: Pool) -> None:
    assert (await lawyer.send("PUT", "/api/contact/mail", {"address": "chen@example.com"})).status == 200
    for wrong in ("chen", "chen@x", "a b@example.com", "a@example.com\nBcc: b@example.com"):
        assert (await lawyer.send("PUT", "/api/contact/mail", {"address": wrong})).status == 400
    async with db.acquire() as conn:
        assert await conn.fetchval("select address from contact_address") == "chen@example.com"


# ---------------------------------------------------------------- posters, screen, widget, Atom


async def test_posters_are_pdf_and_a_sign_without_type_is_named(client: Client, db: Pool, city: DutyCity) -> None:  # noqa: F811
    event = await published(db, city.coordinator, "rongchuan", lecture(city.center))
    strange = await published(db, city.coordinator, "rongchuan", lecture(city.center, venue="二楼", title="欢迎😀"))

    roster, talk = await client.get("/sites/rongchuan/poster.pdf"), await client.get(f"/events/{event.id}/poster.pdf")

    assert [(a.status, a.content_type) for a in (roster, talk)] == [(200, "application/pdf")] * 2
    assert [(await answer.read())[:5] for answer in (roster, talk)] == [b"%PDF-"] * 2
    refused = await client.get(f"/events/{strange.id}/poster.pdf")
    assert (refused.status, (await refused.json())["error"]["detail"]) == (409, "😀")
    assert (await client.get("/sites/liuyin/poster.pdf")).status == 404


async def test_only_the_widget_may_be_framed(client: Client, city: DutyCity) -> None:  # noqa: F811
    policies = {}
    for path in ("/widget/rongchuan", "/screen/rongchuan", "/sites/rongchuan", "/events"):
        answer = await client.get(path)
        assert answer.status == 200
        policies[path] = answer.headers["Content-Security-Policy"].partition("frame-ancestors ")[2].partition(";")[0]
    assert policies == {"/widget/rongchuan": "*"} | dict.fromkeys(
        ("/screen/rongchuan", "/sites/rongchuan", "/events"), "'none'"
    )
    assert "<script" not in await (await client.get("/widget/rongchuan")).text()


async def test_news_are_valid_atom_in_order(client: Client, db: Pool, city: DutyCity) -> None:  # noqa: F811
    await published(db, city.coordinator, "rongchuan", lecture(city.center), now=NOW + timedelta(hours=2))

    answer = await client.get("/sites/rongchuan/feed.atom?lang=en")

    root = ET.fromstring(await answer.read())
    atom = "{http://www.w3.org/2005/Atom}"
    titles = [entry.findtext(f"{atom}title") for entry in root.findall(f"{atom}entry")]
    assert answer.content_type == "application/atom+xml"
    assert titles == ["公司合规 26 Nov 14:30-16:30", "Duty roster, version 1"]
    assert root.findtext(f"{atom}updated") == "2026-11-20T06:00:00+00:00"


# ---------------------------------------------------------------- every kind in real programs


async def test_vdirsyncer_and_khal_read_every_kind_of_feed(
    client: Client,
    db: Pool,
    city: DutyCity,  # noqa: F811
    lawyer: Visitor,
    tmp_path: Path,
) -> None:
    await published(db, city.coordinator, "rongchuan", lecture(city.center))
    await published(
        db, city.coordinator, "rongchuan", lecture(city.center, venue="", title="婚姻家事"), EventKind.THEME_DAY
    )
    async with db.acquire() as conn, conn.transaction():
        await save_day_feeds(conn, shipped_calendar(), NOW)
    own = path_of((await (await lawyer.send("POST", "/api/feeds/own")).json())["https"])
    agendas = {}
    for name, path, first, days in (
        ("person", own, "2026-11-23", 1),
        ("site", FEED, "2026-11-23", 1),
        ("service", "/feeds/rongchuan.legal_advice.ics", "2026-11-23", 1),
        ("theme_days", "/feeds/rongchuan.theme-days.ics", "2026-11-26", 1),
        ("lectures", "/feeds/every-site.law-lectures.ics?alarm=60", "2026-11-26", 1),
        ("holidays", "/feeds/days.statutory-holidays.ics", "2026-10-01", 7),
        ("makeup", "/feeds/days.makeup-workdays.en.ics", "2026-01-01", 365),
    ):
        programs = CalendarClients(tmp_path / name, str(client.make_url(path)))
        await programs.discover()
        await programs.sync()
        agendas[name] = await programs.agenda(first, days)

    assert agendas["person"] == ["2026-11-23 09:00 12:00 法律咨询值班 · 律师 · 榕川市中心"]
    assert agendas["site"] == agendas["service"] == ["2026-11-23 09:00 12:00 法律咨询值班：陈淑芬（律师）"]
    assert agendas["theme_days"] == ["2026-11-26 14:30 16:30 婚姻家事"]
    assert agendas["lectures"] == ["2026-11-26 14:30 16:30 公司合规"]
    assert len(agendas["holidays"]) == 7
    assert all("国庆节放假" in line for line in agendas["holidays"])
    assert [line[:10] for line in agendas["makeup"]] == [
        "2026-01-04",
        "2026-02-14",
        "2026-02-28",
        "2026-05-09",
        "2026-09-20",
        "2026-10-10",
    ]
