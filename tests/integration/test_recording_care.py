"""Kept as long as the rule says, held whatever it says, destroyed by two people with a certificate."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from media.record.packs.proofs import read_signature
from server.recordings import care
from server.recordings.care import Kept, due_at, retention_of
from tests.support.hall import City, Visitor, kiosk, seeded, staff, utc_now

if TYPE_CHECKING:
    from server.db import Pool

Client = "TestClient[Any, Any]"


def kept(**values: Any) -> Kept:
    facts = {"session": "s", "procedure": "notarization", "state": "ready", "ended_at": dt.datetime(2026, 2, 28, tzinfo=dt.UTC),
             "site_path": ("qingxi", "rongchuan"), "held_at": None, "asked_by": None, "asked_at": None, "reason": None}  # fmt: skip
    return Kept(**{**facts, **values})


def test_the_rule_of_a_place_beats_the_general_one_and_holds_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(care.RETENTION, ("notarization", "rongchuan"), care.Retention(30, "the city"))

    assert retention_of("notarization", ("qingxi", "rongchuan")).years == 30
    assert retention_of("notarization", ("elsewhere",)).years == 10
    assert retention_of("unheard_of", ()).years == 10


def test_years_are_counted_by_the_calendar() -> None:
    leap = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)

    assert due_at(leap, care.Retention(4, "")) == dt.datetime(2028, 2, 29, 12, tzinfo=dt.UTC)
    assert due_at(leap, care.Retention(3, "")) == dt.datetime(2027, 3, 1, 12, tzinfo=dt.UTC)


def test_a_hold_wins_over_a_date_that_has_passed() -> None:
    later = dt.datetime(2040, 1, 1, tzinfo=dt.UTC)

    assert kept().why_not(later) is None
    assert kept(held_at=later).why_not(later) == "recording_held"
    assert kept().why_not(dt.datetime(2036, 2, 27, tzinfo=dt.UTC)) == "recording_not_due"
    assert kept(ended_at=None).why_not(later) == "recording_not_due"
    assert kept(state="destroyed").why_not(later) == "recording_destroyed"


async def held_session(client: Client, db: Pool, city: City) -> tuple[str, Visitor]:
    """A notarial session that ended eleven years ago, with its key and nothing else."""
    from server.sessions.recording import SESSION_KEY  # noqa: PLC0415

    api, visitor = kiosk(client, city, "liuyin")
    await visitor.send("POST", f"{api}/tickets", {"service": "notarization", "request_key": "press-0001"})
    notary = await staff(client, db, city, "li.wanqing")
    session = (await (await notary.send("POST", "/api/desk/call-next", {})).json())["session"]
    async with db.acquire() as conn, conn.transaction():
        await client.app[SESSION_KEY](conn, session)
    await notary.send("POST", f"/api/sessions/{session}/end", {"reason": "completed"})
    long_ago = utc_now() - dt.timedelta(days=11 * 366)
    await db.execute(
        "update session set opened_at = $2, live_at = null, ended_at = $2 where id = $1", session, long_ago
    )
    return session, notary


async def two_people(client: Client, db: Pool, city: City) -> tuple[Visitor, Visitor]:
    rows = await db.fetch(
        "select distinct on (p.id) p.user_name, r.role from person p join role_grant r on r.person_id = p.id where r.role in ('coordinator', 'administrator')"
    )
    names = {row["role"]: row["user_name"] for row in rows}
    return await staff(client, db, city, names["coordinator"]), await staff(client, db, city, names["administrator"])


async def test_two_people_destroy_a_recording_and_a_signed_certificate_says_so(client: Client, db: Pool) -> None:
    city = await seeded(db)
    session, notary = await held_session(client, db, city)
    first, second = await two_people(client, db, city)
    url, why = f"/api/sessions/{session}/recording", {"reason": "the time is over"}

    assert (await notary.send("POST", f"{url}/destroy", why)).status in (403, 404)
    assert session in [one["session"] for one in (await (await second.get("/api/recordings/due")).json())["recordings"]]
    assert (await (await second.send("POST", f"{url}/hold", {"reason": "a court asks"})).json()) == {"state": "held"}
    refused = await second.send("POST", f"{url}/destroy", why)
    assert (refused.status, (await refused.json())["error"]["code"]) == (409, "recording_held")
    await second.send("POST", f"{url}/release")

    assert (await (await second.send("POST", f"{url}/destroy", why)).json()) == {"state": "asked"}
    alone = await second.send("POST", f"{url}/destroy", why)
    assert (alone.status, (await alone.json())["error"]["code"]) == (409, "second_person_needed")
    assert await db.fetchval("select wrapped_key from recording where session_id = $1", session) is not None
    gone = await first.send("POST", f"{url}/destroy", why)
    assert (gone.status, await gone.json()) == (200, {"state": "destroyed"})

    row = await db.fetchrow("select wrapped_key, state from recording where session_id = $1", session)
    assert tuple(row) == (None, "destroyed")
    paper = await (await first.get(f"{url}/certificate")).json()
    signer = read_signature(base64.b64decode(paper["signature"]), paper["certificate"].encode())
    facts = json.loads(paper["certificate"])
    assert signer.name == "Laizuo trial signer"
    assert (facts["session"], facts["years"]) == (session, 10)
    assert facts["asked_by"] != facts["agreed_by"]
    trail = [
        row["action"]
        for row in await db.fetch("select action from audit_entry where object_id = $1 order by id", session)
    ]
    assert [action for action in trail if action.endswith("_recording")] == [
        "hold_recording", "release_recording", "ask_to_destroy_recording", "destroy_recording"
    ]  # fmt: skip
