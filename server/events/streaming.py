"""A lecture in a room of the media engine: a speaker of the staff opens it, village rooms ask to listen.

A room that listens has a seat like everybody: the speaker admits it, all see it in the list of people, nobody listens unseen.
Its procedure is legal advice, whose rooms are not recorded by themselves; a recording's link is entered on the event afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from schedules.store import events
from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_own, require_site
from server.db.statements import load_statements
from server.errors import Conflict, NotFound
from server.recordings.core import records_from_start
from server.sessions import store
from server.sessions.core import SeatRole

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from schedules.core.public_events import PublicEvent
    from server.access.core import Actor
    from server.db import Connection

_SQL = load_statements(__package__)
PROCEDURE = "legal_advice"
_ALIVE = ("invited", "waiting", "admitted")


@dataclass(frozen=True, slots=True)
class Running:
    """The room that is open now. `rooms`: devices that listen."""

    session: str
    in_charge: str
    name_zh: str
    name_en: str
    rooms: int


@dataclass(frozen=True, slots=True)
class ListeningRoom:
    """A device that listened, and its site."""

    site_zh: str
    site_en: str
    name_zh: str
    name_en: str


async def open_room(conn: Connection, actor: Actor, identifier: str, early: timedelta, now: datetime) -> str:
    """Open the lecture's room with oneself as the speaker; the session. The room that is open already, if it is one's own.

    early   how long before its beginning it may be opened
    Raises  NotFound, NotAllowed, Conflict('lecture_not_now', 'session_running')
    """
    event = await _lecture(conn, identifier)
    site = await require_site(conn, actor, Action.OPEN_LECTURE, event.content.site)
    during = event.content.during
    if not event.is_on or not during.start - early <= now < during.end:
        raise Conflict("lecture_not_now")
    running = await running_room(conn, event.id)
    if running is not None:
        if running.in_charge != actor.id:
            raise Conflict("session_running")
        return running.session
    speaker = str(actor.id)
    name = str(await conn.fetchval(_SQL["person_name"], speaker))
    try:
        session = await store.insert_session(conn, PROCEDURE, site.id, None, speaker, now)
    except asyncpg.UniqueViolationError as error:  # the speaker leads another session
        raise Conflict("session_running") from error
    room = await store.insert_room(conn, session, records_from_start(PROCEDURE), now)
    seat = await store.insert_admitted_seat(
        conn, (session, room), SeatRole.IN_CHARGE, (speaker, None), name, speaker, now
    )
    await conn.execute(_SQL["add_session"], session, event.id, now)
    await store.insert_event(conn, session, room, None, "opened", now, {"by": seat})
    await store.insert_event(conn, session, room, seat, "admitted", now, {"by": seat})
    await audit.append(conn, actor, "open_lecture", "session", session, now, {"event": event.id})
    await store.announce(conn, "session", session=session)
    return session


async def listen(conn: Connection, actor: Actor, endpoint: str, identifier: str, now: datetime) -> str:
    """A device asks to listen: the token of its personal link. Asked again, the same seat.

    Raises  NotFound, Conflict('lecture_not_open'), Conflict('seat_refused') for a room that was sent away
    """
    require_own(actor, Action.ATTEND_LECTURE, endpoint)
    event = await _lecture(conn, identifier)
    running = await running_room(conn, event.id)
    joint = await store.joint_room(conn, running.session) if running else None
    if running is None or joint is None:
        raise Conflict("lecture_not_open")
    known = await conn.fetchrow(_SQL["listener_seat"], running.session, endpoint)
    if known is not None:
        if known["state"] not in _ALIVE:
            raise Conflict("seat_refused")
        return await store.issue_token(conn, known["seat"], "seat", now)
    names = await conn.fetchrow(_SQL["endpoint_names"], endpoint)
    if names is None:
        raise NotFound()
    seat = await store.insert_invited_seat(
        conn, (running.session, joint), SeatRole.SITE_WORKER, str(names["name_zh"])[:80], now
    )
    token = await store.issue_token(conn, seat, "seat", now)
    await conn.execute(_SQL["add_listener"], running.session, endpoint, seat, now)
    await store.insert_event(conn, running.session, joint, seat, "invited", now, {"role": SeatRole.SITE_WORKER.value})
    await audit.append(conn, actor, "attend_lecture", "seat", seat, now, {"session": running.session})
    return token


async def running_room(conn: Connection, event: str) -> Running | None:
    """The lecture's room, while it is open."""
    row = await conn.fetchrow(_SQL["running_session"], event)
    return None if row is None else Running(row["id"], row["in_charge"], row["name_zh"], row["name_en"], row["rooms"])


async def rooms_that_listened(conn: Connection, event: str) -> list[ListeningRoom]:
    """For the count of who took part, beside those who came to the venue."""
    return [ListeningRoom(**dict(row)) for row in await conn.fetch(_SQL["rooms_that_listened"], event)]


async def _lecture(conn: Connection, identifier: str) -> PublicEvent:
    event = await events.load_event(conn, str(as_uuid(identifier)), locked=True)
    if event is None or event.published_at is None:
        raise NotFound()
    return event


def device_of(cookie: str, prefix: str) -> str | None:
    """The endpoint whose credential a browser holds, from the cookie's name."""
    try:
        return str(UUID(cookie.removeprefix(prefix))) if cookie.startswith(prefix) else None
    except ValueError:
        return None
