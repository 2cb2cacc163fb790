"""Who speaks in a room: kept, so that whoever comes into it is told at once and not only when somebody else begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.signaling.messages import Speaking
from server.signaling.room.effects import Effect, Say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from server.signaling.room.people import Person
    from server.signaling.room.session import Session


def on_speaking(session: Session, room: str, seats: tuple[str, ...]) -> list[Effect]:
    """The worker's word, changed or said again: for those who are in the room, and for nobody else. No change, no words."""
    now = _in_room(session, room, seats)
    if now == session.speaking.get(room, []):
        return []
    session.speaking[room] = now
    return session.hear(room, Speaking(seats=now))


def tell_again(session: Session, person: Person) -> list[Effect]:
    """To a page that begins with nobody: after `welcome` and `rejoin`."""
    room = person.facts.room
    now = _in_room(session, room, session.speaking.get(room, []))
    return [Say(person.line, Speaking(seats=now))] if now and person.line is not None else []


def _in_room(session: Session, room: str, seats: Iterable[str]) -> list[str]:
    """Who is on the way out is in the room no more, and the worker's last word about him is from before."""
    people = [session.people[seat] for seat in seats if seat in session.people]
    return [person.seat for person in people if person.facts.room == room and person.going is None]
