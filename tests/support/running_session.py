"""A session as calling a ticket opens it, with the tokens of its people; needs nothing else in the database."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from server.access.core import Actor, Grant, Role
from server.sessions import service
from server.sessions.core import SeatRole
from tests.support.hall import utc_now

if TYPE_CHECKING:
    from server.db import Pool

KEY = bytes(range(32))


@dataclass(slots=True)
class RunningSession:
    """`seats` and `tokens` by a name of the test's choice; `a` leads, `b` is the citizen."""

    session_id: str
    room_id: str
    leader: Actor
    seats: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


async def session_key(_conn: object, _session: str) -> bytes:
    """Stands for the recordings part where a test has none."""
    return KEY


async def run_session(
    pool: Pool, procedure: Any = "mediation", names: tuple[str, str] = ("王建国", "")
) -> RunningSession:
    """Open one for a new professional of a new centre, with the citizen at no device."""
    leader = await _leader(pool, procedure)
    async with pool.acquire() as conn, conn.transaction():
        opened = await service.open_session(
            conn,
            procedure=procedure,
            site_id=next(iter(leader.grants)).site_id,
            in_charge=str(leader.id),
            in_charge_name=names[0],
            ticket_id=None,
            citizen=service.Citizen(None, names[1]),
            now=utc_now(),
        )
    seats = {"a": opened.staff_seat, "b": opened.citizen_seat}
    return RunningSession(
        opened.session_id, opened.room_id, leader, seats, {"a": opened.staff_token, "b": opened.citizen_token}
    )


async def invite(pool: Pool, session: RunningSession, name: str, role: str, shown: str) -> None:
    """A third person's seat under `name`."""
    async with pool.acquire() as conn, conn.transaction():
        seat, token = await service.invite(conn, session.leader, session.session_id, SeatRole(role), shown, utc_now())
    session.seats[name], session.tokens[name] = seat, token


async def admit_beforehand(pool: Pool, session: RunningSession, name: str) -> None:
    """Put an invited seat into the room without anybody's message, for tests that begin there."""
    async with pool.acquire() as conn:
        await conn.execute(
            "update seat set state = 'admitted', admitted_at = $2, admitted_by = $3 where id = $1",
            session.seats[name],
            utc_now(),
            session.leader.id,
        )


async def _leader(pool: Pool, procedure: str) -> Actor:
    """Somebody who may lead it, at a centre of their own."""
    role = {"notarization": Role.NOTARY, "mediation": Role.MEDIATOR}.get(procedure, Role.LAWYER)
    name = f"leader-{secrets.token_hex(4)}"
    async with pool.acquire() as conn, conn.transaction():
        site = await conn.fetchval(
            "insert into site (slug, kind, name_zh, name_en) values ($1, 'city', '中心', 'Centre') returning id::text",
            name,
        )
        person = await conn.fetchval(
            "insert into person (user_name, name_zh, name_en) values ($1, '王建国', 'Wang Jianguo') returning id::text",
            name,
        )
        await conn.execute(
            "insert into role_grant (person_id, role, site_id) values ($1, $2, $3)", person, role.value, site
        )
    return Actor("person", person, frozenset({Grant(role, site)}))
