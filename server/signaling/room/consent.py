"""Consent to be recorded: asked by the person in charge, answered by each for himself, followed by the recording.

A room by consent is recorded exactly while both sides have said yes and nobody is here who has not (server/recordings/core.is_agreed).
Every answer is a signed receipt; the ones that made a recording begin are written into its journal as soon as it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from server.recordings.core import is_agreed, may_ask_consent
from server.sessions.core import OF_STAFF, SeatState
from server.signaling.messages import Consents
from server.signaling.room.effects import Act, AnswerConsent, Effect, Log, Say, SetRecorded
from server.signaling.room.own import refuse

if TYPE_CHECKING:
    from datetime import datetime

    from server.signaling.messages import AskConsent, Consent
    from server.signaling.room.people import Person
    from server.signaling.room.session import Session

RECORDING: Literal["recording"] = "recording"


def on_ask(session: Session, person: Person, message: AskConsent, now: datetime) -> list[Effect]:
    """Ask everybody here who is not on duty and has not said yes."""
    if session.facts.private:  # such a question is for when everybody is together
        return refuse(person.line, "not_allowed", message.rid)
    asked = [one for one in _guests(session, session.joint) if session.answers.get(one.seat) != "given"]
    if not asked:
        return refuse(person.line, "not_found", message.rid)
    session.answers.update((one.seat, "asked") for one in asked)
    logs = [Log("consent_asked", one.seat, {"purpose": message.purpose, "by": person.seat}) for one in asked]
    return [*tell(session), *logs]


def on_answer(session: Session, person: Person, message: Consent, now: datetime) -> list[Effect]:
    """Only who was asked can answer; a yes can be taken back at any time, a no as well."""
    if not may_ask_consent(session.facts.procedure) or person.seat not in session.answers:
        return refuse(person.line, "not_found", message.rid)
    facts = person.facts
    answer = AnswerConsent(person.seat, session.joint, person.name, facts.role, message.purpose, message.given)
    return [Act(answer, person.line, message.rid)]


def answered(session: Session, act: AnswerConsent, receipt: dict[str, Any]) -> list[Effect]:
    """The database has it."""
    session.answers[act.seat] = "given" if act.given else "refused"
    session.receipts[act.seat] = receipt
    log = Log("consent", act.seat, receipt, journal_only=True)
    return [*tell(session), log, *follow(session, act.room)]


def follow(session: Session, room: str) -> list[Effect]:
    """Begin or stop the recording as those who are here have it."""
    if not may_ask_consent(session.facts.procedure) or not session.answers or room in session.facts.private:
        return []
    agreed = is_agreed(session.answers, [(one.seat, str(one.facts.role)) for one in _guests(session, room)])
    if agreed == session.facts.rooms.get(room, False):
        return []
    session.facts.rooms[room] = agreed
    return [SetRecorded(room, agreed, "consent_given" if agreed else "consent_missing")]


def recording_began(session: Session, room: str) -> list[Effect]:
    """The journal runs: what everybody signed is its first content."""
    return [
        Log("consent", seat, receipt, journal_only=True)
        for seat, receipt in session.receipts.items()
        if session.people[seat].facts.room == room and session.answers.get(seat) == "given"
    ]


def tell(session: Session) -> list[Effect]:
    """How everybody stands, to all."""
    return session.everybody(Consents(purpose=RECORDING, people=dict(session.answers)))


def welcome(session: Session, person: Person) -> list[Effect]:
    """Somebody came: he sees how it stands, is asked too where others have been, and is not recorded before he has answered."""
    if person.line is None or not session.answers:
        return []
    if person.facts.role in OF_STAFF or person.seat in session.answers:
        return [Say(person.line, Consents(purpose=RECORDING, people=dict(session.answers)))]
    session.answers[person.seat] = "asked"
    return [*tell(session), *follow(session, session.joint)]


def _guests(session: Session, room: str) -> list[Person]:
    """Who is in the room (or was and is expected back) and not on duty."""
    return [
        one
        for one in session.in_room(room)
        if one.state is SeatState.ADMITTED
        and one.facts.role not in OF_STAFF
        and (one.is_seated or one.seat in session.receipts)
    ]
