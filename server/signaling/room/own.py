"""What everybody may say for himself: offer, mute, leave, report, ping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.signaling.messages import Error, Pong
from server.signaling.room import showing
from server.signaling.room.effects import Ask, Effect, JoinMedia, LeaveMedia, Log, Say
from server.signaling.room.people import Peer

if TYPE_CHECKING:
    from datetime import datetime

    from server.signaling.messages import ErrorCode, Leave, Mute, Offer, Ping, Report, Rid
    from server.signaling.room.effects import LineId
    from server.signaling.room.people import Person
    from server.signaling.room.session import Session


def refuse(line: LineId | None, code: ErrorCode, rid: Rid = None) -> list[Effect]:
    """Say no; nothing changed."""
    return [] if line is None else [Say(line, Error(code=code, rid=rid))]


def on_offer(session: Session, person: Person, message: Offer, now: datetime) -> list[Effect]:
    """Ask the worker for an answer. Revision 1 is a new peer connection, whatever its number: a reloaded page counts from one again."""
    if not person.wants_media:
        return refuse(person.line, "bad_offer", message.rid)
    if person.going is not None:  # being moved: the page offers anew within a second
        return refuse(person.line, "service_away", message.rid)
    current = person.peer
    if message.revision > 1 and (current is None or current.peer not in (None, message.peer)):
        return refuse(person.line, "bad_offer", message.rid)
    asked = showing.ask_by_offer(session, person, message.sources.values())
    if asked is None:
        return refuse(person.line, "not_allowed", message.rid)
    if message.revision == 1:
        person.offered = Peer(person.next_number(), message.peer, message.revision)
    showing.note_offer(person, message.sources.values())
    number = person.offered.number if message.revision == 1 and person.offered else current.number if current else 0
    label = {"role": person.facts.role, "name": person.name}
    request = JoinMedia(person.seat, number, message.peer, message.revision, message.sdp, dict(message.sources), label)
    return [*asked, Ask(person.facts.room, request, person.line, message.rid)]


def on_mute(session: Session, person: Person, message: Mute, now: datetime) -> list[Effect]:
    """Tell the others; the page itself stops sending."""
    if (message.source in person.muted) == message.muted:
        return []
    (person.muted.add if message.muted else person.muted.discard)(message.source)
    return [
        *session.tell(person),
        Log("muted" if message.muted else "unmuted", person.seat, {"source": message.source}),
    ]


def on_leave(session: Session, person: Person, message: Leave, now: datetime) -> list[Effect]:
    """Go, and be expected back until the session ends."""
    effects = [*showing.put_away(person), *session.close_person(person, "left")]
    person.went_out = True
    if person.last_number:
        effects.append(Ask(person.facts.room, LeaveMedia(person.seat, person.last_number, "left")))
    person.peer = person.offered = None
    return [*effects, *session.tell(person), Log("left", person.seat)]


def on_report(session: Session, person: Person, message: Report, now: datetime) -> list[Effect]:
    """Keep what the page measured for the next word about its line."""
    person.report = message
    return []


def on_ping(session: Session, person: Person, message: Ping, now: datetime) -> list[Effect]:
    """Answer with the time: the page learns the way there and back, and our clock."""
    return [] if person.line is None else [Say(person.line, Pong(t=message.t, at=now.timestamp(), rid=message.rid))]
