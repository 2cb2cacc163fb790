"""Sessions over HTTP: invitations, one's own seat again, the end, and what was."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from server.access.core import Action
from server.api import Call, Operation
from server.i18n import language_of
from server.keys import POOL, SETTINGS
from server.sessions import service, store
from server.sessions.core import SeatRole
from server.sessions.recording import SHOW_RECORDING
from server.viewings.service import require_viewer

MAX_LISTED = 200
MAX_EVENTS = 5000  # a day-long hearing stays below


class Invite(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to come: the name the others will see, and what for."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    role: Literal["party", "site_worker", "interpreter", "supporter", "witness"]


class Invitation(msgspec.Struct):
    """A personal link. Shown once: only its hash is kept."""

    seat: str
    url: str


class SeatToken(msgspec.Struct):
    """One's own seat token, for the room protocol's `join`."""

    token: str


class EndBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why the session is over."""

    reason: Literal["completed", "technical", "refused", "withdrawn"]


class Ended(msgspec.Struct):
    """It is over."""

    ended: bool = True


class SessionShown(msgspec.Struct):
    """A session in the list. Times in unix seconds."""

    id: str
    procedure: str
    state: str
    site_name: str
    number: str
    citizen_name: str
    opened_at: float
    live_at: float | None
    ended_at: float | None
    end_reason: str | None
    recorded: bool


class SessionList(msgspec.Struct):
    """The newest first."""

    sessions: list[SessionShown]


class PersonOfSession(msgspec.Struct):
    """Somebody who had a seat."""

    seat: str
    role: str
    name: str
    state: str
    admitted_at: float | None
    left_at: float | None


class EventOfSession(msgspec.Struct):
    """One session event."""

    at: float
    kind: str
    seat: str | None
    data: dict[str, Any]


class SessionWhole(msgspec.Struct):
    """A session with its people, events and recording (null: never recorded)."""

    session: SessionShown
    people: list[PersonOfSession]
    events: list[EventOfSession]
    recording: dict[str, Any] | None
    may_hide: bool


async def invite_person(call: Call[Invite]) -> Invitation:
    """A personal link for a third person; the holder waits until admitted."""
    async with call.connection() as conn, conn.transaction():
        seat, token = await service.invite(
            conn, call.actor, call.path("session"), SeatRole(call.body.role), call.body.name.strip(), call.now
        )
    base = call.app[SETTINGS].public_url or f"{call.request.scheme}://{call.request.host}"
    return Invitation(seat, f"{base.rstrip('/')}/join/{token}")


async def own_seat_token(call: Call[None]) -> SeatToken:
    """One's own seat again, after a reload of the room page or from another device."""
    async with call.connection() as conn, conn.transaction():
        return SeatToken(await service.own_token(conn, call.actor, call.path("session"), call.now))


async def mark_no_show(call: Call[None]) -> Ended:
    """The called citizen did not come: the session ends, the ticket is closed."""
    await service.end_session(call.app[POOL], call.path("session"), call.actor, "no_show", call.now)
    return Ended()


async def end_session(call: Call[EndBody]) -> Ended:
    """End the session for all."""
    await service.end_session(call.app[POOL], call.path("session"), call.actor, call.body.reason, call.now)
    return Ended()


async def list_sessions(call: Call[None]) -> SessionList:
    """The sessions that one led, the newest first."""
    async with call.connection() as conn:
        rows = await store.sessions_led(conn, str(call.actor.id), MAX_LISTED)
    english = language_of(call.request) == "en"
    return SessionList([_shown(row, english) for row in rows])


async def session_facts(call: Call[None]) -> SessionWhole:
    """One session with its people and events."""
    session_id = call.path("session")
    async with call.connection() as conn:
        is_own = await require_viewer(conn, call.actor, Action.SEE_SESSION, session_id, call.now)
        row = await store.session_shown(conn, session_id)
        people = await store.people_shown(conn, session_id)
        events = await store.events_shown(conn, session_id, MAX_EVENTS)
        show = call.app.get(SHOW_RECORDING)
        recording = await show(conn, session_id) if show else None
    assert row is not None
    return SessionWhole(
        _shown(row, language_of(call.request) == "en"),
        [PersonOfSession(p.seat, p.role, p.name, p.state, _unix(p.admitted_at), _unix(p.left_at)) for p in people],
        [EventOfSession(event.at.timestamp(), event.kind, event.seat, event.data) for event in events],
        recording,
        is_own,
    )


def _shown(row: store.SessionShownRow, english: bool) -> SessionShown:
    return SessionShown(
        id=row.id,
        procedure=row.procedure,
        state=row.state,
        site_name=row.name_en if english else row.name_zh,
        number=row.number,
        citizen_name=row.citizen_name,
        opened_at=row.opened_at.timestamp(),
        live_at=_unix(row.live_at),
        ended_at=_unix(row.ended_at),
        end_reason=row.end_reason,
        recorded=row.recorded,
    )


def _unix(at: Any) -> float | None:
    return at.timestamp() if at is not None else None


_SESSION = "/api/sessions/{session}"
OPERATIONS = [
    Operation("GET", "/api/sessions", list_sessions, Action.SEE_SESSION, "Sessions that I led", reply=SessionList),
    Operation(
        "GET", _SESSION, session_facts, Action.SEE_RECORDINGS, "A session, its people and events", reply=SessionWhole
    ),
    Operation(
        "POST",
        f"{_SESSION}/invitations",
        invite_person,
        Action.INVITE_PERSON,
        "A personal link for a third person",
        body=Invite,
        reply=Invitation,
        status=201,
    ),
    Operation("POST", f"{_SESSION}/token", own_seat_token, Action.SEE_DESK, "My own seat token again", reply=SeatToken),
    Operation(
        "POST", f"{_SESSION}/no-show", mark_no_show, Action.MARK_NO_SHOW, "The called citizen did not come", reply=Ended
    ),
    Operation(
        "POST", f"{_SESSION}/end", end_session, Action.END_SESSION, "End the session for all", body=EndBody, reply=Ended
    ),
]
