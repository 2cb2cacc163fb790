"""Registration: a seat or a place in the line, the personal link, the door, feedback. One event's are settled one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from schedules.core.lectures import Open, Place, Refusal, may_check_in, may_give_feedback, place_for
from schedules.store import events, registrations
from schedules.store.registrations import AlreadyRegistered, Newcomer, Overbooked, Registration
from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_site
from server.access.tokens import looks_like_token, new_token, token_hash
from server.errors import Conflict, NotFound
from server.events import announcing

if TYPE_CHECKING:
    from datetime import datetime

    from schedules.core.public_events import PublicEvent
    from server.access.core import Actor
    from server.db import Connection


@dataclass(frozen=True, slots=True)
class Held:
    """A registration with its event. `waiting_before`: how many come first, 0 for who has a seat."""

    registration: Registration
    event: PublicEvent
    waiting_before: int


def facts_of(event: PublicEvent) -> Open:
    """What decides about registrations."""
    return Open(event.content.during, event.content.capacity, event.taken, event.is_on)


@dataclass(frozen=True, slots=True)
class Applicant:
    """What somebody entered; name, phone and mail may be empty."""

    name: str
    phone: str
    language: str
    request_key: str
    mail: str = ""


async def register(
    conn: Connection, identifier: str, applicant: Applicant, base_url: str, now: datetime
) -> tuple[Place, int, str]:
    """A seat or a place in the line: (place, how many wait before, secret of the personal link); confirmed by message where a way is known.

    Raises  Conflict('registration_closed', 'no_registration_needed', 'already_registered', 'same_request'), NotFound
    """
    event = await _locked(conn, identifier)
    if await registrations.was_requested(conn, event.id, applicant.request_key):
        raise Conflict("same_request")
    place = place_for(facts_of(event), now)
    if isinstance(place, Refusal):
        raise Conflict(place.value)
    secret = new_token()
    who = _newcomer(event, applicant, token_hash(secret))
    try:
        await registrations.add(conn, who, place, now)
    except AlreadyRegistered as error:
        raise Conflict("already_registered", field=error.field) from error
    except (
        Overbooked
    ) as error:  # the row is locked, so this would be a defect of ours; the seat is not given twice all the same
        raise Conflict("registration_closed") from error
    await announcing.tell_confirmed(conn, event, who, place, f"{base_url}/my-registration/{secret}", now)
    stored = await registrations.load(conn, who.id)
    before = await registrations.waiting_before(conn, stored) if stored and place is Place.WAITING else 0
    return place, before, secret


def _newcomer(event: PublicEvent, applicant: Applicant, link: bytes) -> Newcomer:
    digits = "".join(c for c in applicant.phone if c.isdigit() or c == "+")
    name, mail = applicant.name.strip(), applicant.mail.strip()
    return Newcomer(str(uuid4()), event.id, name, digits, applicant.language, link, applicant.request_key, mail)


async def _locked(conn: Connection, identifier: str) -> PublicEvent:
    event = await events.load_event(conn, str(as_uuid(identifier)), locked=True)
    if event is None or event.published_at is None:
        raise NotFound()
    return event


async def held_by(conn: Connection, secret: str) -> Held:
    """The registration of a personal link. Raises NotFound."""
    found = await registrations.find(conn, token_hash(secret)) if looks_like_token(secret) else None
    event = None if found is None else await events.load_event(conn, found.event)
    if found is None or event is None:
        raise NotFound()
    before = await registrations.waiting_before(conn, found) if found.place is Place.WAITING else 0
    return Held(found, event, before)


async def give_up(conn: Connection, secret: str, now: datetime) -> None:
    """Give a place back; who waits longest takes it at once. Raises NotFound, Conflict('registration_given_up')."""
    held = await held_by(conn, secret)
    event = await _locked(conn, held.event.id)
    if not await registrations.cancel(conn, held.registration.id, now):
        raise Conflict(Refusal.GIVEN_UP.value)
    moved = await registrations.move_up(conn, event.id, now)
    await announcing.tell_moved_up(conn, event, moved, now)


async def check_in(conn: Connection, actor: Actor, registration_id: str, now: datetime) -> Registration:
    """Note at the door that somebody came. Twice is the same as once. Raises Conflict with the reason, NotFound, NotAllowed."""
    found = await registrations.load(conn, str(as_uuid(registration_id)))
    if found is None:
        raise NotFound()
    event = await _locked(conn, found.event)
    await require_site(conn, actor, Action.CHECK_IN_ATTENDEE, event.content.site)
    refusal = may_check_in(facts_of(event), found.place, now)
    if refusal is not None:
        raise Conflict(refusal.value)
    if await registrations.check_in(conn, found.id, now):
        await audit.append(conn, actor, "check_in_attendee", "registration", found.id, now)
    return found


async def give_feedback(conn: Connection, secret: str, rating: int, text: str, now: datetime) -> None:
    """One opinion per person, which may be changed. Raises Conflict('feedback_not_open'), NotFound."""
    held = await held_by(conn, secret)
    refusal = may_give_feedback(facts_of(held.event), held.registration.place, now)
    if refusal is not None:
        raise Conflict(refusal.value)
    await registrations.give_feedback(conn, held.registration.id, rating, text.strip())


async def attendees(conn: Connection, actor: Actor, identifier: str) -> tuple[PublicEvent, tuple[Registration, ...]]:
    """Everybody who registered, for those at the door. Raises NotFound, NotAllowed."""
    event = await events.load_event(conn, str(as_uuid(identifier)))
    if event is None:
        raise NotFound()
    await require_site(conn, actor, Action.CHECK_IN_ATTENDEE, event.content.site)
    return event, await registrations.list_of(conn, event.id)
