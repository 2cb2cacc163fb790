"""A private talk of the person in charge with one side (背靠背调解): opened, people moved, all brought back together.

Whoever is moved is first taken out of the room they hear, by the worker, and only then shown and seated in the other: at no moment does
somebody receive a room whose people are not told so. A private room is never recorded; which room somebody is in is part of what all see.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from server.recordings.core import may_ask_consent
from server.sessions.core import SeatRole, SeatState
from server.signaling.room import consent, showing
from server.signaling.room.effects import (
    Act,
    Ask,
    DropRoom,
    Effect,
    HoldRoom,
    LeaveMedia,
    Log,
    MoveMedia,
    MoveSeat,
    OpenCaucus,
    Outcome,
    Recall,
    Refused,
)
from server.signaling.room.own import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from server.signaling.messages import Caucus, Move
    from server.signaling.messages import Recall as RecallMessage
    from server.signaling.room.people import Person
    from server.signaling.room.session import Session

_SIDES = frozenset({SeatRole.APPLICANT, SeatRole.PARTY})


def may_caucus(procedure: str) -> bool:
    """Whether a procedure knows private talks: those whose people decide about recording, which is mediation."""
    return may_ask_consent(procedure)


def on_caucus(session: Session, person: Person, message: Caucus, now: datetime) -> list[Effect]:
    """Open a private room for these people and who leads. One at a time, and never with both sides in it."""
    others = [session.people.get(seat) for seat in dict.fromkeys(message.seats)]
    chosen = [one for one in others if one is not None and _can_go(one)]
    if len(chosen) != len(others):
        return refuse(person.line, "not_found", message.rid)
    if session.facts.private or any(one.going for one in [person, *chosen]):
        return refuse(person.line, "service_away" if not session.facts.private else "not_allowed", message.rid)
    if both_sides(chosen):
        return refuse(person.line, "not_allowed", message.rid)
    seats = (person.seat, *(one.seat for one in chosen))
    return [Act(OpenCaucus(seats, person.seat), person.line, message.rid)]


def on_move(session: Session, person: Person, message: Move, now: datetime) -> list[Effect]:
    """Take one person into the private room, or out of it. Who leads goes where they like."""
    other = session.people.get(message.seat)
    room = message.room or session.joint
    if other is None or room not in session.facts.rooms or other.state is not SeatState.ADMITTED:
        return refuse(person.line, "not_found", message.rid)
    if other.going is not None or room in session.closing:
        return refuse(person.line, "service_away", message.rid)
    if other.facts.room == room:
        return refuse(person.line, "not_found", message.rid)
    if room in session.facts.private and both_sides([*session.in_room(room), other]):
        return refuse(person.line, "not_allowed", message.rid)
    return [Act(MoveSeat(message.seat, room, person.seat), person.line, message.rid)]


def on_recall(session: Session, person: Person, message: RecallMessage, now: datetime) -> list[Effect]:
    """Everybody back together; the private room ends."""
    if not session.facts.private:
        return refuse(person.line, "not_found", message.rid)
    return [Act(Recall(person.seat), person.line, message.rid)]


def both_sides(people: Iterable[Person]) -> bool:
    """Whether both sides of the matter are among these."""
    return {one.facts.role for one in people} >= _SIDES


def _can_go(person: Person) -> bool:
    return person.state is SeatState.ADMITTED and person.facts.role != SeatRole.IN_CHARGE


# ---------------------------------------------------------------- the database said yes


def opened(session: Session, act: OpenCaucus, room: str) -> list[Effect]:
    """The room is there: hold it at a worker, and everybody goes."""
    session.facts.rooms[room] = False
    session.facts.private.add(room)
    log = Log("caucus_opened", None, {"by": act.by}, journal_only=True)
    going = [effect for seat in act.seats for effect in go(session, session.people[seat], room)]
    return [HoldRoom(room), log, *going]


def moved(session: Session, act: MoveSeat, now: datetime) -> list[Effect]:
    return go(session, session.people[act.seat], act.room)


def recalled(session: Session, act: Recall, now: datetime) -> list[Effect]:
    """Everybody goes; each private room ends when the last one has left it."""
    session.closing |= session.facts.private
    away = [one for one in session.people.values() if (one.going or one.facts.room) in session.facts.private]
    effects = [effect for one in away for effect in go(session, one, session.joint)]
    return [Log("caucus_closed", None, {"by": act.by}, journal_only=True), *effects, *end_empty_rooms(session)]


def go(session: Session, person: Person, room: str) -> list[Effect]:
    """Somebody is on the way to a room: out of the old one first, by the worker's word."""
    if person.going is not None:  # arrives there, and goes on from there
        person.going = room
        return []
    if person.facts.room == room:
        return []
    old = person.facts.room
    person.going = room
    ended = showing.put_away(person)
    if person.peer is not None and person.offered is None and not person.peer.extra:
        return [*ended, Ask(old, MoveMedia(person.seat, person.peer.number, room))]
    # What one shows is for the room it was shown in: its stream does not come along, not for one packet.
    person.peer = person.offered = None
    if not person.last_number:
        return [*ended, *seat_there(session, person, room, kept=False)]
    return [*ended, Ask(old, LeaveMedia(person.seat, person.last_number, "moving"))]


def on_move_outcome(session: Session, ask: Ask, request: MoveMedia, outcome: Outcome, now: datetime) -> list[Effect]:
    """The peer is in the other room; where it cannot be moved, sending to it stops and the page makes a new one there."""
    person = session.people[request.seat]
    if isinstance(outcome, Refused):
        person.peer = person.offered = None
        return [Ask(ask.room, LeaveMedia(person.seat, request.number, "moving"))]
    return seat_there(session, person, request.to_room, kept=person.peer is not None)


def seat_there(session: Session, person: Person, room: str, kept: bool) -> list[Effect]:
    """Somebody has left the old room: seated in the new one, and shown there to all."""
    wanted = person.going or room
    person.facts, person.going = replace(person.facts, room=room), None
    if wanted != room:
        return go(session, person, wanted)
    effects: list[Effect] = []
    if person.is_seated:
        effects += session.welcome_again(person, kept)
    effects += [*session.tell(person, but=person), *consent.follow(session, session.joint)]
    log = Log("moved", person.seat, {"private": room in session.facts.private}, journal_only=True)
    return [*effects, log, *end_empty_rooms(session)]


def end_empty_rooms(session: Session) -> list[Effect]:
    """A private room that is over ends when nobody is in it or on the way out of it."""
    effects: list[Effect] = []
    for room in sorted(session.closing):
        if not session.in_room(room):
            session.closing.discard(room)
            session.facts.private.discard(room)
            session.facts.rooms.pop(room, None)
            effects.append(DropRoom(room))
    return effects
