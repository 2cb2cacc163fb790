"""What the person in charge says about others: admit, refuse, remove, wait, silence, end, name.

Each is one act of the database (or one request to the worker); what everybody sees changes when it is done.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from server.sessions.core import SeatRole, SeatState, can_move
from server.signaling.messages import Person as PersonMessage
from server.signaling.room import showing
from server.signaling.room.effects import (
    Act,
    AdmitSeat,
    Ask,
    Effect,
    EndSession,
    LeaveMedia,
    Log,
    NameSeat,
    PauseMedia,
    RefuseSeat,
    RemoveSeat,
    Say,
    SendBackSeat,
)
from server.signaling.room.own import refuse

if TYPE_CHECKING:
    from datetime import datetime

    from server.signaling.messages import Admit, End, Name, Refuse, Remove, Rid, Silence, Wait
    from server.signaling.room.people import Person
    from server.signaling.room.session import Session


def on_admit(session: Session, person: Person, message: Admit, now: datetime) -> list[Effect]:
    if session.people.get(message.seat) is None or session.people[message.seat].state is not SeatState.WAITING:
        return refuse(person.line, "not_found", message.rid)
    return [Act(AdmitSeat(message.seat, person.seat), person.line, message.rid)]


def on_refuse(session: Session, person: Person, message: Refuse, now: datetime) -> list[Effect]:
    return _move(session, person, message.seat, SeatState.REFUSED, message.rid)


def on_remove(session: Session, person: Person, message: Remove, now: datetime) -> list[Effect]:
    return _move(session, person, message.seat, SeatState.REMOVED, message.rid)


def on_wait(session: Session, person: Person, message: Wait, now: datetime) -> list[Effect]:
    """Back to the door, with the seat kept: for a word without them. Who leads cannot be sent away from what they lead."""
    other = session.people.get(message.seat)
    if other is None or other is person or other.state is not SeatState.ADMITTED:
        return refuse(person.line, "not_found", message.rid)
    if other.going is not None:
        return refuse(person.line, "service_away", message.rid)
    if other.facts.role == SeatRole.IN_CHARGE:
        return refuse(person.line, "not_allowed", message.rid)
    return [Act(SendBackSeat(message.seat, person.seat), person.line, message.rid)]


def _move(session: Session, person: Person, seat: str, to: SeatState, rid: Rid) -> list[Effect]:
    other = session.people.get(seat)
    if other is None or other is person or not can_move(other.state, to):
        return refuse(person.line, "not_found", rid)
    act = RefuseSeat(seat, person.seat) if to is SeatState.REFUSED else RemoveSeat(seat, person.seat)
    return [Act(act, person.line, rid)]


def on_silence(session: Session, person: Person, message: Silence, now: datetime) -> list[Effect]:
    """Somebody without a peer has nothing to silence now; it is kept and holds when he sends."""
    other = session.people.get(message.seat)
    if other is None or other.state is not SeatState.ADMITTED:
        return refuse(person.line, "not_found", message.rid)
    if other.peer is None:
        return set_silenced(session, other, message.source, message.silenced)
    return [Ask(other.facts.room, PauseMedia(other.seat, message.source, message.silenced), person.line, message.rid)]


def set_silenced(session: Session, person: Person, source: str, silenced: bool) -> list[Effect]:
    """The worker has done it (or has nothing to do): show it to all, the silenced one first of all."""
    if (source in person.silenced) == silenced:
        return []
    (person.silenced.add if silenced else person.silenced.discard)(source)
    # Nobody else may do it. While silenced a stream is not recorded either: the record says by whose word.
    facts = {"source": source, "cause": "by_person_in_charge"} if silenced else {"source": source}
    return [*session.tell(person), Log("silenced" if silenced else "unsilenced", person.seat, facts)]


def on_end(session: Session, person: Person, message: End, now: datetime) -> list[Effect]:
    return [Act(EndSession(message.reason, person.seat), person.line, message.rid)]


def on_name(session: Session, person: Person, message: Name, now: datetime) -> list[Effect]:
    """Only the citizen is named by others; everybody else came with a name."""
    other = session.people.get(message.seat)
    if other is None or other.state is not SeatState.ADMITTED:
        return refuse(person.line, "not_found", message.rid)
    if other.facts.role != SeatRole.APPLICANT:
        return refuse(person.line, "not_allowed", message.rid)
    return [Act(NameSeat(message.seat, message.name, person.seat), person.line, message.rid)]


# ---------------------------------------------------------------- the database said yes


def admitted(session: Session, act: AdmitSeat, now: datetime) -> list[Effect]:
    person = session.people[act.seat]
    if not can_move(person.state, SeatState.ADMITTED):
        return []
    person.state = SeatState.ADMITTED
    log = Log("admitted", act.seat, {"by": act.by}, journal_only=True)
    return [*session.seat_in_room(person), *session.tell(person, but=person), log]


def refused(session: Session, act: RefuseSeat, now: datetime) -> list[Effect]:
    person = session.people[act.seat]
    person.state = SeatState.REFUSED
    log = Log("refused", act.seat, {"by": act.by}, journal_only=True)
    return [*session.close_person(person, "refused"), *session.tell(person), log]


def removed(session: Session, act: RemoveSeat, now: datetime) -> list[Effect]:
    """The seat is dead from here; the words follow when the worker has stopped sending to it."""
    person = session.people[act.seat]
    person.state = SeatState.REMOVED
    ended = showing.put_away(person)
    log = Log("removed", act.seat, {"by": act.by}, journal_only=True)
    if not person.last_number:  # never had media
        return [*ended, log, *show_removed(session, person)]
    return [*ended, log, Ask(person.facts.room, LeaveMedia(person.seat, person.last_number, "removed"))]


def show_removed(session: Session, person: Person) -> list[Effect]:
    """Sending has stopped: everybody is told."""
    person.peer = person.offered = None
    return [*session.close_person(person, "removed"), *session.tell(person)]


def sent_back(session: Session, act: SendBackSeat, now: datetime) -> list[Effect]:
    """Nothing is sent to the seat any more before anybody is told that it waits."""
    person = session.people[act.seat]
    person.state = SeatState.WAITING
    person.away_since = None
    ended = showing.put_away(person)
    old, person.facts = (
        person.facts.room,
        replace(person.facts, room=session.joint),
    )  # whoever comes in again comes to all
    log = Log("sent_back", act.seat, {"by": act.by}, journal_only=True)
    if not person.last_number:  # never had media
        return [*ended, log, *show_waiting(session, person)]
    return [*ended, log, Ask(old, LeaveMedia(person.seat, person.last_number, "waiting"))]


def show_waiting(session: Session, person: Person) -> list[Effect]:
    """Sending has stopped: the page shows the door, who leads sees somebody there, the others see that they have gone."""
    if person.state is not SeatState.WAITING:  # let in again meanwhile
        return []
    person.peer = person.offered = None
    gone = PersonMessage(person=msgspec.structs.replace(person.as_others_see(), state="left"))
    others = [
        Say(other.line, gone)
        for other in session.people.values()
        if other.is_seated and other.line is not None and other.facts.role != SeatRole.IN_CHARGE
    ]
    return [*session.show_door(person), *others, *session.tell(person)]


def named(session: Session, act: NameSeat, now: datetime) -> list[Effect]:
    person = session.people[act.seat]
    person.name = act.name
    return [*session.tell(person), Log("named", act.seat, {"by": act.by}, journal_only=True)]
