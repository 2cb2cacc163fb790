"""What somebody shows besides their face: a document under a camera, or their screen. One at a time in a room, and only in that room.

It takes the place of the faces on everybody's page, so a second one is refused and not put beside the first. Whoever comes back with a new
peer connection, leaves, or goes to another room shows nothing any more until they say so again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from server.signaling.messages import Error
from server.signaling.room.effects import Ask, Effect, Log, PauseMedia, Say

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from server.signaling.messages import ErrorCode, Rid, ShareScreen, ShowDocument, StopShowing
    from server.signaling.room.people import Person
    from server.signaling.room.session import Session

SHOWN: Final = {"document": "show_document", "screen": "share_screen"}  # source -> the message that asks for it


def on_show_document(session: Session, person: Person, message: ShowDocument, now: datetime) -> list[Effect]:
    return _ask(session, person, "document", message.rid)


def on_share_screen(session: Session, person: Person, message: ShareScreen, now: datetime) -> list[Effect]:
    return _ask(session, person, "screen", message.rid)


def on_stop_showing(session: Session, person: Person, message: StopShowing, now: datetime) -> list[Effect]:
    """Put away one's own; who may silence others may also end what they show, and then nothing of it is forwarded."""
    other = person if message.seat is None else session.people.get(message.seat)
    if other is None or (other is not person and not other.shows):
        return _refuse(person, "not_found", message.rid)
    if other is person:
        return [*put_away(person), *session.tell(person)] if person.shows else []
    if "silence" not in session.may(person):
        return _refuse(person, "not_allowed", message.rid)
    source = other.shows
    other.stopped.add(source)
    stop = [Ask(other.facts.room, PauseMedia(other.seat, source, True))] if other.last_number else []
    return [*stop, *put_away(other, person.seat), *session.tell(other)]


def put_away(person: Person, by: str = "") -> list[Effect]:
    """Nothing is shown any more; the caller tells the others. `by`: the seat of somebody else who ended it."""
    source, person.shows = person.shows, ""
    if not source:
        return []
    return [Log("showing_ended", person.seat, {"source": source, "by": by} if by else {"source": source})]


def ask_by_offer(session: Session, person: Person, sources: Iterable[str]) -> list[Effect] | None:
    """An offer that sends what nobody asked for asks for it: so does a device, which says nothing else (WHIP). None: it may not."""
    wanted = [source for source in sources if source in SHOWN]
    if not wanted or wanted == [person.shows]:
        return []
    if len(wanted) > 1 or _objection(session, person, wanted[0]) is not None:
        return None
    return _begin(session, person, wanted[0])


def note_offer(person: Person, sources: Iterable[str]) -> None:
    """The worker is asked to take these from now on."""
    peer = person.offered or person.peer
    if peer is not None:
        peer.extra = any(source in SHOWN for source in sources)


def take_up(session: Session, person: Person, sources: frozenset[str], silenced: frozenset[str]) -> None:
    """We were restarted, or lost sight of the worker, which has these. Who showed something goes on: it was noted when it began."""
    if person.peer is not None:
        person.peer.extra = any(source in SHOWN for source in sources)
    shown = [source for source in sources - silenced if source in SHOWN]
    others = [other for other in session.in_room(person.facts.room) if other is not person and other.shows]
    # The page has said so itself, or we know: it was put away, and the offer without it is to come.
    knows_better = person.line is not None or person.last_number > 0
    if len(shown) == 1 and not others and not knows_better:
        person.shows = shown[0]


def _ask(session: Session, person: Person, source: str, rid: Rid) -> list[Effect]:
    if person.shows == source:
        return []
    objection = _objection(session, person, source)
    if objection is not None:
        return _refuse(person, objection, rid)
    return _begin(session, person, source)


def _objection(session: Session, person: Person, source: str) -> ErrorCode | None:
    if SHOWN[source] not in session.may(person) or not person.wants_media:
        return "not_allowed"
    if person.going is not None:
        return "service_away"
    others = (other for other in session.in_room(person.facts.room) if other is not person)
    return "shown_already" if any(other.shows for other in others) else None


def _begin(session: Session, person: Person, source: str) -> list[Effect]:
    effects = put_away(person)
    if source in person.silenced | person.stopped:  # ended by the person in charge; shown anew it is forwarded again
        person.stopped.discard(source)
        effects.append(Ask(person.facts.room, PauseMedia(person.seat, source, False)))
    person.shows = source
    return [*effects, *session.tell(person), Log("page_shown", person.seat, {"source": source})]


def _refuse(person: Person, code: ErrorCode, rid: Rid) -> list[Effect]:
    return [] if person.line is None else [Say(person.line, Error(code=code, rid=rid))]
