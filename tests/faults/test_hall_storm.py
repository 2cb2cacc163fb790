"""A market day: 200 people in 10 s at 40 kiosks, 20 clerks calling, and PostgreSQL killed in the middle of it.

Everybody behaves like our pages: a kiosk that got no answer sends the same press again, a clerk who got no answer looks at the desk.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg

from server.access.identify import CSRF_HEADER, STAFF_COOKIE, endpoint_cookie
from server.access.tokens import csrf_of, new_token, token_hash
from server.people.service import sign_in_as
from tests.support.hall import utc_now
from tests.support.product import Product

KIOSKS, CLERKS, EACH = 40, 20, 5
SECONDS = 10.0
LOST = (aiohttp.ClientError, TimeoutError, ConnectionError)


@dataclass(slots=True)
class Storm:
    """What was acknowledged, and how long the calls took."""

    base: str
    acknowledged: set[str] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)
    call_s: list[float] = field(default_factory=list)
    answers: Counter[int | str] = field(default_factory=Counter)
    coming: int = KIOSKS * EACH

    async def ask(
        self, http: aiohttp.ClientSession, method: str, path: str, cookie: dict[str, str], body: object = None
    ) -> tuple[int, Any]:
        """One request; (0, None) when nobody answered."""
        (value,) = cookie.values()
        headers = {CSRF_HEADER: csrf_of(value), "Cookie": "; ".join(f"{k}={v}" for k, v in cookie.items())}
        try:
            async with http.request(method, self.base + path, json=body, headers=headers) as answer:
                self.answers[answer.status] += 1
                return answer.status, await answer.json()
        except LOST as lost:
            self.answers[type(lost).__name__] += 1
            return 0, None


async def kiosk(storm: Storm, http: aiohttp.ClientSession, endpoint: str, token: str, number: int) -> None:
    """Five people one after the other, each as soon as the device is free."""
    cookie = {endpoint_cookie(endpoint): token}
    for press in range(EACH):
        await asyncio.sleep(SECONDS / EACH * (number / KIOSKS if press == 0 else 1))
        await until_free(storm, http, endpoint, cookie)
        body = {"service": "notarization", "request_key": f"storm-{number}-{press}"}
        while True:
            status, ticket = await storm.ask(http, "POST", f"/api/kiosk/{endpoint}/tickets", cookie, body)
            if status == 201:
                storm.acknowledged.add(ticket["id"])
                break
            if (
                status == 409 and ticket["error"]["code"] == "ticket_closed"
            ):  # the lost answer's ticket was served meanwhile
                break
            await asyncio.sleep(0.2)
        storm.coming -= 1


async def until_free(storm: Storm, http: aiohttp.ClientSession, endpoint: str, cookie: dict[str, str]) -> None:
    while True:
        status, held = await storm.ask(http, "GET", f"/api/kiosk/{endpoint}/ticket", cookie)
        if status == 200 and held["ticket"] is None:
            return
        await asyncio.sleep(0.2)


async def clerk(storm: Storm, http: aiohttp.ClientSession, token: str) -> None:
    """Calls and ends until nobody comes and nobody waits."""
    cookie = {STAFF_COOKIE: token}
    while True:
        started = time.perf_counter()
        status, called = await storm.ask(http, "POST", "/api/desk/call-next", cookie, {})
        if status == 200:
            storm.call_s.append(time.perf_counter() - started)
            await end(storm, http, cookie, called["session"])
        elif status == 409 and called["error"]["code"] == "nobody_waiting":
            if storm.coming == 0:
                return
            await asyncio.sleep(0.1)
        elif status == 409:  # an answer was lost: the session is there
            status, desk = await storm.ask(http, "GET", "/api/desk", cookie)
            if status == 200 and desk["session"]:
                await end(storm, http, cookie, desk["session"]["id"])
        else:
            await asyncio.sleep(0.1)


async def end(storm: Storm, http: aiohttp.ClientSession, cookie: dict[str, str], session: str) -> None:
    while True:
        status, _ = await storm.ask(http, "POST", f"/api/sessions/{session}/end", cookie, {"reason": "completed"})
        if status == 200:
            storm.ended.append(session)
            return
        await asyncio.sleep(0.1)


async def test_every_acknowledged_ticket_is_served_exactly_once(product: Product) -> None:
    url = f"postgresql://postgres@/postgres?host={product.data / 'postgres' / 'sockets'}"
    kiosks, clerks = await furnish(url)
    storm = Storm(product.url)
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10), connector=aiohttp.TCPConnector(limit=0)) as http,
        asyncio.timeout(150),
        asyncio.TaskGroup() as everybody,
    ):
        for number, (endpoint, token) in enumerate(kiosks):
            everybody.create_task(kiosk(storm, http, endpoint, token, number))
        for token in clerks:
            everybody.create_task(clerk(storm, http, token))
        await asyncio.sleep(SECONDS / 2)
        await asyncio.to_thread(product.kill_and_wait, "postgres")

    rows = await outcome(url)
    times = sorted(storm.call_s)
    print(
        f"\n{len(storm.acknowledged)} acknowledged, {len(storm.ended)} ended, answers {dict(storm.answers)}; call next: "
        f"median {times[len(times) // 2] * 1000:.0f} ms, p99 {times[int(len(times) * 0.99)] * 1000:.0f} ms, worst {times[-1] * 1000:.0f} ms"
    )
    assert (
        len(storm.acknowledged) >= KIOSKS * EACH - CLERKS
    )  # an answer may be lost, and its ticket served, at the kill
    assert {
        row["id"]: (row["state"], row["completed"], row["running"]) for row in rows if row["id"] in storm.acknowledged
    } == {ticket: ("done", 1, 0) for ticket in storm.acknowledged}
    assert len(rows) == KIOSKS * EACH  # what was not acknowledged was not made twice either
    assert {(row["state"], row["completed"]) for row in rows} == {("done", 1)}


async def furnish(url: str) -> tuple[list[tuple[str, str]], list[str]]:
    """40 kiosks in a village, 20 notaries of the city: (endpoint, credential) and sign-in tokens."""
    conn = await asyncpg.connect(url)
    try:
        village = await conn.fetchval("select id from site where slug = 'liuyin'")
        city = await conn.fetchval("select id from site where slug = 'rongchuan'")
        kiosks, clerks = [], []
        for number in range(KIOSKS):
            token = new_token()
            endpoint = await conn.fetchval(
                "insert into endpoint (site_id, kind, name_zh, name_en, token_hash, enrolled_at) values ($1, 'kiosk', $2, $2, $3, now()) "
                "returning id::text",
                village,
                f"Kiosk {number}",
                token_hash(token),
            )
            kiosks.append((endpoint, token))
        for number in range(CLERKS):
            person = await conn.fetchval(
                "insert into person (user_name, name_zh, name_en) values ($1, '公证员', 'Notary') returning id::text",
                f"storm.{number}",
            )
            await conn.execute(
                "insert into role_grant (person_id, role, site_id) values ($1, 'notary', $2)", person, city
            )
            clerks.append(await sign_in_as(conn, person, utc_now()))
        return kiosks, clerks
    finally:
        await conn.close()


async def outcome(url: str) -> list[asyncpg.Record]:
    """All tickets, with how many sessions each has had."""
    conn = await asyncpg.connect(url)
    try:
        rows: list[asyncpg.Record] = await conn.fetch(
            "select t.id::text as id, t.state, count(n.id) filter (where n.end_reason = 'completed') as completed, "
            "count(n.id) filter (where n.state <> 'ended') as running from ticket t left join session n on n.ticket_id = t.id group by t.id"
        )
        return rows
    finally:
        await conn.close()
