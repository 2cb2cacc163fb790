"""A session's life over HTTP and in the database: called, joined, invited to, ended, looked at afterwards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from server.access.core import Actor
from server.errors import Conflict, NotAllowed, NotFound
from server.sessions import seats, service
from server.sessions.store import TOKEN_GRACE
from tests.support import scripted_web
from tests.support.eventually import eventually
from tests.support.hall import City, Visitor, kiosk, seeded, staff, utc_now
from tests.support.room_page import RoomPage, person
from tests.support.running_session import invite, run_session

if TYPE_CHECKING:
    from server.db import Pool

Client = "TestClient[Any, Any]"
worker, client = scripted_web.worker, scripted_web.client


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


@pytest.fixture
async def notary(client: Client, db: Pool, city: City) -> Visitor:
    return await staff(client, db, city, await _user(db, "notary"))


async def _user(pool: Pool, role: str) -> str:
    query = (
        "select p.user_name from person p join role_grant g on g.person_id = p.id where g.role = $1 order by 1 limit 1"
    )
    user: str = await pool.fetchval(query, role)
    return user


async def take(client: Client, city: City) -> tuple[str, Visitor]:
    api, visitor = kiosk(client, city, "liuyin")
    answer = await visitor.send("POST", f"{api}/tickets", {"service": "notarization", "request_key": "press-0001"})
    assert answer.status == 201, await answer.text()
    return api, visitor


async def call(notary: Visitor) -> dict[str, Any]:
    answer = await notary.send("POST", "/api/desk/call-next", {})
    assert answer.status == 200, await answer.text()
    called: dict[str, Any] = await answer.json()
    return called


async def ticket_state(pool: Pool, called: dict[str, Any]) -> str:
    state: str = await pool.fetchval("select state from ticket where id = $1", called["ticket"])
    return state


async def test_from_the_call_to_the_end(client: Client, db: Pool, city: City, notary: Visitor) -> None:
    _api, _visitor = await take(client, city)
    called = await call(notary)
    session = called["session"]
    seat_token = (await (await notary.send("POST", f"/api/sessions/{session}/token")).json())["token"]
    citizen_token = await _citizen_token(db, called)

    page = await RoomPage.joined(client, seat_token)
    citizen = await RoomPage.joined(client, citizen_token)

    await eventually(lambda: _ticket_is(db, called, "serving"))
    assert page.heard[0]["session"]["procedure"] == "notarization"
    desk = await (await notary.get("/api/desk")).json()
    assert (desk["session"]["id"], desk["session"]["state"]) == (session, "live")
    invitation = await notary.send("POST", f"/api/sessions/{session}/invitations", {"name": "陈建国", "role": "party"})
    assert invitation.status == 201
    link = await invitation.json()
    third = await RoomPage.open(client)
    await third.say({"type": "join", "token": link["url"].rpartition("/join/")[2]})
    await third.hears("waiting")
    await page.hears("person", person(link["seat"], state="waiting"))
    await page.say({"type": "admit", "seat": link["seat"]})
    await third.hears("welcome")

    ended = await notary.send("POST", f"/api/sessions/{session}/end", {"reason": "completed"})

    assert ended.status == 200
    for each in (page, citizen, third):
        assert (await each.hears("closed"))["why"] == "ended"
    assert await ticket_state(db, called) == "done"
    whole = await _with_event(notary, session, "waiting")
    assert whole["session"]["end_reason"] == "completed"
    assert [entry["role"] for entry in whole["people"]] == ["in_charge", "applicant", "party"]
    happened = [event["kind"] for event in whole["events"]]
    assert happened[:3] == ["opened", "admitted", "admitted"]
    assert [kind for kind in happened if kind in ("invited", "live", "waiting", "ended")] == [
        "live",
        "invited",
        "waiting",
        "ended",
    ]
    listed = await (await notary.get("/api/sessions")).json()
    assert [(entry["id"], entry["state"], entry["recorded"]) for entry in listed["sessions"]] == [
        (session, "ended", True)
    ]
    assert await db.fetchval("select count(*) from room_owner where until is null") == 0
    await eventually(lambda: _figure(client, "laizuo_sessions_running 0.0"))
    assert await _figure(client, "laizuo_media_workers_up 1.0") is None


async def _with_event(notary: Visitor, session: str, kind: str) -> dict[str, Any]:
    """The session's page once it has an event of this kind: what happens in a room is written a moment later."""
    whole: dict[str, Any] = {}

    async def why() -> str | None:
        whole.update(await (await notary.get(f"/api/sessions/{session}")).json())
        happened = [event["kind"] for event in whole["events"]]
        return None if kind in happened else f"no {kind} among {happened}"

    await eventually(why)
    return whole


async def _figure(client: Client, line: str) -> str | None:
    text = await (await client.get("/metrics")).text()
    return None if line in text.splitlines() else f"no {line}"


async def _citizen_token(pool: Pool, called: dict[str, Any]) -> str:
    endpoint = await pool.fetchval("select endpoint_id::text from ticket where id = $1", called["ticket"])
    async with pool.acquire() as conn, conn.transaction():
        token = await service.citizen_token_for(conn, called["ticket"], endpoint, utc_now())
    assert token is not None
    return token


async def _ticket_is(pool: Pool, called: dict[str, Any], state: str) -> str | None:
    now = await ticket_state(pool, called)
    return None if now == state else f"the ticket is {now}"


async def test_no_show_closes_the_ticket_and_frees_both(client: Client, db: Pool, city: City, notary: Visitor) -> None:
    api, visitor = await take(client, city)
    called = await call(notary)

    assert (await notary.send("POST", f"/api/sessions/{called['session']}/no-show")).status == 200

    assert await ticket_state(db, called) == "no_show"
    again = await visitor.send("POST", f"{api}/tickets", {"service": "mediation", "request_key": "press-0002"})
    assert again.status == 201
    assert (await (await notary.get("/api/desk")).json())["session"] is None
    assert (await notary.send("POST", f"/api/sessions/{called['session']}/token")).status == 404
    late = await notary.send("POST", f"/api/sessions/{called['session']}/invitations", {"name": "x", "role": "party"})
    assert (late.status, (await late.json())["error"]["code"]) == (409, "session_ended")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "invitations", {"name": "x", "role": "party"}),
        ("POST", "token", None),
        ("POST", "no-show", None),
        ("POST", "end", {"reason": "completed"}),
        ("GET", "", None),
    ],
)
async def test_another_professional_is_told_of_no_session(
    client: Client, db: Pool, city: City, notary: Visitor, method: str, path: str, body: Any
) -> None:
    await take(client, city)
    called = await call(notary)
    stranger = await staff(client, db, city, await _user(db, "mediator"))
    url = f"/api/sessions/{called['session']}/{path}".rstrip("/")

    theirs = await (stranger.get(url) if method == "GET" else stranger.send(method, url, body))
    nobodys = await (Visitor(client).get(url) if method == "GET" else Visitor(client).send(method, url, body))

    assert theirs.status == 404
    assert nobodys.status == 401
    assert await db.fetchval("select state from session where id = $1", called["session"]) == "open"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "role": "party"}, "name"),
        ({"name": "x" * 81, "role": "party"}, "name"),
        ({"name": "x", "role": "in_charge"}, "role"),
        ({"name": "x", "role": "applicant"}, "role"),
        ({"name": "x"}, None),
        ({"name": "x", "role": "party", "admitted": True}, None),
    ],
)
async def test_an_invitation_that_makes_no_sense_is_refused(
    client: Client, city: City, notary: Visitor, body: Any, field: str | None
) -> None:
    await take(client, city)
    called = await call(notary)

    answer = await notary.send("POST", f"/api/sessions/{called['session']}/invitations", body)

    assert answer.status == 400
    if field:
        assert (await answer.json())["error"]["field"] == field


# ---------------------------------------------------------------- the service, inside a transaction


async def test_one_session_at_a_time_even_for_two_presses_at_once(db: Pool) -> None:
    first = await run_session(db)
    await service.end_session(db, first.session_id, first.leader, "completed", utc_now())

    async def again() -> Any:
        async with db.acquire() as conn, conn.transaction():
            return await service.open_session(
                conn,
                procedure="mediation",
                site_id=next(iter(first.leader.grants)).site_id,
                in_charge=str(first.leader.id),
                in_charge_name="x",
                ticket_id=None,
                citizen=service.Citizen(None),
                now=utc_now(),
            )

    results = await asyncio.gather(again(), again(), return_exceptions=True)

    assert [result.code for result in results if isinstance(result, Conflict)] == ["session_running"]
    assert await db.fetchval("select count(*) from session where state = 'open'") == 1


async def test_a_fresh_token_for_the_kiosk_and_the_one_before_it_for_a_minute(db: Pool, city: City) -> None:
    """A page may be joining with the token that a second event of the same call has just replaced."""
    endpoint = city.kiosks["liuyin"]
    session = await run_session(db)
    await db.execute("update seat set endpoint_id = $2 where id = $1", session.seats["b"], endpoint)
    ticket = await _ticket_of(db, session.session_id, endpoint)
    async with db.acquire() as conn, conn.transaction():
        second = await service.citizen_token_for(conn, ticket, endpoint, utc_now())
        other = await service.citizen_token_for(conn, ticket, city.kiosks["shangping"], utc_now())
    assert second is not None
    assert other is None

    async with db.acquire() as conn:
        now = utc_now()
        assert isinstance(await seats.enter(conn, session.tokens["b"], "seat", now), seats.Entry)
        late = now + 2 * TOKEN_GRACE
        assert await seats.enter(conn, session.tokens["b"], "seat", late) == seats.NoEntry("expired")
        assert isinstance(await seats.enter(conn, second, "seat", late), seats.Entry)


async def _ticket_of(pool: Pool, session_id: str, endpoint: str) -> str:
    """A called ticket of that device, hung to the session."""
    leader = await pool.fetchval("select in_charge from session where id = $1", session_id)
    site = await pool.fetchval("select site_id from endpoint where id = $1", endpoint)
    area = await pool.fetchval("select id from waiting_area limit 1")
    ticket: str = await pool.fetchval(
        "insert into ticket (area_id, day, number, endpoint_id, site_id, state, taken_at, called_at, called_by)"
        " values ($1, current_date, 'G900', $2, $3, 'called', now(), now(), $4) returning id::text",
        *(area, endpoint, site, leader),
    )
    await pool.execute("update session set ticket_id = $2 where id = $1", session_id, ticket)
    return ticket


async def test_only_the_seat_in_charge_acts_and_only_while_it_is(db: Pool) -> None:
    session = await run_session(db)
    await invite(db, session, "c", "party", "陈建国")
    async with db.acquire() as conn:
        await seats.enter(conn, session.tokens["c"], "seat", utc_now())
        with pytest.raises(NotAllowed):
            await seats.admit(conn, session.session_id, session.seats["c"], session.seats["b"], utc_now())
        with pytest.raises(NotFound):
            await seats.remove(conn, session.session_id, session.seats["a"], session.seats["a"], utc_now())
        with pytest.raises(NotFound):
            await seats.remove(conn, session.session_id, session.seats["c"], session.seats["a"], utc_now())
        await seats.admit(conn, session.session_id, session.seats["c"], session.seats["a"], utc_now())
        with pytest.raises(NotFound):
            await seats.admit(conn, session.session_id, session.seats["c"], session.seats["a"], utc_now())
        await service.end_session(db, session.session_id, session.leader, "completed", utc_now())
        with pytest.raises(NotAllowed):
            await seats.remove(conn, session.session_id, session.seats["c"], session.seats["a"], utc_now())
    trail = [row["action"] for row in await db.fetch("select action from audit_entry order by id")]
    assert trail == ["invite_person", "admitted_seat", "end_session"]


async def test_ending_twice_changes_nothing(db: Pool) -> None:
    session = await run_session(db)

    await service.end_session(db, session.session_id, session.leader, "technical", utc_now())
    await service.end_session(db, session.session_id, session.leader, "completed", utc_now())

    rows = await db.fetch("select end_reason from session")
    assert [row["end_reason"] for row in rows] == ["technical"]
    assert await db.fetchval("select count(*) from session_event where kind = 'ended'") == 1


async def test_a_stranger_cannot_end_it(db: Pool) -> None:
    session, other = await run_session(db), await run_session(db)

    with pytest.raises(NotFound):
        await service.end_session(db, session.session_id, other.leader, "completed", utc_now())
    with pytest.raises(NotFound):
        await service.end_session(db, session.session_id, Actor(), "completed", utc_now())


async def test_a_connection_number_never_falls(db: Pool) -> None:
    session = await run_session(db)
    await db.execute("update seat set connection = 5 where id = $1", session.seats["b"])

    with pytest.raises(asyncpg.RaiseError, match="only rises"):
        await db.execute("update seat set connection = 4 where id = $1", session.seats["b"])
