"""Recordings seen by others than who led: with a reason, by two where the procedure says so, and each time in the access journal."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from media.record.packs.check import check_bytes
from media.record.sealed import SealedWriter
from server.recordings.http import RECORDINGS
from server.sessions.recording import SESSION_KEY
from tests.support.hall import City, Visitor, kiosk, seeded, staff
from tests.support.held_session import hold_session

if TYPE_CHECKING:
    from server.db import Pool

Client = "TestClient[Any, Any]"
WHY = {"reason": "the citizen complained in writing"}


async def recorded(client: Client, db: Pool, city: City, service: str, leader: str) -> tuple[str, Visitor, str]:
    """A session that ended, with one film of three bytes. Returns (session, who led, URL of the film)."""
    api, visitor = kiosk(client, city, "liuyin")
    await visitor.send("POST", f"{api}/tickets", {"service": service, "request_key": "press-0001"})
    led = await staff(client, db, city, leader)
    session = (await (await led.send("POST", "/api/desk/call-next", {})).json())["session"]
    async with db.acquire() as conn, conn.transaction():
        key = await client.app[SESSION_KEY](conn, session)
    await led.send("POST", f"/api/sessions/{session}/end", {"reason": "completed"})
    # There is no journal to make films from: the film below stands for them.
    await db.execute("delete from job where subject = $1", session)
    await db.execute("update recording set state = 'ready', cause = null where session_id = $1", session)
    room = await db.fetchval("select id::text from room where session_id = $1", session)
    path = client.app[RECORDINGS].film_directory(session, room) / "composed.mp4.sealed"
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = SealedWriter(path, key, "video/mp4")
    writer.write(b"abc")
    writer.finish()
    film = await db.fetchval(
        "insert into film (session_id, room_id, kind, path, content_type, bytes, length_us, made_at) "
        "values ($1, $2, 'composed', $3, 'video/mp4', 3, 1, now()) returning id::text",
        session,
        room,
        str(path.relative_to(client.app[RECORDINGS].data)),
    )
    return session, led, f"/api/sessions/{session}/films/{film}"


async def person_with(client: Client, db: Pool, city: City, role: str) -> Visitor:
    name = await db.fetchval(
        "select p.user_name from person p join role_grant r on r.person_id = p.id where r.role = $1 order by 1", role
    )
    return await staff(client, db, city, name)


async def journal(who: Visitor, session: str) -> dict[str, Any]:
    found: dict[str, Any] = await (await who.get(f"/api/sessions/{session}/accesses")).json()
    return found


async def test_a_reason_opens_a_notarial_recording_for_a_day_and_is_written_down(client: Client, db: Pool) -> None:
    city = await seeded(db)
    session, notary, film = await recorded(client, db, city, "notarization", "li.wanqing")
    coordinator = await person_with(client, db, city, "coordinator")
    paths = (film, f"/api/sessions/{session}", f"/api/sessions/{session}/view-mark")

    assert [(await coordinator.get(path)).status for path in paths] == [404] * 3
    nothing = await coordinator.send("POST", f"/api/sessions/{session}/viewings", {"reason": ""})
    opened = await coordinator.send("POST", f"/api/sessions/{session}/viewings", WHY)
    assert (nothing.status, (await opened.json())["state"]) == (400, "open")
    assert [(await coordinator.get(path)).status for path in paths] == [200] * 3
    assert (await coordinator.get(film)).status == 200  # one view, one entry
    assert (await notary.get(film)).status == 200

    told = await journal(notary, session)
    assert [(one["kind"], one["reason"]) for one in told["entries"]] == [
        ("opened", WHY["reason"]),
        ("film", ""),
        ("film", ""),
    ]
    assert (told["entries"][0]["by"] != told["entries"][2]["by"], told["wrong"]) == (True, None)
    await db.execute("update viewing set open_until = $1", dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert (await coordinator.get(film)).status == 404


async def test_a_mediation_needs_a_second_person_who_is_another(client: Client, db: Pool) -> None:
    city = await seeded(db)
    session, mediator, film = await recorded(client, db, city, "mediation", "wang.jianguo")
    coordinator = await person_with(client, db, city, "coordinator")

    asked = await (await coordinator.send("POST", f"/api/sessions/{session}/viewings", WHY)).json()
    again = await (await coordinator.send("POST", f"/api/sessions/{session}/viewings", WHY)).json()
    assert (asked["state"], again) == ("asked", asked)
    assert (await coordinator.get(film)).status == 404
    url = f"/api/viewings/{asked['id']}/answer"
    alone = await coordinator.send("POST", url, {"agrees": True})
    assert (await alone.json())["error"]["code"] == "second_person_needed"
    shown = await (await mediator.get("/api/recordings")).json()
    assert [one["id"] for one in shown["requests"]] == [asked["id"]]
    assert (await (await mediator.send("POST", url, {"agrees": True})).json())["state"] == "open"
    assert (await mediator.send("POST", url, {"agrees": True})).status == 409
    assert (await coordinator.get(film)).status == 200

    told = await journal(mediator, session)
    assert [one["kind"] for one in told["entries"]] == ["asked", "agreed", "film"]


async def test_a_refused_viewing_stays_closed_and_an_administrator_never_watches(client: Client, db: Pool) -> None:
    city = await seeded(db)
    session, mediator, film = await recorded(client, db, city, "mediation", "wang.jianguo")
    coordinator, administrator = (
        await person_with(client, db, city, "coordinator"),
        await person_with(client, db, city, "administrator"),
    )
    asked = await (await coordinator.send("POST", f"/api/sessions/{session}/viewings", WHY)).json()

    refused = await administrator.send("POST", f"/api/viewings/{asked['id']}/answer", {"agrees": False})

    assert (await refused.json())["state"] == "refused"
    assert (await coordinator.get(film)).status == 404
    assert (await administrator.send("POST", f"/api/sessions/{session}/viewings", WHY)).status in (403, 404)
    own = await mediator.send("POST", f"/api/sessions/{session}/viewings", WHY)
    assert (await own.json())["error"]["code"] == "viewing_not_needed"


async def test_the_access_journal_is_not_changed_and_a_superuser_who_does_is_named(client: Client, db: Pool) -> None:
    city = await seeded(db)
    session, notary, film = await recorded(client, db, city, "notarization", "li.wanqing")
    await notary.get(film)
    coordinator = await person_with(client, db, city, "coordinator")
    await coordinator.send("POST", f"/api/sessions/{session}/viewings", WHY)

    for statement in ("delete from access_entry", "update access_entry set line = '{}'", "truncate access_entry"):
        with pytest.raises(asyncpg.RaiseError, match="never changed"):
            await db.execute(statement)
    async with db.acquire() as conn, conn.transaction():
        await conn.execute("set local session_replication_role = replica")
        await conn.execute("update access_entry set line = replace(line, 'complained', 'agreed') where n = 1")

    assert (await journal(notary, session))["wrong"] == 1
    assert (await notary.get(f"/api/sessions/{session}/accesses")).status == 200
    assert (await kiosk(client, city, "liuyin")[1].get(f"/api/sessions/{session}/accesses")).status in (401, 403)


async def test_a_part_is_hidden_with_its_cause_from_films_and_pack_and_the_pack_stays_whole(
    client: Client, db: Pool
) -> None:
    city = await seeded(db)
    held = await hold_session(client, db, city)
    url, notary = f"/api/sessions/{held.id}", held.notary
    before = (await (await notary.get(url)).json())["recording"]
    seat = next(film["seat"] for film in before["films"] if film["seat"])
    part = {"from_s": 1.0, "to_s": 2.0, "seat": seat, "source": "face", "cause": "the number of an ID card was shown"}
    coordinator = await person_with(client, db, city, "coordinator")

    for wrong in (
        {**part, "cause": " "},
        {**part, "to_s": 1.0},
        {**part, "seat": held.id},
        {"from_s": 1.0, "to_s": 2.0},
    ):
        assert (await notary.send("POST", f"{url}/hidden-parts", wrong)).status == 400
    assert (await coordinator.send("POST", f"{url}/hidden-parts", part)).status in (403, 404)
    assert (await notary.send("POST", f"{url}/hidden-parts", part)).status == 200

    # Until it is made anew nobody sees the old one.
    old = await notary.get(before["films"][0]["url"])
    assert (old.status, (await old.json())["error"]["code"]) == (409, "recording_not_ready")
    assert (await notary.send("POST", f"{url}/hidden-parts", part)).status == 409
    await held.is_ready()
    shown = (await (await notary.get(url)).json())["recording"]
    [told] = shown["hidden"]
    assert (told["why"], told["seat"], told["source"]) == (part["cause"], seat, "face")
    report = check_bytes(memoryview(await (await notary.get(shown["pack"]["url"])).read()))
    assert [str(damage) for damage in report.damages] == []
    assert any("hidden on purpose" in fact and part["cause"] in fact for fact in report.facts)
    assert "hidden" in [one["kind"] for one in (await journal(notary, held.id))["entries"]]
    with pytest.raises(asyncpg.RaiseError, match="stays hidden"):
        await db.execute("delete from hidden_part")
