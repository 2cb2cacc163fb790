"""Read-only CalDAV with real clients: the caldav library, vdirsyncer's caldav storage; and the protocol's edges by hand."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import caldav
import pytest
from caldav.lib.error import AuthorizationError, DAVError

from schedules.core import ical
from server.access.identify import STAFF_COOKIE
from server.people.service import sign_in_as
from tests.integration.test_feeds_http import city, close_tuesday  # noqa: F401  # the same published fortnight
from tests.support import duty_web
from tests.support.calendar_clients import CalendarClients
from tests.support.duty_city import NOW, DutyCity
from tests.support.events_city import lecture, published
from tests.support.eventually import eventually
from tests.support.hall import Visitor

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp.test_utils import TestClient

    from server.db.pool import Pool

    Client = TestClient[Any, Any]

D = "{DAV:}"
SYNC = """<sync-collection xmlns="DAV:"><sync-token>{token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"""
app = duty_web.app


@pytest.fixture
async def secret(client: Client, db: Pool, city: DutyCity) -> str:  # noqa: F811
    """The first lawyer's feed secret."""
    async with db.acquire() as conn:
        lawyer = Visitor(client, {STAFF_COOKIE: await sign_in_as(conn, city.lawyers[0], NOW)})
    link = (await (await lawyer.send("POST", "/api/feeds/own")).json())["https"]
    return str(link.rpartition("/")[2].removesuffix(".ics"))


async def ask(client: Client, method: str, path: str, secret: str, body: str = "", **headers: str) -> Any:
    basic = base64.b64encode(f"chen:{secret}".encode()).decode()
    return await client.request(method, path, data=body, headers={"Authorization": f"Basic {basic}", **headers})


async def synced(client: Client, secret: str, token: str) -> tuple[list[tuple[str, bool]], str]:
    """(name, is there) of what a sync tells, and the new token."""
    answer = await ask(client, "REPORT", "/caldav/calendars/duty/", secret, SYNC.format(token=token))
    assert answer.status == 207, await answer.text()
    root = ET.fromstring(await answer.read())
    told = [(r.findtext(f"{D}href", ""), r.find(f"{D}propstat") is not None) for r in root.findall(f"{D}response")]
    return told, root.findtext(f"{D}sync-token", "")


async def test_a_client_library_finds_reads_and_follows_the_calendars(
    client: Client,
    db: Pool,
    city: DutyCity,  # noqa: F811
    secret: str,
) -> None:
    await published(db, city.coordinator, "rongchuan", lecture(city.center))
    await eventually_days(client)
    url = str(client.make_url("/caldav/"))

    def look() -> tuple[dict[str, int], list[str], list[str], str]:
        with caldav.DAVClient(url, username="chen", password=secret) as line:
            calendars = {calendar.name: calendar for calendar in line.principal().calendars()}
            duty = calendars["陈淑芬的值班"]
            monday = datetime(2026, 11, 23, tzinfo=UTC)
            found = duty.search(start=monday, end=monday + timedelta(days=2), event=True, expand=False)
            mirror = duty.objects_by_sync_token(load_objects=True)
            return (
                {name: len(calendar.events()) for name, calendar in calendars.items()},
                sorted(event.icalendar_component["summary"] for event in found),
                [str(event.url) for event in mirror],
                mirror.sync_token,
            )

    counts, found, mirrored, token = await asyncio.to_thread(look)

    assert counts == {"陈淑芬的值班": 5, "法治讲座": 1, "法定节假日": counts["法定节假日"], "调休上班日": 6}
    assert counts["法定节假日"] >= 7
    assert found == ["法律咨询值班 · 律师 · 榕川市中心"] * 2
    assert len(mirrored) == 5

    await close_tuesday(db, city, NOW + timedelta(hours=1))

    def follow() -> list[str]:
        with caldav.DAVClient(url, username="chen", password=secret) as line:
            duty = next(c for c in line.principal().calendars() if c.name == "陈淑芬的值班")
            changed = duty.objects_by_sync_token(token, load_objects=True)
            return [str(event.icalendar_component["status"]) for event in changed]

    assert await asyncio.to_thread(follow) == ["CANCELLED"]


async def eventually_days(client: Client) -> None:
    async def why_not() -> str | None:
        status = (await client.get("/feeds/days.makeup-workdays.ics")).status
        return None if status == 200 else f"the calendars of days are not there yet: {status}"

    await eventually(why_not)


async def test_a_client_library_may_not_write(client: Client, secret: str) -> None:
    url = str(client.make_url("/caldav/"))
    body = (await (await client.get(f"/feeds/{secret}.ics")).read()).decode()

    def write() -> None:
        with caldav.DAVClient(url, username="chen", password=secret) as line:
            duty = next(c for c in line.principal().calendars() if c.name == "陈淑芬的值班")
            duty.save_event(body)

    with pytest.raises((AuthorizationError, DAVError)):
        await asyncio.to_thread(write)


async def test_vdirsyncer_mirrors_a_collection_over_caldav(
    client: Client,
    db: Pool,
    city: DutyCity,  # noqa: F811
    secret: str,
    tmp_path: Path,
) -> None:
    programs = CalendarClients(tmp_path / "calendar", "")
    programs.use_caldav(str(client.make_url("/caldav/")), "chen", secret)
    await programs.discover()

    first = await programs.sync("duty")
    await close_tuesday(db, city, NOW + timedelta(hours=1))
    second = await programs.sync("duty")

    feed = ical.parse(await (await client.get(f"/feeds/{secret}.ics")).read())
    assert (len(first), len(second)) == (5, 5)
    assert sum("STATUS:CANCELLED" in text for text in first) == 0
    assert sum("STATUS:CANCELLED" in text for text in second) == 1
    assert sorted(text.partition("UID:")[2].partition("\n")[0].strip() for text in second) == sorted(
        e.uid for e in feed.events
    )


async def test_a_sync_tells_only_what_changed_and_an_unknown_token_starts_anew(
    client: Client,
    db: Pool,
    city: DutyCity,  # noqa: F811
    secret: str,
) -> None:
    first, token = await synced(client, secret, "")
    nothing, same = await synced(client, secret, token)
    await close_tuesday(db, city, NOW + timedelta(hours=1))
    changed, later = await synced(client, secret, token)

    assert (len(first), nothing, same == token, len(changed), later != token) == (5, [], True, 1, True)
    assert changed[0] in first
    for wrong in ("urn:laizuo:sync:999", "urn:laizuo:sync:x", "http://other/1", "urn:laizuo:sync:0"):
        refused = await ask(client, "REPORT", "/caldav/calendars/duty/", secret, SYNC.format(token=wrong))
        assert (refused.status, "valid-sync-token" in await refused.text()) == (403, True)


async def test_items_have_strong_tags_and_304(client: Client, secret: str) -> None:
    [(href, _), *_] = (await synced(client, secret, ""))[0]

    whole = await ask(client, "GET", href, secret)
    again = await ask(client, "GET", href, secret, **{"If-None-Match": whole.headers["ETag"]})

    assert (whole.status, again.status) == (200, 304)
    [event] = ical.parse(await whole.read()).events
    assert href.endswith(f"/{event.uid}.ics")


async def test_the_secret_may_stand_in_the_path_and_english_has_its_own(client: Client, secret: str) -> None:
    body = '<propfind xmlns="DAV:"><prop><displayname/><nothing/></prop></propfind>'
    answer = await client.request(
        "PROPFIND", f"/caldav/en/t/{secret}/calendars/duty/", data=body, headers={"Depth": "0"}
    )
    text = await answer.text()

    assert answer.status == 207
    assert "Duties of Chen" in text
    assert f"/caldav/en/t/{secret}/calendars/duty/" in text
    assert "404 Not Found" in text  # what is not there is said for itself


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/caldav/calendars/duty/x.ics", "BEGIN:VCALENDAR", 403),
        ("DELETE", "/caldav/calendars/duty/", "", 403),
        ("PROPPATCH", "/caldav/calendars/duty/", "", 403),
        ("MKCALENDAR", "/caldav/calendars/new/", "", 403),
        ("PROPFIND", "/caldav/calendars/nowhere/", "", 404),
        ("PROPFIND", "/caldav/other/", "", 404),
        ("PROPFIND", "/caldav/", "<propfind", 400),
        ("PROPFIND", "/caldav/", '<!DOCTYPE x [<!ENTITY a "aa">]><propfind xmlns="DAV:">&a;</propfind>', 400),
        ("PROPFIND", "/caldav/", "<x>" * 40_000, 400),
        ("REPORT", "/caldav/calendars/duty/", '<free-busy-query xmlns="urn:ietf:params:xml:ns:caldav"/>', 403),
        ("GET", "/caldav/calendars/duty/nothing.ics", "", 404),
    ],
)
async def test_what_is_refused_is_refused_cleanly(
    client: Client, secret: str, method: str, path: str, body: str, status: int
) -> None:
    assert (await ask(client, method, path, secret, body)).status == status


async def test_a_wrong_or_revoked_secret_opens_nothing(client: Client, db: Pool, secret: str) -> None:
    assert (await ask(client, "PROPFIND", "/caldav/", "x" * 43)).status == 401
    assert (await client.request("PROPFIND", "/caldav/")).status == 401
    assert (await client.get("/.well-known/caldav", allow_redirects=False)).headers["Location"] == "/caldav/"
    options = await client.options("/caldav/")
    assert options.headers["DAV"] == "1, 3, calendar-access"
    async with db.acquire() as conn:
        await conn.execute("update feed_token set revoked_at = now()")
    assert (await ask(client, "PROPFIND", "/caldav/calendars/duty/", secret)).status == 401
