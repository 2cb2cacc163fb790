"""A session in the seeded city, opened as by calling a ticket, with the tokens of its people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from server.access.core import Actor
from server.access.identify import person_by_token
from server.people.service import sign_in_as
from server.sessions import service
from server.sessions.core import SeatRole
from tests.support.hall import utc_now

if TYPE_CHECKING:
    from server.db import Pool
    from tests.support.hall import City

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


async def actor_of_user(pool: Pool, city: City, user: str) -> Actor:
    """Somebody of the city's staff with all grants."""
    async with pool.acquire() as conn:
        return await person_by_token(conn, await sign_in_as(conn, city.people[user], utc_now()), utc_now())


async def run_session(
    pool: Pool, city: City, procedure: Any = "mediation", names: tuple[str, str] = ("王建国", "")
) -> RunningSession:
    """Open one for the person of the city who leads this procedure, with the citizen at no device."""
    leader = await actor_of_user(pool, city, await _leader(pool, city, procedure))
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


async def _leader(pool: Pool, city: City, procedure: str) -> str:
    role = {"notarization": "notary", "mediation": "mediator"}.get(procedure, "lawyer")
    async with pool.acquire() as conn:
        query = "select p.user_name from person p join role_grant g on g.person_id = p.id where g.role = $1 order by p.user_name limit 1"
        user: str = await conn.fetchval(query, role)
    assert user in city.people
    return user
