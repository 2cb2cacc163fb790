"""Every kind of feed in real programs at once: vdirsyncer fetches them, khal shows them, each in its own calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from schedules.core.model import Interval, Window
from schedules.core.public_events import Content, EventKind
from server.access.identify import STAFF_COOKIE
from server.db.pool import in_transaction
from server.duty import editing
from server.people.service import sign_in_as
from tests.integration.test_caldav import eventually_days
from tests.integration.test_feeds_http import MONDAY, R1, path_of, publish
from tests.support import duty_web
from tests.support.calendar_clients import CalendarClients
from tests.support.duty_city import NOW, DutyCity, make_city, weekly
from tests.support.events_city import lecture, published
from tests.support.hall import Visitor

if TYPE_CHECKING:
    from pathlib import Path

    from server.db import Connection, Pool
    from tests.integration.test_feeds_http import Client

WEEK = Window(MONDAY, MONDAY + timedelta(days=6))
app = duty_web.app


@pytest.fixture
async def city(db: Pool) -> DutyCity:
    """A week of lawyers' mornings as duties of a team, a lecture and a theme day, all published."""

    async def work(conn: Connection) -> DutyCity:
        made = await make_city(conn)
        await conn.execute(
            "insert into team_member (team_id, person_id, admitted_on)"
            " select t.id, p::uuid, '2026-01-01' from service_team t, unnest($1::text[]) p where t.slug = 'lawyers'",
            list(made.lawyers),
        )
        revision = await editing.set_window(conn, made.coordinator, made.center, 1, WEEK, NOW)
        rotation = replace(weekly(made.center, R1, made.lawyers, MONDAY), team="lawyers")
        await editing.save_rotation(conn, made.coordinator, revision, rotation, NOW)
        return made

    made = await in_transaction(db, work)
    await publish(db, made, NOW)
    await published(db, made.coordinator, "rongchuan", lecture(made.center))
    during = lecture(made.center, on=date(2026, 11, 27)).during
    day = Content(made.center, "反家暴主题日", Interval(during.start, during.end), venue="一楼大厅")
    await published(db, made.coordinator, "rongchuan", day, EventKind.THEME_DAY)
    return made


async def test_vdirsyncer_and_khal_on_each_kind_of_feed(
    client: Client, db: Pool, city: DutyCity, tmp_path: Path
) -> None:
    await eventually_days(client)
    async with db.acquire() as conn:
        lawyer = Visitor(client, {STAFF_COOKIE: await sign_in_as(conn, city.lawyers[0], NOW)})
    own = path_of((await (await lawyer.send("POST", "/api/feeds/own")).json())["https"])
    case = {"rule": "notary_certificate", "reference": "2026-0412", "starts": "2026-11-05"}
    await lawyer.send("POST", "/api/limits", case)
    limits = path_of((await (await lawyer.send("POST", "/api/feeds/limits")).json())["https"])
    names = {
        "site": "rongchuan",
        "service": "rongchuan.legal_advice.en",
        "team": "team.lawyers",
        "themes": "every-site.theme-days",
        "site_themes": "rongchuan.theme-days",
        "lectures": "every-site.law-lectures",
        "site_lectures": "rongchuan.law-lectures",
        "holidays": "days.statutory-holidays",
        "makeup": "days.makeup-workdays.en",
    }
    programs = CalendarClients(tmp_path / "calendars", "")
    urls = {kind: str(client.make_url(f"/feeds/{name}.ics")) for kind, name in names.items()}
    programs.follow(urls | {"person": str(client.make_url(own)), "limits": str(client.make_url(limits))})
    await programs.discover()

    stored = {kind: len(await programs.sync(kind)) for kind in ("site", "holidays")}
    shown = await programs.agenda("2026-11-23", 7, named=True)
    autumn = await programs.agenda("2026-09-18", 25, named=True)

    assert stored["site"] == 5
    assert stored["holidays"] >= 7
    week = [f"2026-11-{day} 09:00 12:00" for day in range(23, 28)]
    assert [line for line in shown if line.startswith("site ")] == [
        f"site {at} 法律咨询值班：陈淑芬（律师）" for at in week
    ]
    assert [line for line in shown if line.startswith("service ")] == [
        f"service {at} Legal advice on duty: Chen (lawyer)" for at in week
    ]
    assert [line for line in shown if line.startswith("team ")] == [
        f"team {at} 法律咨询值班：陈淑芬（律师）" for at in week
    ]
    assert [line for line in shown if line.startswith("person ")] == [
        f"person {at} 法律咨询值班 · 律师 · 榕川市中心" for at in week
    ]
    for kind in ("lectures", "site_lectures"):
        assert [line for line in shown if line.startswith(f"{kind} ")] == [f"{kind} 2026-11-26 14:30 16:30 公司合规"]
    for kind in ("themes", "site_themes"):
        assert [line for line in shown if line.startswith(f"{kind} ")] == [
            f"{kind} 2026-11-27 14:30 16:30 反家暴主题日"
        ]
    assert [line.split(maxsplit=2) for line in shown if line.startswith("limits ")] == [
        ["limits", "2026-11-26", "出具公证书期限 2026-0412"]
    ]
    assert [line.split() for line in autumn if line.startswith("holidays ")] == [
        ["holidays", "2026-09-25", "中秋节放假"],
        ["holidays", "2026-10-01", "国庆节放假"],
    ]
    assert [line.split(maxsplit=2) for line in autumn if line.startswith("makeup ")] == [
        ["makeup", "2026-09-20", "National Day: make-up workday"],
        ["makeup", "2026-10-10", "National Day: make-up workday"],
    ]
